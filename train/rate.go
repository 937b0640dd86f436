package train

import "math"

// rate is a learning rate with its spans in steps.
type rate struct {
	Rate
	warmup, steps int
	at            []int
}

// newRate resolves a rate for a training of the given length.
func newRate(r Rate, epoch, steps int) rate {
	out := rate{Rate: r, warmup: r.Warmup.steps(epoch), steps: steps}
	for _, s := range r.At {
		out.at = append(out.at, s.steps(epoch))
	}
	return out
}

// of is the learning rate of step n, counted from 0. The warm-up rises by the
// same amount every step and reaches the peak with its last step, so that no step
// has a rate of 0. Cosine and linear fall from the peak, at the first step after
// the warm-up, towards the final rate, which a step after the last would have.
func (r rate) of(n int) float64 {
	if n < r.warmup {
		return r.Peak * float64(n+1) / float64(r.warmup)
	}
	t := float64(n-r.warmup) / float64(max(1, r.steps-r.warmup))
	switch r.Schedule {
	case RateStep:
		v := r.Peak
		for _, at := range r.at {
			if n >= at {
				v *= r.Factor
			}
		}
		return v
	case RateCosine:
		return r.Final + (r.Peak-r.Final)*(1+math.Cos(math.Pi*t))/2
	case RateLinear:
		return r.Peak + (r.Final-r.Peak)*t
	}
	return r.Peak
}
