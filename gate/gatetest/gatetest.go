// Package gatetest makes gate results for the tests of formats, and checks what
// formats write against the schemas of their readers.
package gatetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gate"
)

// policy has every kind of rule.
const policy = `name: example
rules:
  - {name: every-class, metric: recall, scope: class, margin: 2pp, adjust: bh}
  - {name: kept, metric: accuracy, scope: overall, margin: 1%rel}
  - {name: floor, metric: accuracy, scope: overall, floor: 80%}
  - {name: worst-group, metric: accuracy, scope: worst, over: subgroup, margin: 3pp, on_undecided: pass}
  - {name: churn, metric: churn, scope: overall, margin: 5pp, test: none}
`

// Nasty are names that a format must not take for its own marks.
func Nasty() []string {
	return []string{"<b>&amp;</b>", "a|b`c`", "line\nbreak", "::error::x", "%0A,:", `quote"d'`, "]]>", "ünïcödé ☃", "bad\xffutf", "${{ x }}", "@here #1"}
}

// Small is a result with a pass, a fail, an undecided rule, an override and names
// that need escaping, for two variants: int8, one pair of models, and pruned-90,
// populations of five.
func Small(t testing.TB) *gate.Result {
	return judge(t, policy, 14, 3, 0)
}

// Passing is a result in which everything passes.
func Passing(t testing.TB) *gate.Result {
	return judge(t, "rules:\n  - {name: accuracy, metric: accuracy, scope: overall, margin: 50pp}\n", 3, 2, 0)
}

// Ratcheted is a passing result with a ratchet: a loss that has grown, one that has
// not, and one that cannot be compared.
func Ratcheted(t testing.TB) *gate.Result {
	r := Passing(t)
	grown, held := finding.Float(0.04), finding.Float(0.01)
	class := func(name string) finding.Scope { return finding.Scope{Kind: finding.Class, Name: name} }
	r.AddRatchet("ratchet.json", 0.05, []gate.Recorded{
		{Variant: r.Variants[0], Question: "harm", Scope: class("cat"), Finding: "classimpact/harm/cat", Was: 0.01, Now: grown, Low: 0.03, High: 0.05, P: finding.Float(0.001), Adjusted: finding.Float(0.002), N: 500, Covers: finding.Both, Verdict: gate.Fail},
		{Variant: r.Variants[0], Question: "harm", Scope: class("dog"), Finding: "classimpact/harm/dog", Was: 0.01, Now: held, Low: 0, High: 0.02, P: finding.Float(0.5), Adjusted: finding.Float(0.5), N: 500, Covers: finding.Both, Verdict: gate.Pass},
		{Variant: r.Variants[0], Question: "harm", Scope: class("owl"), Was: 0.01, N: 500, Verdict: gate.Undecided, Reason: finding.NotComputed},
	})
	return r
}

// Void is a result that the audit itself makes void.
func Void(t testing.TB) *gate.Result {
	t.Helper()
	a := audit(t, 3, 0, 0, func(c *finding.Config) { c.Populations[1].Members[0].Digest = c.Populations[0].Members[0].Digest })
	return decide(t, a, "rules:\n  - {name: accuracy, metric: accuracy, scope: overall, margin: 50pp}\n")
}

// Large is a result over 1,000 classes, 20 subgroups and their 20,000 crossings.
func Large(t testing.TB) *gate.Result {
	return judge(t, policy+"  - {name: every-group, metric: accuracy, scope: subgroup, margin: 2pp}\n  - {name: every-slice, metric: accuracy, scope: slice, margin: 2pp}\n", 1000, 20, 20000)
}

func judge(t testing.TB, rules string, classes, groups, slices int) *gate.Result {
	t.Helper()
	return decide(t, audit(t, classes, groups, slices, nil), rules)
}

