package importer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/lethe-audit/lethe/prediction"
)

// AddPeople reads labels that people gave the examples of t from a file of any
// format that Import reads:
//
//   - counts: an array [N, C] in the order of the examples (such as CIFAR-10H's
//     cifar10h-counts.npy), or a table with a column for each class, named by its
//     name or number, and an id;
//   - judgements: a table with an id and a label a row, one for each person, or
//     with a column count.
//
// Examples that the file does not have were shown to nobody. Errors in the file
// are of type [*Error].
func AddPeople(ctx context.Context, t *prediction.Table, file string) error {
	s, err := openSource(file)
	if err != nil {
		return err
	}
	p := &peopleReader{t: t, byName: map[string]int{}, votes: make([]map[int32]int32, t.Len())}
	for i, name := range t.Classes {
		p.byName[name] = i
	}
	f, err := readAny(ctx, s, "", func(names []string) ([]decode, error) {
		return slices.Repeat([]decode{text}, len(names)), nil
	}, []string{"counts", "votes", "labels"})
	if err == nil {
		err = f.checkText()
	}
	if err == nil {
		err = p.read(f)
	}
	input, finishErr := s.finish()
	if err != nil {
		return wrap(file, "labels by people", err)
	}
	if finishErr != nil {
		return finishErr
	}
	people := &prediction.People{Source: file, Votes: make([][]prediction.Vote, t.Len())}
	asked := 0
	for i, votes := range p.votes {
		for c, n := range votes {
			people.Votes[i] = append(people.Votes[i], prediction.Vote{Class: c, People: n})
		}
		prediction.SortVotes(people.Votes[i])
		if len(votes) > 0 {
			asked++
		}
	}
	if asked == 0 {
		return &Error{File: file, Want: "labels of at least one of the examples", Got: p.none()}
	}
	input.Rows, input.Role = int64(f.rows), "labels by people"
	t.Inputs = append(slices.Clone(t.Inputs), input)
	t.People = people
	t.Notes = append(slices.Clone(t.Notes), p.notes(file, asked)...)
	return nil
}

// peopleReader sums labels by example.
type peopleReader struct {
	t       *prediction.Table
	byName  map[string]int
	rowOf   map[string]int // example of an id
	votes   []map[int32]int32
	unknown int    // rows of ids that no example has
	first   string // the first such id
	ordered bool   // joined by position
}

func (p *peopleReader) none() string {
	if p.unknown == 0 {
		return "none"
	}
	return fmt.Sprintf("%d rows of other ids, the first %s; ids of the examples are like %s", p.unknown, quoted(p.first), quoted(string(p.t.ID(0))))
}

func (p *peopleReader) notes(file string, asked int) (notes []string) {
	if p.ordered {
		notes = append(notes, fmt.Sprintf("%s has no ids: row i was taken to be example i", file))
	}
	if p.unknown > 0 {
		notes = append(notes, fmt.Sprintf("%s: %d rows are of ids that no example has, the first %s", file, p.unknown, quoted(p.first)))
	}
	if n := p.t.Len(); asked < n {
		notes = append(notes, fmt.Sprintf("%s has labels for %d of %d examples", file, asked, n))
	}
	return notes
}

// read finds out which form the file has.
func (p *peopleReader) read(f *frame) error {
	if len(f.cols) == 1 && f.cols[0].kind == scores {
		return p.matrix(f)
	}
	id, label, count := -1, -1, -1
	var classes [][2]int // column, class
	for i := range f.cols {
		switch name := f.cols[i].name; {
		case p.class(name) >= 0:
			classes = append(classes, [2]int{i, p.class(name)})
		case label < 0 && slices.Contains([]string{"human_label", "chosen_label", "annotation", "judgement", "judgment", "given_label", "label", "class"}, normalize(name)):
			label = i
		case count < 0 && slices.Contains([]string{"count", "counts", "people", "votes", "n"}, normalize(name)):
			count = i
		case id < 0 && slices.Contains(idNames(), normalize(name)):
			id = i
		}
	}
	place, err := p.places(f, id)
	switch {
	case err != nil:
		return err
	case len(classes) > 1:
		return p.wide(f, classes, place)
	case label >= 0 && id >= 0:
		return p.long(f, label, count, place)
	}
	return &Error{Want: "an array of counts with a column for each class; or a table with a column for each class, by name or number; or one with an id and a label a row", Got: (&loaded{f: f}).describe()}
}

// idNames are the usual names of ids.
func idNames() []string {
	for _, u := range usualNames {
		if u.role == roleID {
			return u.names
		}
	}
	return nil
}

// class is the class that a text names, -1 for none.
func (p *peopleReader) class(s string) int {
	if c, ok := p.byName[s]; ok {
		return c
	}
	if n, ok := classNumber(className(s)); ok && n >= 0 && n < len(p.t.Classes) {
		return n
	}
	return -1
}

