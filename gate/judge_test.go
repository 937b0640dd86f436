package gate

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// TestAgreesWithTheAudit: at the audit's own margin and level, a class or a
// subgroup is within the margin for the gate exactly if it is for the audit, by the
// same limit.
func TestAgreesWithTheAudit(t *testing.T) {
	for name, table := range designs(t) {
		a := auditOf(t, table, nil)
		r := verdictOf(t, a, `
  - {metric: recall, scope: class, margin: 2pp}
  - {metric: accuracy, scope: subgroup, margin: 2pp}
  - {metric: accuracy, scope: overall, margin: 2pp}
`)
		compared := 0
		for _, rule := range r.Rules {
			for _, s := range rule.Scopes {
				id := strings.NewReplacer("/harm/", "/non-inferiority/", "/accuracy/", "/non-inferiority/").Replace(s.Finding)
				i := slices.IndexFunc(a.findings, func(f finding.Finding) bool { return f.ID == id })
				if i < 0 {
					continue // the finding about small subgroups
				}
				f := a.findings[i]
				compared++
				within := f.Word == finding.WithinMargin
				if within != (s.Verdict == Pass) {
					t.Errorf("%s: %s is %s, the audit says %q (bound %v, upper limit %v)", name, id, s.Verdict, f.Word, *f.Bound, s.High)
				}
				if math.Abs(*f.Bound-s.High) > 1e-12 {
					t.Errorf("%s: %s: upper limit %v, the audit's is %v", name, id, s.High, *f.Bound)
				}
				if *s.Loss+*f.Estimate != 0 && math.Abs(*s.Loss+*f.Estimate) > 1e-15 {
					t.Errorf("%s: %s: loss %v, the audit's difference is %v", name, id, *s.Loss, *f.Estimate)
				}
			}
		}
		if compared < 10 {
			t.Errorf("%s: only %d scopes were compared", name, compared)
		}
	}
}

// TestVerdicts: the planted loss of 12 points in class 0 fails, whatever the
// design; without it the other classes pass at a margin that is wide enough.
func TestVerdicts(t *testing.T) {
	for name, table := range designs(t) {
		a := auditOf(t, table, nil)
		r := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 5pp}\n")
		if r.Verdict != Fail || r.Rules[0].Failed != 1 || r.Rules[0].Scopes[0].Name() != "class-0" {
			t.Errorf("%s: verdict %s, %d failed, worst %s", name, r.Verdict, r.Rules[0].Failed, r.Rules[0].Scopes[0].Name())
		}
		r = verdictOf(t, a, "  - {metric: recall, scope: class, margin: 5pp, except: [class-0]}\n")
		if r.Verdict != Pass || r.Rules[0].Passed != 5 || !reflect.DeepEqual(r.Rules[0].LeftOut, []string{"class-0"}) {
			t.Errorf("%s: without class-0: verdict %s, %d passed, left out %q", name, r.Verdict, r.Rules[0].Passed, r.Rules[0].LeftOut)
		}
		r = verdictOf(t, a, "  - {metric: recall, scope: class, margin: 0.01pp, only: [class-5]}\n")
		if r.Verdict != Undecided || name == "pair" && r.Rules[0].Scopes[0].Needed == nil {
			t.Errorf("%s: at a tiny margin: verdict %s, needed %v", name, r.Verdict, r.Rules[0].Scopes[0].Needed)
		}
	}
}

// TestWorstIsClass: the worst class gives the verdict that all classes give, and
// stands for them by its upper limit.
func TestWorstIsClass(t *testing.T) {
	for name, table := range designs(t) {
		a := auditOf(t, table, nil)
		for _, margin := range []string{"0.5pp", "3pp", "10pp", "20pp"} {
			r := verdictOf(t, a, "  - {metric: recall, scope: class, margin: "+margin+"}\n  - {metric: recall, scope: worst, margin: "+margin+"}\n")
			class, worst := r.Rules[0], r.Rules[1]
			if class.Verdict != worst.Verdict || len(worst.Scopes) != 1 || worst.Passed != class.Passed {
				t.Errorf("%s at %s: class %s, worst %s (%d scopes)", name, margin, class.Verdict, worst.Verdict, len(worst.Scopes))
			}
			if !reflect.DeepEqual(worst.Scopes[0], class.Scopes[0]) {
				t.Errorf("%s at %s: the worst is %+v, of all classes %+v", name, margin, worst.Scopes[0], class.Scopes[0])
			}
			if class.Verdict == Pass {
				for _, s := range class.Scopes {
					if s.High > worst.Scopes[0].High {
						t.Errorf("%s at %s: %s has a larger upper limit than the worst", name, margin, s.Name())
					}
				}
			}
		}
	}
}

