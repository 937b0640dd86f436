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
	total := disjointPairs(members, m)
	if len(s.votes) == 1 {
		return 0
	}
	agree := s.agreeing(m, false)
	return max(0, total-agree) / total
}

// DisjointDisagreeWithout is the package function DisjointDisagreeWithout with
// the buffers of s. It costs about three calls of DisjointDisagree, whatever
// the number of labels.
func (s *Scratch) DisjointDisagreeWithout(counts []int, m int, ties Ties, without []float64) (all float64, _ []float64) {
	members := s.load(counts, ties)
	total, fewer := disjointPairs(members, m), disjointPairs(members-1, m)
	without = grow(without, len(counts))
	clear(without)
	if len(s.votes) == 1 {
		return 0, without
	}
	agree := s.agreeing(m, true)
	for d, n := range s.votes {
		// Of the pairs that agree, Σ votes drawn from d / n_d draw one given vote
		// of d; the others are the agreeing pairs without it.
		kept := agree - s.drawn[d]/float64(n)
		without[s.label[d]] = max(0, fewer-kept) / fewer
	}
	return max(0, total-agree) / total, without
}

// disjointPairs is the number of ordered pairs of disjoint m-subsets.
func disjointPairs(members, m int) float64 {
	if m < 1 || 2*m > members {
		panic(fmt.Sprintf("modal: two disjoint subsets of %d from %d members", m, members))
	}
	total := choose(members, m) * choose(members-m, m)
	if math.IsInf(total, 0) {
		panic(fmt.Sprintf("modal: number of disjoint pairs of %d from %d members is beyond float64", m, members))
	}
	return total
}

// agreeing returns the number of ordered pairs of disjoint m-subsets with the
// same modal label. If asked to, it sets s.drawn[d] to the number of votes of
// label d that all these pairs together draw.
func (s *Scratch) agreeing(m int, drawn bool) (agree float64) {
	s.trinomialWeights(m)
	s.drawn = grow(s.drawn, len(s.votes))
	clear(s.drawn)
	for low := s.fewest(m); low <= m; low++ {
		s.pool(m, low)
		for high := low; high <= m; high++ {
			times := 2.0 // the two sets are exchangeable
			if high == low {
				times = 1
			}
			n := s.bothWinWith(high, low, m, drawn)
			agree += times * n
			if drawn {
				s.share(times)
			}
		}
	}
	return agree
}

// trinomialWeights fills s.w with n_d!/(a! b! (n_d−a−b)!) for a, b = 0..m, a
// square per label: the ways to give a members to one set and b to the other.
func (s *Scratch) trinomialWeights(m int) {
	side := m + 1
	s.w = grow(s.w, len(s.votes)*side*side)
	for d, n := range s.votes {
		trinomials(s.w[d*side*side:(d+1)*side*side], n, m)
	}
}

func trinomials(sq []float64, n, m int) {
	clear(sq)
	first := 1.0
	for a := 0; a <= min(m, n); a++ {
		v := first
		for b := 0; b <= min(m, n-a); b++ {
			sq[a*(m+1)+b] = v
			v = v * float64(n-a-b) / float64(b+1)
		}
		first = first * float64(n-a) / float64(a+1)
	}
}

// pool sets apart the labels with fewer than low votes: where the modal label
// has low votes or more in both sets they can neither win nor tie, so that
// any of their votes may be drawn, as if they were one label.
func (s *Scratch) pool(m, low int) {
	s.big = s.big[:0]
	s.pooled = 0
	for d, n := range s.votes {
		if n >= low {
			s.big = append(s.big, d)
		} else {
			s.pooled += n
		}
	}
	s.poolW = grow(s.poolW, (m+1)*(m+1))
	trinomials(s.poolW, s.pooled, m)
}

// bothWinWith returns the number of ordered pairs of disjoint m-subsets with
// the same modal label, which has ja votes in one and jb ≤ ja in the other.
// s.pre[i] is the product of the pool and the big labels before the i-th, with
// at most ja−1 and jb−1 votes each; s.suf[i] that of the big labels after it,
// with at most ja and jb.
func (s *Scratch) bothWinWith(ja, jb, m int, drawn bool) (agree float64) {
	ra, rb := m-ja, m-jb // votes left for the other labels
	g := grid{ra, rb, m + 1}
	size, last := g.size(), len(s.big)-1
	if last < 0 {
		return 0
	}
	s.suf, s.pre = grow(s.suf, len(s.big)*size), grow(s.pre, (len(s.big)+1)*size)
	one(s.suf[last*size : (last+1)*size])
	for i := last; i > 0; i-- {
		n := s.votes[s.big[i]]
		g.multiply(s.suf[(i-1)*size:i*size], s.suf[i*size:(i+1)*size], s.weights(i, m), n, min(ja, n), min(jb, n))
	}
	for a := range ra + 1 {
		copy(s.pre[a*(rb+1):(a+1)*(rb+1)], s.poolW[a*(m+1):a*(m+1)+rb+1])
	}
	s.wins = grow(s.wins, len(s.big))
	for i, d := range s.big {
		n, w := s.votes[d], s.weights(i, m)
		s.wins[i] = 0
		if v := w[ja*(m+1)+jb]; v > 0 {
			s.wins[i] = v * g.inner(s.pre[i*size:(i+1)*size], s.suf[i*size:(i+1)*size])
			agree += s.wins[i]
		}
		if i < last {
			g.multiply(s.pre[(i+1)*size:(i+2)*size], s.pre[i*size:(i+1)*size], w, n, min(ja-1, n), min(jb-1, n))
		}
	}
	if drawn {
		s.countDrawn(g, ja, jb, m)
	}
	return agree
}

