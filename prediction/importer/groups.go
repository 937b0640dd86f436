package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// group is a variant with its members while the table is made.
type group struct {
	prediction.Variant
	members []*member
}

// applySpecs gives the models of sources the variants that specs name, and
// leaves out the others when candidates are named.
func (a *assembly) applySpecs() error {
	if len(a.namedInSources()) == 0 {
		return nil
	}
	chosen := map[*member]bool{}
	var order []*member
	for _, s := range a.specs() {
		for _, ref := range s.Files {
			found := a.matching(s, ref)
			if len(found) == 0 {
				return &Error{File: strings.Join(a.req.Sources, ", "), Want: "a model, column or variant " + quoted(ref), Got: a.known()}
			}
			for _, m := range found {
				if chosen[m] {
					continue
				}
				chosen[m] = true
				order = append(order, m)
			}
			s.rename(found, ref)
		}
	}
	for _, m := range a.members {
		switch {
		case chosen[m]:
		case len(a.req.Candidates) > 0:
			a.note("model %s (%s) was not named and is left out", m.name, cmp.Or(m.variant, m.from))
		default:
			order = append(order, m)
		}
	}
	a.members = order
	return nil
}

// matching lists the members that an entry of a spec means: those of a file
// that was read for it, a model, or all of a variant.
func (a *assembly) matching(s *Spec, ref string) []*member {
	var out []*member
	file := a.isFile(ref)
	for _, m := range a.members {
		if file && m.variant == s.Name || !file && (m.name == ref || m.variant == ref || m.name == modelName(ref)) {
			out = append(out, m)
		}
	}
	return out
}

// rename puts members into the spec's variant.
func (s *Spec) rename(members []*member, ref string) {
	name := s.Name
	if s.Unnamed {
		if made, ok := infer(ref); ok && members[0].variant != ref {
			name = made.word
		} else {
			name = cmp.Or(members[0].variant, name)
		}
		s.Name = name
	}
	for _, m := range members {
		m.variant = name
	}
}

// known lists what an entry of a spec could have named.
func (a *assembly) known() string {
	var names []string
	for _, m := range a.members {
		names = append(names, m.name)
		if m.variant != "" && !slices.Contains(names, m.variant) {
			names = append(names, m.variant)
		}
	}
	if len(names) > 20 {
		names = append(names[:20], "...")
	}
	return "models and variants " + strings.Join(names, ", ")
}

// variants groups the members and orders groups and members.
func (a *assembly) variants() ([]group, error) {
	byName := map[string]int{}
	var out []group
	for _, m := range a.members {
		if m.predicted == nil && m.scores == nil && m.binary == nil {
			return nil, &Error{File: m.from, Want: "predictions of model " + m.name, Got: "none"}
		}
		if m.variant == "" {
			made, ok := infer(m.name)
			if !ok {
				return nil, &Error{File: m.from, Want: "a variant for model " + quoted(m.name) + ": a column variant, a name that tells it (dense, int8, pruned-0.7, ...), or its place in baseline or candidates", Got: "none"}
			}
			m.variant = made.word
		}
		i, ok := byName[m.variant]
		if !ok {
			i = len(out)
			byName[m.variant] = i
			out = append(out, group{Variant: prediction.Variant{Name: m.variant, Kind: m.kind, Level: m.level}})
		}
		g := &out[i]
		if cmp.Compare(g.Kind, m.kind) != 0 || !sameLevel(g.Level, m.level) {
			return nil, &Error{File: m.from, Want: fmt.Sprintf("one kind and level for variant %s", m.variant), Got: "models that differ in them"}
		}
		g.members = append(g.members, m)
	}
	for i := range out {
		a.describe(&out[i])
	}
	return out, a.arrange(out)
}

func sameLevel(a, b *float64) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// describe sets kind and level from the request or the name.
func (a *assembly) describe(g *group) {
	for _, s := range a.specs() {
		if s.Name == g.Name {
			g.Kind = cmp.Or(s.Kind, g.Kind)
			if s.Level != nil {
				g.Level = s.Level
			}
		}
	}
	describe(&g.Variant, a.note)
}

// arrange puts the baseline first, then the candidates as they were named or
// by compression, and members in order of their names.
func (a *assembly) arrange(groups []group) error {
	rank := map[string]int{}
	for i, s := range a.specs() {
		rank[s.Name] = i + 1
	}
	place := func(g *group) int { return cmp.Or(rank[g.Name], len(groups)+len(rank)+1) }
	for i := range groups {
		if rank[groups[i].Name] == 0 {
			slices.SortStableFunc(groups[i].members, compareMembers)
		}
	}
	slices.SortStableFunc(groups, func(x, y group) int {
		return cmp.Or(cmp.Compare(place(&x), place(&y)), compareVariants(&x.Variant, &y.Variant))
	})
	if len(groups) < 2 {
		var names []string
		for _, g := range groups {
			names = append(names, g.Name)
		}
		return &Error{File: a.inputs[0].Path, Want: "a baseline and at least one other variant, each with a model", Got: "variants " + cmp.Or(strings.Join(names, ", "), "none")}
	}
	if len(a.req.Baseline.Files) == 0 {
		return a.chooseBaseline(groups)
	}
	return nil
}

// chooseBaseline moves the variant that must be the baseline to the front.
func (a *assembly) chooseBaseline(groups []group) error {
	var dense []int
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
		if g.Kind == prediction.KindDense {
			dense = append(dense, i)
		}
	}
	best := -1
	if len(dense) == 1 {
		best = dense[0]
	}
	for _, want := range baselineNames {
		if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, want) }); best < 0 && i >= 0 {
			best = i
		}
	}
	if best < 0 {
		return &Error{File: a.inputs[0].Path, Want: "one variant that is dense or called so, or the baseline to be named", Got: "variants " + strings.Join(names, ", ")}
	}
	g := groups[best]
	copy(groups[1:best+1], groups[:best])
	groups[0] = g
	a.note("variant %s was taken as the baseline", g.Name)
	return nil
}

// compareMembers orders members by seed, then by name.
func compareMembers(a, b *member) int {
	if a.seed != nil && b.seed != nil {
		if c := cmp.Compare(*a.seed, *b.seed); c != 0 {
			return c
		}
	}
	return natural(a.name, b.name)
}
