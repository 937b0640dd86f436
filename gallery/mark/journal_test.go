package mark

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/dataset"
)

// TestMain adds marks until it is killed where a test started it for that, and
// prints the id of each when it is saved.
func TestMain(m *testing.M) {
	path := os.Getenv("MARK_TEST_JOURNAL")
	if path == "" {
		os.Exit(m.Run())
	}
	j, err := Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	from := len(j.Marks())
	for i := from; ; i++ {
		saved, err := j.Add(Mark{ID: dataset.ExampleID(fmt.Sprint("image", i)), Verdict: Confirmed, Note: strings.Repeat("ö", i%300)})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(saved.ID)
	}
}

func at(second int) time.Time { return time.Date(2026, 11, 24, 14, 0, second, 0, time.UTC) }

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func add(t *testing.T, j *Journal, m Mark) {
	t.Helper()
	if _, err := j.Add(m); err != nil {
		t.Fatal(err)
	}
}

func TestNewestWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	j := open(t, path)
	if len(j.Marks()) != 0 {
		t.Fatal("marks in a file that is not there")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("looking made the file")
	}
	marks := []Mark{
		{ID: "b", Variant: "sparse-0.9", Verdict: Ambiguous, At: at(1)},
		{ID: "a", Verdict: Mislabelled, Note: "<b>zwei</b>\nKatzen \"x\"", By: "ann", At: at(2)},
		{ID: "b", Verdict: LowQuality, At: at(3)},
		{ID: "c", Verdict: Confirmed, At: at(4)},
		{ID: "c", At: at(5)}, // taken back
		{ID: "d", Note: "only a note", At: at(6)},
	}
	for _, m := range marks {
		add(t, j, m)
	}
	want := []Mark{marks[1], marks[2], marks[5]}
	wantCounts := map[Verdict]int{Mislabelled: 1, LowQuality: 1, None: 1}
	check := func(j *Journal) {
		t.Helper()
		if got := j.Marks(); !reflect.DeepEqual(got, want) {
			t.Errorf("marks %+v, want %+v", got, want)
		}
		if got := j.Counts(); !reflect.DeepEqual(got, wantCounts) {
			t.Errorf("counts %v, want %v", got, wantCounts)
		}
		if m, ok := j.Get("c"); ok {
			t.Errorf("c has %+v", m)
		}
		if m, ok := j.Get("a"); !ok || m != marks[1] {
			t.Errorf("a has %+v", m)
		}
	}
	check(j)
	check(open(t, path))
	if got, err := Read(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %v, %v", got, err)
	}
}

// TestUndo compares with a list of states kept by hand, across restarts.
func TestUndo(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	j := open(t, path)
	rng := rand.New(rand.NewPCG(1, 2))
	state := map[dataset.ExampleID]Mark{}
	type step struct{ before, after Mark }
	var done []step
	for i := range 200 {
		switch k := rng.IntN(10); {
		case k < 6:
			id := dataset.ExampleID(fmt.Sprint(rng.IntN(7)))
			m := Mark{ID: id, Verdict: append(Verdicts(), None)[rng.IntN(5)], At: at(i)}
			done = append(done, step{state[id], m})
			state[id] = m
			add(t, j, m)
		case k < 9:
			m, ok, err := j.Undo("")
			if err != nil || ok != (len(done) > 0) {
				t.Fatalf("step %d: undo %v, %v with %d changes", i, ok, err, len(done))
			}
			if !ok {
				continue
			}
			last := done[len(done)-1]
			done = done[:len(done)-1]
			state[last.after.ID] = last.before
			if m.ID != last.after.ID || m.Verdict != last.before.Verdict || !m.Empty() && m != last.before {
				t.Fatalf("step %d: undo of %+v gave %+v, want %+v", i, last.after, m, last.before)
			}
		default:
			j.Close()
			j = open(t, path)
		}
		for id, want := range state {
			if got, ok := j.Get(id); ok == want.Empty() || ok && got != want {
				t.Fatalf("step %d: %s has %+v, want %+v", i, id, got, want)
			}
		}
	}
}

// TestUndoOfOthers: nobody takes back what somebody else did.
func TestUndoOfOthers(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), FileName))
	add(t, j, Mark{ID: "x", Verdict: Confirmed, By: "ann"})
	add(t, j, Mark{ID: "y", Verdict: Confirmed, By: "ann"})
	add(t, j, Mark{ID: "y", Verdict: Ambiguous, By: "bob"})
	if m, ok, err := j.Undo("ann"); !ok || err != nil || m.ID != "x" || !m.Empty() {
		t.Errorf("ann: %+v %v %v", m, ok, err)
	}
	if _, ok, err := j.Undo("ann"); ok || err != nil {
		t.Errorf("ann took bob's back: %v", err)
	}
	if m, ok, _ := j.Undo("bob"); !ok || m.Verdict != Confirmed || m.By != "ann" {
		t.Errorf("bob: %+v %v", m, ok)
	}
}

