package llm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
	"github.com/parquet-go/parquet-go"
)

// detailsName matches the name of a file of details: its task and date.
func detailsName(name string) (task, date string, ok bool) {
	m := regexp.MustCompile(`^details_(.+)_(\d{4}-\d{2}-\d{2}T[0-9.\-]+)\.parquet$`).FindStringSubmatch(filepath.Base(name))
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// detailsFiles lists the files of details in a directory or one level below.
func detailsFiles(dir string) ([]string, error) {
	var out []string
	for _, pattern := range []string{"details_*.parquet", filepath.Join("*", "details_*.parquet")} {
		names, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		if err != nil {
			return nil, fmt.Errorf("llm: %s: %w", dir, err)
		}
		out = append(out, names...)
	}
	return out, nil
}

// detailsLayout says where the details of a sample are. Paths are prefixes of the
// columns' paths.
type detailsLayout struct {
	document [][]string // what is asked, and the right answer
	prompt   []string   // what the model read
	id       []string   // nil: none
	metric   string     // the struct with a field for each metric
}

// detailsLayouts are the two that lighteval has had.
func detailsLayouts() []detailsLayout {
	return []detailsLayout{
		{[][]string{{"doc", "query"}, {"doc", "choices"}, {"doc", "gold_index"}}, []string{"model_response", "input"}, []string{"doc", "id"}, "metric"},
		{[][]string{{"example"}, {"choices"}, {"gold"}, {"gold_index"}}, []string{"full_prompt"}, nil, "metrics"},
	}
}

// details is one file while it is read.
type details struct {
	name string
	file *parquet.File
	lay  detailsLayout
	rows int
}

// readLighteval reads a file of details column by column; what is not needed, such as
// tokens and logits, is not touched. Samples have no hashes of their own: they are
// joined by a digest of document and prompt.
func readLighteval(ctx context.Context, name, task string, o Options) (s *samples, err error) {
	defer func() {
		if p := recover(); p != nil { // damaged files make the library panic
			err = &Error{File: name, Want: "a whole Parquet file", Got: fmt.Sprint("a damaged one: ", p)}
		}
	}()
	f, err := os.Open(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a file of details", Got: err.Error()}
	}
	defer f.Close() // opened for reading: nothing is lost
	d, err := openDetails(name, f)
	if err != nil {
		return nil, err
	}
	digest, size, err := digestFile(name)
	if err != nil {
		return nil, &Error{File: name, Want: "a readable file", Got: err.Error()}
	}
	s = &samples{task: task, file: name, filter: "none", input: prediction.Input{Path: name, Digest: digest, Bytes: size, Rows: int64(d.rows), Role: "samples"}}
	values, err := d.metric(ctx, s, o)
	if err != nil {
		return nil, err
	}
	if s.list, err = d.documents(ctx); err != nil {
		return nil, err
	}
	for i := range s.list {
		if s.list[i].right, err = correct([]byte(strconv.FormatFloat(values[i], 'g', -1, 64)), o.Threshold); err != nil {
			return nil, &Error{File: name, Line: i + 1, Field: d.lay.metric + "." + s.metric, Want: err.Error(), Got: strconv.FormatFloat(values[i], 'g', -1, 64)}
		}
	}
	s.inOrder()
	return s, nil
}

// inOrder numbers the documents by their digests: the order of rows means nothing.
func (s *samples) inOrder() {
	slices.SortStableFunc(s.list, func(a, b sample) int {
		if c := bytes.Compare(a.key[:], b.key[:]); c != 0 || a.right == b.right {
			return c
		}
		if a.right {
			return -1
		}
		return 1
	})
	named := map[string]int{}
	for i := range s.list {
		named[s.list[i].name]++
	}
	for i := range s.list {
		x := &s.list[i]
		x.docID = int64(i)
		if x.name == "" || named[x.name] > 1 {
			x.name = hex.EncodeToString(x.key[:6])
			if i > 0 && s.list[i-1].key == x.key {
				x.name += fmt.Sprintf(" (%d)", i)
			}
		}
	}
}

func openDetails(name string, f *os.File) (*details, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, &Error{File: name, Want: "a file of details", Got: err.Error()}
	}
	pf, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, &Error{File: name, Want: "a whole Parquet file", Got: "a truncated or damaged one: " + err.Error()}
	}
	d := &details{name: name, file: pf, rows: int(pf.NumRows())}
	for _, lay := range detailsLayouts() {
		if d.lay = lay; len(d.leaves(lay.document[0])) > 0 {
			break
		}
	}
	var columns []string
	for _, c := range pf.Schema().Fields() {
		columns = append(columns, c.Name())
	}
	switch {
	case len(d.leaves(d.lay.document[0])) == 0:
		return nil, &Error{File: name, Want: "the columns doc, metric and model_response, or example, full_prompt and metrics, of lighteval's details", Got: strings.Join(columns, ", ")}
	case d.rows == 0:
		return nil, &Error{File: name, Want: "samples", Got: "none"}
	}
	return d, nil
}

// detailsColumn is a column that holds values.
type detailsColumn struct {
	path []string
	parquet.LeafColumn
}

// leaves are the columns at or below a path.
func (d *details) leaves(prefix []string) []detailsColumn {
	var out []detailsColumn
	for _, path := range d.file.Schema().Columns() {
		if len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix) {
			if leaf, ok := d.file.Schema().Lookup(path...); ok {
				out = append(out, detailsColumn{path, leaf})
			}
		}
	}
	return out
}

