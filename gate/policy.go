package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// PolicyVersion is the version of the policy file (doc/format/policy.md).
//
//	1  first version
const PolicyVersion = 1

// Scope says for what a rule must hold.
type Scope string

// The scopes. Of Class, Subgroup, Slice and Corruption every one must hold.
const (
	Overall    Scope = "overall"    // all examples
	Class      Scope = "class"      // every class
	Subgroup   Scope = "subgroup"   // every value of an attribute
	Slice      Scope = "slice"      // every combination of values of two attributes or more
	Corruption Scope = "corruption" // every corruption that was tried
	Worst      Scope = "worst"      // the worst class, subgroup, slice or corruption
)

func scopeNames() []Scope { return []Scope{Overall, Class, Subgroup, Slice, Corruption, Worst} }

// Test is the kind of test of a rule.
type Test string

// The tests.
const (
	NonInferiority Test = "non-inferiority" // the loss is smaller than the margin
	Equivalence    Test = "equivalence"     // the change is smaller than the margin in either direction
	Difference     Test = "difference"      // the loss is not above 0: a margin of 0
	NoTest         Test = "none"            // the point estimate is compared; chance is ignored
)

func testNames() []Test { return []Test{NonInferiority, Equivalence, Difference, NoTest} }

// Adjust says how the many scopes of a rule are corrected for.
type Adjust string

// The corrections. A rule fails by Holm unless it says none; BH and BY list the
// scopes that are suspect besides.
const (
	Holm     Adjust = "holm"
	BH       Adjust = "bh"
	BY       Adjust = "by"
	NoAdjust Adjust = "none" // each scope fails by itself: the more scopes, the more false alarms
)

func adjustNames() []Adjust { return []Adjust{Holm, BH, BY, NoAdjust} }

// Covers says which chance a rule is about. The empty value is what the audit's
// own standard error covers.
type Covers string

// What is drawn anew.
const (
	CoversMost     Covers = ""         // members and examples, or what the design allows
	CoversBoth     Covers = "both"     // other trainings and other examples
	CoversMembers  Covers = "members"  // other trainings, the same examples
	CoversExamples Covers = "examples" // other examples, the same models
)

// Unit is the unit of a margin.
type Unit string

// The units.
const (
	Points   Unit = "pp"   // percentage points: absolute
	Relative Unit = "%rel" // percent of the baseline's value
	Nats     Unit = "nats"
)

// Margin is the loss that matters. The zero Margin is none.
type Margin struct {
	Value float64 `json:"value"` // a share for Points and Relative (0.02 is 2pp or 2%rel), else as is
	Unit  Unit    `json:"unit,omitempty"`
}

// String is the margin as it is written in a policy: "2pp", "5%rel".
func (m Margin) String() string {
	switch m.Unit {
	case "":
		return ""
	case Nats:
		return number(m.Value) + string(m.Unit)
	}
	return number(m.Value*100) + string(m.Unit)
}

// number writes a number that somebody chose, without the noise of binary.
func number(v float64) string { return fmt.Sprintf("%.10g", v) }

// Rule is one line of a policy.
type Rule struct {
	Name        string             `json:"name"`
	Metric      string             `json:"metric"`
	Scope       Scope              `json:"scope"`
	Over        Scope              `json:"over,omitempty"`    // for Worst: the worst of what
	Margin      Margin             `json:"margin"`            // what may be lost; none for a floor and for Difference
	Floor       *float64           `json:"floor,omitempty"`   // least value of the candidate itself, a share; nil: none
	Test        Test               `json:"test"`              //
	Alpha       float64            `json:"alpha"`             // level of the test, one-sided, in (0, 0.5)
	Adjust      Adjust             `json:"adjust"`            //
	MinN        int                `json:"min_n"`             // examples a scope needs, at least 1
	OnUndecided Verdict            `json:"on_undecided"`      // what an undecided rule counts as
	Covers      Covers             `json:"covers,omitempty"`  //
	Weights     map[string]float64 `json:"weights,omitempty"` // harm of a class or subgroup relative to others (1): its loss times the weight is compared with the margin
	Only        []string           `json:"only,omitempty"`    // the scopes by name; empty: all
	Except      []string           `json:"except,omitempty"`  // scopes that are left out by name
	At          Location           `json:"at"`                // where it stands; line 0: in no file

	pack string // that the rule came from
}

