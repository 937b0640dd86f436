package slice

import (
	"context"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/permutation"
)

// exchanges is the number of random exchanges of members behind the reference
// of CEV and SDE; it is enough for a mean.
const exchanges = 999

// errorRates are one unit's false positive and false negative rates by class.
// A unit is a member, or one side of a lineage.
type errorRates struct {
	fpr, fnr []float64
}

// spreadOf measures how unevenly the relative changes of the error rates fall
// on the classes: CEV and SDE.
func spreadOf(ctx context.Context, v *audit.View, t int) ([]finding.Finding, error) {
	classes := measurable(v)
	base, err := memberRates(ctx, v, 0, classes)
	if err != nil {
		return nil, err
	}
	variant, err := memberRates(ctx, v, t, classes)
	if err != nil {
		return nil, err
	}
	p := v.Pairing(t)
	paired := p.Design == audit.Paired && !v.Options.Paper
	if paired {
		base, variant = sides(base, variant, p.Lineages)
	}
	x0, xt := average(base), average(variant)
	used := relativeTo(x0)
	out := []finding.Finding{
		spreadFinding(v, t, "cev", "combined error variance"),
		spreadFinding(v, t, "sde", "symmetric distance error"),
	}
	observed, ok := spread(x0, xt, used)
	null := meanNull(v, base, variant, paired, used, observed)
	for i := range out {
		f := &out[i]
		f.KBase, f.K = len(base), len(variant)
		if !ok {
			f.Outcome, f.Reason, f.Word = finding.NotMeasurable, finding.NothingToMeasure, finding.CannotSay
			f.Needed = "two classes for which the baseline makes both kinds of errors"
			continue
		}
		f.Estimate = finding.Float(observed[i])
		null.fill(f, i)
		if left := len(v.Table.Classes) - len(used); left > 0 {
			f.Warnings = append(f.Warnings, finding.Warning{Code: "classes-left-out",
				Text: fmt.Sprintf("%d classes are left out: too few examples, or an error rate of 0 in the baseline, to which no change is relative.", left)})
		}
	}
	return out, nil
}

// measurable are the classes with enough examples in and outside them.
func measurable(v *audit.View) []int {
	var out []int
	for c, n := range v.ClassSizes() {
		if n >= v.Options.MinN && n < v.Table.Len() {
			out = append(out, c)
		}
	}
	return out
}

func spreadFinding(v *audit.View, t int, question, metric string) finding.Finding {
	scope := finding.Scope{Kind: finding.Overall}
	return finding.Finding{
		ID: audit.ID(Name, question, v.Table.Variants[t].Name, scope), Check: Name, Question: question,
		Baseline: v.Table.Baseline().Name, Variant: v.Table.Variants[t].Name, Scope: scope,
		Metric: metric + " over classes", Unit: finding.Plain, Outcome: finding.Described, N: v.Table.Len(),
	}
}

// memberRates are the error rates of each member of variant t for the given
// classes.
func memberRates(ctx context.Context, v *audit.View, t int, classes []int) ([]errorRates, error) {
	right, err := v.Counts(ctx, t)
	if err != nil {
		return nil, err
	}
	predicted, err := countPredicted(ctx, v, t)
	if err != nil {
		return nil, err
	}
	out := make([]errorRates, len(predicted))
	for k := range out {
		r := errorRates{make([]float64, len(classes)), make([]float64, len(classes))}
		for j, c := range classes {
			n, hits := int64(v.ClassSizes()[c]), right.Class[k][c]
			r.fnr[j] = float64(n-hits) / float64(n)
			r.fpr[j] = float64(predicted[k][c]-hits) / float64(int64(v.Table.Len())-n)
		}
		out[k] = r
	}
	return out, nil
}

