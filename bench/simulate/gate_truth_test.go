package main

import (
	"math"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/prediction/planted"
)

// TestGateTruth: the scenarios that are judged plant their losses exactly at the margin, or
// 10 points inside it, in the population of examples and members. Were it a hair inside,
// every size of the study would be too large by design.
func TestGateTruth(t *testing.T) {
	for _, sc := range gateScenarios() {
		if strings.HasSuffix(sc.Name, "-power") {
			continue
		}
		e, err := sc.Make()
		if err != nil {
			t.Fatal(err)
		}
		spec := e.(*gateTests).spec
		sim, err := planted.NewSimulator(spec)
		if err != nil {
			t.Fatal(err)
		}
		truth := sim.Truth().Population()
		for c := range spec.Classes {
			want := gateMargin
			if c > 0 && strings.HasSuffix(sc.Name, "-one") {
				want = -gateMargin
			}
			if loss := -truth.Change(1, c); math.Abs(loss-want) > 1e-12 {
				t.Errorf("%s, class %d: the planted loss is %v, want %v", sc.Name, c, loss, want)
			}
			if r := truth.Recall(0, c); math.Abs(r-0.85) > 1e-12 {
				t.Errorf("%s, class %d: the baseline's recall is %v", sc.Name, c, r)
			}
		}
	}
}
