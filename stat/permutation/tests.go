package permutation

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a test cannot be made.
var (
	ErrEmpty     = errors.New("permutation: empty sample")
	ErrNotFinite = errors.New("permutation: NaN or infinite value")
	ErrNoSpread  = errors.New("permutation: no value differs from 0")
)

// AtLeast says whether t ≥ observed, up to a relative rounding error of 1e-12. It is how
// this package compares a rearranged statistic with the observed one.
func AtLeast(t, observed float64) bool {
	return t >= observed-1e-12*math.Abs(observed)
}

// TwoSample tests whether x and y come from one distribution by pooling them and
// drawing b ≥ 1 random splits of the same sizes. statistic must not change its
// arguments; large values speak against the null hypothesis.
func TwoSample(x, y []float64, statistic func(x, y []float64) float64, seed uint64, b int) (p float64, err error) {
	if len(x) == 0 || len(y) == 0 {
		return 0, ErrEmpty
	}
	if b < 1 {
		panic(fmt.Sprintf("permutation: %d draws", b))
	}
	pool := make([]float64, 0, len(x)+len(y))
	pool = append(append(pool, x...), y...)
	if !finite(pool) {
		return 0, ErrNotFinite
	}
	observed := statistic(x, y)
	if math.IsNaN(observed) {
		return 0, fmt.Errorf("%w: the observed statistic", ErrNotFinite)
	}
	rng := rand.New(rand.NewPCG(seed, streamTwoSample))
	count := 0
	for range b {
		rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
		t := statistic(pool[:len(x)], pool[len(x):])
		if math.IsNaN(t) {
			return 0, fmt.Errorf("%w: the statistic of a split", ErrNotFinite)
		}
		if AtLeast(t, observed) {
			count++
		}
	}
	return float64(1+count) / float64(1+b), nil
}

// MaxExactFlips is the number of non-zero values from which [SignFlip] stops listing
// all flips and takes the normal tail.
const MaxExactFlips = 20

// FlipResult is the outcome of a sign-flip test.
type FlipResult struct {
	N       int     // values
	NonZero int     // of them not 0
	Mean    float64 // of all N, in the unit of the input
	Z       float64 // Σx/√(Σx²): the sum over its standard deviation under flips
	P       float64 // two-sided
	Exact   bool    // all flips listed, otherwise the normal tail of Z
}

// SignFlip tests whether the values of x are symmetric about 0, two-sided. Below
// [MaxExactFlips] non-zero values all flips are listed; from there on P is the normal
// tail of Z, which stays accurate where random flips could only say P < 1e-4.
func SignFlip(x []float64) (FlipResult, error) {
	r := FlipResult{N: len(x)}
	if len(x) == 0 {
		return r, ErrEmpty
	}
	if !finite(x) {
		return r, ErrNotFinite
	}
	var sum, squares, largest float64
	var values []float64
	for _, v := range x {
		if v != 0 {
			values = append(values, v)
			largest = max(largest, math.Abs(v))
		}
	}
	if r.NonZero = len(values); r.NonZero == 0 {
		return r, ErrNoSpread
	}
	// Scaled by a power of 2: squares neither over- nor underflow, and whole numbers
	// stay exact.
	_, exponent := math.Frexp(largest)
	for i, v := range values {
		v = math.Ldexp(v, -exponent)
		values[i] = v
		sum += v
		squares += v * v
	}
	r.Mean = math.Ldexp(sum/float64(len(x)), exponent)
	r.Z = sum / math.Sqrt(squares)
	if r.NonZero >= MaxExactFlips {
		r.P = tail.TwoSidedNormal(r.Z)
		return r, nil
	}
	r.Exact = true
	r.P = exactFlips(values)
	return r, nil
}

// exactFlips is the share of all sign vectors with |Σ±x| ≥ |Σx|. The first sign is kept:
// flipping all signs gives the same |Σ|. The values, all within ±1, are changed.
func exactFlips(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	// Sums of the same numbers in another order differ by rounding; the margin is
	// relative to their size, not to a sum that may be near 0.
	limit := math.Abs(sum) - 1e-12*float64(len(values))
	count, n := 0, 1<<(len(values)-1)
	for i := range n {
		if i > 0 {
			at := 1 + bits.TrailingZeros(uint(i))
			sum -= 2 * values[at]
			values[at] = -values[at]
		}
		if math.Abs(sum) >= limit {
			count++
		}
	}
	return float64(count) / float64(n)
}

func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
