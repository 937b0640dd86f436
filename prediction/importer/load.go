package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// use is what a file is read for; it decides the roles of columns that are
// chosen by name or stand alone.
type use string

const (
	useLabels     use = "labels"
	useIDs        use = "ids"
	useMember     use = "predictions"
	useSource     use = "predictions table"
	useAttributes use = "attributes"
	useTraining   use = "training labels"
)

// usualArrays are the arrays of an npz file that are taken unasked.
var usualArrays = map[use][]string{
	useLabels:   {"labels", "label", "y_true", "targets", "y"},
	useTraining: {"labels", "label", "y_true", "targets", "y"},
	useMember:   {"predictions", "preds", "pred", "y_pred", "logits", "probs", "probabilities", "scores", "pred_probs"},
}

// loaded is a file with the roles of its columns for one use.
type loaded struct {
	a *assembly
	f *frame
	r roles
}

// load reads one file, or takes a table that is needed for several columns
// from where it was kept.
func (a *assembly) load(ref string, as use) (*loaded, error) {
	file, column := splitRef(ref)
	l := &loaded{a: a, f: a.kept[file]}
	if l.f == nil {
		if err := l.read(file, column, as); err != nil {
			return nil, err
		}
	}
	if len(l.r.of) != len(l.f.cols) {
		var err error
		if l.r, err = a.roles(l.f.names(), column, as); err != nil {
			return nil, wrap(file, "", err)
		}
	}
	return l, nil
}

// read reads the file with all columns that any use in the request needs.
func (l *loaded) read(file, column string, as use) error {
	a := l.a
	s, err := openSource(file)
	if err != nil {
		return err
	}
	p := func(names []string) ([]decode, error) {
		for _, n := range names {
			a.columns[n] = true
		}
		var err error
		if l.r, err = a.roles(names, column, as); err != nil {
			return nil, err
		}
		decodes := l.r.decodes()
		for _, other := range a.uses[file] {
			r, err := a.roles(names, other.column, other.as)
			if err != nil {
				return nil, err
			}
			for i, d := range r.decodes() {
				decodes[i] = max(decodes[i], d)
			}
		}
		return decodes, nil
	}
	l.f, err = readAny(a.ctx, s, column, p, usualArrays[as])
	input, finishErr := s.finish()
	if err != nil {
		return wrap(file, "a readable "+string(s.format)+" file", err)
	}
	if finishErr != nil {
		return finishErr
	}
	if l.f.rows == 0 {
		return &Error{File: file, Want: "at least one row", Got: "none"}
	}
	if err := l.f.checkText(); err != nil {
		return err
	}
	if len(a.uses[file]) > 1 && s.format != formatNPZ {
		a.kept[file] = l.f
	}
	if !slices.ContainsFunc(a.inputs, func(in prediction.Input) bool { return in.Path == file }) {
		input.Rows, input.Role = int64(l.f.rows), string(as)
		a.inputs = append(a.inputs, input)
	}
	return nil
}

// readAny reads a file of any format.
func readAny(ctx context.Context, s *source, array string, p plan, usual []string) (*frame, error) {
	switch s.format {
	case formatNPY:
		return readNPY(s)
	case formatNPZ:
		return readNPZ(s, array, usual)
	case formatParquet:
		return readParquet(ctx, s, p)
	case formatJSON:
		return readJSON(s.name, s.body, p)
	default:
		return readDelimited(ctx, s.name, s.body, strings.HasSuffix(strings.ToLower(s.base), ".tsv"), p)
	}
}

// roles finds the roles of columns for a use.
func (a *assembly) roles(names []string, column string, as use) (roles, error) {
	if len(names) == 1 && names[0] == "" {
		return roles{of: make([]role, 1)}, nil
	}
	c := a.req.Columns
	chosen := map[use]role{useLabels: roleLabel, useTraining: roleLabel, useIDs: roleID, useMember: rolePredicted}
	r, err := c.assign(names, column, chosen[as])
	if err != nil {
		return r, err
	}
	switch as {
	case useSource:
		if !r.isLong() {
			r.wideRoles(names)
		}
	case useLabels, useAttributes, useTraining:
		r.onlyExamples(as)
	}
	return r, nil
}

