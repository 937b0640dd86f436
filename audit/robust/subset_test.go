package robust

import (
	"math"
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

// TestSomeClasses: where models choose among some classes, the clean examples of
// these are the reference, and both accuracies are told.
func TestSomeClasses(t *testing.T) {
	const n, members = 2000, 4
	clean := drawn(1, n, members, true, 0.9, 0.88)
	other := someClasses(drawn(2, n/2, members, true, 0.6, 0.5))
	shifted(t, clean, "imagenet-a", other)
	c := checked(t, clean, 1)

	accuracy := func(x *prediction.Table, v int, counts func(m *prediction.Member, i int) bool) float64 {
		right, of := 0, 0
		for k := range x.Variants[v].Members {
			for i := range x.Len() {
				if l := x.Labels.At(i); l == 0 || l == 2 {
					of++
					if counts(&x.Variants[v].Members[k], i) {
						right++
					}
				}
			}
		}
		return float64(right) / float64(of)
	}
	masked := func(x *prediction.Table) func(m *prediction.Member, i int) bool {
		return func(m *prediction.Member, i int) bool { return m.Predicted.At(i) == x.Labels.At(i) }
	}
	gap := func(x *prediction.Table) float64 { return accuracy(x, 1, masked(x)) - accuracy(x, 0, masked(x)) }
	f := c.Find(t, "robust/excess/int8/corruption:imagenet-a")
	if want := gap(other) - gap(clean); math.Abs(*f.Estimate-want) > 1e-12 {
		t.Errorf("excess %v, want %v, beyond that of clean examples of the same classes", *f.Estimate, want)
	}
	var codes []string
	for _, w := range f.Warnings {
		codes = append(codes, w.Code)
		if w.Code == "shift-of-some-classes" && !strings.Contains(w.Text, "among the 2 classes") {
			t.Errorf("warning %q", w.Text)
		}
	}
	if !slices.Contains(codes, "shift-of-some-classes") || !slices.Contains(codes, "shift-at-floor") {
		t.Errorf("warnings %q", codes)
	}
	for _, f := range c.Findings {
		if f.Scope.Kind == finding.Class && *f.Scope.Class != 0 && *f.Scope.Class != 2 {
			t.Errorf("%s is tested, of which there are no examples", f.ID)
		}
	}
	table := c.Get(t, "shifts", "int8")
	cell := func(row int, column string) any {
		return table.Rows[row][slices.IndexFunc(table.Columns, func(c finding.Column) bool { return c.Name == column })]
	}
	for v, column := range []string{"base_top1", "top1"} {
		all := accuracy(other, v, func(m *prediction.Member, i int) bool { return m.Unmasked.At(i) == other.Labels.At(i) })
		if got := cell(1, column).(float64); math.Abs(got-accuracy(other, v, masked(other))) > 1e-12 {
			t.Errorf("%s %v", column, got)
		}
		if got := cell(1, column+"_all").(float64); math.Abs(got-all) > 1e-12 || all == cell(1, column).(float64) {
			t.Errorf("%s_all is %v, want %v", column, got, all)
		}
		if got := cell(0, column+"_all"); got != nil {
			t.Errorf("clean data: %s_all is %v", column, got)
		}
	}
}