func TestInvalid(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	j := open(t, path)
	for _, m := range []Mark{
		{Verdict: Confirmed},
		{ID: "a", Verdict: "wrong"},
		{ID: "a\xff", Verdict: Confirmed},
		{ID: "a", Note: "\xff"},
		{ID: "a", Note: strings.Repeat("x", MaxNote+1)},
		{ID: dataset.ExampleID(strings.Repeat("x", MaxID+1)), Verdict: Confirmed},
		{ID: "a", By: strings.Repeat("x", MaxName+1)},
		{ID: "a", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := j.Add(m)
		if _, ok := errors.AsType[*InvalidError](err); !ok {
			t.Errorf("%.40v: error %v", m, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("something was written")
	}
}

// TestCutAnywhere cuts a journal after every byte: what was whole is there, what
// was not is gone, and the next mark finds a sound file.
func TestCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	j := open(t, whole)
	for i, m := range []Mark{{ID: "a", Verdict: Confirmed, Note: "größer {}"}, {ID: "b", Verdict: Ambiguous}, {ID: "a", Verdict: LowQuality}} {
		m.At = at(i)
		add(t, j, m)
	}
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(b) + 1 {
		path := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(path, b[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		// Whole lines: those that end before n, or at n but for the newline.
		lines := strings.Count(string(b[:n]), "\n")
		torn := n > 0 && b[n-1] != '\n' && b[n] != '\n'
		if n > 0 && b[n-1] != '\n' && !torn {
			lines++
		}
		want := []int{0, 0, 1, 2, 2}[lines]
		j := open(t, path)
		if got := len(j.Marks()); got != want || (j.Torn() > 0) != torn {
			t.Fatalf("%d bytes: %d marks, want %d; %d bytes torn", n, got, want, j.Torn())
		}
		add(t, j, Mark{ID: "new", Verdict: Confirmed, At: at(9)})
		got, err := Read(path)
		if err != nil || len(got) != want+1 {
			t.Fatalf("%d bytes: %d marks after another one, want %d: %v", n, len(got), want+1, err)
		}
	}
}

// TestKilled kills a process that adds marks, again and again on one journal:
// what it said was saved is there.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	saved := 0
	rng := rand.New(rand.NewPCG(3, 4))
	for range 6 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "MARK_TEST_JOURNAL="+path)
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(out)
		for want, n := 5+rng.IntN(40), 0; n < want && s.Scan(); n++ {
			saved++
		}
		_ = c.Process.Kill()
		for s.Scan() { // printed before it was killed
			saved++
		}
		_ = c.Wait()
		marks, err := Read(path)
		if err != nil || len(marks) < saved {
			t.Fatalf("%d marks on the disk, %d were saved: %v", len(marks), saved, err)
		}
		if len(marks) > saved+1 {
			t.Fatalf("%d marks on the disk, %d were saved", len(marks), saved)
		}
		saved = len(marks) // one may be on the disk that nobody was told of
	}
	if saved < 30 {
		t.Errorf("only %d marks were added", saved)
	}
}

// failing lets only the first bytes of a write through, or none be synced.
type failing struct {
	file
	room               int
	noSync, noTruncate bool
}

var errDisk = errors.New("no space left")

func (f *failing) Write(b []byte) (int, error) {
	if f.room < 0 || len(b) <= f.room {
		return f.file.Write(b)
	}
	n, _ := f.file.Write(b[:f.room])
	return n, errDisk
}

func (f *failing) Sync() error {
	if f.noSync {
		return errDisk
	}
	return f.file.Sync()
}

func (f *failing) Truncate(n int64) error {
	if f.noTruncate {
		return errDisk
	}
	return f.file.Truncate(n)
}

// TestFullDisk: a mark that could not be saved is nowhere, and the next one is.
func TestFullDisk(t *testing.T) {
	for _, noSync := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), FileName)
		j := open(t, path)
		disk := &failing{room: -1}
		j.open = func(path string) (file, error) {
			f, err := openAppend(path)
			disk.file = f
			return disk, err
		}
		add(t, j, Mark{ID: "a", Verdict: Confirmed})
		if noSync {
			disk.noSync = true
		} else {
			disk.room = 20
		}
		if _, err := j.Add(Mark{ID: "b", Verdict: Confirmed}); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), path) {
			t.Fatalf("error %v", err)
		}
		if _, ok := j.Get("b"); ok {
			t.Error("b is marked")
		}
		*disk = failing{file: disk.file, room: -1}
		if noSync { // the failed removal was not synced either: no more marks
			if _, err := j.Add(Mark{ID: "c", Verdict: Confirmed}); err == nil {
				t.Error("a mark went into a file of unknown state")
			}
			continue
		}
		add(t, j, Mark{ID: "c", Verdict: Confirmed})
		if got, err := Read(path); err != nil || len(got) != 2 || got[1].ID != "c" {
			t.Errorf("on the disk: %v, %v", got, err)
		}
		disk.room, disk.noTruncate = 20, true
		for range 2 {
			if _, err := j.Add(Mark{ID: "d", Verdict: Confirmed}); !errors.Is(err, errDisk) {
				t.Errorf("error %v", err)
			}
			disk.room = -1 // room again, but half a line is in the way
		}
	}
}

