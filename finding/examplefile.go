package finding

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// exampleVersionKey is the key of [ExampleVersion] in the file's metadata.
const exampleVersionKey = "lethe.examples.version"

// rowGroupRows bounds the memory of an [ExampleWriter]: rows held before they
// are compressed and written.
const rowGroupRows = 1 << 17

// ExampleSink takes rows of the table of examples in order.
type ExampleSink interface {
	Write(row *ExampleRow) error
	Close() error
}

// ExampleWriter writes the table of examples as Parquet, a row group at a
// time. Equal rows give equal bytes.
type ExampleWriter struct {
	out  *parquet.GenericWriter[ExampleRow]
	buf  []ExampleRow
	rows int64
}

// NewExampleWriter returns a writer of the table to w. [ExampleWriter.Close]
// completes the file and leaves w open.
func NewExampleWriter(w io.Writer) *ExampleWriter {
	return &ExampleWriter{
		out: parquet.NewGenericWriter[ExampleRow](w,
			parquet.Compression(&parquet.Snappy),
			parquet.MaxRowsPerRowGroup(rowGroupRows),
			parquet.CreatedBy("lethe", strconv.Itoa(ExampleVersion), ""),
			parquet.KeyValueMetadata(exampleVersionKey, strconv.Itoa(ExampleVersion))),
		buf: make([]ExampleRow, 0, 1024),
	}
}

// Write adds one row.
func (w *ExampleWriter) Write(row *ExampleRow) error {
	if err := row.validate(); err != nil {
		return err
	}
	w.buf = append(w.buf, *row)
	w.rows++
	if len(w.buf) < cap(w.buf) {
		return nil
	}
	return w.flush()
}

// Rows is the number of rows written so far.
func (w *ExampleWriter) Rows() int64 { return w.rows }

// Close writes what is left and the file's footer.
func (w *ExampleWriter) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.out.Close(); err != nil {
		return fmt.Errorf("finding: write examples: %w", err)
	}
	return nil
}

func (w *ExampleWriter) flush() error {
	_, err := w.out.Write(w.buf)
	w.buf = w.buf[:0]
	if err != nil {
		return fmt.Errorf("finding: write examples: %w", err)
	}
	return nil
}

func (r *ExampleRow) validate() error {
	switch r.Flip {
	case FlipNone, FlipRightToWrong, FlipWrongToRight, FlipWrongToWrong:
	default:
		return fmt.Errorf("finding: example %q of %s: flip %q is unknown", r.ID, r.Variant, r.Flip)
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	ok := finite(r.Margin) && finite(r.Taxicab)
	for _, p := range []*float64{r.P, r.Q, r.CertifiedP, r.CertifiedQ} {
		ok = ok && (p == nil || finite(*p))
	}
	if !ok {
		return fmt.Errorf("finding: example %q of %s holds a number that is not finite", r.ID, r.Variant)
	}
	return nil
}

// ExampleReader reads the table of examples in order, or some of its columns
// for some of its rows (see [ExampleReader.Int32s]).
type ExampleReader struct {
	in   *parquet.GenericReader[ExampleRow]
	file *parquet.File
	row  int64
}

// NewExampleReader opens a table of size bytes. It fails on a file that is no
// table of examples and on one of a newer version.
func NewExampleReader(r io.ReaderAt, size int64) (*ExampleReader, error) {
	f, err := openExamples(r, size)
	if err != nil {
		return nil, err
	}
	return &ExampleReader{in: parquet.NewGenericReader[ExampleRow](f), file: f}, nil
}

// openExamples opens and checks the file. The Parquet library panics on some
// damaged footers; that is an error here.
func openExamples(r io.ReaderAt, size int64) (f *parquet.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("finding: examples: damaged Parquet file: %v", p)
		}
	}()
	f, err = parquet.OpenFile(r, size)
	if err != nil {
		return nil, fmt.Errorf("finding: examples: %w", err)
	}
	text, ok := f.Lookup(exampleVersionKey)
	if !ok {
		return nil, fmt.Errorf("finding: examples: no %s in the file's metadata: not a table of examples", exampleVersionKey)
	}
	version, err := strconv.Atoi(text)
	if err != nil || version < 1 {
		return nil, fmt.Errorf("finding: examples: version %q, want a number from 1", text)
	}
	if version > ExampleVersion {
		return nil, fmt.Errorf("finding: examples: version %d, this program reads up to %d: use a newer lethe", version, ExampleVersion)
	}
	want := parquet.SchemaOf(ExampleRow{})
	for _, path := range want.Columns() {
		a, _ := want.Lookup(path...)
		b, ok := f.Schema().Lookup(path...)
		if !ok || b.Node.Type().Kind() != a.Node.Type().Kind() {
			return nil, fmt.Errorf("finding: examples: column %q is missing or has another type", path[0])
		}
	}
	return f, nil
}

