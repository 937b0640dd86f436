package csvlist

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// column is a column of few values, coded in the order they were met.
type column struct {
	name      string
	at        int // in a row
	values    []string
	firstLine []int // line where each value was met first
	codes     []int32
	number    map[string]int32
	bands     *bands // of numbers; nil: values are as written
}

// maxValues is the most different values of a column.
const maxValues = 1 << 20

func (c *column) add(v string, line int) error {
	if c.bands != nil {
		var err error
		if v, err = c.bands.of(v); err != nil {
			return fmt.Errorf("line %d: column %s: %w", line, c.name, err)
		}
	}
	if v == "" {
		c.codes = append(c.codes, dataset.Missing)
		return nil
	}
	code, ok := c.number[v]
	if !ok {
		if len(c.values) == maxValues {
			return fmt.Errorf("line %d: column %s has more than %d values", line, c.name, maxValues)
		}
		v = strings.Clone(v)
		code = int32(len(c.values))
		c.number[v] = code
		c.values, c.firstLine = append(c.values, v), append(c.firstLine, line)
	}
	c.codes = append(c.codes, code)
	return nil
}

func (c *column) value(i int) (string, bool) {
	if c.codes[i] == dataset.Missing {
		return "", false
	}
	return c.values[c.codes[i]], true
}

// sort puts the values in order, of numbers if all are or of bands, and codes
// them anew.
func (c *column) sort() {
	numbers := true
	for _, v := range c.values {
		_, ok := wholeNumber(v)
		numbers = numbers && ok
	}
	order := make([]int32, len(c.values))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		va, vb := c.values[a], c.values[b]
		if c.bands != nil {
			return slices.Index(c.bands.names, va) - slices.Index(c.bands.names, vb)
		}
		if numbers {
			na, _ := wholeNumber(va)
			nb, _ := wholeNumber(vb)
			if na != nb {
				return na - nb
			}
		}
		return strings.Compare(va, vb)
	})
	place, values := make([]int32, len(order)), make([]string, len(order))
	for to, from := range order {
		place[from], values[to] = int32(to), c.values[from]
	}
	c.values = values
	for i, code := range c.codes {
		if code != dataset.Missing {
			c.codes[i] = place[code]
		}
	}
}

// wholeNumber reads a class number: 0, 1, ... below [maxNumber].
func wholeNumber(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n < maxNumber && strconv.Itoa(n) == s
}

// table is a file, its columns read.
type table struct {
	path   string
	paths  []string
	ids    []string // nil: none
	label  *column
	split  *splitColumn // nil: none
	groups []*column    // candidates for attributes
}

// splitColumn is a column of splits, the usual ones under their usual names.
type splitColumn struct{ column }

func (s *splitColumn) of(i int) dataset.Split {
	v, _ := s.value(i)
	return dataset.Split(v)
}

// read reads a table as the request's options say.
func read(ctx context.Context, r dataset.Request) (*table, error) {
	f, err := os.Open(r.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := parse(ctx, f, r.Options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Path, err)
	}
	t.path = r.Path
	return t, nil
}

func parse(ctx context.Context, r io.Reader, options map[string]string) (*table, error) {
	rows, head, err := header(r)
	if err != nil {
		return nil, err
	}
	t := &table{}
	used := map[int]bool{}
	role := func(option string, usual []string) (int, error) {
		at, err := pickColumn(head, option, options[option], usual)
		used[at] = true
		return at, err
	}
	path, err := role("path", pathNames())
	if err != nil {
		return nil, err
	}
	label, err := role("label", labelNames())
	if err != nil {
		return nil, err
	}
	if path < 0 || label < 0 {
		return nil, fmt.Errorf("columns %s: which are the paths and the labels? say path=COLUMN&label=COLUMN", strings.Join(head, ", "))
	}
	id, err := role("id", idNames())
	if err != nil {
		return nil, err
	}
	split, err := role("split-column", splitNames())
	if err != nil {
		return nil, err
	}
	t.label = newColumn(head, label)
	if split >= 0 {
		t.split = &splitColumn{*newColumn(head, split)}
	}
	if t.groups, err = groupColumns(head, used, options); err != nil {
		return nil, err
	}
	if err := t.band(options["bands"], head); err != nil {
		return nil, err
	}
	share, err := parseShare(options["test-share"], split)
	if err != nil {
		return nil, err
	}
	if err := t.rows(ctx, rows, path, id); err != nil {
		return nil, err
	}
	if err := t.drawSplit(share); err != nil {
		return nil, err
	}
	return t, t.unique()
}

