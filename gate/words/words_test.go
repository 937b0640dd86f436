package words

import (
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
)

// TestLines: the sentences of a scope say the answer, the numbers in the rule's
// unit, and what would decide.
func TestLines(t *testing.T) {
	loss, p, adjusted, floor := 0.031, 0.012, 0.04, 0.8
	scope := gate.ScopeResult{
		Scope: finding.Scope{Kind: finding.Class, Name: "cat"}, Verdict: gate.Fail, Loss: &loss, Low: 0.021, High: 0.041, Margin: 0.02, PWithin: &p, PBeyond: &p, Adjusted: &adjusted, N: 1000,
	}
	rr := gate.RuleResult{Rule: gate.Rule{Name: "r", Metric: "recall", Scope: gate.Class, Margin: gate.Margin{Value: 0.02, Unit: gate.Points}, Test: gate.NonInferiority, Alpha: 0.05, Adjust: gate.Holm}, Family: 10}
	with := func(change func(*gate.RuleResult, *gate.ScopeResult)) string {
		r, s := rr, scope
		change(&r, &s)
		return Line(&r, &s)
	}
	for _, c := range []struct{ got, want string }{
		{Line(&rr, &scope), "cat beyond the margin; loss 3.1 pp [2.1, 4.1], limit 2.0 pp; beyond Holm p = 0.0400; n = 1,000"},
		{with(func(r *gate.RuleResult, s *gate.ScopeResult) { s.Verdict = gate.Pass }), "cat within the margin; loss 3.1 pp [2.1, 4.1], limit 2.0 pp; within p = 0.0120; n = 1,000"},
		{with(func(r *gate.RuleResult, s *gate.ScopeResult) { r.Family = 1 }), "cat beyond the margin; loss 3.1 pp [2.1, 4.1], limit 2.0 pp; beyond p = 0.0400; n = 1,000"},
		{with(func(r *gate.RuleResult, s *gate.ScopeResult) {
			s.Verdict, s.Needed = gate.Undecided, &gate.Needed{Members: 12, Examples: 2500}
		}), "cat cannot say; loss 3.1 pp [2.1, 4.1], limit 2.0 pp; beyond Holm p = 0.0400; n = 1,000; about 12 members or 2,500 examples would decide"},
		{with(func(r *gate.RuleResult, s *gate.ScopeResult) {
			*s = gate.ScopeResult{Scope: s.Scope, Verdict: gate.Undecided, Reason: finding.TooFewExamples, N: 3, Needed: &gate.Needed{Examples: 10}}
		}), "cat cannot say: 3 examples, fewer than the minimum; n = 3; needs 10 examples"},
		{with(func(r *gate.RuleResult, s *gate.ScopeResult) {
			r.Rule.Margin.Unit = gate.Relative
			s.Verdict, s.Listed, r.Rule.Adjust = gate.Undecided, true, gate.BH
		}), "cat cannot say, but suspect (BH); loss 3.1 % [2.1, 4.1] of the baseline, limit 2.00 % of the baseline; beyond Holm p = 0.0400; n = 1,000"},
		{with(func(r *gate.RuleResult, s *gate.ScopeResult) { r.Rule.Floor = &floor }), "cat below the floor; recall 76.90 % [75.90, 77.90] %, limit 80.00 %; beyond Holm p = 0.0400; n = 1,000"},
		{with(func(r *gate.RuleResult, s *gate.ScopeResult) {
			r.Rule.Test, r.Rule.Margin.Unit, s.PWithin = gate.NoTest, gate.Nats, nil
		}), "cat beyond the limit; value 0.0310 nats, limit 0.0200 nats; n = 1,000"},
	} {
		if c.got != c.want {
			t.Errorf("%q\nwant %q", c.got, c.want)
		}
	}
}

// TestNoPromises: nothing is called safe, proven or guaranteed.
func TestNoPromises(t *testing.T) {
	for _, r := range []*gate.Result{gatetest.Small(t), gatetest.Passing(t), gatetest.Void(t)} {
		all := Headline(r) + Tally(r)
		for i := range r.Rules {
			rr := &r.Rules[i]
			all += Ask(&rr.Rule) + How(rr) + Counts(rr) + Override(rr) + Covers(rr) + RuleLine(rr)
		}
		for _, word := range []string{"safe", "proven", "guarantee", "debias", "proves"} {
			if strings.Contains(strings.ToLower(all), word) {
				t.Errorf("%q in %s", word, all)
			}
		}
	}
}

// TestWorst: every scope once, the bad first, and the rules take turns.
func TestWorst(t *testing.T) {
	r := gatetest.Small(t)
	total, last := 0, 0
	seen := map[*gate.ScopeResult]bool{}
	for _, c := range Worst(r) {
		if c.Weight() < last || seen[c.Scope] {
			t.Fatalf("%s of weight %d after %d", c.Scope.Name(), c.Weight(), last)
		}
		last, seen[c.Scope] = c.Weight(), true
		total++
	}
	want := 0
	for _, rr := range r.Rules {
		want += len(rr.Scopes)
	}
	if total != want || last != Passed {
		t.Errorf("%d scopes, want %d", total, want)
	}
	if w := Worst(r); w[0].Rule == w[1].Rule {
		t.Error("one rule takes the first two places")
	}
}

func TestShort(t *testing.T) {
	for _, c := range []struct{ in, want string }{{"abc", "abc"}, {"abcdef", "abc…"}, {"a\nb\x00", "a b "}, {"ü☃xyz", "ü☃x…"}} {
		if got := Short(c.in, 4); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}
