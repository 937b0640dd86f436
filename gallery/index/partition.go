package index

import (
	"math/bits"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lethe-audit/lethe/prediction"
)

// partition are the rows of each value of a column. It is made when first
// asked for; its bitmaps are never changed afterwards.
type partition struct {
	once sync.Once
	rows []*roaring.Bitmap // by value
}

// of returns the rows by value, 0 to values-1, of the column.
func (p *partition) of(c prediction.Column, values int) []*roaring.Bitmap {
	p.once.Do(func() { p.rows = split(c, values) })
	return p.rows
}

// split sorts the rows of a column by value.
func split(c prediction.Column, values int) []*roaring.Bitmap {
	var block [4096]int32
	start := make([]uint32, values+1) // first the count of the value before, then where the value's rows go
	for at := 0; at < c.Len(); at += len(block) {
		for _, v := range block[:c.Read(block[:], at)] {
			start[v+1]++
		}
	}
	for v := range values {
		start[v+1] += start[v]
	}
	sorted := make([]uint32, c.Len())
	next := append([]uint32(nil), start[:values]...)
	for at := 0; at < c.Len(); at += len(block) {
		for i, v := range block[:c.Read(block[:], at)] {
			sorted[next[v]] = uint32(at + i)
			next[v]++
		}
	}
	out := make([]*roaring.Bitmap, values)
	for v := range out {
		out[v] = roaring.BitmapOf(sorted[start[v]:start[v+1]]...)
		out[v].RunOptimize()
	}
	return out
}

// sets are the rows of each flip and flag of a variant.
type sets struct {
	flips                        [4]*roaring.Bitmap
	pie, tie, changed, certified *roaring.Bitmap
}

func (s *sets) fill(flags []uint8) {
	var dense [8][]uint64
	for i := range dense {
		dense[i] = make([]uint64, (len(flags)+63)/64)
	}
	for i, f := range flags {
		bit := uint64(1) << (i % 64)
		dense[f&flipMask][i/64] |= bit
		for f &^= flipMask; f != 0; f &= f - 1 {
			dense[2+bits.TrailingZeros8(f)][i/64] |= bit
		}
	}
	to := []**roaring.Bitmap{&s.flips[0], &s.flips[1], &s.flips[2], &s.flips[3], &s.pie, &s.tie, &s.changed, &s.certified}
	for i, b := range to {
		*b = roaring.FromDense(dense[i], true)
		(*b).RunOptimize()
	}
}

// everything is the set of all n rows.
func everything(n int) *roaring.Bitmap {
	b := roaring.New()
	b.AddRange(0, uint64(n))
	return b
}
