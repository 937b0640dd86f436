package agree

import (
	"fmt"
	"math"
	"slices"
)

// Krippendorff returns Krippendorff's alpha for nominal data. Units may have
// different numbers of ratings; those with fewer than 2 do not count.
func Krippendorff(t Table) (Result, error) {
	all, err := t.units()
	if err != nil {
		return Result{}, err
	}
	var units []unit
	for _, u := range all {
		if u.ratings >= 2 {
			units = append(units, u)
		}
	}
	if len(units) == 0 {
		return Result{}, fmt.Errorf("%w: no unit has 2 ratings", ErrRatings)
	}
	s := pairing{category: make([]int, len(units[0].counts))}
	for _, u := range units {
		s.add(u, u.times)
	}
	alpha, err := s.alpha()
	if err != nil {
		return Result{}, err
	}
	n := float64(s.ratings)
	r := Result{
		Value: alpha, Units: s.units, Ratings: s.ratings,
		Observed: 1 - s.disagreement/n,
		Expected: 1 - s.chance()/(n*(n-1)),
	}
	r.variance, r.unknown = s.deleteOne(units)
	return r, nil
}

// pairing are the sums that alpha is made of.
type pairing struct {
	units, ratings int
	category       []int   // ratings per category
	disagreement   float64 // Σ_u (unequal ordered pairs)/(n_u − 1)
}

// add adds a unit the given number of times; a negative number removes it.
func (s *pairing) add(u unit, times int) {
	s.units += times
	s.ratings += times * u.ratings
	for k, c := range u.counts {
		s.category[k] += times * c
	}
	unequal := u.ratings*(u.ratings-1) - u.agreeing()
	s.disagreement += float64(times) * float64(unequal) / float64(u.ratings-1)
}

// chance returns n² − Σ n_k², the unequal ordered pairs of all ratings.
func (s *pairing) chance() float64 {
	n := float64(s.ratings)
	d := n * n
	for _, c := range s.category {
		d -= float64(c) * float64(c)
	}
	return d
}

func (s *pairing) alpha() (float64, error) {
	chance := s.chance()
	if chance == 0 {
		return 0, ErrOneCategory
	}
	return 1 - float64(s.ratings-1)*s.disagreement/chance, nil
}

// deleteOne returns the jackknife variance of alpha, leaving out one unit at a
// time; equal units give equal replicates.
func (s *pairing) deleteOne(units []unit) (float64, error) {
	if s.units < 2 {
		return 0, ErrTooFew
	}
	n := float64(s.units)
	left := make([]float64, len(units))
	var mean float64
	for i, u := range units {
		rest := pairing{units: s.units, ratings: s.ratings, disagreement: s.disagreement, category: slices.Clone(s.category)}
		rest.add(u, -1)
		rest.disagreement = max(0, rest.disagreement)
		a, err := rest.alpha()
		if err != nil {
			return 0, fmt.Errorf("without one of the units: %w", err)
		}
		left[i] = a
		mean += float64(u.times) * (a - left[0]) / n
	}
	mean += left[0]
	var squares float64
	for i, u := range units {
		squares += float64(u.times) * math.Pow(left[i]-mean, 2)
	}
	if s.disagreement == 0 {
		squares = 0
	}
	return (n - 1) / n * squares, nil
}
