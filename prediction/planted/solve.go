package planted

import (
	"fmt"
	"math"
)

// phi is the standard normal distribution function.
func phi(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// quantile is the inverse of phi on (0, 1).
func quantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }

// meanPhi is Σ w·Φ(mu + x) / Σ w.
func meanPhi(mu float64, x, w []float64) float64 {
	sum, total := 0.0, 0.0
	for i, v := range x {
		if w[i] > 0 {
			sum += w[i] * phi(mu+v)
			total += w[i]
		}
	}
	return sum / total
}

// location finds mu with meanPhi(mu, x, w) = target, by Newton steps kept
// inside a shrinking bracket.
func location(x, w []float64, target float64) (float64, error) {
	if !(target > 0 && target < 1) {
		return 0, fmt.Errorf("recall would be %.4f, outside (0, 1)", target)
	}
	lo, hi := -1e3, 1e3
	mu := 0.0
	for range 200 {
		f, slope, total := 0.0, 0.0, 0.0
		for i, v := range x {
			if w[i] > 0 {
				f += w[i] * phi(mu+v)
				slope += w[i] * math.Exp(-(mu+v)*(mu+v)/2) / math.Sqrt(2*math.Pi)
				total += w[i]
			}
		}
		f = f/total - target
		if f > 0 {
			hi = mu
		} else {
			lo = mu
		}
		step := f / (slope / total) // infinite far out, where the slope vanishes
		if math.Abs(f) < 1e-15 || math.Abs(step) <= 1e-14*math.Max(1, math.Abs(mu)) {
			return mu, nil
		}
		if next := mu - step; next > lo && next < hi {
			mu = next
		} else {
			mu = (lo + hi) / 2
		}
	}
	return 0, fmt.Errorf("no ease gives the recall %v", target)
}

// abilityShare finds the share a of a member's latent variance that is common
// to all its answers, so that its expected accuracy varies over members with
// standard deviation sd. Ease values tau carry the weights w.
func abilityShare(tau, w []float64, sd float64) (float64, error) {
	if sd == 0 {
		return 0, nil
	}
	tau, w = bins(tau, w)
	lo, hi := 0.0, 1.0
	for range 50 {
		a := (lo + hi) / 2
		if accuracySD(tau, w, a) < sd {
			lo = a
		} else {
			hi = a
		}
	}
	if lo > 0.95 {
		return 0, fmt.Errorf("an accuracy sd of %v cannot be had with these recalls", sd)
	}
	return lo, nil
}

// accuracySD integrates over the member's factor A on a grid of ±6:
// P(right | A) = Φ((τ − √a·A)/√(1−a)).
func accuracySD(tau, w []float64, a float64) float64 {
	const nodes, reach = 48, 6.0
	ra, rest := math.Sqrt(a), math.Sqrt(1-a)
	scaled := make([]float64, len(tau))
	for i, v := range tau {
		scaled[i] = v / rest
	}
	var sum, mean, square float64
	for j := range nodes + 1 {
		z := -reach + 2*reach*float64(j)/nodes
		weight := math.Exp(-z * z / 2)
		m := meanPhi(-ra*z/rest, scaled, w)
		sum += weight
		mean += weight * m
		square += weight * m * m
	}
	mean /= sum
	return math.Sqrt(math.Max(0, square/sum-mean*mean))
}

// bins gathers values into steps of 0.1 between −8 and 8, each at its mean.
func bins(tau, w []float64) (centre, weight []float64) {
	const steps, reach = 160, 8.0
	sum := make([]float64, steps)
	total := make([]float64, steps)
	for i, v := range tau {
		v = math.Max(-reach, math.Min(reach, v))
		b := min(steps-1, int((v+reach)/(2*reach)*steps))
		sum[b] += w[i] * v
		total[b] += w[i]
	}
	for b := range total {
		if total[b] > 0 {
			centre = append(centre, sum[b]/total[b])
			weight = append(weight, total[b])
		}
	}
	return centre, weight
}
