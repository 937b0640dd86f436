package mark

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/appendfile"
	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// FileName is the journal's name in an audit directory.
const FileName = "marks.jsonl"

// Version is the version of the journal.
//
//	1  first version
const Version = 1

// header is the first line of a journal.
type header struct {
	Version int `json:"lethe_marks"`
}

// line is any other line: a mark, and whether it put an older state back.
type line struct {
	Mark
	Undo bool `json:"undo,omitempty"`
}

// change is what an example's mark was before another was given.
type change struct {
	by     string
	before Mark // its ID is always set
}

// file is what a journal needs of an open file; tests make it fail.
type file interface {
	appendfile.File
	Stat() (fs.FileInfo, error)
	Close() error
}

// Journal is an open journal. Its methods may be called from several goroutines.
type Journal struct {
	path string
	open func(path string) (file, error)

	mu      sync.Mutex
	f       file // nil until the first change
	size    int64
	broken  error
	torn    int
	unended bool // the last line lacks its newline
	now     map[dataset.ExampleID]Mark
	changes []change
}

// Open reads the journal at path; one that is not there is empty, and is made
// by the first mark. What a crash left of a last line is dropped: nobody was
// told that it was saved. Anything else that is wrong is an error that names
// the line. One process at a time may have it open.
func Open(path string) (*Journal, error) {
	j := &Journal{path: path, open: openAppend, now: map[dataset.ExampleID]Mark{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, fmt.Errorf("mark: %w", err)
	}
	if err := j.replay(b); err != nil {
		return nil, err
	}
	return j, nil
}

func openAppend(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
}

// Read is Open for those who only look: the marks that say something, by id.
func Read(path string) ([]Mark, error) {
	j, err := Open(path)
	if err != nil {
		return nil, err
	}
	return j.Marks(), nil
}

// Add saves a mark: it is on the disk when Add returns nil, and nowhere if it
// returns an error. A zero time is now. A mark that cannot be kept is an
// [*InvalidError]; other errors are the disk's.
func (j *Journal) Add(m Mark) (Mark, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.add(line{Mark: m})
}

func (j *Journal) add(l line) (Mark, error) {
	if l.At.IsZero() {
		l.At = time.Now()
	}
	l.At = l.At.UTC().Truncate(time.Millisecond)
	if err := l.check(); err != nil {
		return Mark{}, err
	}
	if err := j.write(l); err != nil {
		return Mark{}, fmt.Errorf("mark: %s: not saved: %w", j.path, err)
	}
	j.apply(l)
	return l.Mark, nil
}

// Undo takes the last change of a person back and saves that. It returns what
// the example's mark is now, which may be empty; ok is false if there is no
// change left to take back. A change that somebody else has made since to the
// same example stays: then the change before is taken.
func (j *Journal) Undo(by string) (m Mark, ok bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, c := range slices.Backward(j.changes) {
		if c.by != by || j.lastChange(c.before.ID) != i {
			continue
		}
		back := c.before // as it was, with its own person and time
		if back.Empty() {
			back.By, back.At = by, time.Time{}
		}
		m, err := j.add(line{back, true})
		return m, err == nil, err
	}
	return Mark{}, false, nil
}

// write puts a line at the end of the file and on the disk, or leaves the file
// as it was.
func (j *Journal) write(l line) error {
	if j.broken != nil {
		return j.broken
	}
	if err := j.ready(); err != nil {
		return err
	}
	var b bytes.Buffer
	if j.unended {
		b.WriteByte('\n')
	}
	encode(&b, l)
	err, left := appendfile.Append(j.f, j.size, b.Bytes())
	if left != nil {
		j.broken = fmt.Errorf("an earlier mark was half written and could not be removed: %w", left)
	}
	if err == nil {
		j.size, j.unended = j.size+int64(b.Len()), false
	}
	return err
}

// encode appends v as a line of JSON; marks and headers have nothing that could
// fail.
func encode(b *bytes.Buffer, v any) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
}

// ready opens the file for the first change, makes it or cuts off what a crash
// left, and looks whether somebody else wrote to it.
func (j *Journal) ready() error {
	if j.f != nil {
		return j.untouched(j.f, j.size)
	}
	if j.size == 0 {
		if err := j.create(); err != nil {
			return err
		}
	}
	f, err := j.open(j.path)
	if err != nil {
		return err
	}
	if err := j.prepare(f); err != nil {
		return errors.Join(err, f.Close())
	}
	j.f = f
	return nil
}

// create makes a file that holds the header only, in place of one without any
// mark.
func (j *Journal) create() error {
	info, err := os.Stat(j.path)
	if err == nil && info.Size() != int64(j.torn) {
		return j.changed(info.Size(), int64(j.torn))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var b bytes.Buffer
	encode(&b, header{Version})
	err = atomicfile.Write(j.path, func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
	if err == nil {
		j.size, j.torn = int64(b.Len()), 0
	}
	return err
}

func (j *Journal) prepare(f file) error {
	if err := j.untouched(f, j.size+int64(j.torn)); err != nil {
		return err
	}
	if j.torn == 0 {
		return nil
	}
	if err := errors.Join(f.Truncate(j.size), f.Sync()); err != nil {
		return err
	}
	j.torn = 0
	return nil
}

func (j *Journal) untouched(f file, want int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != want {
		return j.changed(info.Size(), want)
	}
	return nil
}

func (j *Journal) changed(size, want int64) error {
	return fmt.Errorf("another program changed the file (%d bytes, not %d): start again", size, want)
}

// Torn is the number of bytes of a last line that a crash cut short.
func (j *Journal) Torn() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.torn
}

// Get is the mark of an example; ok is false if it has none.
func (j *Journal) Get(id dataset.ExampleID) (m Mark, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	m, ok = j.now[id]
	return m, ok && !m.Empty()
}

// Marks are the newest marks of all examples that have one, by id.
func (j *Journal) Marks() []Mark {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Mark, 0, len(j.now))
	for _, m := range j.now {
		if !m.Empty() {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Mark) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Counts are the numbers of marks with each verdict; those of notes alone are
// under [None].
func (j *Journal) Counts() map[Verdict]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := map[Verdict]int{}
	for _, m := range j.now {
		if !m.Empty() {
			out[m.Verdict]++
		}
	}
	return out
}

// Close closes the file. Every mark is on the disk already.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.f == nil {
		return nil
	}
	f := j.f
	j.f, j.broken = nil, fs.ErrClosed
	return f.Close()
}