// DefaultRule is a rule of non-inferiority at alpha .05 without metric, scope and margin.
func DefaultRule() Rule {
	return Rule{Test: NonInferiority, Alpha: 0.05, Adjust: Holm, MinN: 10, OnUndecided: Undecided}
}

// Policy is what a gate asks for.
type Policy struct {
	Name      string
	File      string   // as it was named on the command line
	Variants  []string // that the rules are about; empty: every variant of the audit
	MinJoined float64  // least share of examples that every model must have a prediction for
	Rules     []Rule
}

// DefaultMinJoined is the share of examples that must have joined.
const DefaultMinJoined = 0.9

// Validate says what is wrong with a policy that was made in a program; [Parse]
// does so with lines.
func (p *Policy) Validate() error {
	if len(p.Rules) == 0 {
		return &Error{At: Location{File: p.File}, Text: "there are no rules: a gate without rules would pass anything"}
	}
	names := map[string]bool{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if _, text := r.fault(); text != "" {
			return &Error{At: r.At, Text: fmt.Sprintf("rule %q: %s", r.Name, text)}
		}
		if names[r.Name] {
			return &Error{At: r.At, Text: fmt.Sprintf("two rules are named %q", r.Name)}
		}
		names[r.Name] = true
	}
	return nil
}

// scope is the scope whose members are judged: what is Over for Worst.
func (r *Rule) scope() Scope {
	if r.Scope == Worst {
		return r.Over
	}
	return r.Scope
}

// fault is the first thing that is wrong with a rule and the field that is to
// blame; "" where nothing is.
func (r *Rule) fault() (field, text string) {
	m, ok := metricNamed(r.Metric)
	switch {
	case r.Metric == "":
		return "metric", "it names no metric; the metrics are " + strings.Join(MetricNames(), ", ")
	case !ok:
		return "metric", strictyaml.Unknown("metric", r.Metric, MetricNames())
	case r.Name == "":
		return "name", "it has no name"
	}
	for _, f := range []func(*Rule, *metric) (string, string){
		(*Rule).scopeFault, (*Rule).testFault, (*Rule).marginFault, (*Rule).numberFault, (*Rule).choiceFault,
	} {
		if field, text := f(r, &m); text != "" {
			return field, text
		}
	}
	return "", ""
}

func (r *Rule) scopeFault(m *metric) (field, text string) {
	has := names(m.scopes())
	switch {
	case r.Scope == "":
		return "scope", fmt.Sprintf("it names no scope; %s has %s", r.Metric, has)
	case !slices.Contains(scopeNames(), r.Scope):
		return "scope", strictyaml.Unknown("scope", string(r.Scope), texts(scopeNames()))
	case r.Scope == Worst && !slices.Contains(m.scopes(), r.Over):
		return "over", fmt.Sprintf("the worst of what? %s has %s: write over: with one of them", r.Metric, has)
	case r.Scope == Worst && r.Over == Overall:
		return "over", "overall has one member only: there is no worst of it"
	case r.Scope != Worst && r.Over != "":
		return "over", "over: belongs to scope: worst"
	case r.Scope != Worst && !slices.Contains(m.scopes(), r.Scope):
		return "scope", fmt.Sprintf("%s is not measured by %s; it has %s", r.Metric, r.Scope, has)
	}
	return "", ""
}

func (r *Rule) testFault(m *metric) (field, text string) {
	switch {
	case !slices.Contains(testNames(), r.Test):
		return "test", strictyaml.Unknown("test", string(r.Test), texts(testNames()))
	case m.allows(r.Test):
		return "", ""
	case m.form == disparity:
		return "test", "disparity is relative to the model's own loss: a model that loses everywhere alike has none, so it cannot show non-inferiority; use recall or accuracy, or test: difference"
	default:
		return "test", fmt.Sprintf("%s has no standard error: it can be compared with a limit (test: none), not tested", r.Metric)
	}
}

