// Package words holds the wording of a gate's result that all formats share:
// what a rule asks, what it found, and what would decide it. Numbers are
// formatted by internal/num. Nothing is called safe or guaranteed: a pass says
// that a loss beyond the margin was ruled out at the level of the policy.
package words

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/internal/num"
)

// Verdict is a verdict in a heading: "pass", "fail", "not enough evidence".
func Verdict(v gate.Verdict) string {
	if v == gate.Undecided {
		return "not enough evidence"
	}
	return string(v)
}

// Headline says the answer in one sentence.
func Headline(r *gate.Result) string {
	who := fmt.Sprintf("%s (baseline %s)", list(r.Variants), r.Baseline)
	policy := r.Policy
	if slices.ContainsFunc(r.Rules, func(rr gate.RuleResult) bool { return rr.Rule.Test == gate.Held }) {
		policy += " with its ratchet"
	}
	switch r.Verdict {
	case gate.Pass:
		return fmt.Sprintf("Pass: the policy %s is met by %s.", policy, who)
	case gate.Fail:
		return fmt.Sprintf("Fail: the policy %s is not met by %s.", policy, who)
	}
	return fmt.Sprintf("Not enough evidence: whether the policy %s is met by %s is undecided.", policy, who)
}

// Tally counts the rules by verdict: "4 rules: 1 failed, 2 passed, 1 undecided."
func Tally(r *gate.Result) string {
	var n [3]int
	for i := range r.Rules {
		switch r.Rules[i].Verdict {
		case gate.Fail:
			n[0]++
		case gate.Pass:
			n[1]++
		default:
			n[2]++
		}
	}
	s := fmt.Sprintf("%s: %d failed, %d passed, %d undecided", num.Plural(len(r.Rules), "rule", "rules"), n[0], n[1], n[2])
	if len(r.Doubts) > 0 {
		s += "; " + num.Plural(len(r.Doubts), "doubt about the audit itself", "doubts about the audit itself")
	}
	return s + "."
}

// Ask is what a rule asks, in a sentence without a full stop.
func Ask(r *gate.Rule) string {
	subject := map[gate.Scope]string{
		gate.Overall: "overall", gate.Class: "every class", gate.Subgroup: "every subgroup", gate.Slice: "every slice", gate.Corruption: "every corruption",
	}[r.Scope]
	if r.Scope == gate.Worst {
		subject = "the worst " + string(r.Over)
	}
	switch {
	case r.Test == gate.Held:
		return fmt.Sprintf("%s, %s not beyond the recorded one", subject, lossOf(r))
	case r.Floor != nil:
		return fmt.Sprintf("%s, %s of at least %s", subject, r.Metric, num.Share(*r.Floor))
	case r.Test == gate.Difference:
		return fmt.Sprintf("%s, no %s is shown", subject, lossOf(r))
	case r.Test == gate.Equivalence:
		return fmt.Sprintf("%s, %s changes by less than %s either way", subject, r.Metric, Margin(r, r.Margin.Value))
	case r.Test == gate.NoTest:
		return fmt.Sprintf("%s, %s of at most %s as seen", subject, lossOf(r), Margin(r, r.Margin.Value))
	}
	return fmt.Sprintf("%s, %s of less than %s", subject, lossOf(r), Margin(r, r.Margin.Value))
}

// lossOf names what a rule's margin is about.
func lossOf(r *gate.Rule) string {
	switch r.Metric {
	case "accuracy", "recall":
		return "loss of " + r.Metric
	case "fpr", "fnr", "ece", "overconfidence":
		return "increase of " + r.Metric
	case "disparity":
		return "loss beyond the model's"
	}
	return r.Metric
}

// How says how a rule decides, in a sentence.
func How(rr *gate.RuleResult) string {
	r := &rr.Rule
	if r.Test == gate.NoTest {
		return "The estimates are compared with the limit; chance is ignored."
	}
	if r.Test == gate.Held {
		return fmt.Sprintf("Fails where a loss has grown beyond chance: one-sided at %s, by Holm over %s.", num.Setting(r.Alpha), num.Plural(rr.Family, "test", "tests"))
	}
	s := fmt.Sprintf("Each passes alone at %s, one-sided", num.Setting(r.Alpha))
	switch {
	case rr.Family <= 1:
		s = fmt.Sprintf("One-sided tests at %s on either side of the margin", num.Setting(r.Alpha))
	case r.Adjust == gate.NoAdjust:
		s += fmt.Sprintf("; each also fails alone, uncorrected over %s: false alarms grow with their number", num.Plural(rr.Family, "test", "tests"))
	default:
		s += fmt.Sprintf("; fails by Holm over %s", num.Plural(rr.Family, "test", "tests"))
	}
	return s + "."
}

