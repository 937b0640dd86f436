package finding

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// Int32s fills dst with the values of a column of 32-bit numbers, those of row
// from of the file first. It fails where the file has not that many rows. As
// all readers of columns it leaves the place of [ExampleReader.Read] as it is
// and may be called from several goroutines at once.
func (r *ExampleReader) Int32s(column string, from int64, dst []int32) error {
	return r.column(column, parquet.Int32, from, len(dst), func(p parquet.Page, at int) error {
		data := p.Data()
		return filled(copy(dst[at:], data.Int32()), p)
	})
}

// Int64s is [ExampleReader.Int32s] for a column of 64-bit numbers.
func (r *ExampleReader) Int64s(column string, from int64, dst []int64) error {
	return r.column(column, parquet.Int64, from, len(dst), func(p parquet.Page, at int) error {
		data := p.Data()
		return filled(copy(dst[at:], data.Int64()), p)
	})
}

// Bools is [ExampleReader.Int32s] for a column of truth values.
func (r *ExampleReader) Bools(column string, from int64, dst []bool) error {
	return r.column(column, parquet.Boolean, from, len(dst), func(p parquet.Page, at int) error {
		values, ok := p.Values().(parquet.BooleanReader)
		if !ok {
			return errors.New("the truth values are optional, want one in every row")
		}
		to, n := dst[at:at+int(p.NumRows())], 0
		for n < len(to) {
			k, err := values.ReadBooleans(to[n:])
			n += k
			if err != nil && (n < len(to) || !errors.Is(err, io.EOF)) {
				return err
			}
		}
		return nil
	})
}

// Float64s is [ExampleReader.Int32s] for a column of floating-point numbers. Where
// the table has no number null is true and dst is 0. null may be nil for a
// column that has all its numbers.
func (r *ExampleReader) Float64s(column string, from int64, dst []float64, null []bool) error {
	return r.column(column, parquet.Double, from, len(dst), func(p parquet.Page, at int) error {
		data := p.Data()
		numbers, levels := data.Double(), p.DefinitionLevels()
		if len(levels) == 0 {
			if null != nil {
				clear(null[at : at+int(p.NumRows())])
			}
			return filled(copy(dst[at:], numbers), p)
		}
		if null == nil {
			return errors.New("there are nulls, want a number in every row")
		}
		for i, level := range levels {
			null[at+i], dst[at+i] = level == 0, 0
			if level == 0 {
				continue
			}
			if len(numbers) == 0 {
				return errors.New("a page has fewer numbers than it says")
			}
			dst[at+i], numbers = numbers[0], numbers[1:]
		}
		return filled(len(levels), p)
	})
}

// Texts calls fn with n values of a column of text, that of row from of the file
// first; i counts from 0. The bytes are valid during the call.
func (r *ExampleReader) Texts(column string, from int64, n int, fn func(i int, text []byte) error) error {
	return r.column(column, parquet.ByteArray, from, n, func(p parquet.Page, at int) error {
		data := p.Data()
		if dict := p.Dictionary(); dict != nil {
			return codedTexts(dict, data.Int32(), at, fn)
		}
		text, offsets := data.ByteArray()
		for i := 1; i < len(offsets); i++ {
			if err := fn(at+i-1, text[offsets[i-1]:offsets[i]]); err != nil {
				return err
			}
		}
		return filled(max(0, len(offsets)-1), p)
	})
}

func codedTexts(dict parquet.Dictionary, codes []int32, at int, fn func(i int, text []byte) error) error {
	words := make([][]byte, dict.Len())
	for i := range words {
		words[i] = dict.Index(int32(i)).ByteArray()
	}
	for i, c := range codes {
		if c < 0 || int(c) >= len(words) {
			return fmt.Errorf("code %d, the dictionary has %d", c, len(words))
		}
		if err := fn(at+i, words[c]); err != nil {
			return err
		}
	}
	return nil
}

// filled checks that a page gave all its rows.
func filled(n int, p parquet.Page) error {
	if int64(n) != p.NumRows() {
		return fmt.Errorf("a page of %d rows has %d values", p.NumRows(), n)
	}
	return nil
}

// column calls fn with pages that hold rows from to from+n of a column, cut to
// those rows; at is where a page's first row is among the n.
func (r *ExampleReader) column(name string, kind parquet.Kind, from int64, n int, fn func(p parquet.Page, at int) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged Parquet file: %v", p)
		}
		if err != nil {
			err = fmt.Errorf("finding: examples: column %q: %w", name, err)
		}
	}()
	leaf, ok := r.file.Schema().Lookup(name)
	if !ok || leaf.Node.Type().Kind() != kind {
		return fmt.Errorf("there is none of type %v", kind)
	}
	if from < 0 || from+int64(n) > r.Len() {
		return fmt.Errorf("rows %d to %d asked for, there are %d", from, from+int64(n)-1, r.Len())
	}
	at := 0
	for _, g := range r.file.RowGroups() {
		if at == n {
			return nil
		}
		if from >= g.NumRows() {
			from -= g.NumRows()
			continue
		}
		want := min(n-at, int(g.NumRows()-from))
		if err := chunkRows(g.ColumnChunks()[leaf.ColumnIndex], from, at, want, fn); err != nil {
			return err
		}
		at, from = at+want, 0
	}
	return nil
}

// chunkRows calls fn with the pages that hold want rows of a chunk, from its row
// from on.
func chunkRows(c parquet.ColumnChunk, from int64, at, want int, fn func(p parquet.Page, at int) error) error {
	pages := c.Pages()
	defer pages.Close() // reads from an open file: nothing to lose
	if from > 0 {
		if err := pages.SeekToRow(from); err != nil {
			return err
		}
	}
	for end := at + want; at < end; {
		p, err := pages.ReadPage()
		if err == io.EOF {
			return fmt.Errorf("%d rows are missing", end-at)
		}
		if err != nil {
			return err
		}
		cut := p
		if rows := p.NumRows(); rows > int64(end-at) {
			cut = p.Slice(0, int64(end-at))
		}
		at += int(cut.NumRows())
		err = fn(cut, at-int(cut.NumRows()))
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
	return nil
}
