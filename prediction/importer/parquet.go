package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	"golang.org/x/sync/errgroup"
)

// readParquet reads the plain columns and the columns of lists of numbers of
// any Parquet file, page by page, several columns at a time.
func readParquet(ctx context.Context, s *source, p plan) (f *frame, err error) {
	defer guardParquet(s.name, &err)
	at, size, err := s.at()
	if err != nil {
		return nil, err
	}
	pf, err := parquet.OpenFile(at, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, &Error{File: s.name, Want: "a whole Parquet file", Got: "a truncated or damaged one", Err: err}
	}
	f = &frame{file: s.name, rows: int(pf.NumRows())}
	var leaves []parquet.LeafColumn
	for _, path := range pf.Schema().Columns() {
		leaf, ok := pf.Schema().Lookup(path...)
		if !ok || leaf.MaxRepetitionLevel > 1 || (leaf.MaxRepetitionLevel == 0 && len(path) > 1) {
			continue // structs and lists of lists
		}
		leaves = append(leaves, leaf)
		f.cols = append(f.cols, column{name: path[0]})
	}
	decodes, err := p(f.names())
	if err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range leaves {
		if decodes[i] == skip {
			continue
		}
		g.Go(func() (err error) {
			defer guardParquet(s.name, &err)
			r := &parquetColumn{file: s.name, leaf: leaves[i], out: &f.cols[i], want: decodes[i]}
			return r.read(ctx, pf, f.rows)
		})
	}
	return f, g.Wait()
}

// guardParquet turns a panic of the Parquet library, which damaged files can
// cause, into an error.
func guardParquet(file string, err *error) {
	if p := recover(); p != nil {
		*err = &Error{File: file, Want: "a whole Parquet file", Got: fmt.Sprintf("a damaged one: %v", p)}
	}
}

// parquetColumn reads one column.
type parquetColumn struct {
	file  string
	leaf  parquet.LeafColumn
	out   *column
	want  decode
	coder coder
	words []int32 // page dictionary index -> code, -1 for not yet known
	row   int     // rows read
	width int     // of lists, 0 before the first
	open  int     // values in the list being read
}

func (c *parquetColumn) read(ctx context.Context, f *parquet.File, rows int) error {
	if c.leaf.MaxRepetitionLevel == 1 {
		c.want = scores
	}
	for _, g := range f.RowGroups() {
		c.words = nil // each row group has its own dictionary
		pages := g.ColumnChunks()[c.leaf.ColumnIndex].Pages()
		for {
			p, err := pages.ReadPage()
			if err == io.EOF {
				break
			}
			if err == nil {
				err = errors.Join(ctx.Err(), c.page(p))
				parquet.Release(p)
			}
			if err != nil {
				pages.Close()
				return c.fail(err)
			}
		}
		if err := pages.Close(); err != nil {
			return c.fail(err)
		}
	}
	return c.finish(rows)
}

// fail puts file and column to an error.
func (c *parquetColumn) fail(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.File, e.Column = c.file, c.out.name
		return e
	}
	return &Error{File: c.file, Column: c.out.name, Want: "a whole Parquet file", Got: "a truncated or damaged one", Err: err}
}

func (c *parquetColumn) finish(rows int) error {
	c.out.kind = c.want
	got := c.row
	switch c.want {
	case text:
		col := c.coder.column()
		c.out.dict, c.out.codes = col.dict, col.codes
	case scores:
		if c.width == 0 {
			return &Error{File: c.file, Column: c.out.name, Want: "lists of scores", Got: "empty lists"}
		}
		if c.open != c.width {
			return c.listLength()
		}
		c.out.mat = &denseMatrix{classes: c.width, data: c.out.nums}
		c.out.nums, got = nil, len(c.out.nums)/c.width
	}
	if got != rows {
		return &Error{File: c.file, Column: c.out.name, Want: fmt.Sprintf("%d rows", rows), Got: fmt.Sprint(got)}
	}
	return nil
}

func (c *parquetColumn) page(p parquet.Page) error {
	values := p.Data()
	if d := p.Dictionary(); d != nil && c.want == text {
		return c.indexed(p, d, values)
	} else if d != nil {
		return c.plain(p, func(i int) any { return valueOf(d.Index(values.Int32()[i])) })
	}
	return c.plain(p, accessor(values))
}

