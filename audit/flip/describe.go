package flip

import (
	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// describe makes the shares of changed answers, each beside its mean under no
// effect where there is one: pooled members permuted for independent
// populations, baseline and variant swapped within lineages otherwise.
func describe(v *audit.View, t int, c *changes) []finding.Finding {
	n := int64(v.Table.Len())
	sum := func(x []int64) (s int64) {
		for _, k := range x {
			s += k
		}
		return s
	}
	share := func(k int64) float64 { return float64(k) / float64(c.pairs) / float64(n) }
	lost, won, other := sum(c.rightToWrong), sum(c.wrongToRight), sum(c.wrongToOther)
	churn := share(lost + won + other)

	var churnRef, flipRef, lostRef *float64
	if v.Pairing(t).Design == audit.Independent {
		pool := func(k int64) *float64 { return finding.Float(float64(k) / float64(c.poolPairs) / float64(n)) }
		churnRef, lostRef, flipRef = pool(c.poolChanged), pool(c.poolRightToWrong), pool(2*c.poolRightToWrong)
	} else {
		lostRef = finding.Float(share(lost+won) / 2)
	}
	measures := []struct {
		question, metric string
		value            float64
		reference        *float64
	}{
		{"churn", "share of changed answers", churn, churnRef},
		{"flips", "share of answers that change between right and wrong", share(lost + won), flipRef},
		{"negative-flip-rate", "share right in the baseline and wrong in the variant", share(lost), lostRef},
		{"positive-flip-rate", "share wrong in the baseline and right in the variant", share(won), lostRef},
		{"loyalty", "label loyalty: share of answers equal to the baseline's", 1 - churn, complement(churnRef)},
	}
	out := make([]finding.Finding, 0, len(measures))
	for _, m := range measures {
		f := described(v, t, m.question, m.metric, finding.Share, m.value)
		f.Reference = m.reference
		if v.Pairing(t).Design == audit.SinglePair {
			f.Evidence = &finding.Evidence{Examples: v.Table.Len(), Pairs: cells(v, c)}
		}
		out = append(out, f)
	}
	return out
}

func complement(x *float64) *float64 {
	if x == nil {
		return nil
	}
	return finding.Float(1 - *x)
}

// cells are the right and wrong answers of one pair of models.
func cells(v *audit.View, c *changes) *finding.PairedCells {
	var p finding.PairedCells
	for k := range c.rightToWrong {
		p.OnlyBase += c.rightToWrong[k]
		p.OnlyVariant += c.wrongToRight[k]
	}
	var right int64
	members := &v.Table.Variants[0].Members[0]
	for i := range v.Table.Len() {
		if members.Predicted.At(i) == v.Table.Labels.At(i) {
			right++
		}
	}
	p.Both = right - p.OnlyBase
	p.Neither = int64(v.Table.Len()) - p.Both - p.OnlyBase - p.OnlyVariant
	return &p
}

// described is a measured value about all examples that is no test.
func described(v *audit.View, t int, question, metric string, unit finding.Unit, value float64) finding.Finding {
	scope := finding.Scope{Kind: finding.Overall}
	name := v.Table.Variants[t].Name
	return finding.Finding{
		ID: audit.ID(Name, question, name, scope), Check: Name, Question: question, Scope: scope,
		Baseline: v.Table.Baseline().Name, Variant: name, Metric: metric, Unit: unit, Estimate: &value,
		Outcome: finding.Described, N: v.Table.Len(),
		KBase: len(v.Table.Variants[0].Members), K: len(v.Table.Variants[t].Members),
	}
}

// byClass is the table of changed answers by true class, a mean pair of
// members in counts.
func byClass(v *audit.View, t int, c *changes) finding.Table {
	name := v.Table.Variants[t].Name
	table := finding.Table{
		Name: "flip-pairs", Check: Name, Variant: name,
		Title: "Changed answers by class, " + name + " (examples, mean over pairs of members)",
		Columns: []finding.Column{
			{Name: "class"}, {Name: "n", Unit: finding.Count},
			{Name: "right_to_wrong", Unit: finding.Count}, {Name: "wrong_to_right", Unit: finding.Count},
			{Name: "wrong_to_other", Unit: finding.Count, Doc: "wrong before and after, with another label"},
		},
		Rows: [][]any{},
	}
	per := func(k int64) float64 { return float64(k) / float64(c.pairs) }
	for k, n := range v.ClassSizes() {
		if n == 0 {
			continue
		}
		table.Total++
		if len(table.Rows) < v.Options.MaxTableRows {
			table.Rows = append(table.Rows, []any{v.Table.Classes[k], n, per(c.rightToWrong[k]), per(c.wrongToRight[k]), per(c.wrongToOther[k])})
		}
	}
	return table
}
