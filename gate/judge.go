package gate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/stat/multiple"
)

// Options are what a caller knows besides policy and findings.
type Options struct {
	Variants []string // judge these only; empty: as the policy says
}

// Judge decides every rule for every variant. A rule that cannot be evaluated is
// an error ([*Error]), never a pass.
func Judge(p *Policy, a *Audit, o Options) (*Result, error) {
	switch err := p.Validate(); {
	case err != nil:
		return nil, err
	case a.config == nil || !a.done:
		return nil, errors.New("gate: the stream of findings is not whole")
	}
	variants, err := a.variants(p, o.Variants)
	if err != nil {
		return nil, err
	}
	res := &Result{
		Verdict: Pass, Policy: p.Name, File: p.File, Tool: a.config.Tool, Title: a.config.Title,
		Baseline: a.config.Populations[0].Name, Variants: variants, Examples: a.config.Examples,
		Doubts: a.doubts(p, variants),
	}
	for _, d := range res.Doubts {
		res.Verdict = worse(res.Verdict, d.Verdict)
	}
	var faults []error
	for _, variant := range variants {
		for i := range p.Rules {
			r, err := a.judge(&p.Rules[i], variant)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			res.Verdict = worse(res.Verdict, r.Verdict)
			res.Rules = append(res.Rules, *r)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return res, nil
}

// judge decides one rule for one variant.
func (a *Audit) judge(r *Rule, variant string) (*RuleResult, error) {
	m, _ := metricNamed(r.Metric) // the policy is valid
	found, leftOut, err := a.of(r, &m, variant)
	if err != nil {
		return nil, err
	}
	c := facts{all: a.pairCells(variant), populationShift: a.config.Settings.Shift == "population"}
	samples := make([]sample, len(found))
	for i, f := range found {
		if samples[i], err = newSample(r, &m, f, c); err != nil {
			return nil, r.error(err.Error())
		}
	}
	out := &RuleResult{Rule: *r, Variant: variant, LeftOut: leftOut}
	out.Scopes, out.Family, err = decide(r, samples)
	if err != nil {
		return nil, r.error(err.Error())
	}
	out.sum()
	return out, nil
}

// decide gives every scope its verdict: within at alpha unadjusted, beyond after
// the correction over the scopes.
func decide(r *Rule, samples []sample) ([]ScopeResult, int, error) {
	out := make([]ScopeResult, len(samples))
	var family []int
	var p []float64
	for i := range samples {
		out[i] = samples[i].result(r)
		if out[i].PBeyond != nil {
			family = append(family, i)
			p = append(p, *out[i].PBeyond)
		}
	}
	adjusted, listed, err := adjust(r.Adjust, p)
	if err != nil {
		return nil, 0, err
	}
	for j, i := range family {
		s := &out[i]
		s.Adjusted = &adjusted[j]
		switch {
		case r.Test == NoTest:
			s.Verdict = Pass
			if *s.PWithin > 0 {
				s.Verdict = Fail
			}
		case adjusted[j] <= r.Alpha:
			s.Verdict = Fail
		case *s.PWithin <= r.Alpha:
			s.Verdict = Pass
		default:
			s.Listed = listed[j] <= r.Alpha
		}
	}
	if r.Test == NoTest { // nothing was tested
		for i := range out {
			out[i].PWithin, out[i].PBeyond, out[i].Adjusted = nil, nil, nil
		}
		family = nil
	}
	alphaFail := r.Alpha
	if r.Adjust != NoAdjust {
		alphaFail /= float64(max(1, len(p)))
	}
	for i := range out {
		if out[i].Verdict == Undecided {
			out[i].Needed = samples[i].needed(r, alphaFail)
		}
	}
	return out, len(family), nil
}

// adjust corrects the P of a family: adjusted decides a fail, listed marks the
// suspect.
func adjust(a Adjust, p []float64) (adjusted, listed []float64, err error) {
	if a == NoAdjust {
		return p, p, nil
	}
	if adjusted, err = multiple.Holm(p); err != nil {
		return nil, nil, fmt.Errorf("correction over %d scopes: %w", len(p), err)
	}
	switch a {
	case BH:
		listed, err = multiple.BenjaminiHochberg(p)
	case BY:
		listed, err = multiple.BenjaminiYekutieli(p)
	default:
		listed = adjusted
	}
	return adjusted, listed, err
}

// result is a scope before its verdict.
func (s *sample) result(r *Rule) ScopeResult {
	f := s.found
	out := ScopeResult{
		Scope: f.Scope, Finding: f.ID, Verdict: Undecided, Reason: s.reason, Base: f.BaseValue, Value: f.Value,
		Weight: s.weight, N: f.N, KBase: f.KBase, K: f.K, Covers: s.covers, Margin: s.margin,
	}
	if s.relative > 0 {
		out.Margin = s.relative
	}
	if s.evidence == nil {
		return out
	}
	loss := s.evidence.loss()
	low, high := s.evidence.limits(r.Alpha)
	if s.relative > 0 && s.margin == 0 {
		out.Contrast = &Contrast{loss, low, high}
	}
	loss, low, high = s.shown(loss), s.shown(low), s.shown(high)
	out.Loss, out.Low, out.High, out.Method = &loss, low, high, s.evidence.method()
	within, beyond := sides(s.evidence, s.margin)
	if r.Test == Equivalence {
		gain, small := sides(s.evidence, -s.margin) // gain is small where more than the margin was gained
		within = math.Max(within, small)
		beyond = math.Min(1, 2*math.Min(beyond, gain))
	}
	out.PWithin, out.PBeyond = &within, &beyond
	return out
}

// sum makes the rule's verdict from those of its scopes, and puts the worst first.
func (r *RuleResult) sum() {
	evidence := false // an undecided scope was tested
	untested := false // an undecided scope could not be tested
	r.Verdict = Pass
	for i := range r.Scopes {
		s := &r.Scopes[i]
		r.Verdict = worse(r.Verdict, s.Verdict)
		switch s.Verdict {
		case Pass:
			r.Passed++
		case Fail:
			r.Failed++
		default:
			r.Undecided++
			evidence = evidence || s.PWithin != nil
			untested = untested || s.PWithin == nil
		}
	}
	slices.SortStableFunc(r.Scopes, worstFirst)
	if r.Rule.Scope == Worst {
		r.Scopes = r.Scopes[:1]
	}
	if r.Verdict != Undecided || r.Rule.OnUndecided == Undecided {
		return
	}
	// An override answers what the evidence left open. It does not stand in for a
	// test that could not be made.
	if r.Rule.OnUndecided == Fail || evidence && !untested {
		r.Verdict, r.Override = r.Rule.OnUndecided, true
	}
}

// worstFirst orders failed scopes by their corrected P, then undecided ones, then
// passed ones, each by their upper limit; what could not be tested leads its kind.
func worstFirst(a, b ScopeResult) int {
	if c := cmp.Compare(rank(a.Verdict), rank(b.Verdict)); c != 0 {
		return c
	}
	if a.Adjusted != nil && b.Adjusted != nil && a.Verdict == Fail { // nil: compared, not tested
		if c := cmp.Compare(*a.Adjusted, *b.Adjusted); c != 0 {
			return c
		}
	}
	upper := func(s *ScopeResult) float64 {
		if s.Loss == nil {
			return math.Inf(1)
		}
		return s.High - s.Margin
	}
	return cmp.Compare(upper(&b), upper(&a))
}

func rank(v Verdict) int {
	switch v {
	case Fail:
		return 0
	case Undecided:
		return 1
	}
	return 2
}
