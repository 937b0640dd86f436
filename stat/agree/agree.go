package agree

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons an agreement cannot be stated. All but ErrTable are answers, to be
// reported as "not measurable".
var (
	ErrOneCategory = errors.New("agree: all ratings are in one category")
	ErrRatings     = errors.New("agree: too few or unequal numbers of ratings")
	ErrTooFew      = errors.New("agree: fewer than 2 units")
	ErrNoSpread    = errors.New("agree: every unit agrees equally")
	ErrTable       = errors.New("agree: impossible table")
)

// Missing marks an absent rating for FromRatings.
const Missing = -1

// Table counts the ratings of each unit by category.
type Table struct {
	Rows  [][]int // one row per unit, one count per category
	Times []int   // how many units have this row; nil means one each
}

// FromRatings makes a table from ratings[u][r], the category 0..categories−1
// that rater r gave unit u, or Missing.
func FromRatings(ratings [][]int, categories int) (Table, error) {
	t := Table{Rows: make([][]int, len(ratings))}
	for u, row := range ratings {
		t.Rows[u] = make([]int, categories)
		for r, k := range row {
			switch {
			case k == Missing:
			case k < 0 || k >= categories:
				return Table{}, fmt.Errorf("%w: unit %d, rater %d gave category %d of %d", ErrTable, u, r, k, categories)
			default:
				t.Rows[u][k]++
			}
		}
	}
	return t, nil
}

// Result is an agreement beyond chance. It comes from the functions of this
// package only.
type Result struct {
	Value    float64 // κ or α, at most 1
	Observed float64 // share of agreeing pairs of ratings
	Expected float64 // the same by chance
	Units    int     // units that count
	Ratings  int     // ratings of these units

	variance float64 // of Value over units; degrees of freedom are Units − 1
	unknown  error   // why there is no variance
}

// SE returns the standard error of Value over units.
func (r Result) SE() (float64, error) {
	if r.unknown != nil {
		return 0, r.unknown
	}
	return math.Sqrt(r.variance), nil
}

// Interval returns the two-sided t interval of Value, cut at 1. level is the
// confidence level, between 0 and 1.
func (r Result) Interval(level float64) (lo, hi float64, err error) {
	if !(level > 0 && level < 1) {
		return 0, 0, fmt.Errorf("agree: confidence level %v is not between 0 and 1", level)
	}
	se, err := r.SE()
	if err != nil {
		return 0, 0, err
	}
	if se == 0 {
		return 0, 0, ErrNoSpread
	}
	half := tail.StudentTQuantile((1-level)/2, float64(r.Units-1)) * se
	return r.Value - half, min(1, r.Value+half), nil
}

// unit is one row of a table.
type unit struct {
	counts  []int
	ratings int
	times   int
}

// agreeing returns Σ_k n_uk² − n_u, the ordered pairs of equal ratings.
func (u unit) agreeing() (pairs int) {
	for _, n := range u.counts {
		pairs += n * (n - 1)
	}
	return pairs
}

// units checks the table and drops rows that count zero times.
func (t Table) units() ([]unit, error) {
	if t.Times != nil && len(t.Times) != len(t.Rows) {
		return nil, fmt.Errorf("%w: %d rows, %d times", ErrTable, len(t.Rows), len(t.Times))
	}
	var units []unit
	for i, row := range t.Rows {
		u := unit{counts: row, times: 1}
		if t.Times != nil {
			u.times = t.Times[i]
		}
		if len(row) != len(t.Rows[0]) || u.times < 0 {
			return nil, fmt.Errorf("%w: row %d has %d categories, %d times", ErrTable, i, len(row), u.times)
		}
		for k, n := range row {
			if n < 0 {
				return nil, fmt.Errorf("%w: row %d, category %d has %d ratings", ErrTable, i, k, n)
			}
			u.ratings += n
		}
		if u.times > 0 {
			units = append(units, u)
		}
	}
	return units, nil
}
