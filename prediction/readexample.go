package prediction

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"github.com/lethe-audit/lethe/dataset"
)

// ReadExample reads one example, row counted from 0, of a directory of
// predictions that [Write] made: a table of that example alone with its id and
// label, without attributes, and of the named variants, all where none is named,
// with everything that is stored of their members but full scores. Only the
// pages that hold the row are read, and only their checksums are checked, not
// the files' digests: [Read] and [ReadAnswers] do that.
func ReadExample(ctx context.Context, dir string, row int, variants ...string) (*Table, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	if row < 0 || row >= m.Examples.Rows {
		return nil, fmt.Errorf("prediction: %s: row %d asked for, there are %d", dir, row, m.Examples.Rows)
	}
	t := &Table{Classes: m.Classes, Subset: m.Subset, Shift: m.Shift}
	if err := oneRow(dir, m.Examples.fileEntry, row, func(f *columnFile) (err error) {
		if t.Labels, err = f.classes("label", len(m.Classes)); err != nil {
			return err
		}
		t.IDs = []dataset.ExampleID{dataset.ExampleID(fmt.Sprint(row))} // as [Table.ID] numbers rows without ids
		if m.Examples.IDs {
			t.IDs, err = f.ids("id")
		}
		return err
	}); err != nil {
		return nil, err
	}
	for _, want := range variants {
		if !slices.ContainsFunc(m.Variants, func(e variantEntry) bool { return e.Name == want }) {
			return nil, fmt.Errorf("prediction: %s: there is no variant %s", dir, want)
		}
	}
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range m.Variants {
		e := &m.Variants[i]
		if len(variants) > 0 && !slices.Contains(variants, e.Name) {
			continue
		}
		members := make([]Member, len(e.Members))
		t.Variants = append(t.Variants, Variant{Name: e.Name, Kind: e.Kind, Level: e.Level, Restored: e.Restored, Members: members})
		for k := range e.Members {
			g.Go(func() error {
				if err := running.Err(); err != nil {
					return err
				}
				return e.Members[k].readOne(dir, row, len(m.Classes), &members[k])
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return t, t.Validate()
}

// readOne reads one row of a member.
func (e *memberEntry) readOne(dir string, row, classes int, m *Member) error {
	*m = e.member()
	return oneRow(dir, e.fileEntry, row, func(f *columnFile) (err error) {
		if m.Predicted, err = f.classes("predicted", classes); err != nil {
			return err
		}
		return beside(f, m, e, classes)
	})
}

// oneRow opens a file to read one row of it.
func oneRow(dir string, e fileEntry, row int, fn func(*columnFile) error) (err error) {
	name := filepath.Join(dir, filepath.FromSlash(e.File))
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("prediction: %w", err)
	}
	defer file.Close() // opened for reading: nothing is lost
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("prediction: %w", err)
	}
	if info.Size() != e.Bytes {
		return fmt.Errorf("prediction: %s: want %d bytes, got %d: the file is truncated or was changed", name, e.Bytes, info.Size())
	}
	defer guard(name, &err)
	f, err := parquet.OpenFile(file, info.Size(), parquet.SkipBloomFilters(true)) // the page index says where the row is
	if err != nil {
		return fmt.Errorf("prediction: %s: not a whole Parquet file: %w", name, err)
	}
	one := int64(row)
	return fn(&columnFile{name: name, f: f, one: &one})
}

// page calls fn with the one row of a column that is to be read.
func (c *columnFile) page(column string, index int, fn func(parquet.Page) error) error {
	at := *c.one
	for _, g := range c.f.RowGroups() {
		if at >= g.NumRows() {
			at -= g.NumRows()
			continue
		}
		if err := chunkRow(g.ColumnChunks()[index], at, fn); err != nil {
			return fmt.Errorf("prediction: %s: column %s: row %d: %w", c.name, column, *c.one, err)
		}
		return nil
	}
	return fmt.Errorf("prediction: %s: column %s: there is no row %d", c.name, column, *c.one)
}

func chunkRow(chunk parquet.ColumnChunk, row int64, fn func(parquet.Page) error) error {
	pages := chunk.Pages()
	defer pages.Close() // reads from an open file: nothing to lose
	if err := pages.SeekToRow(row); err != nil {
		return err
	}
	p, err := pages.ReadPage()
	if err != nil {
		return err
	}
	defer parquet.Release(p)
	return fn(p.Slice(0, 1))
}
