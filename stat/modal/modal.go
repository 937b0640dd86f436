package modal

import (
	"fmt"
	"math"
)

// Ties says which label wins when several have the most votes.
type Ties uint8

const (
	// Lowest lets the label with the smallest index win (the default).
	Lowest Ties = iota
	// Highest lets the label with the largest index win, as the published
	// code of Hooker et al. does.
	Highest
)

// String returns "lowest" or "highest".
func (t Ties) String() string {
	switch t {
	case Lowest:
		return "lowest"
	case Highest:
		return "highest"
	}
	return fmt.Sprintf("Ties(%d)", uint8(t))
}

// Mode returns the label with the most votes, and whether another label has
// as many. It panics if there are no votes.
func Mode(counts []int, ties Ties) (label int, tied bool) {
	label = -1
	most := 0
	for c, n := range counts {
		switch {
		case n > most:
			label, most, tied = c, n, false
		case n == most && n > 0:
			tied = true
			if ties == Highest {
				label = c
			}
		}
	}
	if label < 0 {
		panic("modal: no votes")
	}
	return label, tied
}

// Disagree returns the probability that two independent draws of a label,
// from q0 and from qt, differ: 1 − Σ_c q0[c]·qt[c]. Both must be
// distributions over the same labels.
func Disagree(q0, qt []float64) float64 {
	if len(q0) != len(qt) {
		panic(fmt.Sprintf("modal: distributions over %d and %d labels", len(q0), len(qt)))
	}
	var d float64
	for c, q := range q0 {
		d += q * (1 - qt[c]) // equals 1 − Σ q0 qt, and is exactly 0 where qt[c] is 1
	}
	return d
}

// MatchedSize returns the subset size m at which populations whose smaller one
// has k members are compared, and whether the delete-one-member jackknife can
// give an interval (it needs 2m ≤ k−1):
//
//	k ≥ 30: 7    k = 10–29: 3    k = 3–9: 1    k = 2: 1, no interval
//
// All sizes are odd, so that two labels cannot tie. For k < 2 there is no
// floor, and m is 0.
func MatchedSize(k int) (m int, interval bool) {
	switch {
	case k >= 30:
		return 7, true
	case k >= 10:
		return 3, true
	case k >= 3:
		return 1, true
	case k == 2:
		return 1, false
	}
	return 0, false
}

// SubsetModes sets q[c] to the probability that c is the modal label of m
// members drawn without replacement from the votes counts, and returns
// q[:len(counts)]. q is allocated if it is too short.
func SubsetModes(counts []int, m int, ties Ties, q []float64) []float64 {
	var s Scratch
	return s.SubsetModes(counts, m, ties, q)
}

// DisjointDisagree returns the probability that two disjoint sets of m
// members, drawn at random from the same votes counts, have different modal
// labels.
func DisjointDisagree(counts []int, m int, ties Ties) float64 {
	var s Scratch
	return s.DisjointDisagree(counts, m, ties)
}

// DisjointDisagreeWithout returns DisjointDisagree of the votes counts, and sets
// without[c] to its value when one vote for label c is left out, 0 for labels
// without votes: what a delete-one-member jackknife needs, in one go. It
// returns without[:len(counts)], allocated if it is too short; 2m must be below
// the number of votes.
func DisjointDisagreeWithout(counts []int, m int, ties Ties, without []float64) (all float64, _ []float64) {
	var s Scratch
	return s.DisjointDisagreeWithout(counts, m, ties, without)
}

// Scratch holds the buffers of SubsetModes and DisjointDisagree, so that a
// caller with many vote vectors allocates nothing per call. The zero value is
// ready. Labels without votes never matter, so a caller that memoises results
// needs only the non-zero counts in label order as its key. A Scratch must not be used by two goroutines at once.
type Scratch struct {
	label []int     // labels with votes, in the order in which they win ties
	votes []int     // their counts
	w     []float64 // weights of each label, one table after another
	pre   []float64 // product over the labels before the candidate
	suf   []float64 // products over the labels after each candidate

	big       []int     // places in votes of the labels that could win; the others are pooled
	pooled    int       // votes of the others together
	poolW     []float64 // weights of the pool
	wins      []float64 // by big label: pairs of sets that it wins
	bar, bar2 []float64 // derivatives to a product
	bigDrawn  []float64 // by big label: votes drawn by the pairs being counted
	poolDrawn float64
	drawn     []float64 // by label: votes drawn by all agreeing pairs
}

// load keeps the labels that have votes, preferred label first, and returns
// the number of members.
func (s *Scratch) load(counts []int, ties Ties) (members int) {
	s.label, s.votes = s.label[:0], s.votes[:0]
	for i := range counts {
		c := i
		if ties == Highest {
			c = len(counts) - 1 - i
		}
		n := counts[c]
		if n < 0 {
			panic(fmt.Sprintf("modal: label %d has %d votes", c, n))
		}
		if n > 0 {
			s.label = append(s.label, c)
			s.votes = append(s.votes, n)
			members += n
		}
	}
	return members
}

// fewest returns the smallest number of votes out of m with which any of the
// loaded labels can win.
func (s *Scratch) fewest(m int) int {
	return (m + len(s.votes) - 1) / len(s.votes)
}

func grow(buf []float64, n int) []float64 {
	if cap(buf) < n {
		return make([]float64, n)
	}
	return buf[:n]
}

// choose returns C(n, k); the steps are exact while they stay below 2⁵³.
func choose(n, k int) float64 {
	c := 1.0
	for i := range k {
		c = c * float64(n-i) / float64(i+1)
	}
	if math.IsInf(c, 0) {
		panic(fmt.Sprintf("modal: C(%d, %d) is beyond float64", n, k))
	}
	return c
}
