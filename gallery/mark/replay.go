package mark

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/lethe-audit/lethe/dataset"
)

// replay takes the lines of a file in.
func (j *Journal) replay(b []byte) error {
	for n := 1; len(b) > 0; n++ {
		text, rest, ended := bytes.Cut(b, []byte("\n"))
		err := j.take(text, n)
		if err != nil && !ended {
			j.torn = len(b)
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", j.path, n, err)
		}
		j.size += int64(len(b) - len(rest))
		j.unended, b = !ended, rest
	}
	return nil
}

// take reads line n.
func (j *Journal) take(text []byte, n int) error {
	if n == 1 {
		var h header
		if err := strict(text, &h); err != nil || h.Version == 0 {
			return fmt.Errorf(`not a file of marks: want {"lethe_marks":%d} in the first line`, Version)
		}
		if h.Version > Version {
			return fmt.Errorf("marks of version %d: this program reads up to version %d", h.Version, Version)
		}
		return nil
	}
	var l line
	if err := strict(text, &l); err != nil {
		return fmt.Errorf("not a mark: %w", err)
	}
	if err := l.check(); err != nil {
		return err
	}
	l.At = l.At.UTC()
	j.apply(l)
	return nil
}

// strict decodes one JSON value without unknown keys and with nothing after it.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the object")
	}
	return nil
}

// apply makes a line the newest.
func (j *Journal) apply(l line) {
	before, ok := j.now[l.ID]
	if !ok {
		before = Mark{ID: l.ID}
	}
	if !l.Undo {
		j.changes = append(j.changes, change{l.By, before})
	} else if i := j.lastChange(l.ID); i >= 0 {
		j.changes = slices.Delete(j.changes, i, i+1)
	}
	j.now[l.ID] = l.Mark
}

// lastChange is the place of the newest change of an example, -1 if none.
func (j *Journal) lastChange(id dataset.ExampleID) int {
	for i, c := range slices.Backward(j.changes) {
		if c.before.ID == id {
			return i
		}
	}
	return -1
}
