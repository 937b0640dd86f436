package main

import (
	"testing"

	"github.com/lethe-audit/lethe/gate"
)

// TestGateStudyCanFail: a gate that is wrong must show in the short version.
func TestGateStudyCanFail(t *testing.T) {
	if testing.Short() {
		t.Skip("50 seeds of three scenarios take a few seconds")
	}
	each := func(f func(*gate.Rule)) func(*gate.Policy) {
		return func(p *gate.Policy) {
			for i := range p.Rules {
				f(&p.Rules[i])
			}
		}
	}
	for _, wrong := range []struct {
		what, scenario string
		change         func(*gate.Policy)
	}{
		{"a margin of 8 points where 5 were planted", "gate/1000-paired-k5-one", each(func(r *gate.Rule) { r.Margin.Value = 0.08 })},
		{"a margin of 3 points where 5 were planted", "gate/1000-pair-all", each(func(r *gate.Rule) { r.Margin.Value = 0.03 })},
		{"point estimates instead of tests", "gate/1000-pair-independent-all", each(func(r *gate.Rule) { r.Test = gate.NoTest })},
	} {
		failed := false
		for _, sc := range gateScenarios() {
			if sc.Name != wrong.scenario {
				continue
			}
			e, err := sc.Make()
			if err != nil {
				t.Fatal(err)
			}
			g := e.(*gateTests)
			g.change = wrong.change
			sums, err := runChunk(t.Context(), g, 1, chunk)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range g.Criteria(sums, bounds{Seeds: chunk, Wide: quickWide}) {
				failed = failed || !c.Pass
			}
		}
		if !failed {
			t.Errorf("%s holds with %s", wrong.scenario, wrong.what)
		}
	}
}
