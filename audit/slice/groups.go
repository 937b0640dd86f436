package slice

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
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
func groupsOf(v *audit.View, combination []int) (*groups, error) {
	t := v.Table
	var names []string
	for _, a := range combination {
		names = append(names, t.Attributes[a].Name)
	}
	g := &groups{name: strings.Join(names, " x "), codes: make([]int32, t.Len())}
	found, err := newNumbering(t, combination)
	if err != nil {
		return nil, fmt.Errorf("slice: %s: %w", g.name, err)
	}
	for i := range g.codes {
		g.codes[i] = found.number(t, combination, i)
	}
	final := make([]int32, len(found.keys)) // provisional number -> subgroup
	for _, j := range found.byKey() {
		if n := found.counts[j]; n < v.Options.MinN {
			final[j] = -1
			g.small++
			g.smallExamples += n
			continue
		}
		final[j] = int32(len(g.scopes))
		g.scopes = append(g.scopes, scopeOf(t, combination, found.keys[j]))
	}
	for i, j := range g.codes {
		if j >= 0 {
			g.codes[i] = final[j]
		}
	}
	return g, nil
}

// numbering numbers the value combinations in the order in which they occur.
type numbering struct {
	dense  []int32          // by key, number plus 1; nil where there would be too many keys
	sparse map[uint64]int32 // the same where dense is nil
	keys   []uint64         // by number
	counts []int            // by number
}

const denseKeys = 1 << 16

func newNumbering(t *prediction.Table, combination []int) (*numbering, error) {
	keys := uint64(1)
	for _, a := range combination {
		over, product := bits.Mul64(keys, uint64(len(t.Attributes[a].Values)))
		if over > 0 {
			return nil, errors.New("too many values to cross these attributes; cross fewer of them (depth) or group the values")
		}
		keys = product
	}
	if keys > denseKeys {
		return &numbering{sparse: map[uint64]int32{}}, nil
	}
	return &numbering{dense: make([]int32, keys)}, nil
}

// number is the number of example i's combination, or -1 where a value is
// missing. The key has the value numbers as digits, the first attribute the
// most significant.
func (n *numbering) number(t *prediction.Table, combination []int, i int) int32 {
	key := uint64(0)
	for _, a := range combination {
		c := t.Attributes[a].Codes[i]
		if c < 0 {
			return -1
		}
		key = key*uint64(len(t.Attributes[a].Values)) + uint64(c)
	}
	var j int32
	if n.dense != nil {
		j = n.dense[key]
	} else {
		j = n.sparse[key]
	}
	if j == 0 {
		n.keys, n.counts = append(n.keys, key), append(n.counts, 0)
		j = int32(len(n.keys))
		if n.dense != nil {
			n.dense[key] = j
		} else {
			n.sparse[key] = j
		}
	}
	n.counts[j-1]++
	return j - 1
}

// byKey are the numbers in the order of their keys.
func (n *numbering) byKey() []int {
	out := make([]int, len(n.keys))
	for j := range out {
		out[j] = j
	}
	slices.SortFunc(out, func(a, b int) int { return cmp.Compare(n.keys[a], n.keys[b]) })
	return out
}

func scopeOf(t *prediction.Table, combination []int, key uint64) finding.Scope {
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
