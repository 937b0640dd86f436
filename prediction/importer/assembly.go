package importer

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/lethe-audit/lethe/prediction"
)

// assembly brings the rows of all sources together, example by example.
type assembly struct {
	ctx context.Context
	req *Request

	classes *vocabulary
	ids     *dictionary // id -> example; nil where rows are joined by position
	started bool        // the first source has said whether there are ids
	closed  bool        // the examples are those of the labels file: others are unknown
	n       int         // examples
	rows    []int32     // row of the labels file -> example; nil where they are the same
	used    bool        // a source without ids was joined by the rows of the labels file
	truth   []int32     // class code of each example, -1 where not known yet

	split      *attribute
	attributes []*attribute
	members    []*member
	byKey      map[memberKey]*member

	inputs   []prediction.Input
	notes    []string
	problems map[[2]string]*prediction.JoinProblem
	join     prediction.JoinReport
	columns  map[string]bool     // names of columns that some file has
	uses     map[string][]usedAs // file -> what for, where it is needed more than once
	kept     map[string]*frame   // files that are needed more than once
}

// usedAs is one use of a file.
type usedAs struct {
	column string
	as     use
}

// attribute is a categorical column over the examples while it is read.
type attribute struct {
	name  string
	dict  *dictionary
	codes []int32
}

func newAssembly(ctx context.Context, req *Request) *assembly {
	a := &assembly{
		ctx: ctx, req: req, classes: newVocabulary(), byKey: map[memberKey]*member{},
		problems: map[[2]string]*prediction.JoinProblem{}, columns: map[string]bool{},
		uses: map[string][]usedAs{}, kept: map[string]*frame{},
	}
	uses := func(ref string, as use) {
		if file, column := splitRef(ref); ref != "" {
			a.uses[file] = append(a.uses[file], usedAs{column, as})
		}
	}
	uses(req.Labels, useLabels)
	uses(req.IDs, useIDs)
	for _, s := range a.specs() {
		for _, ref := range s.Files {
			if a.isFile(ref) {
				uses(ref, useMember)
			}
		}
	}
	for _, ref := range req.Attributes {
		uses(ref, useAttributes)
	}
	return a
}

func (a *assembly) note(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if !slices.Contains(a.notes, s) {
		a.notes = append(a.notes, s)
	}
}

// problem counts rows of a source that did not join.
func (a *assembly) problem(source, what string, rows int, ids ...string) {
	if rows == 0 {
		return
	}
	p := a.problems[[2]string{source, what}]
	if p == nil {
		p = &prediction.JoinProblem{Source: source, What: what}
		a.problems[[2]string{source, what}] = p
	}
	p.Rows += rows
	p.Examples = append(p.Examples, ids[:min(len(ids), 5-min(5, len(p.Examples)))]...)
}

// place finds the example of each row of a source: by id, or by position. A
// row whose id the labels file lacks gets -1. nil means that row i is example
// i.
func (a *assembly) place(f *frame, ids *column) ([]int32, error) {
	if !a.started {
		a.started = true
		if ids != nil {
			a.ids = newDictionary()
		} else if !a.closed {
			a.n = f.rows
		}
	}
	switch {
	case a.ids == nil && ids == nil, a.ids != nil && ids == nil:
		return a.byPosition(f)
	case a.ids == nil:
		return a.byNumber(f, ids)
	default:
		return a.byID(f, ids)
	}
}

func (a *assembly) byPosition(f *frame) ([]int32, error) {
	n := a.n
	if a.rows != nil {
		n = len(a.rows)
	}
	if f.rows != n {
		return nil, &Error{File: f.file, Want: fmt.Sprintf("%d rows, as in the labels, because there are no ids to join by", n), Got: fmt.Sprint(f.rows)}
	}
	if a.ids != nil && !a.closed {
		return nil, &Error{File: f.file, Want: "a column of ids, as the other sources have", Got: "none"}
	}
	a.join.ByPosition, a.used = true, true
	return a.rows, nil
}

// byNumber joins a source with ids to labels without: ids that are the
// numbers 0 to n-1 are positions, others cannot be used.
func (a *assembly) byNumber(f *frame, ids *column) ([]int32, error) {
	byCode := make([]int32, len(ids.dict))
	for i, w := range ids.dict {
		v, err := strconv.Atoi(w)
		if err != nil || v < 0 || v >= a.n {
			a.note("%s has ids, the labels have none: rows were joined by position", f.file)
			return a.byPosition(f)
		}
		byCode[i] = int32(v)
	}
	a.join.ByPosition = true
	a.note("%s: column %s was taken as the row number in the labels, counted from 0", f.file, ids.name)
	out := make([]int32, f.rows)
	for row, code := range ids.codes {
		if code < 0 {
			return nil, a.noID(f, ids, row)
		}
		out[row] = byCode[code]
	}
	return out, nil
}

