package appendfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/internal/appendfile"
)

// faulty is a file whose methods fail where they are told to.
type faulty struct {
	*os.File
	write, sync, truncate error
}

func (f *faulty) Write(b []byte) (int, error) {
	if f.write != nil {
		n, err := f.File.Write(b[:len(b)/2])
		return n, errors.Join(err, f.write)
	}
	return f.File.Write(b)
}

func (f *faulty) Sync() error { return f.sync }

func (f *faulty) Truncate(size int64) error {
	if f.truncate != nil {
		return f.truncate
	}
	return f.File.Truncate(size)
}

// A piece is there whole or not at all, and what is left of one is told.
func TestAppend(t *testing.T) {
	full := errors.New("no space left")
	for _, c := range []struct {
		name  string
		fault faulty
		want  string
		left  bool
	}{
		{name: "whole", want: "one\ntwo\n"},
		{name: "half written", fault: faulty{write: full}, want: "one\n"},
		{name: "half stays", fault: faulty{write: full, truncate: full}, want: "one\ntw", left: true},
		{name: "not on the disk", fault: faulty{sync: full}, want: "one\n", left: true},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte("one\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		c.fault.File = f
		err, left := appendfile.Append(&c.fault, 4, []byte("two\n"))
		got, _ := os.ReadFile(path)
		if string(got) != c.want || (left != nil) != c.left || (err != nil) != (c.name != "whole") {
			t.Errorf("%s: the file holds %q, errors %v and %v; want %q", c.name, got, err, left, c.want)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
