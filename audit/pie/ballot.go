package pie

import (
	"math/bits"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/modal"
)

// ballot holds the votes on one example: the labels that have votes in either
// population, ascending, and who voted for them. Members are numbered
// baseline first: member k of the variant is number k0+k.
type ballot struct {
	label   []int32  // labels with votes, ascending
	base    []int    // votes of the baseline, by label
	variant []int    // votes of the variant, by label
	slot    []int32  // index into label, by member
	mask    []uint64 // bit sets of members, words per label; filled by masks
	words   int

	rank []int32 // scratch: place of a label in ascending order
	seen []int32 // scratch: labels as they came
}

// read fills the ballot with example i of the block. mask is not filled.
func (v *ballot) read(b *audit.Block, i int) {
	v.seen, v.slot = v.seen[:0], v.slot[:0]
	for _, population := range b.Pred {
		for _, pred := range population {
			p := pred[i]
			j := 0
			for j < len(v.seen) && v.seen[j] != p {
				j++
			}
			if j == len(v.seen) {
				v.seen = append(v.seen, p)
			}
			v.slot = append(v.slot, int32(j))
		}
	}
	v.sort()
	n := len(v.label)
	v.base, v.variant = resize(v.base, n), resize(v.variant, n)
	clear(v.base)
	clear(v.variant)
	k0 := len(b.Pred[0])
	for k, s := range v.slot {
		s = v.rank[s]
		v.slot[k] = s
		if k < k0 {
			v.base[s]++
		} else {
			v.variant[s]++
		}
	}
}

// sort puts the labels seen into ascending order; rank[j] is the new place of
// the j-th label seen.
func (v *ballot) sort() {
	v.label = append(v.label[:0], v.seen...)
	slices.Sort(v.label)
	v.rank = resize(v.rank, len(v.seen))
	for j, p := range v.seen {
		at, _ := slices.BinarySearch(v.label, p)
		v.rank[j] = int32(at)
	}
}

// masks fills the bit sets of members.
func (v *ballot) masks() {
	v.words = (len(v.slot) + 63) / 64
	v.mask = resize(v.mask, len(v.label)*v.words)
	clear(v.mask)
	for k, s := range v.slot {
		v.mask[int(s)*v.words+k/64] |= 1 << (k % 64)
	}
}

// votes counts the members of set that vote for label j.
func (v *ballot) votes(j int, set []uint64) int {
	n := 0
	for w, m := range v.mask[j*v.words : (j+1)*v.words] {
		n += bits.OnesCount64(m & set[w])
	}
	return n
}

// at is the slot of the label, or -1 if it has no votes.
func (v *ballot) at(label int32) int {
	for j, l := range v.label {
		if l == label {
			return j
		}
	}
	return -1
}

// top returns the slot of the modal label of set, whose size is not 0, and by
// how many votes it leads the next label.
func (v *ballot) top(set []uint64, ties modal.Ties) (slot, lead int) {
	first, second := -1, 0
	one := v.words == 1
	for j := range v.label {
		var n int
		if one { // populations of up to 64 members together
			n = bits.OnesCount64(v.mask[j] & set[0])
		} else {
			n = v.votes(j, set)
		}
		switch {
		case n > first:
			first, second, slot = n, max(first, 0), j
		case n == first:
			second = n
			if ties == modal.Highest {
				slot = j
			}
		case n > second:
			second = n
		}
	}
	return slot, first - second
}

// reader finds the examples of a block that are not unanimous.
type reader struct {
	ballot
	differ []int32
	at     []int
}

// split returns the examples of the block on which two members of any of the
// populations disagree, in ascending order.
func (r *reader) split(b *audit.Block) []int {
	r.differ = resize(r.differ, b.N)
	clear(r.differ)
	first := b.Pred[0][0]
	for _, population := range b.Pred {
		for _, pred := range population {
			pred = pred[:len(r.differ)]
			for i, f := range first[:len(r.differ)] {
				r.differ[i] |= pred[i] ^ f
			}
		}
	}
	r.at = r.at[:0]
	for i, d := range r.differ {
		if d != 0 {
			r.at = append(r.at, i)
		}
	}
	return r.at
}

// resize returns s with length n; what it held may be lost.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}

// bitset is a set of members or examples.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (s bitset) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s bitset) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }

func (s bitset) count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}