func decide(t testing.TB, a *gate.Audit, rules string) *gate.Result {
	t.Helper()
	p, err := gate.Parse("gate/policy.yaml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gate.Judge(p, a, gate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// audit makes the findings that the rules are about.
func audit(t testing.TB, classes, groups, slices int, change func(*finding.Config)) *gate.Audit {
	t.Helper()
	c := finding.Config{
		Protocol: finding.ProtocolVersion, Tool: "lethe test", Title: "Example", Mode: "default", Attributes: []string{"group"}, Examples: 1000 * classes,
		Settings: finding.Settings{Alpha: 0.05, FDR: "bh", Margin: 0.02, Level: 0.95, Shift: "member", MinN: 10, Depth: 2},
		Checks:   []string{"summary", "classimpact", "slice", "flip"},
	}
	for _, p := range []struct {
		name, kind string
		members    int
	}{{"fp32", "dense", 5}, {"int8", "quantized", 1}, {"pruned-90", "pruned", 5}} {
		pop := finding.Population{Name: p.name, Kind: p.kind}
		for k := range p.members {
			pop.Members = append(pop.Members, finding.MemberInfo{Name: fmt.Sprint(p.name, k), Digest: fmt.Sprint("sha256:", p.name, k)})
		}
		c.Populations = append(c.Populations, pop)
	}
	for i := range classes {
		c.Classes, c.ClassSizes = append(c.Classes, className(i)), append(c.ClassSizes, 1000)
	}
	if change != nil {
		change(&c)
	}
	a := gate.NewAudit()
	add := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	add(a.Config(&c))
	for v := range 2 {
		overall := finding.Scope{Kind: finding.Overall}
		add(a.Finding(found("summary", "accuracy", v, overall, 1000*classes, 5)))
		churn := found("flip", "churn", v, overall, 1000*classes, 5)
		churn.Estimate, churn.Outcome, churn.Evidence, churn.Unit = finding.Float(0.031+0.04*float64(v)), finding.Described, nil, finding.Share
		add(a.Finding(churn))
		for i := range classes {
			add(a.Finding(found("classimpact", "harm", v, finding.Scope{Kind: finding.Class, Class: finding.Int(i), Name: className(i)}, 1000, lostOf(i, v))))
		}
		for i := range groups {
			add(a.Finding(found("slice", "harm", v, groupScope("group", i), 8000, int64(i%5*115))))
		}
		for i := range slices {
			s := groupScope("group", i%max(groups, 1))
			s.Groups = append(s.Groups, finding.Group{Attribute: "class", Value: fmt.Sprint(i / max(groups, 1))})
			s.Name += fmt.Sprint(" & class=", i/max(groups, 1))
			add(a.Finding(found("slice", "harm", v, s, 50, int64(i%3))))
		}
	}
	add(a.Done(&finding.Done{}))
	return a
}

// lostOf is how many of 1,000 answers a class loses: most a few, one many.
func lostOf(class, v int) int64 {
	if class == 4 {
		return int64(60 + 30*v)
	}
	return int64(class%7*6 - 5 + v*4)
}

func className(i int) string {
	if nasty := Nasty(); i < len(nasty) {
		return nasty[i]
	}
	return fmt.Sprint("class-", i)
}

func groupScope(attribute string, i int) finding.Scope {
	return finding.Scope{Kind: finding.Subgroup, Name: fmt.Sprintf("%s=%d", attribute, i), Groups: []finding.Group{{Attribute: attribute, Value: fmt.Sprint(i)}}}
}

// found is a finding in which the variant lost some of n answers: one pair of
// models, or five against five.
func found(check, question string, v int, s finding.Scope, n int, lost int64) *finding.Finding {
	name := s.Name
	if name == "" {
		name = string(s.Kind)
	}
	right := int64(n) * 9 / 10
	f := &finding.Finding{
		Check: check, Question: question, Baseline: "fp32", Scope: s, Metric: "recall difference", Unit: finding.Difference,
		Outcome: finding.NotDetected, N: n, KBase: 1, K: 1, Variant: "int8",
		Estimate: finding.Float(-float64(lost) / float64(n)), BaseValue: finding.Float(float64(right) / float64(n)), Value: finding.Float(float64(right-lost) / float64(n)),
	}
	if v == 0 {
		f.Evidence = &finding.Evidence{Examples: n, BaseCorrect: []int64{right}, Correct: []int64{right - lost},
			Pairs: &finding.PairedCells{Both: right - lost - 5, OnlyBase: lost + 5, OnlyVariant: 5, Neither: int64(n) - right - 5}}
		if lost < -5 {
			f.Evidence.Pairs = &finding.PairedCells{Both: right, OnlyVariant: -lost, Neither: int64(n) - right + lost}
		}
	} else {
		f.Variant, f.KBase, f.K = "pruned-90", 5, 5
		e := &finding.Evidence{Examples: n}
		for k := range int64(5) {
			e.BaseCorrect = append(e.BaseCorrect, right+k-2)
			e.Correct = append(e.Correct, right-lost+2*k-4)
		}
		members, examples := 2.5/5/float64(n*n)*5, 0.03/float64(n)
		e.VarMembers, e.VarExamples, e.VarResidual = &members, &examples, finding.Float(0)
		e.StdErr, e.DoF = finding.Float(math.Sqrt(members+examples)), finding.Float(20)
		f.Evidence = e
		f.Interval = &finding.Interval{Covers: finding.Both, Level: 0.95}
	}
	f.ID = check + "/" + question + "/" + f.Variant + "/" + name
	return f
}