// TestHolm: the corrected P are Holm's, by its definition, and a class that is
// beyond the margin by itself is only listed when the correction does not bear it.
func TestHolm(t *testing.T) {
	r := rules(NonInferiority, 0.02)
	r.Adjust = BH
	p := []float64{0.004, 0.019, 0.029, 0.8, 0.9}
	var samples []sample
	for _, want := range p {
		// a loss at 0.02 + t·se has P of beyond equal to want, with 1e9 degrees of freedom
		z := zOf(want)
		samples = append(samples, sample{found: &finding.Finding{N: 100, Evidence: &finding.Evidence{}}, evidence: spread{0.02 + z*0.01, 0.01, math.Inf(1)}, n: 100, margin: 0.02, weight: 1})
	}
	scopes, family, err := decide(&r, samples)
	if err != nil || family != 5 {
		t.Fatalf("family of %d, %v", family, err)
	}
	wantHolm := []float64{0.02, 0.076, 0.087, 1, 1}
	for i, s := range scopes {
		if math.Abs(*s.PBeyond-p[i]) > 1e-9 || math.Abs(*s.Adjusted-wantHolm[i]) > 1e-8 {
			t.Errorf("scope %d: P %v, adjusted %v, want %v and %v", i, *s.PBeyond, *s.Adjusted, p[i], wantHolm[i])
		}
	}
	// Benjamini-Hochberg: .02, .0475, .0483, ...: the second and third are listed.
	for i, want := range []struct {
		v      Verdict
		listed bool
	}{{Fail, false}, {Undecided, true}, {Undecided, true}, {Undecided, false}, {Undecided, false}} {
		if scopes[i].Verdict != want.v || scopes[i].Listed != want.listed {
			t.Errorf("scope %d: %s, listed %v", i, scopes[i].Verdict, scopes[i].Listed)
		}
	}
	r.Adjust = NoAdjust
	if scopes, _, _ = decide(&r, samples); scopes[2].Verdict != Fail || scopes[3].Verdict != Undecided {
		t.Errorf("uncorrected: %s and %s, want a fail at .029", scopes[2].Verdict, scopes[3].Verdict)
	}
	r.Adjust = BY
	if scopes, _, _ = decide(&r, samples); scopes[0].Listed || scopes[1].Listed {
		t.Error("Benjamini-Yekutieli over 5 lists nothing at .019")
	}
}

func rules(test Test, margin float64) Rule {
	r := DefaultRule()
	r.Name, r.Metric, r.Scope, r.Test, r.Margin = "r", "recall", Class, test, Margin{margin, Points}
	return r
}

