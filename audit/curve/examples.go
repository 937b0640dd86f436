package curve

import (
	"context"
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// step counts what happens to the examples that are right in the baseline at
// one variant of a line.
type step struct {
	here, soFar, recovered int64
}

// exampleCurves are the counts of all lines, variant by variant.
type exampleCurves struct {
	baseRight int64
	steps     [][]step // [line][position]
}

func (e *exampleCurves) add(o *exampleCurves) {
	e.baseRight += o.baseRight
	for l := range o.steps {
		for p, s := range o.steps[l] {
			e.steps[l][p].here += s.here
			e.steps[l][p].soFar += s.soFar
			e.steps[l][p].recovered += s.recovered
		}
	}
}

func newExampleCurves(lines []line) *exampleCurves {
	e := &exampleCurves{steps: make([][]step, len(lines))}
	for l := range lines {
		e.steps[l] = make([]step, len(lines[l].variants))
	}
	return e
}

// countExamples follows every example along the lines in one pass.
func countExamples(ctx context.Context, v *audit.View, lines []line) (*exampleCurves, error) {
	variants := []int{0}
	for _, l := range lines {
		variants = append(variants, l.variants...)
	}
	partial := make([]*exampleCurves, v.Threads())
	err := v.Blocks(ctx, variants, func(worker int, b *audit.Block) error {
		if partial[worker] == nil {
			partial[worker] = newExampleCurves(lines)
		}
		var right [audit.BlockSize]bool
		var lost [audit.BlockSize]bool
		var base [audit.BlockSize]bool
		e := partial[worker]
		modalRight(base[:b.N], b.Labels, b.Pred[0], v.Options.Ties)
		for _, r := range base[:b.N] {
			if r {
				e.baseRight++
			}
		}
		j := 1
		for l := range lines {
			clear(lost[:])
			for p := range lines[l].variants {
				modalRight(right[:b.N], b.Labels, b.Pred[j], v.Options.Ties)
				e.steps[l][p].count(base[:b.N], right[:], lost[:])
				j++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sum := newExampleCurves(lines)
	for _, e := range partial {
		if e != nil {
			sum.add(e)
		}
	}
	return sum, nil
}

// count takes one more variant into account; lost marks the examples that were
// lost up to it.
func (s *step) count(base, right, lost []bool) {
	for i, b := range base {
		switch {
		case !b:
		case right[i] && lost[i]:
			s.recovered++
		case right[i]:
		case !lost[i]:
			s.here++
			lost[i] = true
		}
		if lost[i] {
			s.soFar++
		}
	}
}

// modalRight says of each example whether the label that most members predict
// is the true one.
func modalRight(right []bool, labels []int32, pred [][]int32, ties audit.Ties) {
	var votes [audit.BlockSize]int32
	for _, p := range pred {
		for i := range right {
			if p[i] == labels[i] {
				votes[i]++
			}
		}
	}
	k := int32(len(pred))
	for i := range right {
		right[i] = 2*votes[i] > k || votes[i] > 0 && wins(labels[i], votes[i], pred, i, ties)
	}
}

// wins reports whether no other label of example i has more votes than the
// label's, or as many and the preference of the tie rule.
func wins(label, votes int32, pred [][]int32, i int, ties audit.Ties) bool {
	for k, p := range pred {
		other := p[i]
		if other == label {
			continue
		}
		n := int32(0)
		for _, q := range pred[k:] {
			if q[i] == other {
				n++
			}
		}
		preferred := other < label
		if ties == audit.HighestTie {
			preferred = other > label
		}
		if n > votes || n == votes && preferred {
			return false
		}
	}
	return true
}

func (e *exampleCurves) table(v *audit.View, lines []line) finding.Table {
	out := finding.Table{
		Name: "curve-example", Check: Name, Title: "Examples lost at each level of compression",
		Columns: []finding.Column{
			{Name: "variant"},
			{Name: "lost_here", Unit: finding.Count, Doc: "modal label right in the baseline and wrong here for the first time"},
			{Name: "lost_so_far", Unit: finding.Count, Doc: "right in the baseline and wrong here or at an earlier level"},
			{Name: "recovered", Unit: finding.Count, Doc: "of those, lost at an earlier level and right here"},
			{Name: "kind", Doc: "kind of variants that form the curve"},
		},
		Note: fmt.Sprintf("the modal label is right for %d of %d examples in the baseline; two dense populations disagree on some examples too, see the noise floor of pie", e.baseRight, v.Table.Len()),
	}
	for l, steps := range e.steps {
		for p, s := range steps {
			out.Rows = append(out.Rows, []any{v.Table.Variants[lines[l].variants[p]].Name, s.here, s.soFar, s.recovered, string(lines[l].kind)})
		}
	}
	out.Total = len(out.Rows)
	return out
}
