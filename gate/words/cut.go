package words

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/internal/num"
)

// Case is one scope of one rule, for formats that list both together.
type Case struct {
	Rule  *gate.RuleResult
	Scope *gate.ScopeResult
}

// Worst are the scopes of all rules: failed ones, then undecided ones, then those
// that the policy counts as passed though they are undecided, then the rest. Inside
// each the rules take turns, so that a rule with many scopes hides no other.
func Worst(r *gate.Result) []Case {
	var byWeight [4][][]Case
	for i := range r.Rules {
		rr := &r.Rules[i]
		var of [4][]Case
		for j := range rr.Scopes {
			c := Case{rr, &rr.Scopes[j]}
			of[c.Weight()] = append(of[c.Weight()], c)
		}
		for w := range of {
			byWeight[w] = append(byWeight[w], of[w])
		}
	}
	var out []Case
	for _, lists := range byWeight {
		for j, more := 0, true; more; j++ {
			more = false
			for _, list := range lists {
				if j < len(list) {
					out = append(out, list[j])
					more = true
				}
			}
		}
	}
	return out
}

// The weights of a case.
const (
	Failed     = iota // failed, or undecided and counted as a fail
	Open              // undecided
	Overridden        // undecided and counted as a pass
	Passed
)

// Weight is how bad a case is: [Failed], [Open], [Overridden] or [Passed].
func (c Case) Weight() int {
	switch {
	case c.Scope.Verdict == gate.Pass:
		return Passed
	case c.Scope.Verdict == gate.Fail || c.Rule.Override && c.Rule.Verdict == gate.Fail:
		return Failed
	case c.Rule.Override:
		return Overridden
	}
	return Open
}

// More says how many were left out of a list, "" for none.
func More(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf("and %s more", num.Count(n))
}

// Clean is a name as one line of text: control characters become spaces.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
}

// Short is a name of at most n characters, its cut marked.
func Short(s string, n int) string {
	s = Clean(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
