package importer

import (
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// memberKey tells members apart while they are read.
type memberKey struct{ variant, name string }

// member is one model while its rows are read. Slices are by example.
type member struct {
	memberKey
	from    string // file (and column), for messages
	kind    prediction.Kind
	level   *float64
	seed    *int64
	lineage string
	config  map[string]string

	predicted  []int32   // class code, -1 where there is none
	confidence []float32 // nil or by example, -1 where there is none
	trueScore  []float32
	binary     []float32 // score of the positive class
	scores     *scoreRef
}

// scoreRef is where the scores of a member are.
type scoreRef struct {
	matrix matrix
	file   *frame
	rows   []int32  // example -> row of the matrix, -1 where there is none; nil where they are the same
	names  []string // class names of the columns in order; nil where they are in order of class number
	order  []int    // column -> class number; nil for the same
}

// member is the member with a key, new or old.
func (a *assembly) member(variant, name, from string) *member {
	key := memberKey{variant, name}
	m := a.byKey[key]
	if m == nil {
		m = &member{memberKey: key, from: from}
		a.byKey[key] = m
		a.members = append(a.members, m)
	}
	return m
}

// setText stores a setting that a column gives: seed, lineage, kind or level.
func (m *member) setText(f *frame, row int, c *column, as role) error {
	s, ok := c.cell(row)
	if !ok {
		return nil
	}
	bad := func(want string) error {
		e := f.at(row, c.name)
		e.Want, e.Got = want, quoted(s)
		return e
	}
	switch as {
	case roleSeed:
		v, err := strconv.ParseInt(className(s), 10, 64)
		if err != nil {
			return bad("a whole number as seed")
		}
		if m.seed != nil && *m.seed != v {
			return bad("the seed " + strconv.FormatInt(*m.seed, 10) + " in all rows of model " + m.name)
		}
		m.seed = &v
	case roleLineage:
		if m.lineage != "" && m.lineage != s {
			return bad("the lineage " + quoted(m.lineage) + " in all rows of model " + m.name)
		}
		m.lineage = s
	case roleKind:
		m.kind = prediction.Kind(strings.ToLower(s))
	case roleLevel:
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || v != v || v < 0 {
			return bad("a level: a sparsity in [0, 1) or a bit width")
		}
		m.level = &v
	}
	return nil
}

// floats makes room for n entries of -1.
func floats(s []float32, n int) []float32 {
	for len(s) < n {
		s = append(s, -1)
	}
	return s
}

// unit checks that a probability is one.
func unit(f *frame, row int, c *column) (float32, error) {
	v := c.nums[row]
	if v >= 0 && v <= 1 {
		return v, nil
	}
	e := f.at(row, c.name)
	e.Want, e.Got = "a number in [0, 1]", strconv.FormatFloat(float64(v), 'g', 7, 32)
	return 0, e
}
