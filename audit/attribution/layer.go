package attribution

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/components"
	"github.com/lethe-audit/lethe/stat/interval"
	"github.com/lethe-audit/lethe/stat/mcnemar"
	"github.com/lethe-audit/lethe/stat/multiple"
	"github.com/lethe-audit/lethe/stat/tail"
	"github.com/lethe-audit/lethe/stat/ttest"
)

// layer is one restored layer and what is found about it.
type layer struct {
	index    int
	restored *prediction.Restored
	f        finding.Finding
	inTest   bool // Test.P belongs to the family
}

// newLayer measures what restored variant r, layer number i of the counts, gives
// back of the answers that candidate t changed, and tests that against nothing.
func newLayer(v *audit.View, t, r int, c *counts, i int) (*layer, error) {
	x := v.Table.Variants[r].Restored
	scope := finding.Scope{Kind: finding.Layer, Name: x.Layer}
	n, candidate := &c.of[i], &v.Table.Variants[t]
	before := float64(c.changed) / float64(c.answers)
	gain := float64(n.rescued-n.disturbed) / float64(c.answers)
	l := &layer{index: i, restored: x, f: finding.Finding{
		ID: audit.ID(Name, "rescue", candidate.Name, scope), Check: Name, Question: "rescue", Scope: scope,
		Baseline: v.Table.Baseline().Name, Variant: candidate.Name,
		Metric: "share of the answers that is the baseline's again when the layer stays in float", Unit: finding.Difference,
		BaseValue: &before, Value: finding.Float(before - gain), Estimate: &gain,
		N: v.Table.Len(), KBase: len(c.units), K: len(c.units),
	}}
	if len(c.units) == 1 {
		if len(c.units[0].pairs) == 1 {
			return l, l.pair(v.Options, n, c)
		}
		return l, l.oneUnit(v.Options, c)
	}
	return l, l.population(v.Options, c)
}

// out takes a layer out of the family: it cannot be measured.
func (l *layer) out(r finding.Reason, needed string) {
	l.f.Outcome, l.f.Reason, l.f.Word, l.f.Needed = finding.NotMeasurable, r, finding.CannotSay, needed
}

// pair tests one pair of models: the exact McNemar test of answers rescued
// against answers disturbed.
func (l *layer) pair(o audit.Options, n *tally, c *counts) error {
	same := c.answers - c.changed // agree before
	cells := finding.PairedCells{Both: same - n.disturbed, OnlyBase: n.disturbed, OnlyVariant: n.rescued, Neither: c.changed - n.rescued}
	iv, err := interval.NewcombePaired(int(cells.Both), int(cells.OnlyVariant), int(cells.OnlyBase), int(cells.Neither), o.Level)
	if err != nil {
		return fmt.Errorf("interval of layer %s: %w", l.restored.Layer, err)
	}
	l.f.Interval = &finding.Interval{Low: iv.Low, High: iv.High, Level: o.Level, Covers: finding.ExamplesOnly, Method: "Newcombe, paired"}
	l.f.Evidence = &finding.Evidence{Examples: int(c.answers), TotalExamples: int(c.answers), Pairs: &cells}
	need := mcnemar.MinDiscordant(o.Alpha)
	if moved := n.rescued + n.disturbed; moved < int64(need) {
		l.out(finding.TooFewDiscordant, fmt.Sprintf("%d rescued or disturbed answers at least; there are %d", need, moved))
		return nil
	}
	r := mcnemar.Exact(int(n.disturbed), int(n.rescued))
	l.f.Test = &finding.Test{Name: "exact McNemar", Why: "one pair of models: only the examples vary", P: &r.P, MidP: &r.MidP}
	l.inTest = true
	return nil
}

// fewestMoved is the number of examples that must move for the normal tail.
const fewestMoved = 20