// countPredicted counts how often each member of variant t predicts each class.
func countPredicted(ctx context.Context, v *audit.View, t int) ([][]int64, error) {
	members, classes := len(v.Table.Variants[t].Members), len(v.Table.Classes)
	partial := make([][]int64, v.Threads())
	err := v.Blocks(ctx, []int{t}, func(worker int, b *audit.Block) error {
		if partial[worker] == nil {
			partial[worker] = make([]int64, members*classes)
		}
		for k, pred := range b.Pred[0] {
			n := partial[worker][k*classes : (k+1)*classes]
			for _, p := range pred {
				n[p]++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([][]int64, members)
	for k := range out {
		out[k] = make([]int64, classes)
		for _, p := range partial {
			if p != nil {
				for c, n := range p[k*classes : (k+1)*classes] {
					out[k][c] += n
				}
			}
		}
	}
	return out, nil
}

// sides averages the members of each lineage on each side.
func sides(base, variant []errorRates, lineages []audit.Lineage) (b, v []errorRates) {
	pick := func(of []errorRates, members []int) errorRates {
		var chosen []errorRates
		for _, k := range members {
			chosen = append(chosen, of[k])
		}
		return average(chosen)
	}
	for _, l := range lineages {
		b, v = append(b, pick(base, l.Base)), append(v, pick(variant, l.Variant))
	}
	return b, v
}

func average(units []errorRates) errorRates {
	n := len(units[0].fpr)
	out := errorRates{make([]float64, n), make([]float64, n)}
	for _, u := range units {
		for j := range n {
			out.fpr[j] += u.fpr[j]
			out.fnr[j] += u.fnr[j]
		}
	}
	for j := range n {
		out.fpr[j] /= float64(len(units))
		out.fnr[j] /= float64(len(units))
	}
	return out
}

// relativeTo are the positions of the classes whose rates in x0 are not 0.
func relativeTo(x0 errorRates) []int {
	var out []int
	for j := range x0.fpr {
		if x0.fpr[j] > 0 && x0.fnr[j] > 0 {
			out = append(out, j)
		}
	}
	return out
}

// spread is CEV and SDE over the used classes; false where fewer than two have
// rates in x0 that a change can be relative to.
func spread(x0, xt errorRates, used []int) (values [2]float64, ok bool) {
	var dp, dn []float64
	for _, j := range used {
		if x0.fpr[j] > 0 && x0.fnr[j] > 0 {
			dp = append(dp, (xt.fpr[j]-x0.fpr[j])/x0.fpr[j])
			dn = append(dn, (xt.fnr[j]-x0.fnr[j])/x0.fnr[j])
		}
	}
	if len(dp) < 2 {
		return values, false
	}
	mp, mn, n := mean(dp), mean(dn), float64(len(dp))
	for j := range dp {
		values[0] += ((dp[j]-mp)*(dp[j]-mp) + (dn[j]-mn)*(dn[j]-mn)) / n
		values[1] += math.Abs(dn[j]-dp[j]) / n
	}
	return values, true
}

// null is the distribution of CEV and SDE under exchanges of members.
type null struct {
	mean    [2]float64 // sums until finished
	p       [2]float64
	reached [2]int // rearrangements with at least the observed value
	n       int    // rearrangements that could be measured; 0 for none
	name    string
}

// meanNull exchanges whole members between the populations, or the sides of
// lineages, and averages the measures.
func meanNull(v *audit.View, base, variant []errorRates, paired bool, used []int, observed [2]float64) null {
	if len(base) == 1 && len(variant) == 1 {
		return null{}
	}
	all := append(append([]errorRates{}, base...), variant...)
	out := null{name: "exchange of members"}
	if paired {
		l := len(base)
		out.name = "swaps within lineages"
		r := permutation.Swaps(l, exchanges, v.Options.Seed)
		for signs := range r.Signs() {
			out.add(all, used, observed, func(u int) bool { return (u < l) == (signs[u%l] > 0) })
		}
		out.finish(r.Exact())
		return out
	}
	r := permutation.Pools(len(base), len(variant), exchanges, v.Options.Seed)
	for first := range r.Assignments() {
		out.add(all, used, observed, func(u int) bool { return first[u] })
	}
	out.finish(r.Exact())
	return out
}

// add measures one rearrangement of the units.
func (n *null) add(all []errorRates, used []int, observed [2]float64, inBase func(unit int) bool) {
	var a, b []errorRates
	for u := range all {
		if inBase(u) {
			a = append(a, all[u])
		} else {
			b = append(b, all[u])
		}
	}
	values, ok := spread(average(a), average(b), used)
	if !ok {
		return
	}
	n.n++
	for i, x := range values {
		n.mean[i] += x
		if x >= observed[i]*(1-1e-12) {
			n.reached[i]++
		}
	}
}

// finish turns sums into means and counts into p-values. Where not all
// rearrangements were listed, the observed one counts besides.
func (n *null) finish(exact bool) {
	identity := 1
	if exact {
		identity = 0
	}
	for i := range n.mean {
		n.mean[i] /= float64(max(1, n.n))
		n.p[i] = float64(n.reached[i]+identity) / float64(max(1, n.n+identity))
	}
}

// fill puts the reference and the p-value of measure i into a finding.
func (n *null) fill(f *finding.Finding, i int) {
	f.Warnings = append(f.Warnings, finding.Warning{Code: "never-negative",
		Text: "This measure is above 0 under no effect too: compare with the reference, never take it as evidence alone."})
	if n.n == 0 {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "no-reference",
			Text: "One model on each side has no reference for this measure."})
		return
	}
	f.Reference = finding.Float(n.mean[i])
	f.Test = &finding.Test{Name: "one-sided permutation, " + n.name, P: finding.Float(n.p[i]),
		Why: fmt.Sprintf("the measure cannot be negative; its distribution under no effect is that over %d rearrangements", n.n)}
}
