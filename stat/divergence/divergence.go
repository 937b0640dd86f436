package divergence

import (
	"errors"
	"fmt"
	"math"
)

// SumTolerance is how far the sum of a row of probabilities may be from 1:
// rounding to float16 moves it by at most 2⁻¹¹, about 0.0005.
const SumTolerance = 1e-3

// Reasons a divergence has no value. ErrUnbounded is an answer; the others are
// bad input.
var (
	ErrUnbounded = errors.New("divergence: infinite, a class has probability 0 in q and not in p")
	ErrValue     = errors.New("divergence: entry is NaN, infinite or negative")
	ErrSum       = errors.New("divergence: probabilities do not sum to 1")
	ErrLength    = errors.New("divergence: rows of different length, or empty")
)

// Bits converts nats to bits.
func Bits(nats float64) float64 { return nats / math.Ln2 }

// KL returns the Kullback–Leibler divergence of q from p in nats.
func KL(p, q []float64) (float64, error) {
	sp, sq, err := sums(p, q)
	if err != nil {
		return 0, err
	}
	var d float64
	for c := range p {
		a, b := p[c]/sp, q[c]/sq
		switch {
		case a == 0:
			d += b
		case b == 0:
			return 0, fmt.Errorf("%w (class %d)", ErrUnbounded, c)
		default:
			d += klTerm(a, b, math.Log(a)-math.Log(b))
		}
	}
	return d, nil
}

// JS returns the Jensen–Shannon divergence of p and q in nats.
func JS(p, q []float64) (float64, error) {
	sp, sq, err := sums(p, q)
	if err != nil {
		return 0, err
	}
	var d float64
	for c := range p {
		d += jsTerm(p[c]/sp, q[c]/sq)
	}
	return min(d, math.Ln2), nil
}

// Loyalty returns the probability loyalty of p and q, 1 − √(JS in bits).
func Loyalty(p, q []float64) (float64, error) { return loyalty(JS(p, q)) }

// KLLogits is KL of the softmax of logits x from that of y. It is always
// finite.
func KLLogits(x, y []float64) (float64, error) {
	zx, zy, err := normalizers(x, y)
	if err != nil {
		return 0, err
	}
	var d float64
	for c := range x {
		la, lb := x[c]-zx, y[c]-zy
		d += klTerm(math.Exp(la), math.Exp(lb), la-lb)
	}
	return d, nil
}

// JSLogits is JS of the softmax of logits x and y.
func JSLogits(x, y []float64) (float64, error) {
	zx, zy, err := normalizers(x, y)
	if err != nil {
		return 0, err
	}
	var d float64
	for c := range x {
		d += jsTerm(math.Exp(x[c]-zx), math.Exp(y[c]-zy))
	}
	return min(d, math.Ln2), nil
}

// LoyaltyLogits is Loyalty of the softmax of logits x and y.
func LoyaltyLogits(x, y []float64) (float64, error) { return loyalty(JSLogits(x, y)) }

func loyalty(js float64, err error) (float64, error) {
	if err != nil {
		return 0, err
	}
	return 1 - math.Sqrt(min(1, Bits(js))), nil
}

// klTerm returns a·ln(a/b) − a + b ≥ 0 for a, b > 0 (or underflowed to 0),
// with logRatio = ln(a/b).
func klTerm(a, b, logRatio float64) float64 {
	if a == 0 {
		return b
	}
	// a·(d − ln(1+d)) for d = b/a − 1; near 0 the difference cancels.
	if d := (b - a) / a; math.Abs(d) < 0.1 {
		return a * excess(d)
	}
	return max(0, a*logRatio-a+b)
}

// excess returns d − ln(1+d) for |d| < 0.1 by its series d²/2 − d³/3 + ...
func excess(d float64) float64 {
	var sum float64
	for k := 18; k >= 2; k-- { // 0.1¹⁷ is below the last digit of the first term
		sum = 1/float64(k) - d*sum
	}
	return d * d * sum
}

// jsTerm returns ½[a ln(a/m) + b ln(b/m)] ≥ 0 for m = (a+b)/2.
func jsTerm(a, b float64) float64 {
	m := (a + b) / 2
	if m == 0 {
		return 0
	}
	d := (a - b) / (a + b)
	if d == 1 || d == -1 {
		return m * math.Ln2
	}
	// ½m[(1+d)ln(1+d) + (1−d)ln(1−d)], rearranged to avoid cancellation.
	return m * (math.Log1p(-d*d)/2 + d*math.Atanh(d))
}

// sums checks two rows of probabilities and returns their sums.
func sums(p, q []float64) (sp, sq float64, err error) {
	if len(p) != len(q) || len(p) == 0 {
		return 0, 0, fmt.Errorf("%w: %d and %d classes", ErrLength, len(p), len(q))
	}
	if sp, err = sum(p); err != nil {
		return 0, 0, fmt.Errorf("first row: %w", err)
	}
	if sq, err = sum(q); err != nil {
		return 0, 0, fmt.Errorf("second row: %w", err)
	}
	return sp, sq, nil
}

func sum(p []float64) (float64, error) {
	var s float64
	for c, v := range p {
		if !(v >= 0) || math.IsInf(v, 1) {
			return 0, fmt.Errorf("%w: class %d is %v", ErrValue, c, v)
		}
		s += v
	}
	if math.Abs(s-1) > SumTolerance {
		return 0, fmt.Errorf("%w: the sum is %v", ErrSum, s)
	}
	return s, nil
}

// normalizers checks two rows of logits and returns ln Σ exp of each.
func normalizers(x, y []float64) (zx, zy float64, err error) {
	if len(x) != len(y) || len(x) == 0 {
		return 0, 0, fmt.Errorf("%w: %d and %d classes", ErrLength, len(x), len(y))
	}
	if zx, err = logSumExp(x); err != nil {
		return 0, 0, fmt.Errorf("first row: %w", err)
	}
	if zy, err = logSumExp(y); err != nil {
		return 0, 0, fmt.Errorf("second row: %w", err)
	}
	return zx, zy, nil
}

func logSumExp(x []float64) (float64, error) {
	top := x[0]
	for c, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, fmt.Errorf("%w: logit of class %d is %v", ErrValue, c, v)
		}
		top = max(top, v)
	}
	var s float64
	for _, v := range x {
		s += math.Exp(v - top)
	}
	return top + math.Log(s), nil
}
