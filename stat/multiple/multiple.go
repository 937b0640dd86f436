// Package multiple adjusts the p-values of a family of tests for their number.
//
// # Statistic
//
// With p₍₁₎ ≤ … ≤ p₍ₘ₎ the sorted p-values of the family, the adjusted value of the
// i-th smallest is
//
//	Bonferroni            min(1, m·p₍ᵢ₎)
//	Holm                  max over j ≤ i of min(1, (m−j+1)·p₍ⱼ₎)
//	Benjamini–Hochberg    min over j ≥ i of min(1, m/j·p₍ⱼ₎)
//	Benjamini–Yekutieli   min over j ≥ i of min(1, c·m/j·p₍ⱼ₎),  c = Σ 1/k, k = 1…m
//
// A test is rejected at level α if its adjusted value is ≤ α. Bonferroni and Holm
// bound the chance of any false rejection, the other two the expected share of
// false ones among the rejected (false discovery rate).
//
// # Assumes
//
// Each p-value is valid by itself. Bonferroni, Holm and Benjamini–Yekutieli hold
// under any dependence; Benjamini–Hochberg under independence or positive
// regression dependence. The family was named before the p-values were seen.
//
// # Units
//
// Probabilities in [0, 1]. The result has the order of the input; equal p-values
// have equal adjusted values, and an adjusted value is never below its raw one.
//
// # Not measurable
//
// A NaN or a value outside [0, 1] is [ErrNotProbability]: a test that could not be
// made must be left out of the family by name, not slipped in. An empty family has
// an empty result.
//
// # References
//
// Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scand.
// J. Statistics 6(2), 65–70.
// Benjamini, Y., Hochberg, Y. (1995). Controlling the false discovery rate. JRSS B
// 57(1), 289–300.
// Benjamini, Y., Yekutieli, D. (2001). The control of the false discovery rate in
// multiple testing under dependency. Annals of Statistics 29(4), 1165–1188.
package multiple

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// ErrNotProbability says that a family holds something that is no p-value.
var ErrNotProbability = errors.New("multiple: p-value is NaN or outside [0, 1]")

// Bonferroni returns p adjusted by the number of tests.
func Bonferroni(p []float64) ([]float64, error) {
	if err := check(p); err != nil {
		return nil, err
	}
	q := make([]float64, len(p))
	for i, v := range p {
		q[i] = min(1, float64(len(p))*v)
	}
	return q, nil
}

// Holm returns p adjusted by Holm's step-down procedure.
func Holm(p []float64) ([]float64, error) {
	if err := check(p); err != nil {
		return nil, err
	}
	q := make([]float64, len(p))
	floor := 0.0
	for i, at := range ascending(p) {
		floor = max(floor, min(1, float64(len(p)-i)*p[at]))
		q[at] = floor
	}
	return q, nil
}

// BenjaminiHochberg returns p adjusted for the false discovery rate (q-values)
// under independence or positive dependence.
func BenjaminiHochberg(p []float64) ([]float64, error) { return stepUp(p, 1) }

// BenjaminiYekutieli returns p adjusted for the false discovery rate under any
// dependence.
func BenjaminiYekutieli(p []float64) ([]float64, error) {
	c := 0.0
	for k := len(p); k >= 1; k-- {
		c += 1 / float64(k)
	}
	return stepUp(p, c)
}

// stepUp is the Benjamini–Hochberg procedure with all p-values multiplied by c ≥ 1.
func stepUp(p []float64, c float64) ([]float64, error) {
	if err := check(p); err != nil {
		return nil, err
	}
	q := make([]float64, len(p))
	order := ascending(p)
	ceiling := 1.0
	for i, at := range slices.Backward(order) {
		// m/rank ≥ 1 is formed first, so that rounding cannot put q below p.
		ceiling = min(ceiling, float64(len(p))/float64(i+1)*c*p[at])
		q[at] = ceiling
	}
	return q, nil
}

// ascending lists the indices of p by ascending value: element i is where the
// i-th smallest value is. It is not the rank of p[i], which is its inverse.
func ascending(p []float64) []int {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	return order
}

func check(p []float64) error {
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("%w: %v at index %d", ErrNotProbability, v, i)
		}
	}
	return nil
}
