package prediction

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Measure is a number of every example that does not depend on any model.
type Measure struct {
	Name   string
	Values []float32 // one per example, finite
}

// The measures of an image that package infer writes: of the picture as models
// are shown it, resized and cropped, its luminance in [0, 1].
const (
	// Contrast is the standard deviation of luminance over the pixels (RMS
	// contrast; Peli 1990, J. Opt. Soc. Am. A 7(10)), in [0, 0.5].
	Contrast = "contrast"
	// Sharpness is the variance over the pixels of the Laplacian of luminance
	// (four neighbors, the border repeated), the usual measure of focus
	// (Pech-Pacheco et al. 2000, ICPR), in [0, 16].
	Sharpness = "sharpness"
)

// Measured are the values of a measure, nil where the table has none of that
// name.
func (t *Table) Measured(name string) []float32 {
	for i := range t.Measures {
		if t.Measures[i].Name == name {
			return t.Measures[i].Values
		}
	}
	return nil
}

// People is which labels people gave the examples.
type People struct {
	Source string   // the file they are from, for the report
	Votes  [][]Vote // by example, see [SortVotes]; empty where nobody was asked
}

// Vote is how many people chose a class.
type Vote struct {
	Class, People int32
}

// SortVotes puts votes in the order a table holds them: the class most chosen
// first, the lower class number among equals.
func SortVotes(votes []Vote) {
	slices.SortFunc(votes, func(a, b Vote) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Class, b.Class))
	})
}

// FormatVotes writes votes as "class:people", separated by spaces.
func FormatVotes(votes []Vote) string {
	var b []byte
	for i, v := range votes {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(v.Class), 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(v.People), 10)
	}
	return string(b)
}

// ParseVotes reads what [FormatVotes] wrote.
func ParseVotes(text string) ([]Vote, error) {
	if text == "" {
		return nil, nil
	}
	votes := make([]Vote, 0, 1+strings.Count(text, " "))
	for s := range strings.SplitSeq(text, " ") {
		class, people, ok := strings.Cut(s, ":")
		c, err1 := strconv.ParseInt(class, 10, 32)
		n, err2 := strconv.ParseInt(people, 10, 32)
		if !ok || err1 != nil || err2 != nil {
			return nil, fmt.Errorf("want class:people separated by spaces, got %q", text)
		}
		votes = append(votes, Vote{int32(c), int32(n)})
	}
	return votes, nil
}

// measured checks the measures and the labels of people.
func (t *Table) measured() error {
	seen := map[string]bool{}
	for i := range t.Measures {
		m := &t.Measures[i]
		if m.Name == "" || seen[m.Name] {
			return fmt.Errorf("prediction: measure %d: name %q is empty or used twice", i, m.Name)
		}
		seen[m.Name] = true
		if len(m.Values) != t.Len() {
			return fmt.Errorf("prediction: measure %s: %d rows, there are %d examples", m.Name, len(m.Values), t.Len())
		}
		for row, v := range m.Values {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("prediction: measure %s: row %d: %v is not finite", m.Name, row, v)
			}
		}
	}
	if t.People == nil {
		return nil
	}
	if len(t.People.Votes) != t.Len() {
		return fmt.Errorf("prediction: labels of people: %d rows, there are %d examples", len(t.People.Votes), t.Len())
	}
	for row, votes := range t.People.Votes {
		if err := checkVotes(votes, len(t.Classes)); err != nil {
			return fmt.Errorf("prediction: labels of people: row %d: %w", row, err)
		}
	}
	return nil
}

func checkVotes(votes []Vote, classes int) error {
	for i, v := range votes {
		switch {
		case v.Class < 0 || int(v.Class) >= classes:
			return fmt.Errorf("class %d is outside 0 to %d", v.Class, classes-1)
		case v.People < 1:
			return fmt.Errorf("class %d was chosen by %d people, want at least 1", v.Class, v.People)
		case i > 0 && (votes[i-1].People < v.People || votes[i-1].People == v.People && votes[i-1].Class >= v.Class):
			return fmt.Errorf("votes are not in order, or a class has two: %s", FormatVotes(votes))
		}
	}
	return nil
}

// addMeasured makes the columns of measures and of people's labels, and their
// entries.
func (e *examplesEntry) addMeasured(t *Table, taken map[string]bool) (cols []writeColumn) {
	free := func(name, prefix string) string {
		for taken[name] {
			name = prefix + name
		}
		taken[name] = true
		return name
	}
	for i := range t.Measures {
		m := &t.Measures[i]
		col := free(m.Name, "measure_")
		cols = append(cols, floatColumn(col, m.Values))
		e.Measures = append(e.Measures, measureEntry{Name: m.Name, Column: col})
	}
	if t.People == nil {
		return cols
	}
	col := free("people", "votes_")
	texts := make([]string, len(t.People.Votes))
	for i, votes := range t.People.Votes {
		texts[i] = FormatVotes(votes)
	}
	e.People = &peopleEntry{Column: col, Source: t.People.Source}
	return append(cols, textColumn(col, texts))
}

// readMeasured reads the columns that [examplesEntry.addMeasured] made.
func readMeasured(f *columnFile, e *examplesEntry, t *Table) error {
	for _, m := range e.Measures {
		values, err := f.floats(m.Column)
		if err != nil {
			return err
		}
		t.Measures = append(t.Measures, Measure{Name: m.Name, Values: values})
	}
	if e.People == nil {
		return nil
	}
	texts, err := f.ids(e.People.Column)
	if err != nil {
		return err
	}
	p := &People{Source: e.People.Source, Votes: make([][]Vote, len(texts))}
	for i, s := range texts {
		if p.Votes[i], err = ParseVotes(string(s)); err != nil {
			return fmt.Errorf("prediction: %s: column %s: row %d: %w", f.name, e.People.Column, i, err)
		}
	}
	t.People = p
	return nil
}
