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
	cells         finding.PairedCells // SinglePair
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

// countVotes fills what independent populations and single pairs need from the
// votes: products of the numbers of members that are right on an example.
func (m *Measured) countVotes(ctx context.Context) error {
	base, err := m.view.Counts(ctx, 0)
	if err != nil {
		return err
	}
	variant, err := m.view.Counts(ctx, m.Variant)
	if err != nil {
		return err
	}
	type products struct{ bb, vv, bv int64 }
	none := len(m.groups)
	acc := make([]products, none+1)
	codes := make([]int32, audit.BlockSize)
	for from := 0; from < m.all.n; from += audit.BlockSize {
		n := min(audit.BlockSize, m.all.n-from)
		m.Grouping.read(codes[:n], from)
		for i, c := range codes[:n] {
			g := int(c)
			if c < 0 {
				g = none
			}
			b, v := int64(base.Votes[from+i]), int64(variant.Votes[from+i])
			acc[g].bb += b * b
			acc[g].vv += v * v
			acc[g].bv += b * v
		}
	}
	var all products
	for g, p := range acc {
		all.bb += p.bb
		all.vv += p.vv
		all.bv += p.bv
		if g < none {
			m.groups[g].fill(p.bb, p.vv, p.bv)
		}
	}
	m.all.fill(all.bb, all.vv, all.bv)
	return nil
}

// fill derives the table sums and, for single members, the four cells.
func (s *sums) fill(bb, vv, bv int64) {
	s.pair = components.Pair{
		Base:    components.Sums{N: s.n, Rows: s.base, ColumnSquares: bb, Squares: total(s.base)},
		Variant: components.Sums{N: s.n, Rows: s.variant, ColumnSquares: vv, Squares: total(s.variant)},
		Cross:   bv,
	}
	if len(s.base) == 1 && len(s.variant) == 1 {
		s.cells = finding.PairedCells{Both: bv, OnlyBase: s.base[0] - bv, OnlyVariant: s.variant[0] - bv}
		s.cells.Neither = int64(s.n) - s.cells.Both - s.cells.OnlyBase - s.cells.OnlyVariant
	}
}

func total(x []int64) (sum int64) {
	for _, v := range x {
		sum += v
	}
	return sum
}

// countLineages fills the sums of the differences within lineages. A lineage
// with several members on a side counts their mean: differences are counted
// in units of 1/scale, the least that makes all of them whole.
func (m *Measured) countLineages(ctx context.Context) error {
	lineages := m.Pairing.Lineages
	for _, l := range lineages {
		m.scale = lcm(m.scale, lcm(int64(len(l.Base)), int64(len(l.Variant))))
	}
	sets := len(m.groups) + 1 // the last one: examples in no group
	width := len(lineages) + 2
	partial := make([][]int64, m.view.Threads()) // [set][row sums..., column squares, squares]
	err := m.view.Blocks(ctx, []int{0, m.Variant}, func(worker int, b *audit.Block) error {
		if partial[worker] == nil {
			partial[worker] = make([]int64, sets*width)
		}
		m.countBlock(b, partial[worker], width)
		return nil
	})
	if err != nil {
		return err
	}
	sum := make([]int64, sets*width)
	for _, p := range partial {
		for i, x := range p {
			sum[i] += x
		}
	}
	all := make([]int64, width)
	for s := range sets {
		row := sum[s*width : (s+1)*width]
		for i, x := range row {
			all[i] += x
		}
		if s < len(m.groups) {
			m.groups[s].paired = lineageSums(m.groups[s].n, row)
		}
	}
	m.all.paired = lineageSums(m.all.n, all)
	return nil
}

func lineageSums(n int, row []int64) components.Sums {
	l := len(row) - 2
	return components.Sums{N: n, Rows: row[:l:l], ColumnSquares: row[l], Squares: row[l+1]}
}

func (m *Measured) countBlock(b *audit.Block, acc []int64, width int) {
	var codes, diff, column [audit.BlockSize]int32
	m.Grouping.read(codes[:b.N], b.From)
	last := int32(len(m.groups))
	for i := range b.N {
		if codes[i] < 0 {
			codes[i] = last
		}
	}
	for l, lineage := range m.Pairing.Lineages {
		clear(diff[:b.N])
		addRight(diff[:b.N], b.Labels, b.Pred[0], lineage.Base, -int32(m.scale)/int32(len(lineage.Base)))
		addRight(diff[:b.N], b.Labels, b.Pred[1], lineage.Variant, int32(m.scale)/int32(len(lineage.Variant)))
		for i, d := range diff[:b.N] {
			if d != 0 {
				at := int(codes[i]) * width
				acc[at+l] += int64(d)
				acc[at+width-1] += int64(d) * int64(d)
				column[i] += d
			}
		}
	}
	for i, c := range column[:b.N] {
		if c != 0 {
			acc[int(codes[i])*width+width-2] += int64(c) * int64(c)
		}
	}
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

func lcm(a, b int64) int64 {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
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
