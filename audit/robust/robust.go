// Package robust asks whether compression makes a model more brittle: whether it
// costs more under a corruption or another shift of the data than it does on clean
// data. It needs predictions of the same models for shifted data
// (prediction.Table.Shifts). page.md says how.
package robust

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// Name is the name of the check.
const Name = "robust"

// The questions.
const (
	HarmQuestion   = "harm"        // accuracy on the shifted data
	ExcessQuestion = "excess"      // the loss under the shift beyond that on clean data
	OddsQuestion   = "log-odds"    // the same in log-odds
	MeanQuestion   = "mean-excess" // the mean of the excess over a benchmark's corruptions
	ErrorQuestion  = "corruption-error"
	WorstQuestion  = "worst-case"
	SlopeQuestion  = "severity-slope"
)

//go:embed page.md
var page string

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is the check's name.
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run compares every variant with the baseline under every shift. Without
// predictions for shifted data it says nothing.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	if len(v.Table.Shifts) == 0 {
		return nil
	}
	r := &run{view: v, groups: groupsOf(v.Table.Shifts), clean: newAnswers(v.Table)}
	for _, t := range v.Candidates() {
		r.variants = append(r.variants, newVariant(v, t))
	}
	for g := range r.groups {
		if err := r.refer(&r.groups[g]); err != nil {
			return err
		}
	}
	for _, x := range r.variants {
		sums := newSummary(r.groups)
		for g := range r.groups {
			if err := ctx.Err(); err != nil {
				return err
			}
			r.group(&r.groups[g], x, sums)
		}
		r.summarize(sums, x)
	}
	r.decide()
	for g := range r.groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.within(&r.groups[g])
	}
	for _, x := range r.variants {
		if err := r.emit(x, out); err != nil {
			return err
		}
	}
	return nil
}

// run is one run of the check.
type run struct {
	view     *audit.View
	groups   []group
	clean    *answers
	variants []*variant
}

// variant is what is found about one candidate.
type variant struct {
	t      int // number in the clean table
	name   string
	design *design

	cells  []cell      // by shift, in the order of the table
	groups []*measured // by group
	more   []finding.Finding
	worst  []classLine
}

func newVariant(v *audit.View, t int) *variant {
	return &variant{t: t, name: v.Table.Variants[t].Name, design: designOf(v, t)}
}

// cell is one variant under one shift, as tables show it.
type cell struct {
	shift       *prediction.Shift
	n           int
	base, top   float64
	base5, top5 *float64
	baseAll     *float64 // top-1 among all classes, where models chose among some
	topAll      *float64
	pie         float64
	excess      *float64
	low, high   *float64
	odds        *float64
}

// emit writes what is known of one variant, corruptions first.
func (r *run) emit(x *variant, out audit.Sink) error {
	var all []finding.Finding
	for _, question := range []func(*measured) *finding.Finding{
		func(m *measured) *finding.Finding { return &m.excess },
		func(m *measured) *finding.Finding { return &m.odds },
		func(m *measured) *finding.Finding { return &m.harm },
	} {
		for _, m := range x.groups {
			all = append(all, *question(m))
		}
	}
	for _, m := range x.groups {
		all = append(all, m.inside...)
	}
	for _, f := range append(all, x.more...) {
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	for _, t := range []finding.Table{r.shiftTable(x), r.corruptionTable(x), r.classTable(x)} {
		if err := out.Table(t); err != nil {
			return err
		}
	}
	return nil
}
