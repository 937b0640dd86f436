package pie

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/lethe-audit/lethe/stat/modal"
)

// A pattern is all that the tests of one example depend on: the votes of both
// populations by label, without the labels' names and in a fixed order; and, in
// a paired comparison, the moves of the lineages. Examples with the same
// pattern have the same p-values.
type pattern struct {
	base, variant []int   // votes (of lineages where paired)
	moves         [][]int // by differing lineage: baseline minus variant votes by label
}

// coder writes patterns as keys of a map.
type coder struct {
	order []int // slots in the pattern's order
	place []int // place of a slot in order
	base  []int // votes as the pattern counts them
	vote  []int
	key   []byte
	moves [][]byte
	move  []entry
	buf   []byte
	unit  []int64
}

// unpaired is the key of a ballot of independent populations.
func (c *coder) unpaired(v *ballot) []byte {
	c.sort(v.base, v.variant)
	c.votes(v.base, v.variant)
	return c.key
}

// paired is the key of a ballot of populations that share lineages.
func (c *coder) paired(v *ballot, x *unitBallot, u *lineages, ties modal.Ties) []byte {
	base, variant := c.unitVotes(v, u, ties)
	c.sort(base, variant)
	c.votes(base, variant)
	c.buf, c.moves = c.buf[:0], c.moves[:0]
	for _, m := range x.moves {
		c.move = c.move[:0]
		for _, e := range x.entries[m.from:m.to] {
			c.move = append(c.move, entry{int32(c.place[e.slot]), e.by})
		}
		slices.SortFunc(c.move, func(a, b entry) int { return cmp.Compare(a.slot, b.slot) })
		from := len(c.buf)
		for _, e := range c.move {
			c.buf = binary.AppendUvarint(c.buf, uint64(e.slot))
			c.buf = binary.AppendVarint(c.buf, e.by)
		}
		c.moves = append(c.moves, c.buf[from:len(c.buf):len(c.buf)])
	}
	slices.SortFunc(c.moves, slices.Compare[[]byte])
	c.key = binary.AppendUvarint(c.key, uint64(len(c.moves)))
	for _, m := range c.moves {
		c.key = binary.AppendUvarint(c.key, uint64(len(m)))
		c.key = append(c.key, m...)
	}
	return c.key
}

// unitVotes counts one vote for each lineage and side: the modal label of the
// lineage's members there.
func (c *coder) unitVotes(v *ballot, u *lineages, ties modal.Ties) (base, variant []int) {
	n := len(v.label)
	c.base, c.vote, c.unit = resize(c.base, n), resize(c.vote, n), resize(c.unit, n)
	clear(c.base)
	clear(c.vote)
	for _, l := range u.list {
		c.base[c.side(v, l.base, ties)]++
		c.vote[c.side(v, l.variant, ties)]++
	}
	return c.base, c.vote
}

func (c *coder) side(v *ballot, members []int, ties modal.Ties) int {
	if len(members) == 1 {
		return int(v.slot[members[0]])
	}
	clear(c.unit)
	for _, k := range members {
		c.unit[v.slot[k]]++
	}
	return mode(c.unit, ties)
}

// sort orders the slots by votes, most first; slots with equal votes keep the
// order of their labels.
func (c *coder) sort(base, variant []int) {
	c.order = c.order[:0]
	for j := range base {
		c.order = append(c.order, j)
	}
	slices.SortStableFunc(c.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(base[b], base[a]), cmp.Compare(variant[b], variant[a]))
	})
	c.place = resize(c.place, len(base))
	for i, j := range c.order {
		c.place[j] = i
	}
}

func (c *coder) votes(base, variant []int) {
	c.key = binary.AppendUvarint(c.key[:0], uint64(len(base)))
	for _, j := range c.order {
		c.key = binary.AppendUvarint(c.key, uint64(base[j]))
		c.key = binary.AppendUvarint(c.key, uint64(variant[j]))
	}
}

// decode reads a key back.
func decode(key string) pattern {
	b := []byte(key)
	next := func() int {
		v, n := binary.Uvarint(b)
		b = b[n:]
		return int(v)
	}
	labels := next()
	p := pattern{base: make([]int, labels), variant: make([]int, labels)}
	for j := range labels {
		p.base[j], p.variant[j] = next(), next()
	}
	if len(b) == 0 {
		return p
	}
	p.moves = make([][]int, next())
	for i := range p.moves {
		size := next()
		move, end := make([]int, labels), len(b)-size
		for len(b) > end {
			j := next()
			by, n := binary.Varint(b)
			b = b[n:]
			move[j] = int(by)
		}
		p.moves[i] = move
	}
	return p
}

// book numbers the patterns that one worker meets.
type book struct {
	number map[string]uint32
	keys   []string
	count  []int64
}

// note counts a key and returns its number in this book.
func (b *book) note(key []byte) uint32 {
	n, ok := b.number[string(key)]
	if !ok {
		if b.number == nil {
			b.number = map[string]uint32{}
		}
		n = uint32(len(b.keys))
		s := string(key)
		b.number[s] = n
		b.keys = append(b.keys, s)
		b.count = append(b.count, 0)
	}
	b.count[n]++
	return n
}

// merge joins the books of all workers: keys ascending, with their counts, and
// for each book the new numbers of its keys.
func merge(books []book) (keys []string, count []int64, renumber [][]uint32) {
	for _, b := range books {
		keys = append(keys, b.keys...)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	count = make([]int64, len(keys))
	renumber = make([][]uint32, len(books))
	for w, b := range books {
		renumber[w] = make([]uint32, len(b.keys))
		for i, k := range b.keys {
			at, _ := slices.BinarySearch(keys, k)
			renumber[w][i] = uint32(at)
			count[at] += b.count[i]
		}
	}
	return keys, count, renumber
}
