package chart

import (
	"math"
	"strconv"
)

// scale maps numbers to pixels linearly.
type scale struct {
	lo, hi   float64 // numbers
	from, to float64 // pixels
}

func (s scale) at(v float64) float64 {
	if s.hi == s.lo {
		return (s.from + s.to) / 2
	}
	return s.from + (v-s.lo)/(s.hi-s.lo)*(s.to-s.from)
}

// clamp maps a number that may lie outside to the nearer end.
func (s scale) clamp(v float64) float64 { return s.at(math.Min(math.Max(v, s.lo), s.hi)) }

// step is a round distance (1, 2 or 5 times a power of ten) that divides span
// into about n parts.
func step(span float64, n int) float64 {
	if !(span > 0) || n < 1 {
		return 1
	}
	raw := span / float64(n)
	p := math.Pow(10, math.Floor(math.Log10(raw)))
	switch f := raw / p; {
	case f <= 1.0000001:
		return p
	case f <= 2.0000001:
		return 2 * p
	case f <= 5.0000001:
		return 5 * p
	default:
		return 10 * p
	}
}

// padded widens [lo, hi] a little, so that no mark lies on the frame, and
// returns the round numbers in it, about n of them.
func padded(lo, hi float64, n int) (low, high float64, ticks []float64) {
	pad := (hi - lo) * 0.04
	if !(pad > 0) {
		pad = math.Max(math.Abs(lo)*0.1, 0.001)
	}
	lo, hi = lo-pad, hi+pad
	return lo, hi, inner(lo, hi, n)
}

// distance is the distance of neighboring ticks.
func distance(ticks []float64) float64 {
	if len(ticks) < 2 {
		return 0
	}
	return ticks[1] - ticks[0]
}

// inner are the round numbers in [lo, hi], about n of them.
func inner(lo, hi float64, n int) (ticks []float64) {
	d := step(hi-lo, n)
	for k := math.Ceil(lo/d - 1e-9); k*d <= hi+d*1e-9; k++ {
		ticks = append(ticks, k*d)
	}
	return ticks
}

// tickText formats a tick with as many decimals as the distance of ticks
// needs, times factor (100 for percent).
func tickText(v, distance, factor float64) string {
	d := 0
	if s := distance * factor; s > 0 && s < 1 {
		d = int(math.Ceil(-math.Log10(s) - 1e-9))
	}
	text := strconv.FormatFloat(v*factor, 'f', d, 64)
	if v == 0 || text == "-0" {
		return "0"
	}
	return text
}