// weights are the trinomial weights of the i-th big label.
func (s *Scratch) weights(i, m int) []float64 {
	side := (m + 1) * (m + 1)
	return s.w[s.big[i]*side : (s.big[i]+1)*side]
}

// countDrawn counts the votes that the pairs of bothWinWith draw from each
// label: the derivative of their number, a sum of products of polynomials, to
// the logarithm of a mark on each vote of the label. It goes through the
// products in reverse; bar holds the derivative to a prefix or suffix.
func (s *Scratch) countDrawn(g grid, ja, jb, m int) {
	size, last := g.size(), len(s.big)-1
	s.bar, s.bar2 = grow(s.bar, size), grow(s.bar2, size)
	s.bigDrawn = grow(s.bigDrawn, len(s.big))
	clear(s.bar)
	for i := last; i >= 0; i-- { // prefixes
		n, w := s.votes[s.big[i]], s.weights(i, m)
		pre := s.pre[i*size : (i+1)*size]
		s.bigDrawn[i] = float64(ja+jb) * s.wins[i]
		if i < last {
			s.bigDrawn[i] += g.backward(s.bar2, s.bar, pre, w, n, min(ja-1, n), min(jb-1, n))
			s.bar, s.bar2 = s.bar2, s.bar
		}
		g.addReversed(s.bar, s.suf[i*size:(i+1)*size], w[ja*(m+1)+jb])
	}
	s.poolDrawn = 0
	for x, p := range s.pre[:size] {
		s.poolDrawn += float64(x/(g.rb+1)+x%(g.rb+1)) * p * s.bar[x]
	}
	clear(s.bar)
	for i := range s.big { // suffixes
		n, w := s.votes[s.big[i]], s.weights(i, m)
		suf := s.suf[i*size : (i+1)*size]
		if i > 0 {
			s.bigDrawn[i] += g.backward(s.bar2, s.bar, suf, w, n, min(ja, n), min(jb, n))
			s.bar, s.bar2 = s.bar2, s.bar
		}
		g.addReversed(s.bar, s.pre[i*size:(i+1)*size], w[ja*(m+1)+jb])
	}
}

// share adds times the votes counted by countDrawn to s.drawn; a pooled label
// has its share of the pool's.
func (s *Scratch) share(times float64) {
	if len(s.big) == 0 {
		return
	}
	next := 0
	for d, n := range s.votes {
		if next < len(s.big) && s.big[next] == d {
			s.drawn[d] += times * s.bigDrawn[next]
			next++
		} else {
			s.drawn[d] += times * s.poolDrawn / float64(s.pooled) * float64(n)
		}
	}
}

// grid is the shape of polynomials in two variables of degrees ra and rb;
// weights come in squares of the given side.
type grid struct{ ra, rb, side int }

func (g grid) size() int { return (g.ra + 1) * (g.rb + 1) }

// inner is the coefficient of the highest power of p·q: (ra−a, rb−b) is the
// mirror index of (a, b).
func (g grid) inner(p, q []float64) float64 {
	sum, last := 0.0, len(q)-1
	for x, v := range p {
		sum += v * q[last-x]
	}
	return sum
}

// addReversed adds by·q, mirrored, to p: the derivative of by·inner(p, q).
func (g grid) addReversed(p, q []float64, by float64) {
	if by == 0 {
		return
	}
	last := len(q) - 1
	for x := range p {
		p[x] += by * q[last-x]
	}
}

// multiply sets to = from·Σ_{a≤ta, b≤tb, a+b≤n} w[a][b] y^a z^b, dropping
// powers that there is no room for.
func (g grid) multiply(to, from, w []float64, n, ta, tb int) {
	clear(to)
	row := g.rb + 1
	for a := 0; a <= min(ta, g.ra); a++ {
		for b := 0; b <= min(tb, g.rb, n-a); b++ {
			v := w[a*g.side+b]
			for i := a; i <= g.ra; i++ {
				src := from[(i-a)*row : (i-a)*row+row-b]
				dst := to[i*row+b : (i+1)*row]
				for k, p := range src {
					dst[k] += v * p
				}
			}
		}
	}
}

// backward sets to = the derivative of multiply to its argument from, given
// the derivative bar to its result, and returns the number of votes that the
// weights stand for: Σ (a+b)·w[a][b]·from·bar.
func (g grid) backward(to, bar, from, w []float64, n, ta, tb int) (votes float64) {
	clear(to)
	row := g.rb + 1
	for a := 0; a <= min(ta, g.ra); a++ {
		for b := 0; b <= min(tb, g.rb, n-a); b++ {
			v, sum := w[a*g.side+b], 0.0
			for i := a; i <= g.ra; i++ {
				up := bar[i*row+b : (i+1)*row]
				dst := to[(i-a)*row : (i-a)*row+row-b]
				src := from[(i-a)*row : (i-a)*row+row-b]
				for k, p := range up {
					dst[k] += v * p
					sum += src[k] * p
				}
			}
			votes += float64(a+b) * v * sum
		}
	}
	return votes
}
