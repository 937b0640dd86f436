package flip

import (
	"context"

	"github.com/lethe-audit/lethe/audit"
)

// changes are numbers of (example, pair of members) with a changed answer.
// pairs is the number of pairs of one baseline and one variant member that
// were compared on every example.
type changes struct {
	pairs        int64
	rightToWrong []int64 // by true class
	wrongToRight []int64
	wrongToOther []int64

	// Independent populations: the same over all ordered pairs of distinct
	// members of the pooled population, the mean under permuted members.
	poolPairs        int64
	poolChanged      int64
	poolRightToWrong int64
}

func newChanges(classes int) *changes {
	return &changes{rightToWrong: make([]int64, classes), wrongToRight: make([]int64, classes), wrongToOther: make([]int64, classes)}
}

func (c *changes) add(d *changes) {
	for i := range c.rightToWrong {
		c.rightToWrong[i] += d.rightToWrong[i]
		c.wrongToRight[i] += d.wrongToRight[i]
		c.wrongToOther[i] += d.wrongToOther[i]
	}
	c.poolChanged += d.poolChanged
	c.poolRightToWrong += d.poolRightToWrong
}

// count compares the members of the baseline with those of variant t: within
// lineages where they are shared, every member with every member otherwise.
func count(ctx context.Context, v *audit.View, t int) (*changes, error) {
	workers := make([]*changes, v.Threads())
	pairing := v.Pairing(t)
	tallies := make([]*tally, v.Threads())
	err := v.Blocks(ctx, []int{0, t}, func(w int, b *audit.Block) error {
		if workers[w] == nil {
			workers[w] = newChanges(len(v.Table.Classes))
			tallies[w] = newTally(len(v.Table.Classes))
		}
		if pairing.Design == audit.Paired {
			countLineages(workers[w], b, pairing.Lineages)
		} else {
			countPools(workers[w], b, tallies[w])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sum := newChanges(len(v.Table.Classes))
	for _, c := range workers {
		if c != nil {
			sum.add(c)
		}
	}
	k0, kt := int64(len(v.Table.Variants[0].Members)), int64(len(v.Table.Variants[t].Members))
	switch pairing.Design {
	case audit.Paired:
		for _, l := range pairing.Lineages {
			sum.pairs += int64(len(l.Base) * len(l.Variant))
		}
	default:
		sum.pairs = k0 * kt
		sum.poolPairs = (k0 + kt) * (k0 + kt - 1)
	}
	return sum, nil
}

func countLineages(c *changes, b *audit.Block, lineages []audit.Lineage) {
	for _, l := range lineages {
		for _, x := range l.Base {
			for _, y := range l.Variant {
				base, variant := b.Pred[0][x], b.Pred[1][y]
				for i, p := range base {
					if q := variant[i]; p != q {
						c.changed(b.Labels[i], p, q, 1)
					}
				}
			}
		}
	}
}

// changed counts n pairs whose answer goes from p to q, p != q.
func (c *changes) changed(label, p, q int32, n int64) {
	switch label {
	case p:
		c.rightToWrong[label] += n
	case q:
		c.wrongToRight[label] += n
	default:
		c.wrongToOther[label] += n
	}
}

// tally counts the votes of the two populations on one example. Only the
// labels that got votes are touched, so that it costs nothing per class.
type tally struct {
	base, variant []int64
	labels        []int32
}

func newTally(classes int) *tally {
	return &tally{base: make([]int64, classes), variant: make([]int64, classes)}
}

func (y *tally) vote(side []int64, label int32) {
	if y.base[label] == 0 && y.variant[label] == 0 {
		y.labels = append(y.labels, label)
	}
	side[label]++
}

func (y *tally) reset() {
	for _, c := range y.labels {
		y.base[c], y.variant[c] = 0, 0
	}
	y.labels = y.labels[:0]
}

func countPools(c *changes, b *audit.Block, y *tally) {
	var differ [audit.BlockSize]bool
	for _, side := range b.Pred {
		for _, pred := range side {
			for i, p := range pred {
				differ[i] = differ[i] || p != b.Pred[0][0][i]
			}
		}
	}
	for i, label := range b.Labels {
		if !differ[i] {
			continue // unanimous in both populations: nothing changed
		}
		for _, pred := range b.Pred[0] {
			y.vote(y.base, pred[i])
		}
		for _, pred := range b.Pred[1] {
			y.vote(y.variant, pred[i])
		}
		countExample(c, y, label, int64(len(b.Pred[0])), int64(len(b.Pred[1])))
		y.reset()
	}
}

func countExample(c *changes, y *tally, label int32, k0, kt int64) {
	pool := k0 + kt
	var same, poolSame int64
	for _, l := range y.labels {
		n := y.base[l] + y.variant[l]
		same += y.base[l] * y.variant[l]
		poolSame += n * (n - 1)
	}
	lost := y.base[label] * (kt - y.variant[label])
	won := (k0 - y.base[label]) * y.variant[label]
	right := y.base[label] + y.variant[label]
	c.rightToWrong[label] += lost
	c.wrongToRight[label] += won
	c.wrongToOther[label] += k0*kt - same - lost - won
	c.poolChanged += pool*(pool-1) - poolSame
	c.poolRightToWrong += right * (pool - right)
}