// TestOthersWrite: a journal that somebody else changed is left alone.
func TestOthersWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	j, late := open(t, path), open(t, path)
	add(t, j, Mark{ID: "a", Verdict: Confirmed})
	if _, err := late.Add(Mark{ID: "b", Verdict: Confirmed}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("a journal opened before the file was made: %v", err)
	}
	second := open(t, path)
	add(t, second, Mark{ID: "b", Verdict: Confirmed})
	if _, err := j.Add(Mark{ID: "c", Verdict: Confirmed}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("a journal that another wrote to: %v", err)
	}
	if got, err := Read(path); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestDamaged(t *testing.T) {
	good := `{"lethe_marks":1}` + "\n" + `{"id":"a","verdict":"confirmed","at":"2026-11-24T14:00:00Z"}` + "\n"
	for name, test := range map[string]struct{ text, want string }{
		"not ours":        {"id,verdict\na,b\n", `:1: not a file of marks: want {"lethe_marks":1}`},
		"newer":           {"{\"lethe_marks\":2}\n", "version 2: this program reads up to version 1"},
		"no header":       {strings.SplitAfterN(good, "\n", 2)[1], ":1: not a file of marks"},
		"middle":          {good + "{\"id\":\"b\",\n" + good[len(`{"lethe_marks":1}`)+1:], ":3: not a mark"},
		"unknown key":     {good + `{"id":"b","verdict":"confirmed","at":"2026-11-24T14:00:00Z","mood":1}` + "\n", `:3: not a mark: json: unknown field "mood"`},
		"two on a line":   {good + `{"id":"b","verdict":"","at":"2026-11-24T14:00:00Z"} {}` + "\n", ":3: not a mark: something follows"},
		"bad verdict":     {good + `{"id":"b","verdict":"good","at":"2026-11-24T14:00:00Z"}` + "\n", `:3: mark: unknown verdict "good": want confirmed, mislabelled`},
		"no id":           {good + `{"verdict":"confirmed","at":"2026-11-24T14:00:00Z"}` + "\n", ":3: mark: no id"},
		"no time":         {good + `{"id":"b","verdict":"confirmed"}` + "\n", ":3: mark: no time"},
		"empty line":      {good + "\n" + good, ":3: not a mark"},
		"zeros on a line": {good + "\x00\x00\x00\n", ":3: not a mark"},
	} {
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(good+"\x00\x00\x00"), 0o644); err != nil { // a power cut may leave zeros
		t.Fatal(err)
	}
	if got, err := Read(path); err != nil || len(got) != 1 {
		t.Errorf("zeros at the end: %v, %v", got, err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder is a journal")
	}
}

// TestVersion1 reads a file that version 1 wrote.
func TestVersion1(t *testing.T) {
	got, err := Read(filepath.Join("testdata", "marks-1.jsonl"))
	want := []Mark{
		{ID: "test/00003", Verdict: Mislabelled, Note: "a ship, not a plane", By: "ann", Variant: "sparse-0.9", At: at(2)},
		{ID: "test/00010", Note: "ask Bob", At: at(4)},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	j := open(t, path)
	var g sync.WaitGroup
	for i := range 50 {
		g.Go(func() {
			id := dataset.ExampleID(fmt.Sprint(i))
			if _, err := j.Add(Mark{ID: id, Verdict: Confirmed}); err != nil {
				t.Error(err)
			}
			j.Marks()
			j.Counts()
			if _, ok := j.Get(id); !ok {
				t.Errorf("%s is not marked", id)
			}
		})
	}
	g.Wait()
	if got, err := Read(path); err != nil || len(got) != 50 {
		t.Errorf("%d marks, %v", len(got), err)
	}
}
