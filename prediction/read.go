package prediction

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Read loads a directory of predictions that [Write] made. Files are read and
// decoded on all cores, and each is checked against its digest. Full scores
// stay on disk: a member's Scores reads them from there a block at a time,
// checking the checksum of each page; [Verify] checks their digests.
func Read(ctx context.Context, dir string) (*Table, error) { return read(ctx, dir, false) }

// ReadAnswers is [Read] for whoever needs no more of the members than their
// predicted classes: confidences, scores of the true class, ranks and what was
// chosen among all classes are left out, which can be ten times as much memory.
// Full scores stay on disk; [ReadExample] reads the rest for one example.
func ReadAnswers(ctx context.Context, dir string) (*Table, error) { return read(ctx, dir, true) }

func read(ctx context.Context, dir string, answers bool) (*Table, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	t := &Table{
		Classes: m.Classes, Subset: m.Subset, Training: m.Training, Shift: m.Shift, Join: m.Join, Inputs: m.Inputs, Notes: m.Notes,
		Variants: make([]Variant, len(m.Variants)),
	}
	r := &reader{dir: dir, m: m, answers: answers, content: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	g.Go(func() error { return r.examples(t) })
	for i := range m.Variants {
		e := &m.Variants[i]
		t.Variants[i] = Variant{Name: e.Name, Kind: e.Kind, Level: e.Level, Restored: e.Restored, Members: make([]Member, len(e.Members))}
		for k := range e.Members {
			g.Go(func() error {
				if err := running.Err(); err != nil {
					return err
				}
				return r.member(&t.Variants[i].Members[k], &e.Members[k])
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return t, readShifts(ctx, dir, m, t, answers)
}

// reader reads the files of one directory.
type reader struct {
	dir     string
	m       *manifest
	answers bool      // members' predicted classes only
	content sync.Pool // *bytes.Buffer, reused between files
}

// open reads one whole file, checks its digest and opens it as Parquet. The
// file is valid until done is called.
func (r *reader) open(e fileEntry) (f *columnFile, done func(), err error) {
	name := filepath.Join(r.dir, filepath.FromSlash(e.File))
	buf := r.content.Get().(*bytes.Buffer)
	buf.Reset()
	h := sha256.New()
	if err := readWhole(name, e.Bytes, buf, h); err != nil {
		return nil, nil, err
	}
	if got := digestString(h); got != e.Digest {
		return nil, nil, fmt.Errorf("prediction: %s: want digest %s, got %s: the file is damaged or was changed", name, e.Digest, got)
	}
	if f, err = openColumns(name, bytes.NewReader(buf.Bytes()), int64(buf.Len())); err != nil {
		return nil, nil, err
	}
	if f.rows() != r.m.Examples.Rows {
		return nil, nil, fmt.Errorf("prediction: %s: want %d rows, got %d", name, r.m.Examples.Rows, f.rows())
	}
	return f, func() { r.content.Put(buf) }, nil
}

// readWhole reads a file of a known size into buf and h.
func readWhole(name string, size int64, buf *bytes.Buffer, h hash.Hash) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("prediction: %w", err)
	}
	defer f.Close() // opened for reading: nothing is lost
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("prediction: %w", err)
	}
	if info.Size() != size {
		return fmt.Errorf("prediction: %s: want %d bytes, got %d: the file is truncated or was changed", name, size, info.Size())
	}
	buf.Grow(int(size))
	if _, err := io.Copy(io.MultiWriter(h, buf), f); err != nil {
		return fmt.Errorf("prediction: %s: %w", name, err)
	}
	return nil
}

func (r *reader) examples(t *Table) error {
	e := &r.m.Examples
	f, done, err := r.open(e.fileEntry)
	if err != nil {
		return err
	}
	defer done()
	if t.Labels, err = f.classes("label", len(r.m.Classes)); err != nil {
		return err
	}
	if e.IDs {
		if t.IDs, err = f.ids("id"); err != nil {
			return err
		}
	}
	if e.Split != nil {
		a, err := f.attribute(e.Split)
		if err != nil {
			return err
		}
		t.Splits = &a
	}
	for i := range e.Attributes {
		a, err := f.attribute(&e.Attributes[i])
		if err != nil {
			return err
		}
		t.Attributes = append(t.Attributes, a)
	}
	return readMeasured(f, e, t)
}

func (r *reader) member(m *Member, e *memberEntry) error {
	f, done, err := r.open(e.fileEntry)
	if err != nil {
		return err
	}
	defer done()
	classes := len(r.m.Classes)
	*m = e.member()
	if m.Predicted, err = f.classes("predicted", classes); err != nil {
		return err
	}
	if !r.answers {
		if err := beside(f, m, e, classes); err != nil {
			return err
		}
	}
	if e.Scores != nil {
		m.Scores, err = openScores(r.dir, e.Scores, r.m.Examples.Rows, classes)
	}
	return err
}

// member is what the manifest says of a member.
func (e *memberEntry) member() Member {
	return Member{Name: e.Name, Seed: e.Seed, Lineage: e.Lineage, Config: e.Config, Facts: e.Facts}
}

// beside reads what is stored of a member beside its predicted classes.
func beside(f *columnFile, m *Member, e *memberEntry, classes int) (err error) {
	if e.Unmasked {
		c, err := f.classes(unmaskedColumn, classes)
		if err != nil {
			return err
		}
		m.Unmasked = &c
	}
	if e.Confidence {
		if m.Confidence, err = f.floats("confidence"); err != nil {
			return err
		}
	}
	if e.TrueScore {
		if m.TrueScore, err = f.floats("true_score"); err != nil {
			return err
		}
	}
	for k := range e.TopK {
		c := m.Predicted
		if k > 0 {
			if c, err = f.classes(rankColumn(k), classes); err != nil {
				return err
			}
		}
		m.TopK = append(m.TopK, c)
	}
	return nil
}

// Verify checks every file of a directory of predictions against its digest,
// full scores included, and the digests of the predicted classes.
func Verify(ctx context.Context, dir string) error {
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	t, err := Read(ctx, dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range m.Shifts {
		errs = append(errs, Verify(ctx, filepath.Join(dir, filepath.FromSlash(s.Dir))))
	}
	for i, v := range m.Variants {
		for k, e := range v.Members {
			if got := t.Variants[i].Members[k].Predicted.Digest(); got != e.Content {
				errs = append(errs, fmt.Errorf("prediction: %s: want predictions with digest %s, got %s", filepath.Join(dir, e.File), e.Content, got))
			}
			if e.Scores != nil {
				errs = append(errs, verifyFile(ctx, dir, e.Scores.fileEntry))
			}
		}
	}
	return errors.Join(errs...)
}

// verifyFile digests a file of any size without holding it.
func verifyFile(ctx context.Context, dir string, e fileEntry) error {
	name := filepath.Join(dir, filepath.FromSlash(e.File))
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("prediction: %w", err)
	}
	defer f.Close() // opened for reading: nothing is lost
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(h, f, 1<<24); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("prediction: %s: %w", name, err)
		}
	}
	if got := digestString(h); got != e.Digest {
		return fmt.Errorf("prediction: %s: want digest %s, got %s: the file is damaged or was changed", name, e.Digest, got)
	}
	return nil
}
