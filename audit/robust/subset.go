package robust

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// reference says what is compared for the excess under a group of shifts: choices
// among the same classes on both sides.
type reference struct {
	clean *answers
	idx   []int32 // the clean examples; nil: all
	// all is set where choices among all classes are compared: the shifted data are
	// of some classes, and what models choose among these on clean data is not known.
	all  bool
	note string // what a reader should know
}

// refer finds the reference of a group. Where the shifted data are of some classes
// only, these are the clean examples of the same ones.
func (r *run) refer(g *group) error {
	g.ref = reference{clean: r.clean}
	s := g.members[0].Table
	if g.paired || s.Subset == nil || slices.Equal(s.Subset, r.clean.table.Subset) {
		return nil
	}
	in := make([]bool, len(r.view.Table.Classes))
	for _, c := range s.Subset {
		in[c] = true
	}
	g.ref.idx = []int32{}
	for i, c := range r.clean.labels {
		if in[c] {
			g.ref.idx = append(g.ref.idx, int32(i))
		}
	}
	of := fmt.Sprintf("Accuracies are of choices among the %d classes of the shifted data. The excess compares with the clean examples of these classes", len(s.Subset))
	switch {
	case everyMember(r.view.Table, func(m *prediction.Member) bool { return m.Scores != nil }):
		masked, err := chooseAmong(r.view.Table, s.Subset)
		if err != nil {
			return fmt.Errorf("robust: clean choices among the classes of %s: %w", g.name, err)
		}
		g.ref.clean, g.ref.note = newAnswers(masked), of+", chosen among the same ones."
	case everyMember(s, func(m *prediction.Member) bool { return m.Unmasked != nil }):
		g.ref.all = true
		g.ref.note = of + fmt.Sprintf(", for both chosen among all %d: all scores of the clean data would be needed to choose among these.", len(in))
	default:
		g.ref.note = of + fmt.Sprintf(", for which models chose among all %d: part of the excess is that.", len(in))
	}
	return nil
}

// everyMember reports whether something holds for every model that is compared.
func everyMember(t *prediction.Table, holds func(*prediction.Member) bool) bool {
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			if t.Variants[v].Kind != prediction.KindRestored && !holds(&t.Variants[v].Members[k]) {
				return false
			}
		}
	}
	return true
}

// chooseAmong is t with what models choose among some classes by their scores, the
// lowest class number among equals.
func chooseAmong(t *prediction.Table, subset []int) (*prediction.Table, error) {
	const rows = 256
	classes := len(t.Classes)
	buf := make([]float32, rows*classes)
	return withPredicted(t, func(m *prediction.Member) (prediction.Column, error) {
		out := prediction.NewColumn(t.Len(), classes)
		for from := 0; from < t.Len(); from += rows {
			n := min(rows, t.Len()-from)
			if err := m.Scores.Rows(from, buf[:n*classes]); err != nil {
				return out, err
			}
			for i := range n {
				row, best := buf[i*classes:(i+1)*classes], subset[0]
				for _, c := range subset {
					if row[c] > row[best] {
						best = c
					}
				}
				out.Set(from+i, best)
			}
		}
		return out, nil
	})
}

// withPredicted is t with other predicted classes; restored variants are left out.
func withPredicted(t *prediction.Table, predicted func(*prediction.Member) (prediction.Column, error)) (*prediction.Table, error) {
	out := *t
	out.Variants = nil
	for _, v := range t.Variants {
		if v.Kind == prediction.KindRestored {
			continue
		}
		v.Members = slices.Clone(v.Members)
		for k := range v.Members {
			var err error
			if v.Members[k].Predicted, err = predicted(&v.Members[k]); err != nil {
				return nil, err
			}
		}
		out.Variants = append(out.Variants, v)
	}
	return &out, nil
}

// compared are the answers to shifted data that the excess is taken from.
func (g *group) compared(from []*answers) []*answers {
	if !g.ref.all {
		return from
	}
	if g.all == nil {
		t, err := withPredicted(from[0].table, func(m *prediction.Member) (prediction.Column, error) { return *m.Unmasked, nil })
		if err != nil {
			panic("robust: " + err.Error()) // columns that are there
		}
		g.all = newAnswers(t)
	}
	return []*answers{g.all}
}

// sides are both sides' right answers to the shifted data of a contrast, for the
// examples of idx.
func (r *run) sides(g *group, x *variant, from []*answers, idx []int32) []two {
	var out []two
	for _, a := range g.compared(from) {
		out = append(out, r.pair(a, x).only(idx))
	}
	return out
}

// cleanSide is what they are compared with.
func (r *run) cleanSide(g *group, x *variant, idx []int32) two {
	return r.pair(g.ref.clean, x).only(idx)
}

// unmasked is the mean accuracy of a variant's members among all classes, where
// they chose among some; nil elsewhere or where it is not known.
func unmasked(a *answers, name string) *float64 {
	if a.table.Subset == nil || len(a.labels) == 0 {
		return nil
	}
	right, members := 0, variantOf(a.table, name).Members
	for k := range members {
		c := members[k].Unmasked
		if c == nil {
			return nil
		}
		for i, label := range a.labels {
			if c.At(i) == int(label) {
				right++
			}
		}
	}
	share := float64(right) / float64(len(members)) / float64(len(a.labels))
	return &share
}

// chosen warns about a group of some classes.
func (g *group) chosen() []finding.Warning {
	if g.ref.note == "" {
		return nil
	}
	return []finding.Warning{{Code: "shift-of-some-classes", Text: g.ref.note}}
}
