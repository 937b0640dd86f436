package prediction

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/lethe-audit/lethe/dataset"
)

// columnFile reads single columns of a Parquet file page by page into the
// types the table has, without a Go value per row.
type columnFile struct {
	name string
	f    *parquet.File
	one  *int64 // the one row to read, nil for all
}

func openColumns(name string, r io.ReaderAt, size int64) (c *columnFile, err error) {
	defer guard(name, &err)
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("prediction: %s: not a whole Parquet file: %w", name, err)
	}
	return &columnFile{name: name, f: f}, nil
}

// guard turns a panic of the Parquet library, which damaged files can cause,
// into an error.
func guard(name string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("prediction: %s: damaged Parquet file: %v", name, p)
	}
}

// rows is how many rows are read.
func (c *columnFile) rows() int {
	if c.one != nil {
		return 1
	}
	return int(c.f.NumRows())
}

// room is the capacity to start a column with: all rows, unless the footer
// claims more than a file of this size is likely to hold.
func (c *columnFile) room() int { return min(c.rows(), 1<<20+int(8*c.f.Size())) }

// pages calls fn with every page of a column of the given type.
func (c *columnFile) pages(column string, kind parquet.Kind, fn func(parquet.Page) error) (err error) {
	defer guard(c.name, &err)
	leaf, ok := c.f.Schema().Lookup(column)
	if !ok {
		return fmt.Errorf("prediction: %s: there is no column %s", c.name, column)
	}
	if got := leaf.Node.Type().Kind(); got != kind {
		return fmt.Errorf("prediction: %s: column %s: want type %v, got %v", c.name, column, kind, got)
	}
	if c.one != nil {
		return c.page(column, leaf.ColumnIndex, fn)
	}
	for _, g := range c.f.RowGroups() {
		if err := chunkPages(g.ColumnChunks()[leaf.ColumnIndex], fn); err != nil {
			return fmt.Errorf("prediction: %s: column %s: %w", c.name, column, err)
		}
	}
	return nil
}

func chunkPages(chunk parquet.ColumnChunk, fn func(parquet.Page) error) error {
	pages := chunk.Pages()
	defer pages.Close() // reads from memory or an open file: nothing to lose
	for {
		p, err := pages.ReadPage()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		err = fn(p)
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
}

// required refuses pages that can hold nulls.
func required(p parquet.Page) error {
	if len(p.DefinitionLevels()) > 0 || p.NumNulls() > 0 {
		return fmt.Errorf("want a required column, got one with nulls")
	}
	return nil
}

// classes reads a column of class numbers.
func (c *columnFile) classes(column string, classes int) (Column, error) {
	out := NewColumn(c.room(), classes).truncated()
	var looked []uint32
	err := c.pages(column, parquet.Int32, func(p parquet.Page) error {
		if err := required(p); err != nil {
			return err
		}
		data := p.Data()
		values := data.Uint32()
		if dict := p.Dictionary(); dict != nil {
			dictData := dict.Page().Data()
			dv := dictData.Uint32()
			looked = looked[:0]
			for _, code := range values {
				if int(code) >= len(dv) {
					return fmt.Errorf("row %d: code %d, the dictionary has %d", out.Len()+len(looked), code, len(dv))
				}
				looked = append(looked, dv[code])
			}
			values = looked
		}
		for i, v := range values {
			if uint64(v) >= uint64(classes) {
				return fmt.Errorf("row %d: class %d is outside 0 to %d", out.Len()+i, int32(v), classes-1)
			}
		}
		appendAll(&out, values)
		return nil
	})
	return out, c.whole(column, out.Len(), err)
}

// whole checks that a column had a value for every row.
func (c *columnFile) whole(column string, n int, err error) error {
	if err == nil && n != c.rows() {
		err = fmt.Errorf("prediction: %s: column %s: want %d rows, got %d", c.name, column, c.rows(), n)
	}
	return err
}

func (c *columnFile) floats(column string) ([]float32, error) {
	out := make([]float32, 0, c.room())
	err := c.pages(column, parquet.Float, func(p parquet.Page) error {
		if err := required(p); err != nil {
			return err
		}
		if p.Dictionary() != nil {
			return fmt.Errorf("want plain numbers, got dictionary codes")
		}
		data := p.Data()
		out = append(out, data.Float()...)
		return nil
	})
	return out, c.whole(column, len(out), err)
}

// ids reads a column of text. All ids of a page share one string's bytes.
func (c *columnFile) ids(column string) ([]dataset.ExampleID, error) {
	out := make([]dataset.ExampleID, 0, c.room())
	err := c.pages(column, parquet.ByteArray, func(p parquet.Page) error {
		if err := required(p); err != nil {
			return err
		}
		if p.Dictionary() != nil {
			return fmt.Errorf("want plain text, got dictionary codes")
		}
		data := p.Data()
		raw, offsets := data.ByteArray()
		all := string(raw)
		for i := 1; i < len(offsets); i++ {
			out = append(out, dataset.ExampleID(all[offsets[i-1]:offsets[i]]))
		}
		return nil
	})
	return out, c.whole(column, len(out), err)
}

// attribute reads a column of text as codes of the manifest's dictionary.
func (c *columnFile) attribute(e *attributeEntry) (Attribute, error) {
	codeOf := make(map[string]int32, len(e.Values))
	for i, v := range e.Values {
		codeOf[v] = int32(i)
	}
	a := Attribute{Name: e.Name, Values: e.Values, Codes: make([]int32, 0, c.room())}
	err := c.pages(e.Column, parquet.ByteArray, func(p parquet.Page) error {
		dict := p.Dictionary()
		if dict == nil {
			return fmt.Errorf("want dictionary codes, got plain text")
		}
		recode := make([]int32, dict.Len())
		for i := range recode {
			v := string(dict.Index(int32(i)).ByteArray())
			code, ok := codeOf[v]
			if !ok {
				return fmt.Errorf("value %q is not in the manifest", v)
			}
			recode[i] = code
		}
		data := p.Data()
		codes := data.Int32()
		next := 0
		for _, level := range p.DefinitionLevels() {
			code := int32(-1)
			if level > 0 {
				if next >= len(codes) || codes[next] < 0 || int(codes[next]) >= len(recode) {
					return fmt.Errorf("row %d: no such dictionary code", len(a.Codes))
				}
				code = recode[codes[next]]
				next++
			}
			a.Codes = append(a.Codes, code)
		}
		return nil
	})
	return a, c.whole(e.Column, len(a.Codes), err)
}