// oneUnit tests several members of one checkpoint, which are one unit: only the
// examples vary.
func (l *layer) oneUnit(o audit.Options, c *counts) error {
	v, err := l.variance(c, components.Examples)
	if moved := c.movedN[l.index]; err != nil || v.V == 0 || moved < fewestMoved {
		l.out(finding.TooFewDiscordant, fmt.Sprintf("%d examples whose answers are rescued or disturbed; there are %d", fewestMoved, moved))
		return nil
	}
	l.interval(o, v, c.scale, finding.ExamplesOnly)
	z := *l.f.Estimate * float64(c.scale) / math.Sqrt(v.V)
	p := min(1, 2*tail.Normal(math.Abs(z)))
	l.f.Test = &finding.Test{Name: "studentized mean, normal tail", Why: "all members were made from one checkpoint and are one unit: only the examples vary", Statistic: &z, P: &p}
	l.inTest = true
	return nil
}

// population tests several lineages by a paired t.
func (l *layer) population(o audit.Options, c *counts) error {
	if v, err := l.variance(c, components.Both); err == nil && v.V > 0 {
		l.interval(o, v, c.scale, finding.Both)
	}
	s := c.sums[l.index]
	r, err := ttest.OneSampleFromMoments(ttest.IntegerMoments(s.Rows, float64(s.N)*float64(c.scale)), 0)
	switch {
	case errors.Is(err, ttest.ErrNoSpread):
		l.out(finding.NoMemberVariance, "")
		return nil
	case err != nil:
		return fmt.Errorf("layer %s: %w", l.restored.Layer, err)
	}
	if len(c.units) < 5 {
		l.f.Warnings = append(l.f.Warnings, finding.Warning{Code: "few-members", Text: "With fewer than 5 members the t-test leans on normality."})
	}
	l.f.Test = &finding.Test{Name: "paired t", Why: "the gain of each lineage is one observation", Statistic: &r.T, DoF: &r.DoF, P: &r.P}
	l.inTest = true
	return nil
}

// variance is that of the mean gain in units of 1/scale.
func (l *layer) variance(c *counts, covers components.Covers) (components.Variance, error) {
	parts, err := components.Paired(c.sums[l.index])
	if err != nil {
		return components.Variance{}, err
	}
	return parts.Variance(covers)
}

func (l *layer) interval(o audit.Options, v components.Variance, scale int64, covers finding.Covers) {
	half := tail.StudentTQuantile((1-o.Level)/2, v.DoF) * math.Sqrt(v.V) / float64(scale)
	l.f.Interval = &finding.Interval{Low: *l.f.Estimate - half, High: *l.f.Estimate + half, Level: o.Level, Covers: covers, Method: "t, two-way variance components"}
}

// correct adjusts the P of all layers of a candidate as one family, and decides.
func correct(v *audit.View, t int, layers []*layer) error {
	var p []float64
	var tested []*layer
	for _, l := range layers {
		if l.inTest {
			p, tested = append(p, *l.f.Test.P), append(tested, l)
		}
	}
	if len(p) == 0 {
		return nil
	}
	bh, err := multiple.BenjaminiHochberg(p)
	if err != nil {
		return err
	}
	by, err := multiple.BenjaminiYekutieli(p)
	if err != nil {
		return err
	}
	holm, err := multiple.Holm(p)
	if err != nil {
		return err
	}
	family := &finding.Family{Name: "rescue by layer, " + v.Table.Variants[t].Name, Size: len(p)}
	for i, l := range tested {
		test := l.f.Test
		test.Q, test.BY, test.Holm, test.Family = &bh[i], &by[i], &holm[i], family
		l.decide(v.Options)
	}
	return nil
}

func (l *layer) decide(o audit.Options) {
	p := map[audit.FDR]*float64{audit.BH: l.f.Test.Q, audit.BY: l.f.Test.BY, audit.Holm: l.f.Test.Holm, audit.NoFDR: l.f.Test.P}[o.FDR]
	switch {
	case *p > o.Alpha:
		l.f.Outcome, l.f.Word = finding.NotDetected, finding.NoDifference
	case *l.f.Estimate > 0:
		l.f.Outcome, l.f.Word = finding.Better, finding.Rescues
	default:
		l.f.Outcome, l.f.Word = finding.Worse, finding.Disturbs
	}
}