// onlyExamples leaves out what a table of labels or attributes says of models.
func (r *roles) onlyExamples(as use) {
	for i, role := range r.of {
		switch role {
		case roleID, roleSplit, roleAttribute, roleExtra, roleIgnore:
		case roleLabel:
			if as == useAttributes {
				r.of[i] = roleIgnore
			}
		case roleKind, roleLevel, roleVariant, roleModel, roleSeed, roleLineage:
			r.of[i] = roleExtra // of the examples, whatever it means elsewhere
		default:
			r.of[i] = roleIgnore
		}
	}
	r.scores = nil
}

func (l *loaded) column(as role) *column {
	if i := l.r.col(as); i >= 0 {
		return &l.f.cols[i]
	}
	return nil
}

// unnamed reports whether the file is one array or list without a name.
func (l *loaded) unnamed() bool { return len(l.f.cols) == 1 && l.f.cols[0].name == "" }

// only is the column with a role or, in a file without one, the only column
// that nothing else is known of.
func (l *loaded) only(as role) *column {
	if c := l.column(as); c != nil {
		return c
	}
	if i := l.onlyExtra(); i >= 0 {
		return &l.f.cols[i]
	}
	return nil
}

func (l *loaded) onlyExtra() int {
	found := -1
	for i, r := range l.r.of {
		if r != roleExtra {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// setOnly gives the only column the role that its content has: predictions,
// scores, or one score of a binary classifier.
func (l *loaded) setOnly() {
	i := l.onlyExtra()
	c := &l.f.cols[i]
	c.fractions()
	switch c.kind {
	case scores:
		l.r.of[i] = roleScore
	case number:
		l.r.of[i] = roleBinary
	default:
		l.r.of[i] = rolePredicted
	}
}

// fractions turns a text column whose values are all numbers, and not all
// whole, into a column of numbers.
func (c *column) fractions() {
	if c.kind != text || len(c.dict) == 0 {
		return
	}
	values, whole := make([]float32, len(c.dict)), true
	for i, w := range c.dict {
		v, err := strconv.ParseFloat(w, 32)
		if err != nil {
			return
		}
		_, isWhole := classNumber(className(w))
		values[i], whole = float32(v), whole && isWhole
	}
	if whole || slices.Contains(c.codes, -1) {
		return
	}
	for _, code := range c.codes {
		c.nums = append(c.nums, values[code])
	}
	c.kind, c.dict, c.codes = number, nil, nil
}

// attributes stores the columns that can only be attributes.
func (l *loaded) attributes(place []int32) error {
	for i := range l.f.cols {
		c := &l.f.cols[i]
		if r := l.r.of[i]; c.kind != text || c.name == "" || r != roleExtra && r != roleAttribute {
			continue
		}
		if err := l.a.setAttribute(l.a.attribute(c.name), l.f, c, place); err != nil {
			return err
		}
	}
	return nil
}

// describe says what a file holds, for messages.
func (l *loaded) describe() string {
	if !l.unnamed() {
		return "columns " + strings.Join(l.f.names(), ", ")
	}
	switch c := &l.f.cols[0]; c.kind {
	case scores:
		n, k := c.mat.shape()
		return fmt.Sprintf("an array of shape [%d, %d]", n, k)
	case number:
		return "numbers that are not whole"
	default:
		return "an array without column names"
	}
}

// rowCount is the error of a file with too many or too few rows.
func (f *frame) rowCount(want int, why string) error {
	return &Error{File: f.file, Want: fmt.Sprintf("%d rows, %s", want, why), Got: strconv.Itoa(f.rows)}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return !errors.Is(err, os.ErrNotExist)
}

func itoa(n int) string { return strconv.Itoa(n) }

func format32(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
