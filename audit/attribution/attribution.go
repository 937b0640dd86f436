// Package attribution asks which layer of a compressed model its changed answers
// come from: it counts what each layer rescues when it alone is put back to the
// baseline. It reads variants of kind restored, which `lethe blame` makes; without
// any it says nothing. page.md says how.
package attribution

import (
	"cmp"
	"context"
	_ "embed"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// Name is the name of the check.
const Name = "attribution"

//go:embed page.md
var page string

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is the check's name.
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// Run ranks the restored layers of every candidate.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	for _, t := range v.Candidates() {
		restored := v.Restored(t)
		if len(restored) == 0 {
			continue
		}
		counts, err := count(ctx, v, t, restored)
		if err != nil {
			return err
		}
		layers := make([]*layer, len(restored))
		for i, r := range restored {
			if layers[i], err = newLayer(v, t, r, counts, i); err != nil {
				return err
			}
		}
		if err := correct(v, t, layers); err != nil {
			return err
		}
		slices.SortStableFunc(layers, func(a, b *layer) int { return cmp.Compare(*b.f.Estimate, *a.f.Estimate) })
		for _, l := range layers {
			if err := out.Finding(l.f); err != nil {
				return err
			}
		}
		if err := out.Table(table(v, t, counts, layers)); err != nil {
			return err
		}
	}
	return nil
}

// table lists the layers, those that rescue most first.
func table(v *audit.View, t int, c *counts, layers []*layer) finding.Table {
	name := v.Table.Variants[t].Name
	out := finding.Table{
		Name: "attribution", Check: Name, Variant: name, Title: "Layers put back one at a time, " + name, Total: len(layers),
		Columns: []finding.Column{
			{Name: "layer"}, {Name: "operator"}, {Name: "weights", Unit: finding.Count},
			{Name: "rescued", Unit: finding.Count, Doc: "answers that compression changed and the restored layer gives back, all members"},
			{Name: "disturbed", Unit: finding.Count, Doc: "answers that compression had left and the restored layer changes, all members"},
			{Name: "net", Unit: finding.Difference, Doc: "share of all answers that is the baseline's again"},
			{Name: "net_low", Unit: finding.Difference}, {Name: "net_high", Unit: finding.Difference},
			{Name: "lost_rescued", Unit: finding.Count, Doc: "of the answers that compression turned from right to wrong, those that are right again"},
			{Name: "lost_new", Unit: finding.Count, Doc: "answers right in the baseline and the compressed model, and wrong with the layer restored"},
			{Name: "accuracy_change", Unit: finding.Difference, Doc: "accuracy with the layer restored minus that of the compressed model"},
			{Name: "pies_rescued", Unit: finding.Count, Doc: "PIEs whose modal label is the baseline's again; null for one member"},
			{Name: "pies_new", Unit: finding.Count, Doc: "examples that become PIEs; null for one member"},
			{Name: "weight_sqnr", Doc: "dB"}, {Name: "weight_error", Doc: "largest difference, relative to the largest weight"},
			{Name: "own_sqnr", Doc: "dB, of the layer's output with the compressed model's inputs"},
			{Name: "output_sqnr", Doc: "dB, of the layer's output with all noise before it"},
		},
		Rows: [][]any{},
	}
	for _, l := range layers[:min(len(layers), v.Options.MaxTableRows)] {
		r, n := l.restored, c.of[l.index]
		row := []any{r.Layer, r.Operator, r.Parameters, n.rescued, n.disturbed, *l.f.Estimate, nil, nil, n.lostRescued, n.lostNew,
			float64(n.right-c.right) / float64(c.answers), nil, nil, number(r.WeightSQNR), number(r.WeightError), number(r.OwnSQNR), number(r.OutputSQNR)}
		if i := l.f.Interval; i != nil {
			row[6], row[7] = i.Low, i.High
		}
		if c.pies != nil {
			row[11], row[12] = c.pies[l.index].rescued, c.pies[l.index].disturbed
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// number is a value of a table that may be missing.
func number(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}
