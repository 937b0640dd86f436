package gate

import "github.com/lethe-audit/lethe/finding"

// Verdict is an answer of a rule, or of the gate.
type Verdict string

// The answers.
const (
	Undecided Verdict = "undecided" // not enough evidence
	Pass      Verdict = "pass"
	Fail      Verdict = "fail"
)

func verdictNames() []Verdict { return []Verdict{Undecided, Pass, Fail} }

// worse is the answer of two together: a fail outranks an undecided answer,
// which outranks a pass.
func worse(a, b Verdict) Verdict {
	switch {
	case a == Fail || b == Fail:
		return Fail
	case a == Pass && b == Pass:
		return Pass
	}
	return Undecided
}

// Result is what a gate decided.
type Result struct {
	Verdict  Verdict
	Policy   string // its name
	File     string // of the policy, or the name of a pack
	Tool     string // that made the audit
	Title    string // of the audit
	Baseline string
	Variants []string
	Examples int
	Doubts   []Doubt
	Rules    []RuleResult // rules in order, for each variant in order
}

// Doubt is why an audit cannot pass whatever the rules say.
type Doubt struct {
	Code    string // stable, kebab-case: "identical", "baseline-at-chance", ...
	Variant string // "" for all
	Verdict Verdict
	Text    string // one sentence
}

// RuleResult is what one rule says of one variant.
type RuleResult struct {
	Rule      Rule
	Variant   string
	Verdict   Verdict
	Override  bool // the verdict is on_undecided's, not the evidence's
	Family    int  // scopes tested together against the margin
	Passed    int  // scopes by their own verdict
	Failed    int
	Undecided int
	LeftOut   []string      // scopes left out by name
	Scopes    []ScopeResult // worst first; for Worst only the one that decides
}

// ScopeResult is what a rule says of one scope.
type ScopeResult struct {
	Scope   finding.Scope
	Finding string // id of the finding that was decided again
	Verdict Verdict
	Reason  finding.Reason // why it could not be tested, "" where it was
	Listed  bool           // suspect by Benjamini-Hochberg or -Yekutieli, not by Holm

	Base, Value *float64  // the metric of the baseline and of the variant, as the audit says them
	Loss        *float64  // in the unit of Margin; positive is worse
	Low, High   float64   // one-sided limits of the loss, each at the rule's alpha; meaningful where Loss is set
	Margin      float64   // that this scope was compared with, its weight taken into account
	Weight      float64   // 1 unless the policy says otherwise
	Contrast    *Contrast // for a relative margin
	PWithin     *float64  // of "the loss is at the margin or above it"; at most alpha: within
	PBeyond     *float64  // of "the loss is at the margin or below it"
	Adjusted    *float64  // PBeyond after the correction that decides

	N, KBase, K int
	Covers      finding.Covers // other members, other examples, or both
	Method      string
	Needed      *Needed // what would decide it
}

// Contrast is (1−f)·b₀ − b_t, which a relative margin f compares with 0.
type Contrast struct{ Value, Low, High float64 }

// Needed is about how much would decide a scope if what was seen stays so. A 0 says
// that no number of that kind would.
type Needed struct {
	Members  int // members of each population
	Examples int // examples of the scope
}

// Name is the name of the scope: "overall", a class, a subgroup.
func (s *ScopeResult) Name() string { return scopeName(&s.Scope) }

func scopeName(s *finding.Scope) string {
	if s.Name == "" {
		return string(s.Kind)
	}
	return s.Name
}