// Counts says how a rule's scopes came out: "1 of 10 beyond the margin, 7 within, 2 undecided".
func Counts(rr *gate.RuleResult) string {
	total := rr.Passed + rr.Failed + rr.Undecided
	if total == 1 {
		return ""
	}
	if rr.Rule.Test == gate.Held {
		return fmt.Sprintf("%s of %s grown, %s not shown to have grown, %s undecided", num.Count(rr.Failed), num.Count(total), num.Count(rr.Passed), num.Count(rr.Undecided))
	}
	s := fmt.Sprintf("%s of %s beyond the margin, %s within, %s undecided", num.Count(rr.Failed), num.Count(total), num.Count(rr.Passed), num.Count(rr.Undecided))
	if n := len(rr.LeftOut); n > 0 {
		s += fmt.Sprintf("; %s left out by name", num.Count(n))
	}
	return s
}

// Override says that a verdict is the policy's and not the evidence's, or "".
func Override(rr *gate.RuleResult) string {
	if !rr.Override {
		return ""
	}
	return fmt.Sprintf("override: undecided by the evidence, counted as a %s by on_undecided", rr.Verdict)
}

// Margin formats an amount in the unit of a rule's margin.
func Margin(r *gate.Rule, v float64) string {
	switch {
	case r.Margin.Unit == gate.Relative:
		return num.Share(v) + " of the baseline"
	case r.Margin.Unit == gate.Nats:
		return num.Number(v) + " nats"
	}
	return num.PP(v)
}

// Estimate is the loss of a scope with its limits: "-1.2 pp [-2.0, -0.4]", or for a
// floor the value itself; "" where there is none.
func Estimate(r *gate.Rule, s *gate.ScopeResult) string {
	switch {
	case s.Loss == nil:
		return ""
	case r.Floor != nil:
		value := num.Share(*r.Floor - *s.Loss)
		if r.Test == gate.NoTest {
			return value
		}
		return value + " " + num.ShareBounds(*r.Floor-s.High, *r.Floor-s.Low)
	case r.Test == gate.NoTest:
		return Margin(r, *s.Loss)
	case r.Margin.Unit == gate.Relative:
		return relative(*s.Loss, s.Low, s.High)
	}
	return num.PPInterval(*s.Loss, s.Low, s.High)
}

// relative formats shares of the baseline, which may be negative.
func relative(v, low, high float64) string {
	text := strings.Replace(num.PPInterval(v, low, high), " pp", " %", 1)
	return text + " of the baseline"
}

// Limit is what a scope is compared with.
func Limit(r *gate.Rule, s *gate.ScopeResult) string {
	if r.Floor != nil {
		return num.Share(*r.Floor)
	}
	return Margin(r, s.Margin)
}

// P is the P of the side of the margin that the estimate is on: "within p = 0.003"
// for a loss below it, "beyond Holm p = 0.02" for one above; "" where nothing was
// tested.
func P(rr *gate.RuleResult, s *gate.ScopeResult) string {
	switch {
	case s.PWithin == nil:
		return ""
	case rr.Rule.Test == gate.Held:
		return "growth Holm " + num.P(*s.Adjusted)
	case s.Verdict == gate.Pass || s.Verdict == gate.Undecided && *s.PWithin < *s.PBeyond:
		return "within " + num.P(*s.PWithin)
	case rr.Family > 1 && rr.Rule.Adjust != gate.NoAdjust:
		return "beyond Holm " + num.P(*s.Adjusted)
	}
	return "beyond " + num.P(*s.Adjusted)
}

// Answer says what was decided about a scope: "beyond the margin", "within the
// margin", or why it could not be.
func Answer(r *gate.Rule, s *gate.ScopeResult) string {
	if r.Test == gate.Held && s.Verdict != gate.Undecided {
		if s.Verdict == gate.Fail {
			return "grown"
		}
		return "not shown to have grown"
	}
	what := "the margin"
	switch {
	case r.Floor != nil:
		what = "the floor"
	case r.Test == gate.NoTest:
		what = "the limit"
	}
	switch s.Verdict {
	case gate.Pass:
		if r.Floor != nil {
			return "above " + what
		}
		return "within " + what
	case gate.Fail:
		if r.Floor != nil {
			return "below " + what
		}
		return "beyond " + what
	}
	switch {
	case s.Reason != "":
		return "cannot say: " + reason(s.Reason, r, s)
	case s.Listed:
		return fmt.Sprintf("cannot say, but suspect (%s)", strings.ToUpper(string(r.Adjust)))
	}
	return "cannot say"
}

