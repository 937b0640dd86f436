package fisher

import (
	"errors"
	"math"
	"sort"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a test cannot be made.
var (
	ErrEmpty    = errors.New("fisher: a population without votes")
	ErrLengths  = errors.New("fisher: vote vectors over different labels")
	ErrNegative = errors.New("fisher: negative count")
	ErrTooLarge = errors.New("fisher: populations too large for the exact test")
)

// tie is the relative difference up to which two table probabilities count as equal:
// scipy's and R's value, far above rounding and far below any real difference.
const tie = 1e-7

// Exact is Fisher's two-sided test of the table with rows (a, b) and (c, d). minP is the
// smallest p that a table with these margins could have had. A table with an empty
// row or column has p = minP = 1.
func Exact(a, b, c, d int) (p, minP float64, err error) {
	if min(a, b, c, d) < 0 {
		return 0, 0, ErrNegative
	}
	h := table{marked: a + c, plain: b + d, draws: a + b}
	lo, hi := max(0, h.draws-h.plain), min(h.draws, h.marked)
	if lo == hi {
		return 1, 1, nil
	}
	// The extreme tables are the least likely ones.
	left, right := h.prob(lo), h.prob(hi)
	minP = min(left, right)
	if max(left, right) <= minP*(1+tie) {
		minP = left + right
	}
	return min(1, h.noMoreLikely(a, lo, hi)), min(1, minP), nil
}

// table is the null distribution of the first cell of a 2×2 table.
type table struct{ marked, plain, draws int }

func (h table) prob(k int) float64 { return tail.HypergeometricProb(k, h.marked, h.plain, h.draws) }

// noMoreLikely adds the probabilities of all k in [lo, hi] that are no more likely
// than a. The distribution has one peak, so these are two tails; each is summed
// from its largest term, by ratios, until nothing is added.
func (h table) noMoreLikely(a, lo, hi int) float64 {
	limit := h.prob(a) * (1 + tie)
	mode := int((float64(h.draws) + 1) / (float64(h.marked+h.plain) + 2) * (float64(h.marked) + 1))
	mode = min(max(mode, lo), hi)
	// First k ≥ mode, and last k ≤ mode, that is no more likely than a.
	up := mode + sort.Search(hi-mode+1, func(i int) bool { return h.prob(mode+i) <= limit })
	down := mode - sort.Search(mode-lo+1, func(i int) bool { return h.prob(mode-i) <= limit })
	if up == down { // the mode itself is no more likely than a: nothing is left out
		return 1
	}
	return h.sum(up, hi, +1) + h.sum(down, lo, -1)
}

// sum adds probabilities from k to end in the given direction.
func (h table) sum(k, end, step int) float64 {
	if (end-k)*step < 0 {
		return 0
	}
	term := h.prob(k)
	total := term
	for k != end && term > total*0x1p-60 {
		x := float64(k)
		// Pr(k+1)/Pr(k), or its inverse one lower.
		if step < 0 {
			x--
		}
		ratio := (float64(h.marked) - x) * (float64(h.draws) - x) / ((x + 1) * (float64(h.plain-h.draws) + x + 1))
		if step < 0 {
			ratio = 1 / ratio
		}
		term *= ratio
		total += term
		k += step
	}
	return total
}

// taxicab is Σ|x/K₀ − y/K_t| from the integer S.
func taxicab(s, k0, kt int) float64 {
	return math.Min(2, 2*float64(s)/(float64(k0)*float64(kt)))
}
