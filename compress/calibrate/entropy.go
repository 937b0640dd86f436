package calibrate

import "math"

// threshold is the magnitude that the method entropy limits values to.
func (s *Summary) threshold() float64 {
	levels := 128
	if s.Low >= 0 || s.High <= 0 {
		levels = 256
	}
	bins := make([]float64, Bins)
	for k := range bins {
		bins[k] = float64(s.Histogram[Bins+k] + s.Histogram[Bins-1-k])
	}
	return float64(leastDivergence(bins, levels)) * s.width
}

// leastDivergence is the number of bins i, from levels to all, for which
//
//	P = bins[0..i), what lies beyond added to the last of them
//	Q = bins[0..i) in `levels` groups, each group's mean in its nonempty bins
//
// have the least Kullback-Leibler divergence sum P·log(P/Q), both made to sum to
// 1; the largest of several. It is infinite where P has something and Q nothing.
// The first bin, in which all zeros are, is given the second one's count.
func leastDivergence(bins []float64, levels int) int {
	b := append([]float64(nil), bins...)
	b[0] = b[1]
	total := 0.0
	for _, v := range b {
		total += v
	}
	best, least, inside := len(b), math.Inf(1), 0.0
	for _, v := range b[:levels-1] {
		inside += v
	}
	mean := make([]float64, levels)
	for i := levels; i <= len(b); i++ {
		inside += b[i-1]
		if d := divergence(b[:i], total-inside, total, mean); d <= least {
			best, least = i, d
		}
	}
	return best
}

// divergence is KL(P, Q) of [leastDivergence]; mean is room for the groups.
func divergence(bins []float64, beyond, total float64, mean []float64) float64 {
	n, levels := len(bins), len(mean)
	sumQ := 0.0
	for g := range levels {
		sum, filled := 0.0, 0
		for _, v := range bins[groupStart(g, n, levels):groupStart(g+1, n, levels)] {
			if v > 0 {
				sum, filled = sum+v, filled+1
			}
		}
		mean[g] = 0
		if filled > 0 {
			mean[g] = sum / float64(filled)
		}
		sumQ += sum
	}
	if sumQ == 0 {
		return math.Inf(1)
	}
	d := 0.0
	for g := range levels {
		from, to := groupStart(g, n, levels), groupStart(g+1, n, levels)
		for k := from; k < to; k++ {
			p, q := bins[k], mean[g]
			if p == 0 {
				q = 0
			}
			if k == n-1 {
				p += beyond
			}
			switch {
			case p == 0:
			case q == 0:
				return math.Inf(1)
			default:
				d += p / total * math.Log((p/total)/(q/sumQ))
			}
		}
	}
	return d
}

// groupStart is the first of n bins k with floor(k·levels/n) >= g.
func groupStart(g, n, levels int) int { return (g*n + levels - 1) / levels }
