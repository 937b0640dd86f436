package agree

import "fmt"

// Fleiss returns Fleiss' kappa. Every unit must have the same number of
// ratings, at least 2.
func Fleiss(t Table) (Result, error) {
	units, err := t.units()
	if err != nil {
		return Result{}, err
	}
	if len(units) == 0 {
		return Result{}, fmt.Errorf("%w: no units", ErrRatings)
	}
	raters, n := units[0].ratings, 0
	share := make([]float64, len(units[0].counts)) // first counts, then π_k
	agreeing := 0
	for i, u := range units {
		if u.ratings != raters || raters < 2 {
			return Result{}, fmt.Errorf("%w: unit %d has %d, the first %d", ErrRatings, i, u.ratings, raters)
		}
		n += u.times
		agreeing += u.times * u.agreeing()
		for k, c := range u.counts {
			share[k] += float64(u.times * c)
		}
	}
	ratings := float64(n) * float64(raters)
	var e float64
	for k, c := range share {
		if c == ratings {
			return Result{}, ErrOneCategory
		}
		share[k] = c / ratings
		e += share[k] * share[k]
	}
	a := float64(agreeing) / (ratings * float64(raters-1))
	r := Result{Value: (a - e) / (1 - e), Observed: a, Expected: e, Units: n, Ratings: n * raters}
	if n < 2 {
		r.unknown = ErrTooFew
		return r, nil
	}
	r.variance = r.linearized(units, share)
	return r, nil
}

// linearized returns Gwet's variance of kappa.
func (r Result) linearized(units []unit, share []float64) float64 {
	n, raters := float64(r.Units), float64(r.Ratings)/float64(r.Units)
	var squares float64
	for _, u := range units {
		a := float64(u.agreeing()) / (raters * (raters - 1))
		var e float64
		for k, c := range u.counts {
			e += share[k] * float64(c) / raters
		}
		d := ((a - r.Observed) - 2*(1-r.Value)*(e-r.Expected)) / (1 - r.Expected)
		squares += float64(u.times) * d * d
	}
	if r.Observed == 1 {
		squares = 0 // every unit is at kappa 1; e_u − e has factor 1 − κ = 0
	}
	return squares / (n * (n - 1))
}