// zOf inverts the normal tail by bisection, apart from the code that is tested.
func zOf(p float64) float64 {
	lo, hi := -10.0, 10.0
	for range 200 {
		if mid := (lo + hi) / 2; math.Erfc(mid/math.Sqrt2)/2 > p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// TestSmallScopesBlock: a class under the minimum blocks a pass, also with
// on_undecided: pass, until it is left out by name; a fail goes through.
func TestSmallScopesBlock(t *testing.T) {
	a := auditOf(t, designs(t)["paired"], nil)
	lines := func(more string) string {
		return "  - {metric: recall, scope: class, margin: 9pp, except: [class-0], min_n: 1501" + more + "}\n"
	}
	for _, more := range []string{"", ", on_undecided: pass"} {
		r := verdictOf(t, a, lines(more))
		s := r.Rules[0].Scopes[0]
		if r.Verdict != Undecided || r.Rules[0].Override || s.Reason != finding.TooFewExamples || s.Needed == nil || s.Needed.Examples != 1501 {
			t.Errorf("%q: %s, %+v", more, r.Verdict, s)
		}
	}
	if r := verdictOf(t, a, lines(", on_undecided: fail")); r.Verdict != Fail || !r.Rules[0].Override {
		t.Errorf("on_undecided: fail gives %s", r.Verdict)
	}
	// The two scans of 9,000 images are one finding about small subgroups.
	small := "small subgroups of device"
	if r := verdictOf(t, a, "  - {metric: accuracy, scope: subgroup, margin: 9pp}\n"); r.Verdict == Pass || r.Rules[0].Scopes[0].Name() != small {
		t.Errorf("subgroups: %s, worst %s", r.Verdict, r.Rules[0].Scopes[0].Name())
	}
	if r := verdictOf(t, a, "  - {metric: accuracy, scope: subgroup, margin: 9pp, except: ["+small+"]}\n"); r.Verdict != Pass {
		t.Errorf("without small subgroups: %s", r.Verdict)
	}
	if r := verdictOf(t, a, "  - {metric: accuracy, scope: slice, margin: 9pp}\n"); r.Verdict == Pass {
		t.Errorf("small slices pass")
	}
}

// TestOverride: on_undecided: pass turns an undecided test into a pass and says
// so; a fail stays a fail.
func TestOverride(t *testing.T) {
	a := auditOf(t, designs(t)["paired"], nil)
	var open string
	for _, s := range verdictOf(t, a, "  - {metric: recall, scope: class, margin: 0.05pp}\n").Rules[0].Scopes {
		if s.Verdict == Undecided {
			open = s.Name()
		}
	}
	r := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 0.05pp, only: ["+open+"], on_undecided: pass}\n")
	if r.Verdict != Pass || !r.Rules[0].Override || r.Rules[0].Scopes[0].Verdict != Undecided {
		t.Errorf("%s, override %v", r.Verdict, r.Rules[0].Override)
	}
	r = verdictOf(t, a, "  - {metric: recall, scope: class, margin: 0.1pp, only: [class-0], on_undecided: pass}\n")
	if r.Verdict != Fail || r.Rules[0].Override {
		t.Errorf("a fail became %s", r.Verdict)
	}
}

// TestWeights: a weight of 4 fails a loss that a fourth of the margin fails.
func TestWeights(t *testing.T) {
	a := auditOf(t, designs(t)["independent"], nil)
	whole := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 5pp, only: [class-0]}\n").Rules[0].Scopes[0]
	weighted := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 20pp, only: [class-0], weights: {class-0: 4}}\n").Rules[0].Scopes[0]
	if weighted.Weight != 4 || weighted.Margin != whole.Margin || *weighted.PBeyond != *whole.PBeyond || weighted.Verdict != Fail {
		t.Errorf("weighted %+v, want as %+v", weighted, whole)
	}
}

// TestEquivalence: a gain beyond the margin fails equivalence and passes
// non-inferiority; exchanging the models exchanges the sides.
func TestEquivalence(t *testing.T) {
	up := sample{found: &finding.Finding{N: 10, Evidence: &finding.Evidence{}}, evidence: spread{-0.05, 0.005, 30}, margin: 0.02, weight: 1}
	down := up
	down.evidence = spread{0.05, 0.005, 30}
	same := up
	same.evidence = spread{0.001, 0.005, 30}
	ni, eq := rules(NonInferiority, 0.02), rules(Equivalence, 0.02)
	one := func(r *Rule, s sample) ScopeResult {
		out, _, err := decide(r, []sample{s})
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	for _, c := range []struct {
		what string
		got  ScopeResult
		want Verdict
	}{
		{"gain, non-inferiority", one(&ni, up), Pass}, {"gain, equivalence", one(&eq, up), Fail},
		{"loss, non-inferiority", one(&ni, down), Fail}, {"loss, equivalence", one(&eq, down), Fail},
		{"same, equivalence", one(&eq, same), Pass},
	} {
		if c.got.Verdict != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got.Verdict, c.want)
		}
	}
	if a, b := one(&eq, up), one(&eq, down); math.Abs(*a.PWithin-*b.PWithin) > 1e-15 || math.Abs(*a.PBeyond-*b.PBeyond) > 1e-15 || *a.Loss != -*b.Loss {
		t.Error("equivalence is not symmetric")
	}
}

// TestDifference: margin 0; nothing shown is undecided, never a pass.
func TestDifference(t *testing.T) {
	a := auditOf(t, designs(t)["independent"], nil)
	r := verdictOf(t, a, "  - {metric: recall, scope: class, test: difference}\n")
	if r.Rules[0].Scopes[0].Verdict != Fail {
		t.Error("the planted loss is not found")
	}
	if s := scopeOf(t, &r.Rules[0], "class-1"); s.Verdict != Pass {
		t.Errorf("a planted gain of 3 points is %s", s.Verdict)
	}
	if s := scopeOf(t, &r.Rules[0], "class-3"); s.Verdict != Undecided {
		t.Errorf("no effect is %s", s.Verdict)
	}
}

