package jaccard

import (
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"
)

// Reasons an overlap cannot be stated. ErrEmpty and ErrTooFew are answers, to
// be reported as "not measurable"; the others are bad input.
var (
	ErrEmpty  = errors.New("jaccard: both sets are empty")
	ErrTooFew = errors.New("jaccard: fewer than 2 sets")
	ErrOrder  = errors.New("jaccard: elements are not strictly ascending")
	ErrCounts = errors.New("jaccard: negative count")
)

// Counts returns J from the numbers of elements in both sets, only in the
// first and only in the second.
func Counts(both, onlyA, onlyB int) (float64, error) {
	if both < 0 || onlyA < 0 || onlyB < 0 {
		return 0, fmt.Errorf("%w: %d, %d, %d", ErrCounts, both, onlyA, onlyB)
	}
	return ratio(uint64(both), uint64(both)+uint64(onlyA)+uint64(onlyB))
}

// Sorted returns J of two sets given as strictly ascending elements.
func Sorted(a, b []uint32) (float64, error) {
	if err := ascending(a); err != nil {
		return 0, fmt.Errorf("first set: %w", err)
	}
	if err := ascending(b); err != nil {
		return 0, fmt.Errorf("second set: %w", err)
	}
	var both uint64
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			both++
			i++
			j++
		}
	}
	return ratio(both, uint64(len(a))+uint64(len(b))-both)
}

// Bitmaps returns J of two bitmaps.
func Bitmaps(a, b *roaring.Bitmap) (float64, error) {
	both := a.AndCardinality(b)
	return ratio(both, a.GetCardinality()+b.GetCardinality()-both)
}

// MeanPairwise returns the mean of J over all pairs of sets that are not both
// empty, and the number of those pairs.
func MeanPairwise(sets []*roaring.Bitmap) (mean float64, pairs int, err error) {
	if len(sets) < 2 {
		return 0, 0, ErrTooFew
	}
	var sum float64
	for i, a := range sets {
		for _, b := range sets[:i] {
			j, err := Bitmaps(a, b)
			if err != nil {
				continue // both empty, the only error
			}
			sum += j
			pairs++
		}
	}
	if pairs == 0 {
		return 0, 0, ErrEmpty
	}
	return sum / float64(pairs), pairs, nil
}

func ratio(both, either uint64) (float64, error) {
	if either == 0 {
		return 0, ErrEmpty
	}
	return float64(both) / float64(either), nil
}

func ascending(s []uint32) error {
	for i := 1; i < len(s); i++ {
		if s[i] <= s[i-1] {
			return fmt.Errorf("%w: %d after %d", ErrOrder, s[i], s[i-1])
		}
	}
	return nil
}
