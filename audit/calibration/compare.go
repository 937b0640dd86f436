package calibration

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/jackknife"
	"github.com/lethe-audit/lethe/stat/ttest"
)

// minMembers is the number of members (or lineages) on each side from which
// on the interval is over members.
const minMembers = 3

// measureOf is one number about a member's calibration.
type measureOf struct {
	question, metric string
	byMass           bool // of the bins of equal mass
	value            func(*partition) float64
	expected         func(*partition) float64 // under perfect calibration
}

func measures() []measureOf {
	none := func(*partition) float64 { return 0 }
	return []measureOf{
		{question: "ece", metric: "difference of expected calibration error", value: (*partition).ece, expected: (*partition).expected},
		{question: "ece-adaptive", metric: "difference of expected calibration error, bins of equal mass", byMass: true, value: (*partition).ece, expected: (*partition).expected},
		{question: "overconfidence", metric: "difference of mean confidence minus accuracy", value: (*partition).overconfidence, expected: none},
	}
}

func (m *measureOf) all(c *calibration) *partition {
	if m.byMass {
		return &c.allMass
	}
	return &c.allW
}

// without is the measure with group g of the examples left out; false where
// no example would be left.
func (m *measureOf) without(c *calibration, g int) (float64, bool) {
	rest, groups := *m.all(c), c.width
	if m.byMass {
		groups = c.mass
	}
	for b := range rest {
		rest[b].subtract(groups[g][b])
	}
	if rest.total().n == 0 {
		return 0, false
	}
	return m.value(&rest), true
}

// comparison is one variant against the baseline.
type comparison struct {
	view          *audit.View
	t             int
	base, variant *population
}

func (c *comparison) findings() []finding.Finding {
	if len(c.base.members) == 0 || len(c.variant.members) == 0 {
		f := c.finding(&measures()[0])
		f.Outcome, f.Reason, f.Word = finding.NotMeasurable, finding.NoScores, finding.CannotSay
		f.Needed = "the confidence, or all scores, of each answer"
		return []finding.Finding{f}
	}
	var out []finding.Finding
	for _, m := range measures() {
		out = append(out, c.describe(&m))
	}
	return out
}

func (c *comparison) finding(m *measureOf) finding.Finding {
	t := c.view.Table
	scope := finding.Scope{Kind: finding.Overall}
	return finding.Finding{
		ID: audit.ID(Name, m.question, t.Variants[c.t].Name, scope), Check: Name, Question: m.question,
		Baseline: t.Baseline().Name, Variant: t.Variants[c.t].Name, Scope: scope,
		Metric: m.metric, Unit: finding.Difference, Outcome: finding.Described,
		N: t.Len(), KBase: len(c.base.members), K: len(c.variant.members),
	}
}

func (c *comparison) describe(m *measureOf) finding.Finding {
	f := c.finding(m)
	of := func(fn func(*partition) float64, p *population) []float64 {
		out := make([]float64, len(p.measured))
		for j := range p.measured {
			out[j] = fn(m.all(&p.measured[j]))
		}
		return out
	}
	base, variant := of(m.value, c.base), of(m.value, c.variant)
	if lineages := c.lineages(); len(lineages) >= minMembers {
		base, variant = meansOf(base, variant, lineages)
		c.pairedInterval(&f, base, variant)
		expectedBase, expected := meansOf(of(m.expected, c.base), of(m.expected, c.variant), lineages)
		f.Reference = finding.Float(mean(expected) - mean(expectedBase))
		f.KBase, f.K = len(lineages), len(lineages)
	} else {
		if min(len(base), len(variant)) >= minMembers && c.view.Pairing(c.t).Design != audit.Paired {
			c.welchInterval(&f, base, variant)
		} else {
			c.exampleInterval(&f, m)
		}
		f.Reference = finding.Float(mean(of(m.expected, c.variant)) - mean(of(m.expected, c.base)))
	}
	f.BaseValue, f.Value = finding.Float(mean(base)), finding.Float(mean(variant))
	f.Estimate = finding.Float(*f.Value - *f.BaseValue)
	if m.question == "overconfidence" {
		f.Reference = nil // it has no bias: no effect gives 0
	} else {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "biased-upward",
			Text: "A calibration error cannot be negative and is above 0 for a perfectly calibrated model too: compare with the reference, never take it as evidence alone."})
	}
	if left := c.base.leftOut + c.variant.leftOut; left > 0 {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "members-without-scores",
			Text: fmt.Sprintf("%d members have no scores and are left out.", left)})
	}
	return f
}

// lineages are the complete lineages among the members that have scores, as
// positions in base.members and variant.members; nil unless the design is
// paired.
func (c *comparison) lineages() [][2][]int {
	p := c.view.Pairing(c.t)
	if p.Design != audit.Paired {
		return nil
	}
	positions := func(members, scored []int) (out []int) {
		for _, k := range members {
			for j, s := range scored {
				if s == k {
					out = append(out, j)
				}
			}
		}
		return out
	}
	var out [][2][]int
	for _, l := range p.Lineages {
		pair := [2][]int{positions(l.Base, c.base.members), positions(l.Variant, c.variant.members)}
		if len(pair[0]) > 0 && len(pair[1]) > 0 {
			out = append(out, pair)
		}
	}
	return out
}