// TestPoint: test: none compares the estimate, whatever its error.
func TestPoint(t *testing.T) {
	a := auditOf(t, designs(t)["pair"], nil)
	var churn float64
	for _, f := range a.findings {
		if f.Question == "churn" {
			churn = *f.Estimate
		}
	}
	for _, c := range []struct {
		margin float64
		want   Verdict
	}{{churn + 1e-9, Pass}, {churn, Pass}, {churn - 1e-9, Fail}} {
		r := DefaultRule()
		r.Name, r.Metric, r.Scope, r.Test, r.Margin = "churn", "churn", Overall, NoTest, Margin{c.margin, Points}
		res, err := Judge(&Policy{Rules: []Rule{r}, MinJoined: 0.9}, a.Audit, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s := res.Rules[0].Scopes[0]; s.Verdict != c.want || s.PWithin != nil || *s.Loss != churn {
			t.Errorf("churn %v at margin %v: %s", churn, c.margin, s.Verdict)
		}
	}
}

// TestPointsOfClasses: many classes beyond the limit without a test, worst first.
func TestPointsOfClasses(t *testing.T) {
	a := auditOf(t, designs(t)["pair"], nil)
	r := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 0pp, test: none}\n").Rules[0]
	if r.Verdict != Fail || r.Failed < 2 || r.Family != 0 {
		t.Errorf("%s, %d failed, family of %d", r.Verdict, r.Failed, r.Family)
	}
	for i := range r.Failed {
		if s := r.Scopes[i]; s.Verdict != Fail || i > 0 && *s.Loss > *r.Scopes[i-1].Loss {
			t.Errorf("place %d: %s of loss %v", i, s.Verdict, *s.Loss)
		}
	}
}

// TestCannotBeEvaluated: a rule about something that the audit did not measure is
// an error with the place in the policy, never a pass.
func TestCannotBeEvaluated(t *testing.T) {
	table := designs(t)["pair"]
	a := auditOf(t, table, nil)
	bare := *table
	bare.Attributes = nil
	none := auditOf(t, &bare, nil)
	paper := auditOf(t, table, func(o *audit.Options) { *o = audit.PaperOptions(); o.Replicates = 999 })
	for _, c := range []struct {
		a           *audited
		rules, want string
	}{
		{a, "  - {metric: recall, scope: class, margin: 1pp, except: [clas-0]}\n", `policy.yaml:2:5: rule "recall-class" cannot be evaluated: there is no class "clas-0"; did you mean "class-0"?`},
		{a, "  - {metric: recall, scope: class, margin: 1pp, weights: {cat: 2}}\n", `there is no class "cat"`},
		{a, "  - {metric: recall, scope: class, margin: 1pp, only: [class-0], except: [class-0]}\n", "every class is left out by name"},
		{a, "  - {metric: accuracy, scope: corruption, margin: 1pp}\n", "its check robust was not run (it ran summary"},
		{a, "  - {metric: fpr, scope: subgroup, margin: 1pp}\n", "it has no positive class; audit again with --positive"},
		{a, "  - {metric: kl, scope: overall, margin: 1nats, test: none}\n", "it has no scores"},
		{none, "  - {metric: accuracy, scope: subgroup, margin: 1pp}\n", "its examples have no attributes"},
		{paper, "  - {metric: recall, scope: class, margin: 1pp}\n", "it was made with --paper, which asks about disparity alone"},
	} {
		_, err := Judge(policyOf(t, c.rules), c.a.Audit, Options{})
		var e *Error
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &e) || e.At.Line != 2 {
			t.Errorf("%s: %v, want %s", c.rules, err, c.want)
		}
	}
	if _, err := Judge(policyOf(t, "  - {metric: recall, scope: class, margin: 1pp}\n"), a.Audit, Options{Variants: []string{"int9"}}); err == nil || !strings.Contains(err.Error(), `did you mean "int8"?`) {
		t.Errorf("unknown variant: %v", err)
	}
	if _, err := Judge(policyOf(t, "  - {metric: recall, scope: class, margin: 1pp}\n"), NewAudit(), Options{}); err == nil {
		t.Error("an empty audit was judged")
	}
}

// TestUndecidedSaysWhatIsNeeded: more examples than there are.
func TestUndecidedSaysWhatIsNeeded(t *testing.T) {
	for name, table := range designs(t) {
		a := auditOf(t, table, nil)
		r := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 2pp, only: [class-2]}\n")
		s := r.Rules[0].Scopes[0]
		if s.Verdict != Undecided {
			continue
		}
		if s.Needed == nil || s.Needed.Examples <= s.N {
			t.Errorf("%s: needed %+v of %d", name, s.Needed, s.N)
		}
	}
}

