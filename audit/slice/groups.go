package slice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// attributes are the numbers of the attributes with two values or more among
// the examples, and of those with fewer.
func attributes(t *prediction.Table) (usable, constant []int) {
	for a := range t.Attributes {
		first, two := int32(-1), false
		for _, c := range t.Attributes[a].Codes {
			if c >= 0 && first < 0 {
				first = c
			}
			two = two || c >= 0 && c != first
		}
		if two {
			usable = append(usable, a)
		} else {
			constant = append(constant, a)
		}
	}
	return usable, constant
}

// combinations are the sets of 1 to depth attributes: single attributes first.
func combinations(attributes []int, depth int) [][]int {
	var out [][]int
	var grow func(from int, chosen []int, size int)
	grow = func(from int, chosen []int, size int) {
		if len(chosen) == size {
			out = append(out, slices.Clone(chosen))
			return
		}
		for i := from; i < len(attributes); i++ {
			grow(i+1, append(chosen, attributes[i]), size)
		}
	}
	for size := 1; size <= min(depth, len(attributes)); size++ {
		grow(0, nil, size)
	}
	return out
}

// groups are the subgroups of one combination of attributes that are large
// enough to be measured.
type groups struct {
	name          string // "Male" or "Male x Young"
	scopes        []finding.Scope
	codes         []int32 // by example: subgroup, or -1
	small         int     // subgroups under the minimum
	smallExamples int     // examples in them
}

// groupsOf finds the subgroups of a combination that occur. An example with a
// missing value is in none.
func groupsOf(v *audit.View, combination []int) *groups {
	t := v.Table
	var names []string
	for _, a := range combination {
		names = append(names, t.Attributes[a].Name)
	}
	g := &groups{name: strings.Join(names, " x "), codes: make([]int32, t.Len())}
	keys := make([]uint64, t.Len()) // value numbers as digits, plus 1; 0 where one is missing
	counts := map[uint64]int{}
	for i := range keys {
		keys[i] = keyOf(t, combination, i)
		if keys[i] > 0 {
			counts[keys[i]]++
		}
	}
	ordered := make([]uint64, 0, len(counts))
	for k := range counts {
		ordered = append(ordered, k)
	}
	slices.Sort(ordered)
	number := make(map[uint64]int32, len(counts))
	for _, k := range ordered {
		if counts[k] < v.Options.MinN {
			g.small++
			g.smallExamples += counts[k]
			continue
		}
		number[k] = int32(len(g.scopes))
		g.scopes = append(g.scopes, scopeOf(t, combination, k))
	}
	for i, k := range keys {
		g.codes[i] = -1
		if n, ok := number[k]; ok {
			g.codes[i] = n
		}
	}
	return g
}

// keyOf is the combination's value numbers of example i as one number, the
// first attribute the most significant.
func keyOf(t *prediction.Table, combination []int, i int) uint64 {
	key := uint64(0)
	for _, a := range combination {
		c := t.Attributes[a].Codes[i]
		if c < 0 {
			return 0
		}
		key = key*uint64(len(t.Attributes[a].Values)) + uint64(c)
	}
	return key + 1
}

func scopeOf(t *prediction.Table, combination []int, key uint64) finding.Scope {
	key--
	s := finding.Scope{Kind: finding.Subgroup, Groups: make([]finding.Group, len(combination))}
	for j := len(combination) - 1; j >= 0; j-- {
		a := &t.Attributes[combination[j]]
		n := uint64(len(a.Values))
		s.Groups[j] = finding.Group{Attribute: a.Name, Value: a.Values[key%n]}
		key /= n
	}
	var parts []string
	for _, g := range s.Groups {
		parts = append(parts, g.Attribute+"="+g.Value)
	}
	s.Name = strings.Join(parts, " & ")
	return s
}

// tooFew is the one finding about all subgroups under the minimum.
func (g *groups) tooFew(v *audit.View, t int) finding.Finding {
	scope := finding.Scope{Kind: finding.Subgroup, Name: "small subgroups of " + g.name}
	variant := &v.Table.Variants[t]
	return finding.Finding{
		ID: audit.ID(Name, recall.HarmQuestion, variant.Name, scope), Check: Name, Question: recall.HarmQuestion,
		Baseline: v.Table.Baseline().Name, Variant: variant.Name, Scope: scope,
		Metric: "accuracy difference", Unit: finding.Difference,
		Outcome: finding.NotMeasurable, Reason: finding.TooFewExamples, Word: finding.CannotSay,
		N: g.smallExamples, KBase: len(v.Table.Baseline().Members), K: len(variant.Members),
		Needed: fmt.Sprintf("%d examples in each of these %d subgroups; together they have %d", v.Options.MinN, g.small, g.smallExamples),
	}
}
