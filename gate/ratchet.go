package gate

import (
	"slices"

	"github.com/lethe-audit/lethe/finding"
)

// Held is the test of a ratchet: no loss has grown beyond the one that was recorded.
// Policies cannot ask for it; [Result.AddRatchet] does.
const Held Test = "held"

// RatchetRule is the name of a ratchet's rules.
const RatchetRule = "ratchet"

// Recorded is what a ratchet says of one loss.
type Recorded struct {
	Variant  string
	Question string // of the finding: "harm" or "accuracy"
	Scope    finding.Scope
	Finding  string   // id; "" where the audit has none
	Was      float64  // recorded loss, a share; positive is worse
	Now      *float64 // nil where the audit has none
	Low      float64  // one-sided limits of the loss now, the chance of the recorded one included
	High     float64
	P        *float64 // of "it has not grown"; nil: not tested
	Adjusted *float64 // P after Holm over all recorded losses
	N        int
	Covers   finding.Covers
	Verdict  Verdict        // Fail: grown; Pass: not shown to have grown; Undecided: cannot be compared
	Reason   finding.Reason // why not, or ""
}

// AddRatchet adds the answers of a ratchet as rules, one for each variant and kind
// of scope; file is where the ratchet stands and alpha its level. The result's
// verdict takes them into account.
func (r *Result) AddRatchet(file string, alpha float64, list []Recorded) {
	tested := 0
	for i := range list {
		if list[i].P != nil {
			tested++
		}
	}
	at := map[[3]string]int{}
	for i := range list {
		e := &list[i]
		key := [3]string{e.Variant, e.Question, string(e.Scope.Kind)}
		j, ok := at[key]
		if !ok {
			j = len(r.Rules)
			at[key] = j
			r.Rules = append(r.Rules, RuleResult{Rule: ratchetRule(file, alpha, e), Variant: e.Variant, Family: tested})
		}
		r.Rules[j].Scopes = append(r.Rules[j].Scopes, e.result())
	}
	for _, j := range at {
		r.Rules[j].sum()
	}
	for i := range list {
		r.Verdict = worse(r.Verdict, list[i].Verdict)
	}
}

func ratchetRule(file string, alpha float64, e *Recorded) Rule {
	rule := DefaultRule()
	rule.Name, rule.Test, rule.Alpha = RatchetRule, Held, alpha
	rule.Metric, rule.Scope = "accuracy", Scope(e.Scope.Kind)
	if e.Scope.Kind == finding.Class {
		rule.Metric = "recall"
	}
	if !slices.Contains(scopeNames(), rule.Scope) {
		rule.Scope = Overall
	}
	rule.At = Location{File: file}
	return rule
}

func (e *Recorded) result() ScopeResult {
	out := ScopeResult{
		Scope: e.Scope, Finding: e.Finding, Verdict: e.Verdict, Reason: e.Reason, Margin: e.Was, Weight: 1, N: e.N, Covers: e.Covers,
		Loss: e.Now, Low: e.Low, High: e.High, PBeyond: e.P, Adjusted: e.Adjusted,
	}
	if e.P != nil {
		out.PWithin = finding.Float(1 - *e.P)
		out.Method = "difference of two audits, t, one-sided"
	}
	return out
}