// TestNeededIsEnough: evidence with as many examples as were said to be needed
// decides, with a tenth fewer it does not.
func TestNeededIsEnough(t *testing.T) {
	r := rules(NonInferiority, 0.02)
	cells := finding.PairedCells{Both: 850, OnlyBase: 30, OnlyVariant: 20, Neither: 100}
	s := sample{found: &finding.Finding{N: 1000, Evidence: &finding.Evidence{Pairs: &cells}}, evidence: pair{cells, 1}, n: 1000, margin: 0.02}
	need := s.needed(&r, 0.05)
	if need == nil || need.Examples <= 1000 {
		t.Fatalf("needed %+v", need)
	}
	at := func(n float64) float64 {
		x := n / 1000
		return pair{finding.PairedCells{Both: grown(850, x), OnlyBase: grown(30, x), OnlyVariant: grown(20, x), Neither: grown(100, x)}, 1}.within(0.02)
	}
	if enough, fewer := at(float64(need.Examples)), at(0.9*float64(need.Examples)); enough > 0.05 || fewer <= 0.05 {
		t.Errorf("at %d examples P is %v, at a tenth fewer %v", need.Examples, enough, fewer)
	}
	u := sample{found: &finding.Finding{N: 50, Evidence: &finding.Evidence{}}, evidence: unchanged{50}, n: 50, margin: 0.02}
	if n := u.needed(&r, 0.05).Examples; (unchanged{n}).within(0.02) > 0.05 || (unchanged{n * 9 / 10}).within(0.02) <= 0.05 {
		t.Errorf("without a change %d examples are needed", n)
	}
	va, vb, ve := 0.0001, 0.0002, 0.00003
	ev := &finding.Evidence{VarMembers: &va, VarExamples: &vb, VarResidual: &ve}
	p := sample{found: &finding.Finding{N: 1000, KBase: 10, K: 10, Evidence: ev}, covers: finding.Both, evidence: spread{0.005, math.Sqrt(va + vb - ve), 30}, n: 1000, margin: 0.03}
	got := p.needed(&r, 0.05)
	// (.025/1.6449)² = 2.31e-4; members: .7e-4/(2.31e-4 − 2e-4) → 23; examples: 2e-4/(2.31e-4 − .7e-4) → 1.242 × 1000
	if got == nil || got.Members != 23 || got.Examples != 1300 {
		t.Errorf("needed %+v, want 23 members or 1,300 examples", got)
	}
}

// TestJudgesCorruptions: findings of the loss by corruption, of whatever kind of scope,
// are judged as those by class are; the check that makes them needs no change here.
func TestJudgesCorruptions(t *testing.T) {
	for name, table := range designs(t) {
		a := auditOf(t, table, nil)
		a.config.Checks = append(slices.Clone(a.config.Checks), "robust")
		for i := range a.findings {
			if f := a.findings[i]; f.Check == "classimpact" && f.Question == "harm" {
				f.Check, f.Scope = "robust", finding.Scope{Kind: "corruption", Name: "of " + f.Scope.Name}
				if err := a.Audit.Finding(&f); err != nil {
					t.Fatal(err)
				}
			}
		}
		r := verdictOf(t, a, `
  - {metric: recall, scope: class, margin: 2pp}
  - {metric: accuracy, scope: corruption, margin: 2pp}
  - {metric: accuracy, scope: worst, over: corruption, margin: 2pp}
  - {name: one, metric: accuracy, scope: corruption, margin: 2pp, only: [of class-1]}
`)
		classes, corruptions, one := &r.Rules[0], &r.Rules[1], &r.Rules[3]
		if len(corruptions.Scopes) != 6 || corruptions.Verdict != classes.Verdict || r.Rules[2].Verdict != classes.Verdict || len(one.Scopes) != 1 {
			t.Fatalf("%s: %d corruptions are %s, classes %s", name, len(corruptions.Scopes), corruptions.Verdict, classes.Verdict)
		}
		for i := range corruptions.Scopes {
			x, y := &corruptions.Scopes[i], &classes.Scopes[i]
			if x.Name() != "of "+y.Name() || *x.Loss != *y.Loss || x.High != y.High || *x.Adjusted != *y.Adjusted {
				t.Errorf("%s: %s %v, %s %v", name, x.Name(), *x.Loss, y.Name(), *y.Loss)
			}
		}
	}
}
