package prediction

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

const (
	pageBytes  = 1 << 20 // uncompressed bytes of a page
	writeBatch = 1 << 13 // rows handed to the Parquet library at a time

	scoreBlockValues = 1 << 18 // scores in a row group of a score file: 1 MiB as float32
)

// writeColumn is one column to write: fill gives values of rows from, from+1,
// ...
type writeColumn struct {
	name string
	node parquet.Node
	fill func(dst []parquet.Value, from int)
}

// classColumn writes class numbers: dictionary-coded, the smallest and
// fastest of the encodings measured in doc/decisions/parquet.md.
func classColumn(name string, c Column) writeColumn {
	return writeColumn{
		name: name,
		node: parquet.Encoded(parquet.Leaf(parquet.Int32Type), &parquet.RLEDictionary),
		fill: func(dst []parquet.Value, from int) {
			for i := range dst {
				dst[i] = parquet.Int32Value(int32(c.At(from + i)))
			}
		},
	}
}

func floatColumn(name string, values []float32) writeColumn {
	return writeColumn{
		name: name,
		node: parquet.Compressed(parquet.Encoded(parquet.Leaf(parquet.FloatType), &parquet.ByteStreamSplit), &parquet.Zstd),
		fill: func(dst []parquet.Value, from int) {
			for i := range dst {
				dst[i] = parquet.FloatValue(values[from+i])
			}
		},
	}
}

func textColumn[S ~string](name string, values []S) writeColumn {
	return writeColumn{
		name: name,
		node: parquet.Compressed(parquet.Encoded(parquet.String(), &parquet.Plain), &parquet.Zstd),
		fill: func(dst []parquet.Value, from int) {
			for i := range dst {
				dst[i] = parquet.ByteArrayValue([]byte(values[from+i]))
			}
		},
	}
}

// codedColumn writes an attribute as text, null where it is missing.
func codedColumn(name string, a *Attribute) writeColumn {
	dict := make([]parquet.Value, len(a.Values))
	for i, v := range a.Values {
		dict[i] = parquet.ByteArrayValue([]byte(v)).Level(0, 1, 0)
	}
	null := parquet.NullValue().Level(0, 0, 0)
	return writeColumn{
		name: name,
		node: parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary)),
		fill: func(dst []parquet.Value, from int) {
			for i := range dst {
				if c := a.Codes[from+i]; c >= 0 {
					dst[i] = dict[c]
				} else {
					dst[i] = null
				}
			}
		},
	}
}

// newWriter starts a Parquet file whose bytes depend on its content alone.
func newWriter(w io.Writer, name string, cols []writeColumn) *parquet.GenericWriter[any] {
	group := parquet.Group{}
	for _, c := range cols {
		group[c.name] = c.node
	}
	return parquet.NewGenericWriter[any](w, parquet.NewSchema(name, group),
		parquet.CreatedBy("lethe", "", ""),
		parquet.PageBufferSize(pageBytes),
		parquet.DataPageStatistics(false))
}

// writeParquet writes n rows of the columns as one row group.
func writeParquet(w io.Writer, name string, n int, cols []writeColumn) error {
	pw := newWriter(w, name, cols)
	buf := make([]parquet.Value, min(n, writeBatch))
	// Group orders its fields by name, and so does the writer its columns.
	index := map[string]int{}
	for i, path := range pw.Schema().Columns() {
		index[path[0]] = i
	}
	for _, c := range cols {
		cw := pw.ColumnWriters()[index[c.name]]
		for from := 0; from < n; from += len(buf) {
			dst := buf[:min(len(buf), n-from)]
			c.fill(dst, from)
			if _, err := cw.WriteRowValues(dst); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
	}
	return pw.Close()
}

// float16Leaf is the type of float16 scores: two bytes with the logical type
// that other readers know.
type float16Leaf struct{ parquet.Type }

func (float16Leaf) LogicalType() *format.LogicalType {
	return &format.LogicalType{Value: &format.Float16Type{}}
}

func scoreNode(f ScoreFormat) parquet.Node {
	if f == ScoresFloat16 {
		return parquet.Compressed(parquet.Leaf(float16Leaf{parquet.FixedLenByteArrayType(2)}), &parquet.Zstd)
	}
	return parquet.Compressed(parquet.Encoded(parquet.Leaf(parquet.FloatType), &parquet.ByteStreamSplit), &parquet.Zstd)
}

// writeScores writes the scores as one column of n*classes values, row by
// row. A row group holds whole examples, about a million bytes of them, so
// that a reader can take any block alone.
func writeScores(w io.Writer, s Scores, n, classes int, f ScoreFormat) error {
	block := scoreBlockRows(classes)
	pw := newWriter(w, "scores", []writeColumn{{name: "score", node: scoreNode(f)}})
	cw := pw.ColumnWriters()[0]
	rows := make([]float32, block*classes)
	values := make([]parquet.Value, len(rows))
	raw := make([]byte, 2*len(rows))
	for from := 0; from < n; from += block {
		k := min(block, n-from) * classes
		if err := s.Rows(from, rows[:k]); err != nil {
			return err
		}
		for i, v := range rows[:k] {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("row %d: score %v is not finite", from+i/classes, v)
			}
			if f == ScoresFloat32 {
				values[i] = parquet.FloatValue(v)
				continue
			}
			h, ok := toFloat16(v)
			if !ok {
				return fmt.Errorf("row %d: score %v does not fit float16, whose largest is 65504", from+i/classes, v)
			}
			binary.LittleEndian.PutUint16(raw[2*i:], h)
			values[i] = parquet.FixedLenByteArrayValue(raw[2*i : 2*i+2])
		}
		if _, err := cw.WriteRowValues(values[:k]); err != nil {
			return err
		}
		if err := pw.Flush(); err != nil {
			return err
		}
	}
	return pw.Close()
}

// scoreBlockRows is the number of examples in a row group of a score file.
func scoreBlockRows(classes int) int { return max(1, scoreBlockValues/classes) }