// meansOf averages the values of the members of each lineage.
func meansOf(base, variant []float64, lineages [][2][]int) (b, v []float64) {
	pick := func(values []float64, at []int) float64 {
		sum := 0.0
		for _, j := range at {
			sum += values[j]
		}
		return sum / float64(len(at))
	}
	for _, l := range lineages {
		b, v = append(b, pick(base, l[0])), append(v, pick(variant, l[1]))
	}
	return b, v
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func (c *comparison) pairedInterval(f *finding.Finding, base, variant []float64) {
	if r, err := ttest.Paired(variant, base); err == nil {
		c.interval(f, r, "t over differences within lineages")
	}
}

func (c *comparison) welchInterval(f *finding.Finding, base, variant []float64) {
	if r, err := ttest.Welch(variant, base); err == nil {
		c.interval(f, r, "Welch t over members")
	}
}

func (c *comparison) interval(f *finding.Finding, r ttest.Result, method string) {
	level := c.view.Options.Level
	lo, hi := r.Interval(level)
	f.Interval = &finding.Interval{Low: lo, High: hi, Level: level, Covers: finding.Members, Method: method}
	f.Evidence = &finding.Evidence{TotalExamples: c.view.Table.Len(), StdErr: finding.Float(r.StdErr), DoF: finding.Float(r.DoF)}
}

// exampleInterval leaves out one group of examples at a time.
func (c *comparison) exampleInterval(f *finding.Finding, m *measureOf) {
	level := c.view.Options.Level
	mean := func(p *population, g int) (float64, bool) {
		sum := 0.0
		for j := range p.measured {
			x, ok := m.without(&p.measured[j], g)
			if !ok {
				return 0, false
			}
			sum += x
		}
		return sum / float64(len(p.measured)), true
	}
	var replicates []float64
	for g := range c.base.measured[0].width {
		if c.base.empty(g) {
			continue
		}
		b, ok := mean(c.base, g)
		v, ok2 := mean(c.variant, g)
		if ok && ok2 {
			replicates = append(replicates, v-b)
		}
	}
	variance, err := jackknife.DeleteOne(replicates)
	if err != nil {
		return
	}
	estimate := 0.0
	for j := range c.variant.measured {
		estimate += m.value(m.all(&c.variant.measured[j])) / float64(len(c.variant.measured))
	}
	for j := range c.base.measured {
		estimate -= m.value(m.all(&c.base.measured[j])) / float64(len(c.base.measured))
	}
	lo, hi, err := variance.Interval(estimate, level)
	if err != nil {
		return
	}
	f.Interval = &finding.Interval{Low: lo, High: hi, Level: level, Covers: finding.ExamplesOnly,
		Method: fmt.Sprintf("jackknife over %d groups of examples", len(replicates))}
	f.Evidence = &finding.Evidence{TotalExamples: c.view.Table.Len(), StdErr: finding.Float(math.Sqrt(variance.V)), DoF: finding.Float(variance.DoF)}
}

// empty reports whether no example is in group g.
func (p *population) empty(g int) bool {
	return p.measured[0].width[g].total().n == 0
}

// reliability is the table of the pooled bins of equal width.
func (p *population) reliability(t *prediction.Table) finding.Table {
	var pooled partition
	ece, expected := 0.0, 0.0
	for j := range p.measured {
		for b := range pooled {
			pooled[b].add(p.measured[j].allW[b])
		}
		ece += p.measured[j].allW.ece()
		expected += p.measured[j].allW.expected()
	}
	k := float64(len(p.measured))
	out := finding.Table{
		Name: "reliability", Check: Name, Variant: t.Variants[p.t].Name, Total: bins,
		Title: "Confidence and accuracy, " + t.Variants[p.t].Name,
		Columns: []finding.Column{
			{Name: "bin_low", Unit: finding.Share, Doc: "lowest confidence of the bin"},
			{Name: "bin_high", Unit: finding.Share, Doc: "the bin ends below it (the last one includes 1)"},
			{Name: "count", Unit: finding.Count, Doc: "answers of all members"},
			{Name: "confidence", Unit: finding.Share, Doc: "mean confidence; null for an empty bin"},
			{Name: "accuracy", Unit: finding.Share, Doc: "share that is right; null for an empty bin"},
		},
		Note: fmt.Sprintf("mean ECE of a member %.4f; with perfect calibration it would be %.4f on average", ece/k, expected/k),
	}
	for b, x := range pooled {
		row := []any{float64(b) / bins, float64(b+1) / bins, x.n, nil, nil}
		if x.n > 0 {
			row[3], row[4] = float64(x.confidence)/unit/float64(x.n), float64(x.right)/float64(x.n)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
