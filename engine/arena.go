package engine

import (
	"cmp"
	"slices"
	"unsafe"
)

// arenaAlign is the alignment of values in the arena, in bytes: a cache line
// and the widest vector.
const arenaAlign = 64

// life is when a value is in the arena: from the instruction that makes it to
// the last that reads it.
type life struct{ slot, from, to, bytes int }

// layoutArena gives every value in the arena an offset so that values that
// live at the same time do not overlap, and returns the arena's size. Large
// values are placed first, each at the lowest offset that is free for as long
// as it lives.
func (b *plan) layoutArena() int {
	lives := b.lives()
	slices.SortStableFunc(lives, func(x, y life) int {
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(x.from, y.from))
	})
	size := 0
	var placed []life
	for _, l := range lives {
		var busy []life
		for _, o := range placed {
			if l.from <= o.to && o.from <= l.to {
				busy = append(busy, o)
			}
		}
		slices.SortFunc(busy, func(x, y life) int {
			return cmp.Compare(b.slots[x.slot].offset, b.slots[y.slot].offset)
		})
		at := 0
		for _, o := range busy {
			start := b.slots[o.slot].offset
			if at+l.bytes <= start {
				break
			}
			at = max(at, start+o.bytes)
		}
		b.slots[l.slot].offset = at
		size = max(size, at+l.bytes)
		placed = append(placed, l)
	}
	return size
}

// lives lists the values that are in the arena, views counted with what they
// are views of.
func (b *plan) lives() []life {
	first, last := map[int]int{}, map[int]int{}
	for t, in := range b.code {
		for _, k := range slices.Concat(in.in, in.out) {
			if k < 0 {
				continue
			}
			r := b.root(k)
			if _, ok := first[r]; !ok {
				first[r] = t
			}
			last[r] = t
		}
	}
	for _, k := range b.outputs { // to be copied at the end
		last[b.root(k)] = len(b.code)
	}
	var all []life
	for k := range b.slots {
		s := &b.slots[k]
		if from, ok := first[k]; ok && s.place == placeArena {
			n := (s.bytes() + arenaAlign - 1) / arenaAlign * arenaAlign
			all = append(all, life{k, from, last[k], n})
		}
	}
	return all
}

// alignedBytes is n bytes that start at a multiple of arenaAlign.
func alignedBytes(n int) []byte {
	buf := make([]byte, n+arenaAlign)
	skip := 0
	if r := int(uintptr(unsafe.Pointer(&buf[0])) % arenaAlign); r != 0 {
		skip = arenaAlign - r
	}
	return buf[skip : skip+n : skip+n]
}
