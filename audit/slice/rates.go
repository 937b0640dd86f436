package slice

import (
	"context"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/ttest"
)

// binary asks about one positive class: in its view an answer is right if it
// says correctly whether the example is of that class.
type binary struct {
	view     *audit.View // nil where there is no positive class
	positive int         // in view
	assumed  string      // name of the positive class where it was not chosen
}

// newBinary makes the two-class view. A table of two classes is used as it is.
func newBinary(v *audit.View) (*binary, error) {
	positive, classes := v.Options.Positive, len(v.Table.Classes)
	switch {
	case classes == 2 && positive < 0:
		return &binary{view: v, positive: 1, assumed: v.Table.Classes[1]}, nil
	case classes == 2:
		return &binary{view: v, positive: positive}, nil
	case positive < 0:
		return &binary{}, nil
	}
	if n := v.ClassSizes()[positive]; n == 0 {
		return &binary{}, nil // no positives: no rate to compare
	}
	t := *v.Table
	t.Classes = []string{"not " + v.Table.Classes[positive], v.Table.Classes[positive]}
	t.Labels = isClass(v.Table.Labels, positive)
	t.Variants = nil
	for _, variant := range v.Table.Variants {
		members := variant.Members
		variant.Members = nil
		for _, m := range members {
			variant.Members = append(variant.Members, prediction.Member{Name: m.Name, Lineage: m.Lineage, Predicted: isClass(m.Predicted, positive)})
		}
		t.Variants = append(t.Variants, variant)
	}
	o := v.Options
	o.Positive = 1
	view, err := audit.NewView(&t, o)
	return &binary{view: view, positive: 1}, err
}

func isClass(c prediction.Column, class int) prediction.Column {
	out := prediction.NewColumn(c.Len(), 2)
	for i := range c.Len() {
		if c.At(i) == class {
			out.Set(i, 1)
		}
	}
	return out
}

// rateGroupings are the positives and the negatives of each subgroup.
type rateGroupings struct {
	positives, negatives *recall.Grouping
}

func (b *binary) groupings(g *groups) *rateGroupings {
	if b.view == nil {
		return nil
	}
	pos, neg := make([]int32, len(g.codes)), make([]int32, len(g.codes))
	labels := b.view.Table.Labels
	for i, c := range g.codes {
		pos[i], neg[i] = c, -1
		if labels.At(i) != b.positive {
			pos[i], neg[i] = -1, c
		}
	}
	return &rateGroupings{
		positives: recall.ByCode(g.name, g.scopes, pos),
		negatives: recall.ByCode(g.name, g.scopes, neg),
	}
}

// rates are the findings about the rates of all subgroups; empty without a
// positive class.
type rates struct {
	fpr, fnr, precision []finding.Finding
}

// groupRates are the rates of one subgroup; nil without a positive class.
type groupRates struct {
	fpr, fnr, precision *finding.Finding
}

func (r *rates) at(i int) groupRates {
	if len(r.fpr) == 0 {
		return groupRates{}
	}
	return groupRates{&r.fpr[i], &r.fnr[i], &r.precision[i]}
}

func (b *binary) measure(ctx context.Context, gs *rateGroupings, g *groups, t int) (*rates, error) {
	out := &rates{}
	if b.view == nil {
		return out, nil
	}
	of := func(gr *recall.Grouping, question, metric string) ([]finding.Finding, error) {
		m, err := recall.Measure(ctx, b.view, gr, t)
		if err != nil {
			return nil, err
		}
		f, err := m.Harm(Name)
		for i := range f {
			b.asErrorRate(&f[i], question, metric, g)
		}
		return f, err
	}
	var err error
	if out.fpr, err = of(gs.negatives, "fpr", "false positive rate difference"); err != nil {
		return nil, err
	}
	if out.fnr, err = of(gs.positives, "fnr", "false negative rate difference"); err != nil {
		return nil, err
	}
	for i := range out.fpr {
		out.precision = append(out.precision, b.precision(&out.fnr[i], &out.fpr[i], t))
	}
	return out, nil
}

