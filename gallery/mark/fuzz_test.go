package mark

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/lethe-audit/lethe/dataset"
)

// memory is a file without a disk.
type memory struct{ b []byte }

func (m *memory) Write(b []byte) (int, error) { m.b = append(m.b, b...); return len(b), nil }
func (m *memory) Sync() error                 { return nil }
func (m *memory) Truncate(n int64) error      { m.b = m.b[:n]; return nil }
func (m *memory) Close() error                { return nil }
func (m *memory) Stat() (fs.FileInfo, error) {
	return fs.Stat(fstest.MapFS{"x": {Data: m.b}}, "x")
}

// FuzzJournal: whatever is in the file, reading it ends in an error or in marks
// that are kept, with the file's sense, when another is added.
func FuzzJournal(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "marks-1.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add(b[:len(b)-20])
	f.Add([]byte(nil))
	f.Add([]byte(`{"lethe_marks":1}`))
	f.Add([]byte("{\"lethe_marks\":1}\n{\"id\":\"\\ud800\",\"verdict\":\"\",\"at\":\"2026-11-24T14:00:05+01:00\",\"undo\":true}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := &memory{bytes.Clone(b)}
		j := &Journal{path: "x", open: func(string) (file, error) { return disk, nil }, now: map[dataset.ExampleID]Mark{}}
		if err := j.replay(b); err != nil || j.size == 0 { // an empty one is made anew on the disk
			return
		}
		before := j.Marks()
		m, err := j.Add(Mark{ID: "new", Note: "x", At: at(0)})
		if err != nil {
			t.Fatalf("a journal that could be read takes no mark: %v", err)
		}
		want, replaced := []Mark{}, false
		for _, old := range before {
			if old.ID == m.ID {
				old, replaced = m, true
			}
			want = append(want, old)
		}
		again := &Journal{path: "x", now: map[dataset.ExampleID]Mark{}}
		if err := again.replay(disk.b); err != nil {
			t.Fatalf("after another mark: %v", err)
		}
		got := again.Marks()
		if !replaced {
			got = without(got, m)
		}
		if !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
			t.Errorf("marks %+v, want %+v", got, want)
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 && !bytes.HasPrefix(disk.b, b[:i+1]) {
			t.Error("lines that were whole have changed")
		}
	})
}

// without is the list less one mark that must be in it.
func without(list []Mark, m Mark) []Mark {
	out := []Mark{}
	for _, x := range list {
		if x != m {
			out = append(out, x)
		}
	}
	return out
}
