package countboot

import (
	"fmt"
	"math"
	"slices"
)

// Percentile returns the percentile interval from replicates of a statistic,
// in any order. level is the confidence level, between 0 and 1.
func Percentile(replicates []float64, level float64) (lo, hi float64, err error) {
	if !(level > 0 && level < 1) {
		return 0, 0, fmt.Errorf("countboot: confidence level %v is not between 0 and 1", level)
	}
	for _, v := range replicates {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, 0, ErrNotFinite
		}
	}
	tail := (1 - level) / 2
	rank := float64(len(replicates)+1) * tail
	if rank < 1-1e-9 {
		return 0, 0, fmt.Errorf("%w: %d replicates at level %v", ErrTooFew, len(replicates), level)
	}
	sorted := slices.Clone(replicates)
	slices.Sort(sorted)
	return quantile(sorted, rank), quantile(sorted, float64(len(sorted)+1)-rank), nil
}

// Basic returns the basic interval, the percentile interval mirrored at the
// observed estimate.
func Basic(estimate float64, replicates []float64, level float64) (lo, hi float64, err error) {
	if math.IsNaN(estimate) || math.IsInf(estimate, 0) {
		return 0, 0, fmt.Errorf("%w: estimate %v", ErrNotFinite, estimate)
	}
	l, h, err := Percentile(replicates, level)
	if err != nil {
		return 0, 0, err
	}
	return 2*estimate - h, 2*estimate - l, nil
}

// quantile returns the rank-th smallest of sorted, counted from 1 and
// interpolated.
func quantile(sorted []float64, rank float64) float64 {
	rank = min(max(rank, 1), float64(len(sorted)))
	below := math.Floor(rank)
	x := sorted[int(below)-1]
	if f := rank - below; f > 0 {
		x += f * (sorted[int(below)] - x)
	}
	return x
}
