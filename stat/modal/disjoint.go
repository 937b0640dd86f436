package modal

import (
	"fmt"
	"math"
)

// DisjointDisagree is the package function DisjointDisagree with the buffers
// of s. Its cost grows with the number of labels that have votes, not with
// the number of ways to split them.
func (s *Scratch) DisjointDisagree(counts []int, m int, ties Ties) float64 {
	members := s.load(counts, ties)
	if m < 1 || 2*m > members {
		panic(fmt.Sprintf("modal: two disjoint subsets of %d from %d members", m, members))
	}
	if len(s.votes) == 1 {
		return 0
	}
	total := choose(members, m) * choose(members-m, m)
	if math.IsInf(total, 0) {
		panic(fmt.Sprintf("modal: number of disjoint pairs of %d from %d members is beyond float64", m, members))
	}
	s.trinomialWeights(m)
	var agree float64
	for ja := s.fewest(m); ja <= m; ja++ {
		agree += s.bothWinWith(ja, ja, m)
		for jb := s.fewest(m); jb < ja; jb++ {
			agree += 2 * s.bothWinWith(ja, jb, m) // the two sets are exchangeable
		}
	}
	return max(0, total-agree) / total
}

// trinomialWeights fills s.w with n_d!/(a! b! (n_d−a−b)!) for a, b = 0..m, a
// square per label: the ways to give a members to one set and b to the other.
func (s *Scratch) trinomialWeights(m int) {
	side := m + 1
	s.w = grow(s.w, len(s.votes)*side*side)
	clear(s.w)
	for d, n := range s.votes {
		sq := s.w[d*side*side : (d+1)*side*side]
		first := 1.0
		for a := 0; a <= min(m, n); a++ {
			v := first
			for b := 0; b <= min(m, n-a); b++ {
				sq[a*side+b] = v
				v = v * float64(n-a-b) / float64(b+1)
			}
			first = first * float64(n-a) / float64(a+1)
		}
	}
}

// bothWinWith returns the number of ordered pairs of disjoint m-subsets with
// the same modal label, which has ja votes in one and jb in the other.
func (s *Scratch) bothWinWith(ja, jb, m int) float64 {
	ra, rb := m-ja, m-jb // votes left for the other labels
	side, size, last := m+1, (ra+1)*(rb+1), len(s.votes)-1
	s.suf = grow(s.suf, len(s.votes)*size)
	one(s.suf[last*size : (last+1)*size])
	for d := last; d > 0; d-- {
		next := s.suf[(d-1)*size : d*size]
		copy(next, s.suf[d*size:(d+1)*size])
		multiply2(next, ra, rb, s.w[d*side*side:(d+1)*side*side], side, min(ja, s.votes[d]), min(jb, s.votes[d]))
	}
	s.pre = grow(s.pre, size)
	one(s.pre)
	var agree float64
	for d, n := range s.votes {
		w := s.w[d*side*side : (d+1)*side*side]
		if v := w[ja*side+jb]; v > 0 {
			after := s.suf[d*size : (d+1)*size]
			var ways float64
			for x, p := range s.pre {
				ways += p * after[size-1-x] // (ra−a, rb−b) is the mirror index of (a, b)
			}
			agree += v * ways
		}
		if d < last {
			multiply2(s.pre, ra, rb, w, side, min(ja-1, n), min(jb-1, n))
		}
	}
	return agree
}

// multiply2 replaces the polynomial p in two variables, of degrees ra and rb,
// by p·Σ_{a≤ta, b≤tb} w[a][b] y^a z^b, dropping higher powers. It works in
// place because it goes from the highest powers down.
func multiply2(p []float64, ra, rb int, w []float64, side, ta, tb int) {
	for i := ra; i >= 0; i-- {
		for k := rb; k >= 0; k-- {
			var sum float64
			top := min(k, tb)
			for a := 0; a <= min(i, ta); a++ {
				row := w[a*side : a*side+top+1]
				from := p[(i-a)*(rb+1)+k-top : (i-a)*(rb+1)+k+1]
				for b, v := range row {
					sum += v * from[top-b]
				}
			}
			p[i*(rb+1)+k] = sum
		}
	}
}