// asErrorRate turns a finding about the share of right answers into one about
// the share of wrong ones.
func (b *binary) asErrorRate(f *finding.Finding, question, metric string, g *groups) {
	f.Question, f.Metric = question, metric
	f.ID = audit.ID(Name, question, f.Variant, f.Scope)
	if f.Estimate != nil {
		f.Estimate = finding.Float(0 - *f.Estimate) // not -0
		f.BaseValue, f.Value = finding.Float(1-*f.BaseValue), finding.Float(1-*f.Value)
	}
	if f.Evidence != nil && f.Evidence.Skew != nil {
		k := f.Evidence.Skew
		f.Evidence.Skew = &finding.Skew{Examples: 0 - k.Examples, Both: 0 - k.Both, Covariance: 0 - k.Covariance}
	}
	if f.Interval != nil {
		i := *f.Interval
		i.Low, i.High = 0-i.High, 0-i.Low
		f.Interval = &i
	}
	if f.Test != nil {
		test := *f.Test
		if test.Statistic != nil {
			test.Statistic = finding.Float(0 - *test.Statistic)
		}
		if test.Family != nil {
			test.Family = &finding.Family{Name: question + " by " + g.name + ", " + f.Variant, Size: test.Family.Size}
		}
		f.Test = &test
	}
	b.warn(f)
}

func (b *binary) warn(f *finding.Finding) {
	if b.assumed != "" {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "positive-class",
			Text: "No positive class was named: the second of the two classes, " + b.assumed + ", is taken."})
	}
}

// precision describes the share of positive answers that are right, from the
// counts of the two rates.
func (b *binary) precision(fnr, fpr *finding.Finding, t int) finding.Finding {
	f := finding.Finding{
		ID: audit.ID(Name, "precision", fnr.Variant, fnr.Scope), Check: Name, Question: "precision",
		Baseline: fnr.Baseline, Variant: fnr.Variant, Scope: fnr.Scope,
		Metric: "precision difference", Unit: finding.Difference, Outcome: finding.Described,
		N: fnr.N + fpr.N, KBase: fnr.KBase, K: fnr.K,
	}
	b.warn(&f)
	void := func(r finding.Reason) finding.Finding {
		f.Outcome, f.Reason, f.Word = finding.NotMeasurable, r, finding.CannotSay
		return f
	}
	if fnr.Evidence == nil || fpr.Evidence == nil || f.N == 0 {
		return void(finding.TooFewExamples)
	}
	base := precisions(fnr.Evidence.BaseCorrect, fpr.Evidence.BaseCorrect, fpr.N)
	variant := precisions(fnr.Evidence.Correct, fpr.Evidence.Correct, fpr.N)
	var r ttest.Result
	var err error
	if p := b.view.Pairing(t); p.Design == audit.Paired && !b.view.Options.Paper {
		base, variant = byLineage(base, variant, p.Lineages)
		r, err = ttest.Paired(variant, base)
	} else {
		base, variant = finite(base), finite(variant)
		r, err = ttest.Welch(variant, base)
	}
	if len(base) == 0 || len(variant) == 0 {
		return void(finding.NothingToMeasure) // no member gives a positive answer
	}
	f.KBase, f.K = len(base), len(variant)
	f.BaseValue, f.Value = finding.Float(mean(base)), finding.Float(mean(variant))
	f.Estimate = finding.Float(*f.Value - *f.BaseValue)
	if err == nil {
		level := b.view.Options.Level
		lo, hi := r.Interval(level)
		f.Interval = &finding.Interval{Low: lo, High: hi, Level: level, Covers: finding.Members, Method: "t over members"}
	}
	return f
}

// noPrecision marks a member without a positive answer; it never leaves this
// file.
const noPrecision = -1

// precisions are tp/(tp+fp) by member, from the right answers among positives
// and among n negatives.
func precisions(tp, tn []int64, negatives int) []float64 {
	out := make([]float64, len(tp))
	for k := range tp {
		fp := int64(negatives) - tn[k]
		out[k] = noPrecision
		if tp[k]+fp > 0 {
			out[k] = float64(tp[k]) / float64(tp[k]+fp)
		}
	}
	return out
}

func finite(x []float64) (out []float64) {
	for _, v := range x {
		if v != noPrecision {
			out = append(out, v)
		}
	}
	return out
}

// byLineage averages the members of each lineage; lineages without a value on
// one side are left out.
func byLineage(base, variant []float64, lineages []audit.Lineage) (b, v []float64) {
	pick := func(x []float64, members []int) []float64 {
		var out []float64
		for _, k := range members {
			out = append(out, x[k])
		}
		return finite(out)
	}
	for _, l := range lineages {
		x, y := pick(base, l.Base), pick(variant, l.Variant)
		if len(x) > 0 && len(y) > 0 {
			b, v = append(b, mean(x)), append(v, mean(y))
		}
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
