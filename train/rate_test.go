package train

import (
	"math"
	"testing"
)

// The schedules' values by hand: cos(0), cos(pi/2) and cos(pi) are exact.
func TestRates(t *testing.T) {
	for _, c := range []struct {
		rate Rate
		want map[int]float64
	}{
		{Rate{Schedule: RateConstant, Peak: 0.5}, map[int]float64{0: .5, 99: .5}},
		{Rate{Schedule: RateConstant, Peak: 0.5, Warmup: "5 steps"}, map[int]float64{0: .1, 1: .2, 4: .5, 5: .5}},
		{Rate{Schedule: RateStep, Peak: 1, At: []Span{"3 epochs", "60 steps"}, Factor: .1}, map[int]float64{29: 1, 30: .1, 59: .1, 60: .01, 99: .01}},
		{Rate{Schedule: RateCosine, Peak: 1, Final: .2, Warmup: "2 epochs"}, map[int]float64{19: 1, 20: 1, 60: .6, 40: .2 + .4*(1+math.Sqrt2/2)}},
		{Rate{Schedule: RateLinear, Peak: 1, Warmup: "20 steps"}, map[int]float64{9: .5, 19: 1, 20: 1, 60: .5, 99: 1.0 / 80}},
	} {
		r := newRate(c.rate, 10, 100)
		for n, want := range c.want {
			if got := r.of(n); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s, step %d: %g, want %g", c.rate.Schedule, n, got, want)
			}
		}
		for n := range 100 {
			if v := r.of(n); !(v > 0 && v <= c.rate.Peak) {
				t.Errorf("%s, step %d: %g", c.rate.Schedule, n, v)
			}
		}
	}
}
