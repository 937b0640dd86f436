package importer

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// maxClasses bounds class numbers, so that a wrong column is told as such and
// does not make a table of billions of classes.
const maxClasses = 1 << 20

// classes gives each class text its number.
type classes struct {
	names  []string
	number []int // by code of the vocabulary, -1 for none
	byName map[string]int
}

// find is the number of a class text, -1 if it is none.
func (c *classes) find(s string) int {
	if n, ok := c.byName[s]; ok {
		return n
	}
	if n, ok := classNumber(s); ok && n >= 0 && n < len(c.names) {
		return n
	}
	return -1
}

// numberClasses decides names and numbers: by the class names file; else
// numbers stay what they are; else names are sorted.
func (a *assembly) numberClasses() (*classes, error) {
	n, from, err := a.scoreClasses()
	if err != nil {
		return nil, err
	}
	c := &classes{}
	switch {
	case a.req.ClassNames != "":
		if c.names, err = a.readClassNames(); err != nil {
			return nil, err
		}
	case a.allNumbers():
		most := n - 1
		for code, w := range a.classes.words {
			v, _ := classNumber(w)
			if v < 0 || v >= maxClasses || n > 0 && v >= n {
				return nil, a.outside(code, n)
			}
			most = max(most, v)
		}
		for i := range most + 1 {
			c.names = append(c.names, itoa(i))
		}
	default:
		if err := a.mixed(); err != nil {
			return nil, err
		}
		c.names = slices.Clone(a.classes.words)
		slices.Sort(c.names)
		a.note("class numbers follow the sorted class names")
	}
	if n > 0 && n != len(c.names) {
		return nil, &Error{File: from, Want: fmt.Sprintf("scores of %d classes", len(c.names)), Got: fmt.Sprintf("%d columns", n)}
	}
	c.byName = make(map[string]int, len(c.names))
	for i, name := range c.names {
		c.byName[name] = i
	}
	c.number = make([]int, len(a.classes.words))
	for code, w := range a.classes.words {
		if c.number[code] = c.find(w); c.number[code] < 0 {
			return nil, a.outside(code, len(c.names))
		}
	}
	return c, nil
}

// scoreClasses is the number of classes that scores have, 0 without scores.
func (a *assembly) scoreClasses() (n int, from string, err error) {
	for _, m := range a.members {
		if m.scores == nil {
			continue
		}
		_, k := m.scores.matrix.shape()
		if n > 0 && k != n {
			return 0, "", &Error{File: m.from, Want: fmt.Sprintf("scores of %d classes, as in %s", n, from), Got: itoa(k)}
		}
		n, from = k, m.from
		for _, name := range m.scores.names {
			a.classes.code(className(name))
		}
		for len(a.classes.first) < len(a.classes.words) {
			a.classes.first = append(a.classes.first, &Error{File: m.from})
		}
	}
	return n, from, nil
}