// reason says why a scope could not be tested.
func reason(why finding.Reason, r *gate.Rule, s *gate.ScopeResult) string {
	switch why {
	case finding.TooFewExamples:
		return fmt.Sprintf("%s, fewer than the minimum", num.Plural(s.N, "example", "examples"))
	case finding.TooFewMembers:
		return "too few members to cover other members"
	case finding.TooFewDiscordant:
		return "too few changed answers"
	case finding.NoMemberVariance:
		return "no member varies"
	case finding.NotComputed:
		if r.Test == gate.Held {
			return "the audit has no finding for it"
		}
	case finding.NotIndependent:
		if r.Test == gate.Held {
			return "the recorded loss covers other chance than this one"
		}
	case finding.Ceiling:
		return "every member is right on all examples, or on none"
	}
	return strings.ReplaceAll(string(why), "_", " ")
}

// Needed says what would decide a scope, without a full stop; "" where nothing is
// known to.
func Needed(s *gate.ScopeResult) string {
	if s.Needed == nil {
		return ""
	}
	if s.Reason == finding.TooFewExamples {
		return "needs " + NeededShort(s)
	}
	return "about " + NeededShort(s) + " would decide"
}

// NeededShort is [Needed] for a column of a table: "12 members or 2,500 examples".
func NeededShort(s *gate.ScopeResult) string {
	if s.Needed == nil {
		return ""
	}
	var parts []string
	if n := s.Needed.Members; n > 0 {
		parts = append(parts, num.Plural(n, "member", "members"))
	}
	if n := s.Needed.Examples; n > 0 {
		parts = append(parts, num.Plural(n, "example", "examples"))
	}
	return strings.Join(parts, " or ")
}

// ValueName names what [Estimate] shows of a rule, for the head of a column.
func ValueName(r *gate.Rule) string {
	switch {
	case r.Floor != nil:
		return r.Metric
	case r.Test == gate.NoTest:
		return "value"
	}
	return "loss"
}

// Line is a scope in one line without a full stop.
func Line(rr *gate.RuleResult, s *gate.ScopeResult) string {
	parts := []string{s.Name() + " " + Answer(&rr.Rule, s)}
	if e := Estimate(&rr.Rule, s); e != "" {
		parts = append(parts, fmt.Sprintf("%s %s, limit %s", ValueName(&rr.Rule), e, Limit(&rr.Rule, s)))
	}
	if p := P(rr, s); p != "" {
		parts = append(parts, p)
	}
	parts = append(parts, fmt.Sprintf("n = %s", num.Count(s.N)))
	if needed := Needed(s); needed != "" && s.Verdict == gate.Undecided {
		parts = append(parts, needed)
	}
	return strings.Join(parts, "; ")
}

// RuleLine is a rule in one line without a full stop: what it asks, and its worst
// scope.
func RuleLine(rr *gate.RuleResult) string {
	s := fmt.Sprintf("%s for %s: %s", rr.Rule.Name, rr.Variant, Verdict(rr.Verdict))
	if o := Override(rr); o != "" {
		s += " (" + o + ")"
	}
	if c := Counts(rr); c != "" {
		s += "; " + c
	}
	if len(rr.Scopes) > 0 {
		lead := "; worst: "
		if rr.Passed+rr.Failed+rr.Undecided == 1 {
			lead = "; "
		}
		s += lead + Line(rr, &rr.Scopes[0])
	}
	return s
}

// Covers says what the limits of a rule's worst scope cover, as a sentence; "" where
// nothing was tested.
func Covers(rr *gate.RuleResult) string {
	for i := range rr.Scopes {
		s := &rr.Scopes[i]
		if s.PWithin == nil || s.Covers == "" {
			continue
		}
		return fmt.Sprintf("Limits cover other %s (%s).", s.Covers, s.Method)
	}
	return ""
}

// list joins names: "a", "a and b", "a, b and c".
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