func (a *assembly) noID(f *frame, ids *column, row int) error {
	e := f.at(row, ids.name)
	e.Want, e.Got = "an id", "nothing"
	return e
}

func (a *assembly) byID(f *frame, ids *column) ([]int32, error) {
	recode := make([]int32, len(ids.dict))
	for i, w := range ids.dict {
		if a.closed {
			recode[i] = a.ids.find(w)
		} else {
			recode[i] = a.ids.code(w)
		}
	}
	a.n = max(a.n, len(a.ids.words))
	out := make([]int32, f.rows)
	unknown := 0
	var some []string
	for row, code := range ids.codes {
		if code < 0 {
			return nil, a.noID(f, ids, row)
		}
		out[row] = recode[code]
		if out[row] < 0 {
			if unknown++; len(some) < 5 {
				some = append(some, ids.dict[code])
			}
		}
	}
	a.join.Unknown += unknown
	a.problem(f.file, "unknown", unknown, some...)
	return out, nil
}

// exampleOf is the example of a row by what place gave.
func exampleOf(place []int32, row int) int32 {
	if place == nil {
		return int32(row)
	}
	return place[row]
}

// idOf names an example in messages.
func (a *assembly) idOf(ex int32) string {
	if a.ids != nil {
		return a.ids.words[ex]
	}
	return strconv.Itoa(int(ex))
}

// grow makes room for n entries of -1.
func grow(s []int32, n int) []int32 {
	if n <= len(s) {
		return s
	}
	s = slices.Grow(s, n-len(s))
	for len(s) < n {
		s = append(s, -1)
	}
	return s
}

// setTruth stores the labels of a column. Different labels of one example are
// a conflict.
func (a *assembly) setTruth(f *frame, c *column, place []int32, need bool) error {
	recode := a.classes.intern(f, c)
	a.truth = grow(a.truth, a.n)
	for row, code := range c.codes {
		ex := exampleOf(place, row)
		if ex < 0 {
			continue
		}
		if code < 0 {
			if need {
				e := f.at(row, c.name)
				e.Want, e.Got = "a label", "nothing"
				return e
			}
			continue
		}
		switch old := a.truth[ex]; old {
		case -1:
			a.truth[ex] = recode[code]
		case recode[code]:
		default:
			return a.conflict(f, row, c.name, ex, "label", a.classes.words[old], c.dict[code])
		}
	}
	return nil
}

func (a *assembly) conflict(f *frame, row int, column string, ex int32, what, before, now string) error {
	e := f.at(row, column)
	e.Want = fmt.Sprintf("%s %s for example %s, as in an earlier row or file", what, quoted(before), a.idOf(ex))
	e.Got = quoted(now)
	return e
}

// setAttribute stores a column of an attribute. Different values of one
// example are a conflict.
func (a *assembly) setAttribute(at *attribute, f *frame, c *column, place []int32) error {
	recode := make([]int32, len(c.dict))
	for i, w := range c.dict {
		recode[i] = at.dict.code(w)
	}
	at.codes = grow(at.codes, a.n)
	for row, code := range c.codes {
		ex := exampleOf(place, row)
		if ex < 0 || code < 0 {
			continue
		}
		if old := at.codes[ex]; old >= 0 && old != recode[code] {
			return a.conflict(f, row, c.name, ex, "value", at.dict.words[old], c.dict[code])
		}
		at.codes[ex] = recode[code]
	}
	return nil
}

// attribute is the attribute with a name, new or old.
func (a *assembly) attribute(name string) *attribute {
	for _, at := range a.attributes {
		if at.name == name {
			return at
		}
	}
	at := &attribute{name: name, dict: newDictionary()}
	a.attributes = append(a.attributes, at)
	return at
}

// setSplit stores the split of each example.
func (a *assembly) setSplit(f *frame, c *column, place []int32) error {
	if a.split == nil {
		a.split = &attribute{name: "split", dict: newDictionary()}
	}
	return a.setAttribute(a.split, f, c, place)
}