// header makes a CSV reader for commas or, where the first line has them,
// tabs, and reads the column names.
func header(r io.Reader) (*csv.Reader, []string, error) {
	buf := bufio.NewReaderSize(r, 1<<16)
	if bom, err := buf.Peek(3); err == nil && string(bom) == "\xef\xbb\xbf" {
		buf.Discard(3)
	}
	start, err := buf.Peek(1 << 12)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	first, _, _ := strings.Cut(string(start), "\n")
	rows := csv.NewReader(buf)
	rows.ReuseRecord = true
	if strings.Contains(first, "\t") {
		rows.Comma = '\t'
	}
	record, err := rows.Read()
	if err == io.EOF {
		return nil, nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, nil, err
	}
	var head []string
	for _, name := range record {
		name = strings.TrimSpace(name)
		if name != "" && slices.Contains(head, name) {
			return nil, nil, fmt.Errorf("line 1: column %q is there twice", name)
		}
		head = append(head, name)
	}
	return rows, head, nil
}

// pickColumn is the place of a column: the named one, else the first usual one
// that is there, else -1.
func pickColumn(head []string, option, name string, usual []string) (int, error) {
	if name != "" {
		if at := slices.Index(head, name); at >= 0 {
			return at, nil
		}
		return -1, fmt.Errorf("%s=%s: column %q%s", option, name, name, dataset.Suggestion(name, head))
	}
	for _, u := range usual {
		if at := slices.IndexFunc(head, func(h string) bool { return strings.EqualFold(h, u) }); at >= 0 {
			return at, nil
		}
	}
	return -1, nil
}

func newColumn(head []string, at int) *column {
	return &column{name: head[at], at: at, number: map[string]int32{}}
}

// groupColumns are the columns that may be attributes: those named, or all
// that have no other use.
func groupColumns(head []string, used map[int]bool, options map[string]string) ([]*column, error) {
	var out []*column
	names, named := options["attributes"]
	if named {
		for _, n := range strings.Split(names, ",") {
			if n = strings.TrimSpace(n); n == "" || n == "none" {
				continue
			}
			at, err := pickColumn(head, "attributes", n, nil)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(out, func(c *column) bool { return c.at == at }) {
				return nil, fmt.Errorf("attributes=%s: %s is there twice", names, n)
			}
			out = append(out, newColumn(head, at))
		}
		return out, nil
	}
	for at, name := range head {
		if !used[at] && name != "" {
			out = append(out, newColumn(head, at))
		}
	}
	return out, nil
}

// rows reads all rows.
func (t *table) rows(ctx context.Context, rows *csv.Reader, path, id int) error {
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		line, _ := rows.FieldPos(0)
		if row[path] == "" || row[t.label.at] == "" {
			return fmt.Errorf("line %d: no path or no label", line)
		}
		t.paths = append(t.paths, strings.Clone(row[path]))
		if id >= 0 {
			t.ids = append(t.ids, strings.Clone(row[id]))
		}
		if err := t.label.add(row[t.label.at], line); err != nil {
			return err
		}
		if t.split != nil {
			if err := t.split.add(splitValue(row[t.split.at]), line); err != nil {
				return err
			}
		}
		for _, g := range t.groups {
			if err := g.add(strings.TrimSpace(row[g.at]), line); err != nil {
				return err
			}
		}
	}
	if len(t.paths) == 0 {
		return errors.New("there are no rows below the names of columns")
	}
	return nil
}

// splitValue is the split that a cell names.
func splitValue(cell string) string {
	cell = strings.TrimSpace(cell)
	if s := dataset.SplitNamed(cell); s != dataset.SplitUnknown {
		return string(s)
	}
	return cell
}

// unique checks that no id comes twice in a split.
func (t *table) unique() error {
	ids := t.ids
	if ids == nil {
		ids = t.paths
	}
	type key struct {
		split dataset.Split
		id    string
	}
	seen := make(map[key]int, len(ids))
	for i, id := range ids {
		k := key{id: id}
		if t.split != nil {
			k.split = t.split.of(i)
		}
		if first, again := seen[k]; again {
			return fmt.Errorf("rows %d and %d have the same id %q; name a column of ids by id=COLUMN", first+1, i+1, id)
		}
		if id == "" {
			return fmt.Errorf("row %d has no id", i+1)
		}
		seen[k] = i
	}
	return nil
}
