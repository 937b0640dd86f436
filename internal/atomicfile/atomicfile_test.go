package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

var errTest = errors.New("test")

// names lists everything in dir, hidden files too.
func names(t *testing.T, dir string) []string {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range es {
		out = append(out, e.Name())
	}
	return out
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	for _, s := range []string{"one", "two"} {
		if err := Write(name, func(w io.Writer) error { _, err := io.WriteString(w, s); return err }); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) != s {
			t.Fatalf("read %q, %v, want %q", b, err, s)
		}
	}
	err := Write(name, func(w io.Writer) error { io.WriteString(w, "half"); return errTest })
	if !errors.Is(err, errTest) {
		t.Fatalf("error %v, want that of the callback", err)
	}
	if b, _ := os.ReadFile(name); string(b) != "two" {
		t.Errorf("a failed write left %q, want the old content", b)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("a failed write left %v", got)
	}
}

func TestDir(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "d")
	put := func(s string) func(string) error {
		return func(tmp string) error { return os.WriteFile(filepath.Join(tmp, s), []byte(s), 0o644) }
	}
	if err := Dir(dir, false, put("one")); err != nil {
		t.Fatal(err)
	}
	ran := false
	err := Dir(dir, false, func(string) error { ran = true; return nil })
	if !errors.Is(err, fs.ErrExist) || ran {
		t.Errorf("over an existing directory: error %v, callback ran %v; want ErrExist before it runs", err, ran)
	}
	if err := Dir(dir, true, func(tmp string) error { put("half")(tmp); return errTest }); !errors.Is(err, errTest) {
		t.Errorf("error %v, want that of the callback", err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != "one" {
		t.Errorf("a failed replacement left %v, want [one]", got)
	}
	if err := Dir(dir, true, put("two")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != "two" {
		t.Errorf("after replacing %v, want [two]", got)
	}
	if got := names(t, filepath.Dir(dir)); len(got) != 1 {
		t.Errorf("beside the directory: %v, want nothing else", got)
	}
}

func TestPanicLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []func(){
		func() { Write(filepath.Join(dir, "f"), func(io.Writer) error { panic("x") }) },
		func() {
			Dir(filepath.Join(dir, "d"), false, func(tmp string) error {
				if err := os.WriteFile(filepath.Join(tmp, "x"), nil, 0o644); err != nil {
					t.Error(err)
				}
				panic("x")
			})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			f()
		}()
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("a panic left %v", got)
	}
}

func TestCopy(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(to); err != nil || string(b) != "content" {
		t.Errorf("%q, %v", b, err)
	}
	if err := Copy(to, filepath.Join(dir, "absent")); err == nil {
		t.Error("no error")
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("left behind: %v", got)
	}
}
