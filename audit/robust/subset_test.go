package robust

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// someClasses turns a table into one of other images of classes 0 and 2, which
// models choose among; what they said before is what they choose among all.
func someClasses(t *prediction.Table) *prediction.Table {
	t.Subset = []int{0, 2}
	into := func(c *prediction.Column) {
		for i := range c.Len() {
			c.Set(i, c.At(i)&2)
		}
	}
	into(&t.Labels)
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			m := &t.Variants[v].Members[k]
			all := prediction.NewColumn(t.Len(), 4)
			for i := range t.Len() {
				all.Set(i, m.Predicted.At(i))
			}
			m.Unmasked = &all
			into(&m.Predicted)
		}
	}
	return t
}

// scored gives every model scores by which it predicts what it does: 1 for the
// predicted class, and for the others chance.
func scored(t *prediction.Table, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 9))
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			m := &t.Variants[v].Members[k]
			d := &prediction.DenseScores{ScoreKind: prediction.Logits, Classes: 4, Data: make([]float32, 4*t.Len())}
			for i := range t.Len() {
				for c := range 4 {
					d.Data[4*i+c] = rng.Float32()
				}
				d.Data[4*i+m.Predicted.At(i)] = 1
			}
			m.Scores = d
		}
	}
}

// TestSomeClasses: where models choose among some classes, choices among the same
// ones are compared, on clean examples of these classes.
func TestSomeClasses(t *testing.T) {
	const n, members = 2000, 4
	type right func(m *prediction.Member, i, label int) bool
	predicted := func(m *prediction.Member, i, label int) bool { return m.Predicted.At(i) == label }
	among := func(m *prediction.Member, i, label int) bool {
		row := m.Scores.(*prediction.DenseScores).Data[4*i:]
		return row[label] > row[2-label]
	}
	all := func(m *prediction.Member, i, label int) bool { return m.Unmasked.At(i) == label }
	accuracy := func(x *prediction.Table, v int, counts right) float64 {
		sum, of := 0, 0
		for k := range x.Variants[v].Members {
			for i := range x.Len() {
				if l := x.Labels.At(i); l == 0 || l == 2 {
					of++
					if counts(&x.Variants[v].Members[k], i, l) {
						sum++
					}
				}
			}
		}
		return float64(sum) / float64(of)
	}
	gap := func(x *prediction.Table, counts right) float64 {
		return accuracy(x, 1, counts) - accuracy(x, 0, counts)
	}
	for _, c := range []struct {
		what           string
		scores, all    bool // are known of clean data; of shifted data
		clean, shifted right
		note           string
	}{
		{"scores", true, true, among, predicted, "chosen among the same ones"},
		{"no scores", false, true, predicted, all, "for both chosen among all 4"},
		{"predicted classes only", false, false, predicted, predicted, "part of the excess is that"},
	} {
		clean, other := drawn(1, n, members, true, 0.9, 0.88), someClasses(drawn(2, n/2, members, true, 0.6, 0.5))
		if c.scores {
			scored(clean, 3)
		}
		if !c.all {
			other.Variants[0].Members[0].Unmasked = nil
		}
		shifted(t, clean, "imagenet-a", other)
		got := checked(t, clean, 1)
		f := got.Find(t, "robust/excess/int8/corruption:imagenet-a")
		if want := gap(other, c.shifted) - gap(clean, c.clean); math.Abs(*f.Estimate-want) > 1e-12 {
			t.Errorf("%s: excess %v, want %v", c.what, *f.Estimate, want)
		}
		codes := map[string]string{}
		for _, w := range f.Warnings {
			codes[w.Code] = w.Text
		}
		if codes["shift-at-floor"] == "" || !strings.Contains(codes["shift-of-some-classes"], c.note) {
			t.Errorf("%s: warnings %q", c.what, codes)
		}
		if harm := got.Find(t, "robust/harm/int8/corruption:imagenet-a"); math.Abs(*harm.Estimate-gap(other, predicted)) > 1e-12 {
			t.Errorf("%s: harm %v, want %v", c.what, *harm.Estimate, gap(other, predicted))
		}
		for _, f := range got.Findings {
			if f.Scope.Kind == finding.Class && *f.Scope.Class != 0 && *f.Scope.Class != 2 {
				t.Errorf("%s is tested, of which there are no examples", f.ID)
			}
		}
		table := got.Get(t, "shifts", "int8")
		cell := func(row int, column string) any {
			return table.Rows[row][slices.IndexFunc(table.Columns, func(c finding.Column) bool { return c.Name == column })]
		}
		for v, column := range []string{"base_top1", "top1"} {
			if got := cell(1, column).(float64); math.Abs(got-accuracy(other, v, predicted)) > 1e-12 {
				t.Errorf("%s: %s %v", c.what, column, got)
			}
			switch got := cell(1, column+"_all"); {
			case v == 0 && !c.all:
				if got != nil {
					t.Errorf("%s: %s_all is %v, and one model's is not known", c.what, column, got)
				}
			case math.Abs(got.(float64)-accuracy(other, v, all)) > 1e-12 || got == cell(1, column):
				t.Errorf("%s: %s_all is %v", c.what, column, got)
			}
			if got := cell(0, column+"_all"); got != nil {
				t.Errorf("clean data: %s_all is %v", column, got)
			}
		}
	}
}