// each calls f for every row with the values of a column in it.
func (d *details) each(ctx context.Context, leaf detailsColumn, f func(row int, values []parquet.Value) error) error {
	row := -1
	var values []parquet.Value
	flush := func() error {
		if row < 0 {
			return nil
		}
		if row >= d.rows {
			return fmt.Errorf("more rows than %d", d.rows)
		}
		return f(row, values)
	}
	buffer := make([]parquet.Value, 512)
	for _, g := range d.file.RowGroups() {
		pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
		err := eachValue(ctx, pages, buffer, func(v parquet.Value) error {
			if v.RepetitionLevel() == 0 {
				if err := flush(); err != nil {
					return err
				}
				row, values = row+1, values[:0]
			}
			values = append(values, v.Clone())
			return nil
		})
		if err = errors.Join(err, pages.Close()); err != nil {
			return d.damaged(leaf, err)
		}
	}
	if err := flush(); err != nil {
		return d.damaged(leaf, err)
	}
	if row != d.rows-1 {
		return d.damaged(leaf, fmt.Errorf("%d rows of %d", row+1, d.rows))
	}
	return nil
}

// damaged names the column, unless the error says what is wrong already.
func (d *details) damaged(leaf detailsColumn, err error) error {
	var e *Error
	if errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return err
	}
	return &Error{File: d.name, Field: strings.Join(leaf.path, "."), Want: "a whole column", Got: err.Error()}
}

func eachValue(ctx context.Context, pages parquet.Pages, buffer []parquet.Value, f func(parquet.Value) error) error {
	for {
		p, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		for values := p.Values(); ; {
			n, err := values.ReadValues(buffer)
			for _, v := range buffer[:n] {
				if err := f(v); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		parquet.Release(p)
	}
}

// metric chooses the metric that says right or wrong and reads its values.
func (d *details) metric(ctx context.Context, s *samples, o Options) ([]float64, error) {
	byName := map[string]detailsColumn{}
	for _, leaf := range d.leaves([]string{d.lay.metric}) {
		if k := leaf.Node.Type().Kind(); len(leaf.path) == 2 && leaf.MaxRepetitionLevel == 0 && (k == parquet.Double || k == parquet.Float || k == parquet.Int64 || k == parquet.Int32 || k == parquet.Boolean) {
			byName[leaf.path[1]] = leaf
		}
	}
	names := sortedKeys(byName)
	metric, ok := chooseMetric(names, o.Metric)
	switch {
	case len(names) == 0:
		return nil, &Error{File: d.name, Field: d.lay.metric, Want: "a number for each metric", Got: "none: lighteval wrote its values as text, or none at all"}
	case !ok:
		return nil, &Error{File: d.name, Field: d.lay.metric, Want: "the metric " + o.Metric, Got: fmt.Sprint(names)}
	}
	s.metric = metric
	var out []float64 // grows with what is there: a damaged file may claim any number of rows
	err := d.each(ctx, byName[metric], func(row int, values []parquet.Value) error {
		v, x := values[0], 0.0
		switch {
		case v.IsNull():
			return &Error{File: d.name, Line: row + 1, Field: d.lay.metric + "." + metric, Want: "a number", Got: "none"}
		case v.Kind() == parquet.Boolean:
			if v.Boolean() {
				x = 1
			}
		case v.Kind() == parquet.Double:
			x = v.Double()
		case v.Kind() == parquet.Float:
			x = float64(v.Float())
		case v.Kind() == parquet.Int32:
			x = float64(v.Int32())
		default:
			x = float64(v.Int64())
		}
		out = append(out, x)
		return nil
	})
	return out, err
}

// documents reads what tells the samples apart. Line is the row.
func (d *details) documents(ctx context.Context) ([]sample, error) {
	list := make([]sample, d.rows)
	for i := range list {
		list[i] = sample{choice: -1, gold: -1, line: int32(i + 1)}
	}
	add := func(prefix []string, to func(*sample) *digest) error {
		for _, leaf := range d.leaves(prefix) {
			err := d.each(ctx, leaf, func(row int, values []parquet.Value) error {
				x := to(&list[row])
				*x = digestOf(*x, strings.Join(leaf.path, "."), values)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	for _, path := range d.lay.document {
		if err := add(path, func(x *sample) *digest { return &x.doc }); err != nil {
			return nil, err
		}
	}
	for i := range list {
		list[i].key = list[i].doc
	}
	if err := add(d.lay.prompt, func(x *sample) *digest { return &x.key }); err != nil {
		return nil, err
	}
	for _, leaf := range d.leaves(d.lay.id) {
		if d.lay.id == nil || len(leaf.path) != len(d.lay.id) {
			continue
		}
		err := d.each(ctx, leaf, func(row int, values []parquet.Value) error {
			if v := values[0]; !v.IsNull() {
				list[row].name = v.String()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// digestOf adds a column's values to a digest. Lists of text and numbers, and nothing,
// all differ.
func digestOf(before digest, column string, values []parquet.Value) digest {
	parts := [][]byte{before[:], []byte(column)}
	for _, v := range values {
		var head [10]byte
		text := []byte(v.String())
		if v.IsNull() {
			text = nil
		}
		binary.LittleEndian.PutUint64(head[:8], uint64(len(text)))
		head[8], head[9] = byte(cmp.Compare(v.RepetitionLevel(), 0)), 1
		if v.IsNull() {
			head[9] = 0
		}
		parts = append(parts, head[:], text)
	}
	return hash(parts...)
}
