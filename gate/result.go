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
	Verdict  Verdict      `json:"verdict"`
	Policy   string       `json:"policy"`          // its name
	File     string       `json:"file"`            // of the policy, or the name of a pack
	Tool     string       `json:"tool"`            // that made the audit
	Title    string       `json:"title,omitempty"` // of the audit
	Baseline string       `json:"baseline"`
	Variants []string     `json:"variants,omitempty"`
	Examples int          `json:"examples"`
	Doubts   []Doubt      `json:"doubts"`
	Rules    []RuleResult `json:"rules"` // rules in order, for each variant in order
}

// Doubt is why an audit cannot pass whatever the rules say.
type Doubt struct {
	Code    string  `json:"code"`    // stable, kebab-case: "identical", "baseline-at-chance", ...
	Variant string  `json:"variant"` // "" for all
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"` // one sentence
}

// RuleResult is what one rule says of one variant.
type RuleResult struct {
	Rule      Rule          `json:"rule"`
	Variant   string        `json:"variant"`
	Verdict   Verdict       `json:"verdict"`
	Override  bool          `json:"override,omitempty"` // the verdict is on_undecided's, not the evidence's
	Family    int           `json:"family"`             // scopes tested together against the margin
	Passed    int           `json:"passed"`             // scopes by their own verdict
	Failed    int           `json:"failed"`
	Undecided int           `json:"undecided"`
	LeftOut   []string      `json:"left_out,omitempty"` // scopes left out by name
	Scopes    []ScopeResult `json:"scopes"`             // worst first; for Worst only the one that decides
}

// ScopeResult is what a rule says of one scope.
type ScopeResult struct {
	Scope   finding.Scope  `json:"scope"`
	Finding string         `json:"finding"` // id of the finding that was decided again
	Verdict Verdict        `json:"verdict"`
	Reason  finding.Reason `json:"reason,omitempty"` // why it could not be tested, "" where it was
	Listed  bool           `json:"listed,omitempty"` // suspect by Benjamini-Hochberg or -Yekutieli, not by Holm

	Base     *float64  `json:"base,omitempty"`     // the metric of the baseline, as the audit says it
	Value    *float64  `json:"value,omitempty"`    // the metric of the variant
	Loss     *float64  `json:"loss,omitempty"`     // in the unit of Margin; positive is worse
	Low      float64   `json:"low"`                // lower one-sided limit of the loss at the rule's alpha; means something where Loss is set
	High     float64   `json:"high"`               // upper one-sided limit
	Margin   float64   `json:"margin"`             // that this scope was compared with, its weight taken into account
	Weight   float64   `json:"weight"`             // 1 unless the policy says otherwise
	Contrast *Contrast `json:"contrast,omitempty"` // for a relative margin
	PWithin  *float64  `json:"p_within,omitempty"` // of "the loss is at the margin or above it"; at most alpha: within
	PBeyond  *float64  `json:"p_beyond,omitempty"` // of "the loss is at the margin or below it"
	Adjusted *float64  `json:"adjusted,omitempty"` // PBeyond after the correction that decides

	N      int            `json:"n"`
	KBase  int            `json:"k_base"`
	K      int            `json:"k"`
	Covers finding.Covers `json:"covers,omitempty"` // other members, other examples, or both
	Method string         `json:"method,omitempty"`
	Needed *Needed        `json:"needed,omitempty"` // what would decide it
}

// Contrast is (1−f)·b₀ − b_t, which a relative margin f compares with 0.
type Contrast struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Needed is about how much would decide a scope if what was seen stays so. A 0 says
// that no number of that kind would.
type Needed struct {
	Members  int `json:"members"`  // members of each population
	Examples int `json:"examples"` // examples of the scope
}

// Name is the name of the scope: "overall", a class, a subgroup.
func (s *ScopeResult) Name() string { return scopeName(&s.Scope) }

func scopeName(s *finding.Scope) string {
	if s.Name == "" {
		return string(s.Kind)
	}
	return s.Name
}
