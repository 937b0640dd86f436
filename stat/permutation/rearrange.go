package permutation

import (
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"
)

// Draws is the usual number of random rearrangements where not all can be listed.
const Draws = 9_999

// MaxExactLineages is the largest number of lineages for which [Swaps] lists all swaps.
const MaxExactLineages = 12

// Rearrangements is a reference set: either all rearrangements of the data, the
// observed one first, or a number of random ones without the observed one.
type Rearrangements struct {
	exact bool
	n     int
	seed  uint64
	// size and first give the shape: sign vectors of length size (first < 0), or
	// assignments of size members of which first go to the first pool.
	size, first int
}

// Swaps is the set of sign vectors of l ≥ 1 lineages: all 2ˡ if l ≤ [MaxExactLineages],
// otherwise draws ≥ 1 random ones. Where all are listed, consecutive vectors differ in
// one lineage (Gray code), so that a caller may update counts instead of recounting.
func Swaps(l, draws int, seed uint64) Rearrangements {
	if l < 1 || draws < 1 {
		panic(fmt.Sprintf("permutation: %d lineages, %d draws", l, draws))
	}
	if l <= MaxExactLineages {
		return Rearrangements{exact: true, n: 1 << l, size: l, first: -1}
	}
	return Rearrangements{n: draws, seed: seed, size: l, first: -1}
}

// Pools is the set of assignments of k0 + kt members to a first pool of k0 and a second
// of kt: all of them where there are at most draws + 1, otherwise draws random ones.
// Members 0…k0−1 are those observed in the first pool. k0, kt and draws are at least 1.
func Pools(k0, kt, draws int, seed uint64) Rearrangements {
	if k0 < 1 || kt < 1 || draws < 1 {
		panic(fmt.Sprintf("permutation: pools of %d and %d members, %d draws", k0, kt, draws))
	}
	r := Rearrangements{n: draws, seed: seed, size: k0 + kt, first: k0}
	if all, ok := choose(k0+kt, k0, draws+1); ok {
		r.exact, r.n = true, all
	}
	return r
}

// Exact says whether all rearrangements are listed, the observed one included.
func (r Rearrangements) Exact() bool { return r.exact }

// Len is the number of rearrangements that [Rearrangements.Signs] or
// [Rearrangements.Assignments] lists.
func (r Rearrangements) Len() int { return r.n }

// P is the p-value if atLeast of the listed rearrangements have T* ≥ T. Where all are
// listed the observed one is among them, so that atLeast is 1 or more.
func (r Rearrangements) P(atLeast int) float64 {
	if atLeast < 0 || atLeast > r.n || r.exact && atLeast == 0 {
		panic(fmt.Sprintf("permutation: %d of %d rearrangements (exact: %v) reach the observed value", atLeast, r.n, r.exact))
	}
	if r.exact {
		return float64(atLeast) / float64(r.n)
	}
	return float64(1+atLeast) / float64(1+r.n)
}

// MinP is the smallest P that can be reached. A statistic that does not change when
// both sides are exchanged as a whole (symmetric) has every value twice among all
// swaps, and among all assignments to pools of one size.
func (r Rearrangements) MinP(symmetric bool) float64 {
	if r.exact && symmetric && (r.first < 0 || 2*r.first == r.size) {
		return r.P(min(2, r.n))
	}
	if r.exact {
		return r.P(1)
	}
	return r.P(0)
}

// Signs lists sign vectors of +1 (as observed) and −1 (swapped). The slice is reused:
// copy it to keep it. It panics on a set made by [Pools].
func (r Rearrangements) Signs() iter.Seq[[]int8] {
	if r.first >= 0 {
		panic("permutation: signs of a set of pools")
	}
	return func(yield func([]int8) bool) {
		signs := make([]int8, r.size)
		for i := range signs {
			signs[i] = 1
		}
		if r.exact {
			for i := range r.n {
				if i > 0 { // Gray code: step i flips the lineage of its lowest set bit
					at := bits.TrailingZeros(uint(i))
					signs[at] = -signs[at]
				}
				if !yield(signs) {
					return
				}
			}
			return
		}
		rng := rand.New(rand.NewPCG(r.seed, streamSwaps))
		for range r.n {
			var word uint64
			for i := range signs {
				if i%64 == 0 {
					word = rng.Uint64()
				}
				signs[i] = 1 - 2*int8(word&1)
				word >>= 1
			}
			if !yield(signs) {
				return
			}
		}
	}
}

// Assignments lists, for each member, whether it goes to the first pool. The slice is
// reused: copy it to keep it. It panics on a set made by [Swaps].
func (r Rearrangements) Assignments() iter.Seq[[]bool] {
	if r.first < 0 {
		panic("permutation: assignments of a set of swaps")
	}
	return func(yield func([]bool) bool) {
		inFirst := make([]bool, r.size)
		for i := range r.first {
			inFirst[i] = true
		}
		if r.exact {
			for range r.n {
				if !yield(inFirst) {
					return
				}
				nextCombination(inFirst)
			}
			return
		}
		rng := rand.New(rand.NewPCG(r.seed, streamPools))
		for range r.n {
			rng.Shuffle(len(inFirst), func(i, j int) { inFirst[i], inFirst[j] = inFirst[j], inFirst[i] })
			if !yield(inFirst) {
				return
			}
		}
	}
}

// Streams of the generator, so that one seed gives unrelated draws to each procedure.
const (
	streamSwaps     = 0x5377617073
	streamPools     = 0x506f6f6c73
	streamTwoSample = 0x54776f53
)

// nextCombination moves to the next arrangement of the same number of true values,
// from all true first to all true last.
func nextCombination(b []bool) {
	// The last true that can move right does so; the trues after it follow it.
	i, moved := len(b)-1, 0
	for ; i >= 0 && b[i]; i-- {
		moved++
	}
	for ; i >= 0 && !b[i]; i-- {
	}
	if i < 0 {
		return
	}
	for j := i; j < len(b); j++ {
		b[j] = j > i && j <= i+1+moved
	}
}

// choose is n over k, unless it exceeds limit.
func choose(n, k, limit int) (int, bool) {
	k = min(k, n-k)
	c := 1
	for i := 1; i <= k; i++ {
		c = c * (n - k + i) / i // a whole number: n−k+i over i
		if c > limit {
			return 0, false
		}
	}
	return c, true
}
