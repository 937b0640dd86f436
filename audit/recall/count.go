package recall

import (
	"context"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/components"
)

// thirds are the counts of the third order of a set of examples.
type thirds struct {
	lineages components.Cubes     // Paired
	votes    components.VoteCubes // Independent
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
			acc[g].add(b, v)
			if b*int64(len(m.all.variant)) != v*int64(len(m.all.base)) {
				acc[g].moved++
			}
		}
	}
	var all products
	for g := range acc {
		all.merge(&acc[g])
		if g < none {
			m.groups[g].fill(&acc[g])
		}
	}
	m.all.fill(&all)
	return nil
}

// products are sums over examples of products of the baseline's votes b and the
// variant's v.
type products struct {
	bb, vv, bv int64
	moved      int64 // examples on which the mean of the variant's members is not that of the baseline's
	cubes      components.VoteCubes
}

func (p *products) add(b, v int64) {
	p.bb += b * b
	p.vv += v * v
	p.bv += b * v
	p.cubes.BBB += b * b * b
	p.cubes.BBV += b * b * v
	p.cubes.BVV += b * v * v
	p.cubes.VVV += v * v * v
}

func (p *products) merge(o *products) {
	p.bb += o.bb
	p.vv += o.vv
	p.bv += o.bv
	p.moved += o.moved
	p.cubes.BBB += o.cubes.BBB
	p.cubes.BBV += o.cubes.BBV
	p.cubes.BVV += o.cubes.BVV
	p.cubes.VVV += o.cubes.VVV
}

// fill derives the table sums and, for single members, the four cells.
func (s *sums) fill(p *products) {
	s.pair = components.Pair{
		Base:    components.Sums{N: s.n, Rows: s.base, ColumnSquares: p.bb, Squares: total(s.base)},
		Variant: components.Sums{N: s.n, Rows: s.variant, ColumnSquares: p.vv, Squares: total(s.variant)},
		Cross:   p.bv,
	}
	s.cubes.votes, s.moved = p.cubes, p.moved
	if len(s.base) == 1 && len(s.variant) == 1 {
		s.cells = finding.PairedCells{Both: p.bv, OnlyBase: s.base[0] - p.bv, OnlyVariant: s.variant[0] - p.bv}
		s.cells.Neither = int64(s.n) - s.cells.Both - s.cells.OnlyBase - s.cells.OnlyVariant
	}
}

// change is one lineage's change on one example of a block, in units of 1/scale.
type change struct {
	row, column int32
	by          int64
}

// lineageCounts are one worker's sums over changes. A set has a row of numbers:
// for each lineage Σ d, Σ c·d and Σ d² (c the sum of d over lineages on the same
// example), then Σ c², Σ d², Σ c³, Σ c·d² and Σ d³.
type lineageCounts struct {
	lineages int
	sum      []int64
	changes  []change // of the block at hand
}

// Numbers of a set beside those of its lineages.
const (
	columnSquares = iota
	squares
	columnCubes
	weighed
	cubes
	lineageTotals
)

func (l *lineageCounts) width() int { return 3*l.lineages + lineageTotals }

// add counts a block. codes are the sets of its examples.
func (l *lineageCounts) add(codes, column []int32) {
	w, first := l.width(), 3*l.lineages
	for _, c := range l.changes {
		row := l.sum[int(codes[c.column])*w:][:w]
		all := int64(column[c.column])
		row[3*c.row] += c.by
		row[3*c.row+1] += all * c.by
		row[3*c.row+2] += c.by * c.by
		row[first+squares] += c.by * c.by
		row[first+weighed] += all * c.by * c.by
		row[first+cubes] += c.by * c.by * c.by
	}
	for i, c := range column {
		if c != 0 {
			row := l.sum[int(codes[i])*w+first:]
			row[columnSquares] += int64(c) * int64(c)
			row[columnCubes] += int64(c) * int64(c) * int64(c)
		}
	}
}

// fillLineages takes a set's row of numbers.
func (s *sums) fillLineages(row []int64) {
	l := (len(row) - lineageTotals) / 3
	last := row[3*l:]
	s.paired = components.Sums{N: s.n, Rows: make([]int64, l), ColumnSquares: last[columnSquares], Squares: last[squares]}
	s.cubes.lineages = components.Cubes{
		Rows: make([]int64, l), RowSquares: make([]int64, l),
		ColumnCubes: last[columnCubes], ColumnSquares: last[weighed], Cubes: last[cubes],
	}
	for k := range l {
		s.paired.Rows[k], s.cubes.lineages.Rows[k], s.cubes.lineages.RowSquares[k] = row[3*k], row[3*k+1], row[3*k+2]
	}
}

// countLineages fills the sums of the differences within lineages. A lineage
// with several members on a side counts their mean: differences are counted
// in units of 1/scale, the least that makes all of them whole.
func (m *Measured) countLineages(ctx context.Context) error {
	lineages := m.Pairing.Lineages
	for _, l := range lineages {
		m.scale = audit.LCM(m.scale, audit.LCM(int64(len(l.Base)), int64(len(l.Variant))))
	}
	sets := len(m.groups) + 1 // the last one: examples in no group
	partial := make([]*lineageCounts, m.view.Threads())
	err := m.view.Blocks(ctx, []int{0, m.Variant}, func(worker int, b *audit.Block) error {
		if partial[worker] == nil {
			l := &lineageCounts{lineages: len(lineages)}
			l.sum = make([]int64, sets*l.width())
			partial[worker] = l
		}
		m.countBlock(b, partial[worker])
		return nil
	})
	if err != nil {
		return err
	}
	width := 3*len(lineages) + lineageTotals
	sum, all := make([]int64, sets*width), make([]int64, width)
	for _, p := range partial {
		if p == nil {
			continue
		}
		for i, x := range p.sum {
			sum[i] += x
			all[i%width] += x
		}
	}
	for g := range m.groups {
		m.groups[g].fillLineages(sum[g*width : (g+1)*width])
	}
	m.all.fillLineages(all)
	return nil
}

func (m *Measured) countBlock(b *audit.Block, l *lineageCounts) {
	var codes, diff, column [audit.BlockSize]int32
	m.Grouping.read(codes[:b.N], b.From)
	last := int32(len(m.groups))
	for i := range b.N {
		if codes[i] < 0 {
			codes[i] = last
		}
	}
	l.changes = l.changes[:0]
	for k, lineage := range m.Pairing.Lineages {
		clear(diff[:b.N])
		addRight(diff[:b.N], b.Labels, b.Pred[0], lineage.Base, -int32(m.scale)/int32(len(lineage.Base)))
		addRight(diff[:b.N], b.Labels, b.Pred[1], lineage.Variant, int32(m.scale)/int32(len(lineage.Variant)))
		for i, d := range diff[:b.N] {
			if d != 0 {
				l.changes = append(l.changes, change{int32(k), int32(i), int64(d)})
				column[i] += d
			}
		}
	}
	l.add(codes[:b.N], column[:b.N])
}