// indexed reads a page of dictionary codes as text: each word is looked up
// once, not once a row.
func (c *parquetColumn) indexed(p parquet.Page, d parquet.Dictionary, values encoding.Values) error {
	c.coder.init()
	for len(c.words) < d.Len() {
		c.words = append(c.words, math.MinInt32)
	}
	codes := values.Int32()
	next := 0
	add := func() error {
		if next >= len(codes) || codes[next] < 0 || int(codes[next]) >= len(c.words) {
			return fmt.Errorf("row %d: no such dictionary code", c.row)
		}
		k := codes[next]
		next++
		if c.words[k] == math.MinInt32 {
			if err := c.text(valueOf(d.Index(k))); err != nil {
				return err
			}
			c.words[k] = c.coder.codes[len(c.coder.codes)-1]
			return nil
		}
		c.coder.codes = append(c.coder.codes, c.words[k])
		c.row++
		return nil
	}
	return c.rows(p, int(p.NumValues()), add)
}

// plain reads a page whose values are given by get.
func (c *parquetColumn) plain(p parquet.Page, get func(int) any) error {
	next := 0
	return c.rows(p, int(p.NumValues()), func() error {
		v := get(next)
		next++
		if c.want == text {
			return c.text(v)
		}
		return c.number(v)
	})
}

// rows walks over a page of n values, calling add for each that is not null.
func (c *parquetColumn) rows(p parquet.Page, n int, add func() error) error {
	def, rep := p.DefinitionLevels(), p.RepetitionLevels()
	for i := range n {
		if len(rep) > 0 {
			if err := c.list(rep[i] == 0); err != nil {
				return err
			}
		}
		if len(def) > 0 && int(def[i]) < c.leaf.MaxDefinitionLevel {
			if c.want != text {
				return &Error{Row: c.row + 1, Want: "a number", Got: "null"}
			}
			c.coder.word("")
			c.row++
			continue
		}
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}

// list follows the lists of scores: all must have one length.
func (c *parquetColumn) list(begins bool) error {
	if !begins {
		c.open++
		if c.width > 0 && c.open > c.width {
			return c.listLength()
		}
		return nil
	}
	if c.open > 0 {
		if c.width == 0 {
			c.width = c.open
		}
		if c.open != c.width {
			return c.listLength()
		}
		c.row++
	}
	c.open = 1
	return nil
}

func (c *parquetColumn) listLength() error {
	return &Error{File: c.file, Column: c.out.name, Row: c.row + 1, Want: fmt.Sprintf("%d scores", c.width), Got: fmt.Sprint(c.open)}
}

func (c *parquetColumn) text(v any) error {
	c.coder.init()
	switch v := v.(type) {
	case int64:
		c.coder.integer(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			c.coder.integer(int64(v))
		} else if math.IsNaN(v) {
			c.coder.word("")
		} else {
			c.coder.word(strconv.FormatFloat(v, 'g', -1, 64))
		}
	case string:
		c.coder.word(strings.TrimSpace(v))
	default:
		return &Error{Row: c.row + 1, Want: "a number or a text", Got: fmt.Sprintf("%T", v)}
	}
	c.row++
	return nil
}

func (c *parquetColumn) number(v any) error {
	var f float64
	switch v := v.(type) {
	case int64:
		f = float64(v)
	case float64:
		f = v
	case string:
		n, err := parseNumber(strings.TrimSpace(v))
		if err != nil {
			err.Row = c.row + 1
			return err
		}
		f = float64(n)
	default:
		return &Error{Row: c.row + 1, Want: "a number", Got: "another type"}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return &Error{Row: c.row + 1, Want: "a finite number", Got: fmt.Sprint(f)}
	}
	c.out.nums = append(c.out.nums, float32(f))
	if c.want != scores {
		c.row++
	}
	return nil
}

// valueOf is a Parquet value as int64, float64 or string.
func valueOf(v parquet.Value) any {
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.FormatBool(v.Boolean())
	case parquet.Int32:
		return int64(v.Int32())
	case parquet.Int64:
		return v.Int64()
	case parquet.Float:
		return float64(v.Float())
	case parquet.Double:
		return v.Double()
	case parquet.ByteArray:
		return string(v.ByteArray())
	default:
		return nil
	}
}