// places are the examples of the rows, -1 for none; by position without ids.
func (p *peopleReader) places(f *frame, id int) ([]int, error) {
	place := make([]int, f.rows)
	if id < 0 {
		p.ordered = true
		for i := range place {
			place[i] = i
		}
		return place, nil
	}
	p.rowOf = make(map[string]int, p.t.Len())
	for i := range p.t.Len() {
		p.rowOf[string(p.t.ID(i))] = i
	}
	for row := range place {
		name, ok := f.cols[id].cell(row)
		if !ok {
			e := f.at(row, f.cols[id].name)
			e.Want, e.Got = "an id", "nothing"
			return nil, e
		}
		i, known := p.rowOf[name]
		if place[row] = i; !known {
			place[row] = -1
			if p.unknown++; p.unknown == 1 {
				p.first = name
			}
		}
	}
	return place, nil
}

// sameLength refuses rows without ids that are not the examples.
func (p *peopleReader) sameLength(f *frame) error {
	if p.ordered && f.rows != p.t.Len() {
		return f.rowCount(p.t.Len(), "as there are examples, because there are no ids to join by")
	}
	return nil
}

// matrix reads counts in the order of the examples.
func (p *peopleReader) matrix(f *frame) error {
	p.ordered = true
	if err := p.sameLength(f); err != nil {
		return err
	}
	m := f.cols[0].mat
	_, classes := m.shape()
	if classes != len(p.t.Classes) {
		return &Error{Want: fmt.Sprintf("%d columns, one for each class", len(p.t.Classes)), Got: strconv.Itoa(classes)}
	}
	row := make([]float64, classes)
	for i := range f.rows {
		if err := m.read(i, row); err != nil {
			return wrap(f.file, "a whole array", err)
		}
		for c, v := range row {
			n, err := people(v)
			if err != nil {
				e := f.at(i, strconv.Itoa(c))
				e.Want, e.Got = err.Want, err.Got
				return e
			}
			p.add(i, c, n)
		}
	}
	return nil
}

// maxPeople bounds what one example was shown to.
const maxPeople = 1 << 30

// people is a count of people.
func people(v float64) (int32, *Error) {
	if v >= 0 && v <= maxPeople && v == math.Trunc(v) {
		return int32(v), nil
	}
	got := strconv.FormatFloat(v, 'g', -1, 64)
	if v > 0 && v < 1 {
		got += " (shares do not say how many were asked)"
	}
	return 0, &Error{Want: "a count of people, a whole number from 0", Got: got}
}

func (p *peopleReader) add(example, class int, n int32) {
	if n == 0 {
		return
	}
	if p.votes[example] == nil {
		p.votes[example] = map[int32]int32{}
	}
	p.votes[example][int32(class)] += n
}

// wide reads a column of counts for each class.
func (p *peopleReader) wide(f *frame, classes [][2]int, place []int) error {
	if err := p.sameLength(f); err != nil {
		return err
	}
	for row, i := range place {
		if i < 0 {
			continue
		}
		if len(p.votes[i]) > 0 {
			e := f.at(row, "")
			e.Want, e.Got = "one row of counts for an example", "another one of "+quoted(string(p.t.ID(i)))
			return e
		}
		for _, c := range classes {
			n, err := p.count(f, row, c[0], 0)
			if err != nil {
				return err
			}
			p.add(i, c[1], n)
		}
	}
	return nil
}

// count reads a cell with a count; empty is none.
func (p *peopleReader) count(f *frame, row, col int, none int32) (int32, error) {
	c := &f.cols[col]
	cell, ok := c.cell(row)
	if !ok {
		return none, nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err == nil {
		n, bad := people(v)
		if bad == nil {
			return n, nil
		}
		cell = bad.Got
	}
	e := f.at(row, c.name)
	e.Want, e.Got = "a count of people, a whole number from 0", cell
	return 0, e
}

// long reads a label a row.
func (p *peopleReader) long(f *frame, label, count int, place []int) error {
	for row, i := range place {
		if i < 0 {
			continue
		}
		c := &f.cols[label]
		cell, ok := c.cell(row)
		class := -1
		if ok {
			class = p.class(cell)
		}
		if class < 0 {
			e := f.at(row, c.name)
			e.Want, e.Got = fmt.Sprintf("a class: a name, or a number from 0 to %d", len(p.t.Classes)-1), quoted(cell)
			return e
		}
		n := int32(1)
		if count >= 0 {
			var err error
			if n, err = p.count(f, row, count, 0); err != nil {
				return err
			}
		}
		if int64(p.votes[i][int32(class)])+int64(n) > maxPeople {
			e := f.at(row, "")
			e.Want, e.Got = "a possible count of people", "more than 2^30 for one example"
			return e
		}
		p.add(i, class, n)
	}
	return nil
}