func (a *assembly) allNumbers() bool {
	if slices.Equal(sorted(a.classes.words), []string{"-1", "1"}) {
		return false // the two classes that some data sets write so
	}
	for _, w := range a.classes.words {
		if _, ok := classNumber(w); !ok {
			return false
		}
	}
	return true
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// mixed refuses labels that are names beside predictions that are numbers, or
// the other way round: only a list of class names can tell which is which. One
// such prediction among others is a wrong value, and its place is told.
func (a *assembly) mixed() error {
	labelNames, labelNumbers := a.namesAndNumbers(a.truth)
	if labelNames == labelNumbers {
		return nil
	}
	for _, m := range a.members {
		names, numbers := a.namesAndNumbers(m.predicted)
		switch {
		case labelNames && !numbers || labelNumbers && !names:
		case names && numbers:
			return a.stranger(m.predicted, labelNumbers)
		default:
			return &Error{File: m.from, Want: "predictions and labels that are both names or both numbers, or a file of class names", Got: "one of each"}
		}
	}
	return nil
}

// stranger is the first prediction that is no number among numbers, or no name
// among names.
func (a *assembly) stranger(codes []int32, numbers bool) error {
	for _, code := range codes {
		if code < 0 {
			continue
		}
		if _, number := classNumber(a.classes.words[code]); number == numbers {
			continue
		}
		e := *a.classes.first[code]
		e.Got = quoted(a.classes.words[code])
		e.Want = "a class name, as the labels are"
		if numbers {
			e.Want = "a class number, as the labels are"
		}
		return &e
	}
	return nil
}

// namesAndNumbers reports whether there are names and numbers among classes.
func (a *assembly) namesAndNumbers(codes []int32) (names, numbers bool) {
	number := make([]bool, len(a.classes.words))
	for i, w := range a.classes.words {
		_, number[i] = classNumber(w)
	}
	for _, code := range codes {
		if code >= 0 {
			names, numbers = names || !number[code], numbers || number[code]
		}
	}
	return names, numbers
}

// outside is the error of a class that is none.
func (a *assembly) outside(code, n int) error {
	e := *a.classes.first[code]
	e.Got = quoted(a.classes.words[code])
	switch {
	case a.req.ClassNames != "":
		e.Want = fmt.Sprintf("a class: a name in %s or a number from 0 to %d", a.req.ClassNames, n-1)
	case n > 0:
		e.Want = fmt.Sprintf("a class number from 0 to %d", n-1)
	default:
		e.Want = fmt.Sprintf("a class number from 0 to %d", maxClasses-1)
	}
	return &e
}

// readClassNames reads a name a line, a JSON list of names, or a JSON object
// from number to name.
func (a *assembly) readClassNames() ([]string, error) {
	file := a.req.ClassNames
	s, err := openSource(file)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(s.body)
	input, finishErr := s.finish()
	if err != nil {
		return nil, wrap(file, "class names", err)
	}
	if finishErr != nil {
		return nil, finishErr
	}
	names, e := parseClassNames(b)
	seen := map[string]bool{}
	for i, n := range names {
		if seen[n] && e == nil {
			e = &Error{Line: i + 1, Want: "different names", Got: quoted(n) + " again"}
		}
		seen[n] = true
	}
	if e == nil && len(names) < 2 {
		e = &Error{Want: "at least two class names", Got: itoa(len(names))}
	}
	if e != nil {
		e.File = file
		return nil, e
	}
	input.Rows, input.Role = int64(len(names)), "class names"
	a.inputs = append(a.inputs, input)
	return names, nil
}

func parseClassNames(b []byte) ([]string, *Error) {
	text := strings.TrimPrefix(string(b), "\ufeff")
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "["):
		var names []string
		if err := json.Unmarshal([]byte(text), &names); err != nil {
			return nil, &Error{Want: "a JSON list of names", Err: err}
		}
		return names, nil
	case strings.HasPrefix(trimmed, "{"):
		var byNumber map[int]string
		if err := json.Unmarshal([]byte(text), &byNumber); err != nil {
			return nil, &Error{Want: "a JSON object from class number to name", Err: err}
		}
		names := make([]string, len(byNumber))
		for i := range names {
			name, ok := byNumber[i]
			if !ok {
				return nil, &Error{Want: fmt.Sprintf("class numbers 0 to %d", len(byNumber)-1), Got: fmt.Sprintf("none for %d", i)}
			}
			names[i] = name
		}
		return names, nil
	}
	var names []string
	for line := range strings.Lines(text) {
		names = append(names, strings.TrimSpace(line))
	}
	for i, n := range names {
		if n == "" {
			return nil, &Error{Line: i + 1, Want: "a class name", Got: "an empty line"}
		}
	}
	return names, nil
}

// training reads the labels of the training set and keeps the counts.
func (a *assembly) training(t *prediction.Table, cl *classes) error {
	if a.req.TrainLabels == "" {
		return nil
	}
	l, err := a.load(a.req.TrainLabels, useTraining)
	if err != nil {
		return err
	}
	c := l.only(roleLabel)
	if c == nil || c.kind != text {
		return &Error{File: a.req.TrainLabels, Want: "class numbers or names of the training set", Got: l.describe()}
	}
	out := &prediction.TrainCounts{Source: a.req.TrainLabels, Classes: make([]int64, len(cl.names))}
	counts := c.counts()
	left := int64(0)
	for code, w := range c.dict {
		if n := cl.find(className(w)); n >= 0 {
			out.Classes[n] += counts[code]
		} else {
			left += counts[code]
		}
	}
	if left == int64(l.f.rows) {
		return &Error{File: a.req.TrainLabels, Column: c.name, Want: "classes of the examples", Got: "none of them"}
	}
	if left > 0 {
		a.note("%s: %d training labels are of classes that no example or model has", a.req.TrainLabels, left)
	}
	for i := range l.f.cols {
		at := &l.f.cols[i]
		if at == c || at.kind != text || at.name == "" || l.r.of[i] != roleExtra && l.r.of[i] != roleAttribute || len(at.dict) > math.MaxUint16 {
			continue
		}
		if out.Attributes == nil {
			out.Attributes = map[string]map[string]int64{}
		}
		values := map[string]int64{}
		for code, n := range at.counts() {
			values[at.dict[code]] = n
		}
		out.Attributes[at.name] = values
	}
	t.Training = out
	return nil
}

// counts is how often each word of a text column occurs.
func (c *column) counts() []int64 {
	out := make([]int64, len(c.dict))
	for _, code := range c.codes {
		if code >= 0 {
			out[code]++
		}
	}
	return out
}