func (r *Rule) marginFault(m *metric) (field, text string) {
	switch {
	case r.Floor != nil && r.Margin.Unit != "":
		return "floor", "it has a margin and a floor; write two rules"
	case r.Floor != nil && !m.hasFloor():
		return "floor", fmt.Sprintf("%s has no floor; accuracy and recall have", r.Metric)
	case r.Floor != nil && !(*r.Floor > 0 && *r.Floor < 1):
		return "floor", "a floor lies between 0 % and 100 %"
	case r.Floor != nil && r.Test != NonInferiority && r.Test != NoTest:
		return "test", "a floor is tested by non-inferiority or compared by none"
	case r.Floor != nil:
		return "", ""
	case r.Test == Difference && r.Margin.Value != 0:
		return "margin", "a difference has margin 0; for another margin use non-inferiority or equivalence"
	case r.Test == Difference:
		return "", ""
	case r.Margin.Unit == "":
		return "margin", "it has no margin: how much may be lost, such as 2pp or 2%rel"
	}
	return r.unitFault(m)
}

func (r *Rule) unitFault(m *metric) (field, text string) {
	v := r.Margin.Value
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0) || v < 0:
		return "margin", "a margin is a number of at least 0: what may be lost"
	case v == 0 && r.Margin.Unit == Relative:
		return "margin", "nothing of the baseline may be lost: write 0pp"
	case v == 0 && r.Test == Equivalence:
		return "margin", "equivalence needs a margin above 0"
	case m.unit == finding.Nats && r.Margin.Unit != Nats:
		return "margin", fmt.Sprintf("%s is measured in nats, such as 0.01nats", r.Metric)
	case m.unit != finding.Nats && r.Margin.Unit == Nats:
		return "margin", fmt.Sprintf("%s is measured in percentage points, such as 2pp", r.Metric)
	case r.Margin.Unit == Relative && !m.hasFloor():
		return "margin", fmt.Sprintf("%s has no relative margin; accuracy and recall have; use pp", r.Metric)
	case r.Margin.Unit == Relative && r.Test == Equivalence:
		return "margin", "equivalence is tested at an absolute margin; use pp"
	case r.Margin.Unit != Nats && v >= 1:
		return "margin", "a margin is below 100 %"
	}
	return "", ""
}

func (r *Rule) numberFault(*metric) (field, text string) {
	switch {
	case !(r.Alpha > 0 && r.Alpha < 0.5):
		return "alpha", fmt.Sprintf("alpha is %v, want a level between 0 and 0.5 (0.05, not 5)", r.Alpha)
	case r.MinN < 1:
		return "min_n", fmt.Sprintf("min_n is %d, want at least 1", r.MinN)
	}
	for _, name := range sortedKeys(r.Weights) {
		if w := r.Weights[name]; !(w > 0) || math.IsInf(w, 1) {
			return "weights", fmt.Sprintf("the weight of %q is %v, want a number above 0; to leave a scope out, name it under except:", name, w)
		}
	}
	return "", ""
}

func (r *Rule) choiceFault(m *metric) (field, text string) {
	switch {
	case !slices.Contains(adjustNames(), r.Adjust):
		return "adjust", strictyaml.Unknown("adjustment", string(r.Adjust), texts(adjustNames()))
	case !slices.Contains(verdictNames(), r.OnUndecided):
		return "on_undecided", strictyaml.Unknown("answer", string(r.OnUndecided), texts(verdictNames()))
	case !slices.Contains(coversNames(), r.Covers):
		return "covers", strictyaml.Unknown("coverage", string(r.Covers), texts(coversNames()[1:]))
	case r.Covers != CoversMost && (r.Floor != nil || r.Margin.Unit == Relative || m.form == increase || m.form == level):
		return "covers", "covers: is for absolute margins on accuracy, recall, fpr, fnr and disparity"
	case r.Floor != nil && len(r.Weights) > 0:
		return "weights", "a floor has no weights: it is the same for every scope"
	case r.scope() == Overall && len(r.Weights)+len(r.Only)+len(r.Except) > 0:
		return "scope", "weights, only and except name classes or subgroups; the scope is overall"
	}
	return "", ""
}

func coversNames() []Covers {
	return []Covers{CoversMost, CoversBoth, CoversMembers, CoversExamples}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

func names[T ~string](list []T) string { return strings.Join(texts(list), ", ") }

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
