package index

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/lethe-audit/lethe/prediction"
)

// orders keeps the orders that were asked for last: each is 4 bytes a row.
type orders struct {
	mu   sync.Mutex
	list []*order // the one asked for last is last
}

// order is a permutation of the rows.
type order struct {
	variant int
	by      Sort
	once    sync.Once
	rows    []uint32
}

// maxOrders is how many orders are kept: the worst first of every variant of
// most audits, and what a person looks at beside.
const maxOrders = 12

// order returns the rows of a variant in order; nil for the order of the data.
// The variant must have been read.
func (x *Index) order(v int, by Sort) []uint32 {
	if by == SortRow {
		return nil
	}
	o := x.orders.get(v, by)
	o.once.Do(func() { o.rows = x.sorted(v, by) })
	return o.rows
}

func (c *orders) get(v int, by Sort) *order {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.list, func(o *order) bool { return o.variant == v && o.by == by })
	o := &order{variant: v, by: by}
	if at >= 0 {
		o = c.list[at]
		c.list = slices.Delete(c.list, at, at+1)
	} else if len(c.list) == maxOrders {
		c.list = slices.Delete(c.list, 0, 1)
	}
	c.list = append(c.list, o)
	return o
}

// sorted makes an order. Every order but the worst first is a stable sort of
// that one.
func (x *Index) sorted(v int, by Sort) []uint32 {
	d, s := &x.data[v], &x.shared
	k0, kt := uint32(x.baseline.K), uint32(x.variants[v].K)
	if by == SortWorst {
		rows := make([]uint32, x.n)
		for i := range rows {
			rows[i] = uint32(i)
		}
		ranks := d.testRanks()
		rows = radix(rows, uint32(len(ranks)), func(i int) uint32 { return ranks[d.test.At(i)] })
		return radix(rows, 2*k0*kt, func(i int) uint32 { return 2*k0*kt - uint32(d.taxicab.At(i)) })
	}
	rows := slices.Clone(x.order(v, SortWorst))
	switch by {
	case SortDrop: // of b/K0 - v/K, made whole and not negative
		return radix(rows, 2*k0*kt, func(i int) uint32 {
			return k0*kt - uint32(s.votes.At(i))*kt + uint32(d.votes.At(i))*k0
		})
	case SortMargin:
		return radix(rows, k0, down(s.margin, k0))
	case SortBaseShare:
		return radix(rows, k0, down(s.votes, k0))
	default: // SortVariantShare
		return radix(rows, kt, func(i int) uint32 { return uint32(d.votes.At(i)) })
	}
}

// down is the key that puts the largest of a column first.
func down(c prediction.Column, most uint32) func(i int) uint32 {
	return func(i int) uint32 { return most - uint32(c.At(i)) }
}

// testRanks are the places of the tests by q, by code; no q comes last.
func (d *variantData) testRanks() []uint32 {
	q := func(t *tests) float64 {
		if t.q.null {
			return math.Inf(1)
		}
		return t.q.value
	}
	codes := make([]int, len(d.tests))
	for i := range codes {
		codes[i] = i
	}
	slices.SortFunc(codes, func(a, b int) int { return cmp.Compare(q(&d.tests[a]), q(&d.tests[b])) })
	ranks := make([]uint32, len(d.tests))
	for place, c := range codes {
		if place > 0 && q(&d.tests[c]) == q(&d.tests[codes[place-1]]) {
			ranks[c] = ranks[codes[place-1]]
			continue
		}
		ranks[c] = uint32(place)
	}
	return ranks
}

// radix sorts rows by key, ascending and stable; keys are at most most.
func radix(rows []uint32, most uint32, key func(row int) uint32) []uint32 {
	keys := make([]uint32, len(rows)) // by row
	for i := range keys {
		keys[i] = key(i)
	}
	spare := make([]uint32, len(rows))
	const digit = 1 << 12
	for shift := 0; shift < 32 && most>>shift > 0; shift += 12 {
		var next [digit + 1]uint32
		for _, k := range keys {
			next[k>>shift%digit+1]++
		}
		for i := range digit {
			next[i+1] += next[i]
		}
		for _, r := range rows {
			at := &next[keys[r]>>shift%digit]
			spare[*at] = r
			*at++
		}
		rows, spare = spare, rows
	}
	return rows
}
