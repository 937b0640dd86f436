package pie

import (
	"context"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/modal"
	"github.com/lethe-audit/lethe/stat/tail"
)

// excess are the findings that set the PIE share against what no effect gives.
func (r *result) excess() []finding.Finding {
	if r.units != nil {
		return []finding.Finding{r.swapExcess()}
	}
	out := []finding.Finding{
		r.floorExcess("floor-excess", "the baseline's own floor", func(m *Measured) (float64, Estimate) { return m.Floor, m.Excess }),
		r.floorExcess("own-floor", "the mean of both populations' own floors", func(m *Measured) (float64, Estimate) { return (m.Floor + m.OwnFloor) / 2, m.OwnExcess }),
	}
	for _, n := range r.nulls {
		out = append(out, r.nullFinding(n))
	}
	return out
}

// floorExcess compares the PIE share with a floor at the same population size.
func (r *result) floorExcess(question, floor string, of func(*Measured) (float64, Estimate)) finding.Finding {
	size, _ := modal.MatchedSize(min(r.k0, r.kt))
	f := r.finding(question, overall(), fmt.Sprintf("excess PIE share at matched size %d", size), finding.Difference)
	switch {
	case size == 0:
		f.Metric = "excess PIE share at matched size"
		return notMeasurable(f, finding.TooFewMembers, "at least 2 members in each population")
	case r.measured == nil:
		return notMeasurable(f, finding.NotComputed, "")
	}
	reference, e := of(r.measured)
	f.Value, f.Reference = finding.Float(r.measured.PIE), finding.Float(reference)
	warn(&f, "matched-size", "The PIE share here is that of %d members against %d, averaged over all choices of members; the reference is the same for two disjoint sets of %d members of one population (%s).", size, size, size, floor)
	r.noteLineages(&f)
	return r.decideExcess(f, e)
}

// decideExcess adds the estimate, its interval over members and examples, and
// the verdict.
func (r *result) decideExcess(f finding.Finding, e Estimate) finding.Finding {
	o := r.view.Options
	f.Estimate = finding.Float(e.Value)
	if !e.Interval {
		warn(&f, "no-interval", "With 2 members in a population there is no interval.")
		return f
	}
	lo, hi, err := e.Bounds(o.Level, true)
	if err != nil {
		return notMeasurable(f, finding.NoMemberVariance, "")
	}
	se := math.Sqrt(e.Both.V)
	t := e.Value / se
	p := tail.TwoSidedT(t, e.Both.DoF)
	f.Interval = &finding.Interval{Low: lo, High: hi, Level: o.Level, Covers: finding.Both, Method: "delete-one-member jackknife plus example variance, t"}
	f.Test = &finding.Test{
		Name: "t of the excess", Why: "the excess is unbiased and its jackknife variance covers members and examples",
		Statistic: finding.Float(t), DoF: finding.Float(e.Both.DoF), P: finding.Float(p),
	}
	f.Evidence.StdErr, f.Evidence.DoF = finding.Float(se), finding.Float(e.Both.DoF)
	f.Evidence.VarMembers, f.Evidence.VarExamples = finding.Float(e.Members.V), finding.Float(e.Examples)
	switch {
	case p <= o.Alpha && e.Value > 0:
		f.Outcome, f.Word = finding.Worse, finding.MoreThanNoise
	case p <= o.Alpha:
		f.Outcome, f.Word = finding.Better, finding.FewerThanNoise
	default:
		f.Outcome, f.Word = finding.NotDetected, finding.NotMoreThanNoise
		f.MDE = finding.Float(se * (tail.StudentTQuantile(o.Alpha/2, e.Both.DoF) + tail.StudentTQuantile(1-o.MDEPower, e.Both.DoF)))
	}
	return f
}

// noteLineages warns where members of one population share a lineage, so that
// they are fewer independent units than members.
func (r *result) noteLineages(f *finding.Finding) {
	for _, v := range []*prediction.Variant{r.view.Table.Baseline(), r.variant()} {
		seen := map[string]bool{}
		repeated := 0
		for _, m := range v.Members {
			if m.Lineage != "" && seen[m.Lineage] {
				repeated++
			}
			seen[m.Lineage] = true
		}
		if repeated > 0 {
			warn(f, "repeated-lineage", "%s: %d members share a lineage with another member and are not independent of it; the floor is too low and the interval too narrow.", v.Name, repeated)
		}
	}
}

