package audit

import (
	"fmt"
	"sort"

	"github.com/lethe-audit/lethe/prediction"
)

// Design is how the members of a variant relate to those of the baseline; it
// decides which test a check makes.
type Design string

// The designs.
const (
	SinglePair  Design = "single pair"       // one model against one model: only examples vary
	Paired      Design = "paired by lineage" // members share checkpoints: differences per lineage
	Independent Design = "independent"       // members were trained independently
)

// Lineage is one checkpoint and the members made from it.
type Lineage struct {
	Name    string
	Base    []int // indexes of baseline members
	Variant []int // indexes of the variant's members
}

// LCM is the least common multiple of two positive numbers: the scale on which
// means over lineages of different sizes are whole numbers.
func LCM(a, b int64) int64 {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}

// Pairing says how a variant is compared with the baseline.
type Pairing struct {
	Design         Design
	Lineages       []Lineage // for Paired: complete lineages, sorted by name
	LeftOutBase    int       // baseline members without a partner, left out of paired tests
	LeftOutVariant int       // variant members without a partner, left out of paired tests
	Why            string    // the reason for Design in one sentence

	// OneCheckpoint is set where several members of the variant were all made from
	// the only baseline member, such as with resampled calibration data: they are
	// one unit, and only the examples vary. Design is Independent then.
	OneCheckpoint bool
}

// pairingOf finds the design from the lineages of the members. One member on
// each side is a single pair whatever their lineage.
func pairingOf(base, variant *prediction.Variant) Pairing {
	if len(base.Members) == 1 && len(variant.Members) == 1 {
		return Pairing{Design: SinglePair, Why: "one model on each side: only the examples vary"}
	}
	byName := map[string]*Lineage{}
	add := func(members []prediction.Member, into func(*Lineage) *[]int) {
		for k, m := range members {
			if m.Lineage == "" {
				continue
			}
			l := byName[m.Lineage]
			if l == nil {
				l = &Lineage{Name: m.Lineage}
				byName[m.Lineage] = l
			}
			s := into(l)
			*s = append(*s, k)
		}
	}
	add(base.Members, func(l *Lineage) *[]int { return &l.Base })
	add(variant.Members, func(l *Lineage) *[]int { return &l.Variant })
	var p Pairing
	usedBase, usedVariant := 0, 0
	for _, l := range byName {
		if len(l.Base) > 0 && len(l.Variant) > 0 {
			p.Lineages = append(p.Lineages, *l)
			usedBase += len(l.Base)
			usedVariant += len(l.Variant)
		}
	}
	sort.Slice(p.Lineages, func(i, j int) bool { return p.Lineages[i].Name < p.Lineages[j].Name })
	switch {
	case len(p.Lineages) >= 2:
		p.Design = Paired
		p.LeftOutBase = len(base.Members) - usedBase
		p.LeftOutVariant = len(variant.Members) - usedVariant
		p.Why = fmt.Sprintf("%d lineages have members on both sides: differences within a lineage are compared", len(p.Lineages))
	case len(p.Lineages) == 1 && len(base.Members) == 1 && usedVariant == len(variant.Members):
		p = Pairing{Design: Independent, OneCheckpoint: true, Why: "all members were made from one checkpoint and are one unit: only the examples vary"}
	case len(p.Lineages) == 1:
		p = Pairing{Design: Independent, Why: "only one lineage is shared: too few for a paired test"}
	default:
		p = Pairing{Design: Independent, Why: "no member shares a lineage with the baseline: populations were trained independently"}
	}
	return p
}
