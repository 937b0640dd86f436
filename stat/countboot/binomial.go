package countboot

import (
	"math"
	"math/rand/v2"
)

// inversionBelow is the mean n·p below which counting up from 0 is used;
// algorithm BTRS needs a mean of at least 10.
const inversionBelow = 10

// maxCount bounds inversion: with a mean below 10 a count of 110 has
// probability below 1e-80.
const maxCount = 110

// maxPowers is the largest stratum for which (1−p)ⁿ is tabulated.
const maxPowers = 256

// sampler draws binomial counts with one success probability.
type sampler struct {
	p      float64   // 0 < p ≤ ½
	odds   float64   // p/(1−p)
	logq   float64   // ln(1−p)
	powers []float64 // (1−p)ⁿ for n = 0, 1, ...; may end early
	recip  *[maxCount + 1]float64
}

// reciprocals returns 1/x for x = 1..maxCount.
func reciprocals() *[maxCount + 1]float64 {
	r := new([maxCount + 1]float64)
	for x := 1; x <= maxCount; x++ {
		r[x] = 1 / float64(x)
	}
	return r
}

// newSampler prepares draws of binomial(n, p) counts for any n, fastest for
// n ≤ size.
func newSampler(p float64, size int, recip *[maxCount + 1]float64) sampler {
	s := sampler{p: p, odds: p / (1 - p), logq: math.Log1p(-p), recip: recip}
	if size <= maxPowers {
		for n := 0; n <= size; n++ {
			s.powers = append(s.powers, math.Exp(float64(n)*s.logq))
		}
	}
	return s
}

// uniform returns a number in (0, 1), never an end.
func uniform(src *rand.PCG) float64 { return (float64(src.Uint64()>>12) + 0.5) * 0x1p-52 }

// draw returns a binomial(n, p) count.
func (s *sampler) draw(src *rand.PCG, n int) int {
	if n == 0 {
		return 0
	}
	if float64(n)*s.p < inversionBelow {
		return s.invert(src, n)
	}
	return s.reject(src, n)
}

// invert walks up from 0 until the probabilities exceed a uniform number.
func (s *sampler) invert(src *rand.PCG, n int) int {
	var first float64
	if n < len(s.powers) {
		first = s.powers[n]
	} else {
		first = math.Exp(float64(n) * s.logq)
	}
	a := float64(n+1) * s.odds
	top := min(n, maxCount)
	for {
		u, r := uniform(src), first
		for x := 0; x <= top; {
			if u < r {
				return x
			}
			u -= r
			if x++; x > top {
				break // rounding used up the probabilities: draw again
			}
			r *= a*s.recip[x] - s.odds // Pr(x)/Pr(x−1)
		}
	}
}

// reject is Hörmann's transformed rejection with squeeze (BTRS).
func (s *sampler) reject(src *rand.PCG, n int) int {
	nf := float64(n)
	sd := math.Sqrt(nf * s.p * (1 - s.p))
	b := 1.15 + 2.53*sd
	a := -0.0873 + 0.0248*b + 0.01*s.p
	c := nf*s.p + 0.5
	vr := 0.92 - 4.2/b
	for {
		u, v := uniform(src)-0.5, uniform(src)
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + c)
		if us >= 0.07 && v <= vr {
			return int(k)
		}
		if k < 0 || k > nf {
			continue
		}
		alpha := (2.83 + 5.1/b) * sd
		if math.Log(v*alpha/(a/(us*us)+b)) <= s.logRatio(k, nf) {
			return int(k)
		}
	}
}

// logRatio returns ln Pr(k)/Pr(m) for the mode m, with Stirling's formula so
// that no large terms cancel.
func (s *sampler) logRatio(k, n float64) float64 {
	m := math.Floor((n + 1) * s.p)
	return (m+0.5)*math.Log((m+1)/(s.odds*(n-m+1))) +
		(n+1)*math.Log((n-m+1)/(n-k+1)) +
		(k+0.5)*math.Log(s.odds*(n-k+1)/(k+1)) +
		correction(m) + correction(n-m) - correction(k) - correction(n-k)
}

// correction returns ln k! − [½ ln 2π + (k+½) ln(k+1) − (k+1)].
func correction(k float64) float64 {
	x := k + 1
	if k < 10 {
		g, _ := math.Lgamma(x)
		return g - (halfLog2Pi + (k+0.5)*math.Log(x) - x)
	}
	xx := x * x
	return (1.0/12 - (1.0/360-1.0/1260/xx)/xx) / x
}

const halfLog2Pi = 0.918938533204672741780329736406
