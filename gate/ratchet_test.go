package gate

import (
	"testing"

	"github.com/lethe-audit/lethe/finding"
)

// TestAddRatchet: one rule for each variant, question and kind of scope; a loss that has grown
// fails, one that cannot be compared is no pass, and the worst comes first.
func TestAddRatchet(t *testing.T) {
	loss, p, small := finding.Float(0.03), finding.Float(0.4), finding.Float(0.001)
	class := func(name string) finding.Scope { return finding.Scope{Kind: finding.Class, Name: name} }
	held := Recorded{Variant: "int8", Question: "harm", Scope: class("cat"), Was: 0.02, Now: loss, High: 0.04, P: p, Adjusted: p, N: 50, Verdict: Pass}
	grown := Recorded{Variant: "int8", Question: "harm", Scope: class("dog"), Was: 0.01, Now: loss, High: 0.04, P: small, Adjusted: small, N: 50, Verdict: Fail}
	gone := Recorded{Variant: "int8", Question: "harm", Scope: class("owl"), Was: 0.01, N: 50, Verdict: Undecided, Reason: finding.NotComputed}
	other := held
	other.Scope = finding.Scope{Kind: finding.Overall}
	other.Question = "accuracy"

	for _, c := range []struct {
		name string
		list []Recorded
		want Verdict
	}{
		{"held", []Recorded{held, other}, Pass}, {"gone", []Recorded{held, gone}, Undecided}, {"grown", []Recorded{gone, held, grown}, Fail}, {"none", nil, Pass},
	} {
		r := &Result{Verdict: Pass}
		r.AddRatchet("r.json", 0.05, c.list)
		if r.Verdict != c.want {
			t.Errorf("%s: %s, want %s", c.name, r.Verdict, c.want)
		}
	}
	r := &Result{Verdict: Pass}
	r.AddRatchet("r.json", 0.05, []Recorded{held, other, gone, grown})
	if len(r.Rules) != 2 {
		t.Fatalf("%d rules, want one for the classes and one overall", len(r.Rules))
	}
	rr := &r.Rules[0]
	if rr.Verdict != Fail || rr.Passed != 1 || rr.Failed != 1 || rr.Undecided != 1 || rr.Family != 3 || rr.Rule.Metric != "recall" || rr.Rule.At.File != "r.json" {
		t.Errorf("%+v", rr)
	}
	if rr.Scopes[0].Name() != "dog" || rr.Scopes[1].Name() != "owl" || rr.Scopes[0].Margin != 0.01 || *rr.Scopes[0].Adjusted != 0.001 {
		t.Errorf("%+v", rr.Scopes)
	}
	if r.Rules[1].Rule.Metric != "accuracy" || r.Rules[1].Verdict != Pass {
		t.Errorf("%+v", r.Rules[1])
	}
}