// swapExcess compares the PIE share with random swaps within lineages.
func (r *result) swapExcess() finding.Finding {
	f := r.finding("swap-excess", overall(), "excess PIE share over random swaps", finding.Difference)
	pairing := r.view.Pairing(r.t)
	f.KBase, f.K = r.k0-pairing.LeftOutBase, r.kt-pairing.LeftOutVariant
	if r.reference == nil {
		return notMeasurable(f, finding.NotComputed, "")
	}
	s := r.swappedShare(r.tally, r.reference)
	f.Value, f.Reference, f.Estimate = finding.Float(s.PIE), finding.Float(s.Reference), finding.Float(s.PIE-s.Reference)
	f.Test = &finding.Test{Name: r.globalTest(s.Draws, s.Exact), Why: r.globalWhy(), P: finding.Float(s.P)}
	warn(&f, "lower-estimate", "A real change also raises the share under swaps, so the reference is too high rather than too low and the excess is a lower estimate.")
	if pairing.LeftOutBase+pairing.LeftOutVariant > 0 {
		warn(&f, "left-out-members", "%d baseline and %d variant members have no partner of the same lineage and are left out.", pairing.LeftOutBase, pairing.LeftOutVariant)
	}
	return r.judge(f, s.P, leastSwapP(s.Draws, s.Exact))
}

// nullExcess is the PIE share of a variant beyond that of a second dense
// population: a floor that was measured and not derived.
type nullExcess struct {
	name       string
	k, m       int
	value      float64 // PIE share of the variant at size m
	reference  float64 // of the second dense population
	difference Estimate
}

// againstNulls measures variant t against every variant of kind null.
func (m *Measurer) againstNulls(ctx context.Context, v *audit.View, t int) ([]nullExcess, error) {
	var out []nullExcess
	for i := 1; i < len(v.Table.Variants); i++ {
		null := &v.Table.Variants[i]
		if null.Kind != prediction.KindNull || i == t || v.Pairing(i).Design == audit.Paired {
			continue
		}
		size, interval := modal.MatchedSize(min(len(null.Members), len(v.Table.Variants[0].Members), len(v.Table.Variants[t].Members)))
		if size == 0 {
			continue
		}
		n, err := m.againstNull(ctx, v, t, i, size, interval)
		if err != nil {
			return nil, err
		}
		n.name, n.k, n.m = null.Name, len(null.Members), size
		out = append(out, n)
	}
	return out, nil
}

func (m *Measurer) againstNull(ctx context.Context, v *audit.View, t, null, size int, interval bool) (nullExcess, error) {
	n := v.Table.Len()
	each := make([]float64, n)
	b, err := m.replicate(ctx, newComparison(v, null), size, interval, each, nil)
	if err != nil {
		return nullExcess{}, err
	}
	a, err := m.replicate(ctx, newComparison(v, t), size, interval, nil, each)
	if err != nil {
		return nullExcess{}, err
	}
	share := 1 / float64(n)
	out := nullExcess{value: a.pie * share, reference: b.pie * share}
	out.difference.Value = out.value - out.reference
	if !interval {
		return out, nil
	}
	base, variant, other := make([]float64, len(a.pieBase)), make([]float64, len(a.pieVariant)), make([]float64, len(b.pieVariant))
	for k := range base {
		base[k] = (a.pieBase[k] - b.pieBase[k]) * share
	}
	for k := range variant {
		variant[k] = (a.pieVariant[k] - b.pie) * share
	}
	for k := range other {
		other[k] = (a.pie - b.pieVariant[k]) * share
	}
	out.difference, err = estimate(out.difference.Value, a.pie2+b.pie2-2*a.with, 0, n, base, variant, other)
	return out, err
}

// nullFinding reports one measured floor.
func (r *result) nullFinding(n nullExcess) finding.Finding {
	f := r.finding("measured-floor", finding.Scope{Kind: finding.Overall, Name: n.name}, fmt.Sprintf("PIE share beyond that of %s at matched size %d", n.name, n.m), finding.Difference)
	f.Value, f.Reference = finding.Float(n.value), finding.Float(n.reference)
	warn(&f, "measured-floor", "The reference is measured: the PIE share of %s, a second dense population of %d members, at the same size.", n.name, n.k)
	return r.decideExcess(f, n.difference)
}
