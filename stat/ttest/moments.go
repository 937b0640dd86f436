package ttest

import (
	"math"
	"math/big"

	"gonum.org/v1/gonum/stat"
)

// Moments are the sufficient statistics of one group.
type Moments struct {
	N    int     // observations
	Mean float64 // in the unit of the input
	Var  float64 // unbiased variance (divisor N−1); 0 if N < 2
}

// MomentsOf returns the moments of x, in two passes. Equal observations have a
// variance of exactly 0.
func MomentsOf(x []float64) Moments {
	m := Moments{N: len(x)}
	if len(x) == 0 {
		return m
	}
	constant := true
	for _, v := range x {
		constant = constant && v == x[0]
	}
	if constant {
		m.Mean = x[0]
		return m
	}
	m.Mean, m.Var = stat.MeanVariance(x, nil)
	return m
}

// IntegerMoments returns the moments of counts[k]/scale, exact up to the last
// rounding: a constant has a variance of exactly 0. Counts may be negative (the
// members' shifted counts xₖN − n_cXₖ are); scale > 0 is what one unit of the
// result counts, for a recall the class size.
func IntegerMoments(counts []int64, scale float64) Moments {
	k := len(counts)
	m := Moments{N: k}
	if k == 0 {
		return m
	}
	// Variance does not change when the first count is taken from all; the rest
	// are then small enough for machine integers in all but contrived cases.
	lo, hi := counts[0], counts[0]
	for _, c := range counts {
		lo, hi = min(lo, c), max(hi, c)
	}
	magnitude := max(math.Abs(float64(lo)), math.Abs(float64(hi)))
	spread := float64(hi) - float64(lo)
	var sum, spreadSum float64 // Σx and K·Σd² − (Σd)²
	if float64(k)*magnitude < 1<<62 && float64(k)*float64(k)*spread*spread < 1<<62 {
		sum, spreadSum = machineSums(counts)
	} else {
		sum, spreadSum = bigSums(counts)
	}
	m.Mean = sum / (float64(k) * scale)
	if k >= 2 {
		m.Var = spreadSum / (float64(k) * float64(k-1)) / scale / scale
	}
	return m
}

func machineSums(counts []int64) (sum, spreadSum float64) {
	var s, d1, d2 int64
	for _, c := range counts {
		d := c - counts[0]
		s += c
		d1 += d
		d2 += d * d
	}
	return float64(s), float64(int64(len(counts))*d2 - d1*d1)
}

func bigSums(counts []int64) (sum, spreadSum float64) {
	var s, squares, c big.Int
	for _, v := range counts {
		c.SetInt64(v)
		s.Add(&s, &c)
		squares.Add(&squares, c.Mul(&c, &c))
	}
	squares.Mul(&squares, c.SetInt64(int64(len(counts))))
	squares.Sub(&squares, c.Mul(&s, &s))
	sum, _ = s.Float64()
	spreadSum, _ = squares.Float64()
	return sum, spreadSum
}