// Len is the number of rows in the file.
func (r *ExampleReader) Len() int64 { return r.in.NumRows() }

// Read fills rows with the next rows and returns how many; io.EOF follows the
// last.
func (r *ExampleReader) Read(rows []ExampleRow) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			n, err = 0, fmt.Errorf("finding: examples: after row %d: damaged Parquet file: %v", r.row, p)
		}
	}()
	clear(rows)
	n, err = r.in.Read(rows)
	r.row += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("finding: examples: after row %d: %w", r.row, err)
	}
	return n, err
}

// Close releases the reader's buffers and leaves the file open.
func (r *ExampleReader) Close() error { return r.in.Close() }

// ExampleCSV writes rows of the table of examples as CSV with a header line;
// numbers that are not there are empty cells.
type ExampleCSV struct {
	out    *csv.Writer
	header bool
	cells  []string
}

// NewExampleCSV returns a writer of CSV to w.
func NewExampleCSV(w io.Writer) *ExampleCSV {
	return &ExampleCSV{out: csv.NewWriter(w)}
}

// ExampleColumns are the names of the columns of the table of examples, in
// order.
func ExampleColumns() []string {
	return []string{"id", "row", "variant", "label", "base_modal", "variant_modal", "tie", "pie", "flip",
		"base_votes", "variant_votes", "base_top", "variant_top", "base_k", "variant_k", "votes",
		"margin", "taxicab", "p", "q", "changed", "certified_p", "certified_q", "certified"}
}

// Write adds one row.
func (w *ExampleCSV) Write(r *ExampleRow) error {
	if err := w.start(); err != nil {
		return err
	}
	w.cells = append(w.cells[:0], r.ID, strconv.FormatInt(r.Row, 10), r.Variant)
	w.ints(r.Label, r.BaseModal, r.VariantModal)
	w.cells = append(w.cells, strconv.FormatBool(r.Tie), strconv.FormatBool(r.PIE), string(r.Flip))
	w.ints(r.BaseVotes, r.VariantVotes, r.BaseTop, r.VariantTop, r.BaseK, r.VariantK)
	w.cells = append(w.cells, r.Votes)
	w.floats(&r.Margin, &r.Taxicab, r.P, r.Q)
	w.cells = append(w.cells, strconv.FormatBool(r.Changed))
	w.floats(r.CertifiedP, r.CertifiedQ)
	w.cells = append(w.cells, strconv.FormatBool(r.Certified))
	if err := w.out.Write(w.cells); err != nil {
		return fmt.Errorf("finding: write examples: %w", err)
	}
	return nil
}

func (w *ExampleCSV) start() error {
	if w.header {
		return nil
	}
	w.header = true
	if err := w.out.Write(ExampleColumns()); err != nil {
		return fmt.Errorf("finding: write examples: %w", err)
	}
	return nil
}

func (w *ExampleCSV) ints(values ...int32) {
	for _, v := range values {
		w.cells = append(w.cells, strconv.FormatInt(int64(v), 10))
	}
}

func (w *ExampleCSV) floats(values ...*float64) {
	for _, v := range values {
		text := ""
		if v != nil {
			text = strconv.FormatFloat(*v, 'g', -1, 64)
		}
		w.cells = append(w.cells, text)
	}
}

// Close writes the header of an empty table too, and flushes.
func (w *ExampleCSV) Close() error {
	if err := w.start(); err != nil {
		return err
	}
	w.out.Flush()
	if err := w.out.Error(); err != nil {
		return fmt.Errorf("finding: write examples: %w", err)
	}
	return nil
}
