package recall

import (
	"context"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/components"
)

// Measured holds the counts of every group for one variant against the
// baseline.
type Measured struct {
	Variant  int // number of the variant
	Pairing  *audit.Pairing
	Grouping *Grouping

	view   *audit.View
	groups []sums
	all    sums  // over all examples, in a group or not
	scale  int64 // paired: differences of a lineage are counted in 1/scale
}

// sums are the counts of one set of examples. Which fields are filled depends
// on the design.
type sums struct {
	n             int
	base, variant []int64             // right answers per member
	pair          components.Pair     // Independent
	paired        components.Sums     // Paired: rows are lineages, in units of 1/scale
	cubes         thirds              // what the skew of the difference follows from
	cells         finding.PairedCells // SinglePair
	moved         int64               // not Paired: examples on which the mean right of both sides differs
}

// Measure counts the right answers of the baseline and of variant t in every
// group of the grouping.
func Measure(ctx context.Context, v *audit.View, g *Grouping, t int) (*Measured, error) {
	m := &Measured{Variant: t, Pairing: v.Pairing(t), Grouping: g, view: v, scale: 1, groups: make([]sums, len(g.Scopes))}
	if err := m.countMembers(ctx); err != nil {
		return nil, err
	}
	if m.design() == audit.Paired {
		return m, m.countLineages(ctx)
	}
	return m, m.countVotes(ctx)
}

// design is the design the tests follow: the paper's audit knows independent
// populations only.
func (m *Measured) design() audit.Design {
	if m.view.Options.Paper && m.Pairing.Design == audit.Paired {
		return audit.Independent
	}
	return m.Pairing.Design
}

// Size is the number of examples in group g.
func (m *Measured) Size(g int) int { return m.groups[g].n }

// Difference is the mean recall of the variant's members minus the mean recall
// of the baseline's in group g; ok is false for an empty group. Paired designs
// use complete lineages only.
func (m *Measured) Difference(g int) (d float64, ok bool) {
	if m.groups[g].n == 0 {
		return 0, false
	}
	base, variant := m.values(&m.groups[g])
	return variant - base, true
}

// values are the mean recalls in a set. Under a paired design each lineage
// counts once, so that their difference is the mean difference of lineages.
func (m *Measured) values(s *sums) (base, variant float64) {
	if m.design() != audit.Paired {
		return mean(s.base, s.n), mean(s.variant, s.n)
	}
	for _, l := range m.Pairing.Lineages {
		base += meanOf(s.base, l.Base, s.n)
		variant += meanOf(s.variant, l.Variant, s.n)
	}
	k := float64(len(m.Pairing.Lineages))
	return base / k, variant / k
}

func mean(right []int64, n int) float64 {
	var sum int64
	for _, x := range right {
		sum += x
	}
	return float64(sum) / (float64(len(right)) * float64(n))
}

func meanOf(right []int64, members []int, n int) float64 {
	var sum int64
	for _, k := range members {
		sum += right[k]
	}
	return float64(sum) / (float64(len(members)) * float64(n))
}

// countMembers fills the right answers per member and the sizes.
func (m *Measured) countMembers(ctx context.Context) error {
	right := func(t int) ([][]int64, []int64, error) {
		byGroup, err := m.Grouping.right(ctx, m.view, t)
		if err != nil {
			return nil, nil, err
		}
		c, err := m.view.Counts(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		return byGroup, c.Total, nil
	}
	base, baseAll, err := right(0)
	if err != nil {
		return err
	}
	variant, variantAll, err := right(m.Variant)
	if err != nil {
		return err
	}
	column := func(byGroup [][]int64, g int) []int64 {
		out := make([]int64, len(byGroup))
		for k := range byGroup {
			out[k] = byGroup[k][g]
		}
		return out
	}
	for g := range m.groups {
		m.groups[g] = sums{n: m.Grouping.sizes[g], base: column(base, g), variant: column(variant, g)}
	}
	m.all = sums{n: m.view.Table.Len(), base: baseAll, variant: variantAll}
	return nil
}

func total(x []int64) (sum int64) {
	for _, v := range x {
		sum += v
	}
	return sum
}

// addRight adds weight to diff for every right answer of the members.
func addRight(diff, labels []int32, pred [][]int32, members []int, weight int32) {
	for _, k := range members {
		for i, p := range pred[k][:len(diff)] {
			if p == labels[i] {
				diff[i] += weight
			}
		}
	}
}

// rest is the complement of a set: all examples but those of s.
func (m *Measured) rest(s *sums) sums {
	minus := func(a, b []int64) []int64 {
		out := make([]int64, len(a))
		for k := range a {
			out[k] = a[k] - b[k]
		}
		return out
	}
	r := sums{n: m.all.n - s.n, base: minus(m.all.base, s.base), variant: minus(m.all.variant, s.variant)}
	table := func(a, b components.Sums) components.Sums {
		return components.Sums{N: a.N - b.N, Rows: minus(a.Rows, b.Rows), ColumnSquares: a.ColumnSquares - b.ColumnSquares, Squares: a.Squares - b.Squares}
	}
	if m.design() == audit.Paired {
		r.paired = table(m.all.paired, s.paired)
		return r
	}
	r.pair = components.Pair{
		Base:    table(m.all.pair.Base, s.pair.Base),
		Variant: table(m.all.pair.Variant, s.pair.Variant),
		Cross:   m.all.pair.Cross - s.pair.Cross,
	}
	a, b := m.all.cells, s.cells
	r.cells = finding.PairedCells{Both: a.Both - b.Both, OnlyBase: a.OnlyBase - b.OnlyBase, OnlyVariant: a.OnlyVariant - b.OnlyVariant, Neither: a.Neither - b.Neither}
	return r
}
