package modal

import "fmt"

// SubsetModes is the package function SubsetModes with the buffers of s.
func (s *Scratch) SubsetModes(counts []int, m int, ties Ties, q []float64) []float64 {
	members := s.load(counts, ties)
	if m < 1 || m > members {
		panic(fmt.Sprintf("modal: subset of %d from %d members", m, members))
	}
	q = grow(q, len(counts))
	clear(q)
	if len(s.votes) == 1 {
		q[s.label[0]] = 1
		return q
	}
	total := choose(members, m)
	s.binomialWeights(m)
	for j := s.fewest(m); j <= m; j++ {
		s.winsWith(j, m, q)
	}
	for _, c := range s.label {
		q[c] /= total
	}
	return q
}

// binomialWeights fills s.w with C(n_d, x) for x = 0..m, a row per label.
func (s *Scratch) binomialWeights(m int) {
	s.w = grow(s.w, len(s.votes)*(m+1))
	for d, n := range s.votes {
		row := s.w[d*(m+1) : (d+1)*(m+1)]
		row[0] = 1
		for x := 1; x <= m; x++ {
			row[x] = row[x-1] * float64(n-x+1) / float64(x)
			if x > n {
				row[x] = 0
			}
		}
	}
}

// winsWith adds to q[c] the number of m-subsets in which c wins with exactly
// j votes. The other m−j votes go to labels before c with at most j−1 each
// and to labels after c with at most j each.
func (s *Scratch) winsWith(j, m int, q []float64) {
	rest, last := m-j, len(s.votes)-1
	size := rest + 1
	s.suf = grow(s.suf, len(s.votes)*size)
	one(s.suf[last*size:])
	for d := last; d > 0; d-- {
		next := s.suf[(d-1)*size : d*size]
		copy(next, s.suf[d*size:(d+1)*size])
		multiply(next, s.w[d*(m+1):], min(j, s.votes[d]))
	}
	s.pre = grow(s.pre, size)
	one(s.pre)
	for d, n := range s.votes {
		w := s.w[d*(m+1) : (d+1)*(m+1)]
		if n >= j {
			var ways float64
			for x, p := range s.pre {
				ways += p * s.suf[d*size+rest-x]
			}
			q[s.label[d]] += w[j] * ways
		}
		multiply(s.pre, w, min(j-1, n))
	}
}

// one sets the polynomial p to the constant 1.
func one(p []float64) {
	clear(p)
	p[0] = 1
}

// multiply replaces the polynomial p by p·Σ_{x≤top} w[x] z^x, dropping powers
// that p has no room for. w[0] is 1.
func multiply(p, w []float64, top int) {
	for i := len(p) - 1; i > 0; i-- {
		sum := p[i]
		for x := 1; x <= min(i, top); x++ {
			sum += w[x] * p[i-x]
		}
		p[i] = sum
	}
}
