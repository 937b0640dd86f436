package spearman

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a correlation or its interval cannot be stated. ErrTooFew,
// ErrConstant and ErrPerfect are answers, to be reported as "not measurable".
var (
	ErrTooFew   = errors.New("spearman: too few pairs")
	ErrConstant = errors.New("spearman: all values of one quantity are equal")
	ErrPerfect  = errors.New("spearman: perfect correlation has no interval")
	ErrNaN      = errors.New("spearman: value is NaN")
	ErrLength   = errors.New("spearman: different numbers of values")
	ErrTooMany  = errors.New("spearman: too many pairs")
)

// ExactMax is the largest number of pairs for which all orders are tried.
const ExactMax = 9

const maxPairs = 2_000_000 // sums of rank products stay within int64

// Method says where a P comes from.
type Method uint8

const (
	Exact    Method = iota // all orders of one quantity
	StudentT               // Student's t approximation
)

// String returns "exact permutation" or "Student t".
func (m Method) String() string {
	switch m {
	case Exact:
		return "exact permutation"
	case StudentT:
		return "Student t"
	}
	return fmt.Sprintf("Method(%d)", uint8(m))
}

// Result is a rank correlation. It comes from Test only.
type Result struct {
	N      int
	Rho    float64
	P      float64 // two-sided
	Method Method
}

// Test correlates the ranks of x and y; x[i] and y[i] belong together.
// Infinite values rank first or last.
func Test(x, y []float64) (Result, error) {
	n := len(x)
	switch {
	case len(y) != n:
		return Result{}, fmt.Errorf("%w: %d and %d", ErrLength, n, len(y))
	case n < 3:
		return Result{}, ErrTooFew
	case n > maxPairs:
		return Result{}, fmt.Errorf("%w: %d", ErrTooMany, n)
	}
	a, err := centredRanks(x)
	if err != nil {
		return Result{}, err
	}
	b, err := centredRanks(y)
	if err != nil {
		return Result{}, err
	}
	aa, bb, ab := dot(a, a), dot(b, b), dot(a, b)
	if aa == 0 || bb == 0 {
		return Result{}, ErrConstant
	}
	r := Result{N: n, Rho: float64(ab) / (math.Sqrt(float64(aa)) * math.Sqrt(float64(bb)))}
	rest := unexplained(aa, bb, ab)
	switch {
	case rest == 0: // before the small n, whose walk gives the same
		r.Rho = math.Copysign(1, r.Rho)
		r.P = perfect(a)
	case n <= ExactMax:
		r.P = permuted(a, b, ab)
	default:
		r.Method = StudentT
		r.P = tail.TwoSidedT(r.Rho*math.Sqrt(float64(n-2)/rest), float64(n-2))
	}
	r.P = min(1, max(r.P, math.SmallestNonzeroFloat64))
	return r, nil
}

// Interval returns the two-sided interval of ρ. level is the confidence level,
// between 0 and 1.
func (r Result) Interval(level float64) (lo, hi float64, err error) {
	switch {
	case !(level > 0 && level < 1):
		return 0, 0, fmt.Errorf("spearman: confidence level %v is not between 0 and 1", level)
	case r.N < 4:
		return 0, 0, ErrTooFew
	case math.Abs(r.Rho) == 1:
		return 0, 0, ErrPerfect
	}
	z := math.Atanh(r.Rho)
	half := tail.NormalQuantile((1-level)/2) * math.Sqrt((1+r.Rho*r.Rho/2)/float64(r.N-3))
	return math.Tanh(z - half), math.Tanh(z + half), nil
}

// centredRanks returns 2·midrank − (n+1), an integer with sum 0.
func centredRanks(x []float64) ([]int64, error) {
	order := make([]int, len(x))
	for i, v := range x {
		if math.IsNaN(v) {
			return nil, fmt.Errorf("%w: value %d", ErrNaN, i)
		}
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case x[i] < x[j]:
			return -1
		case x[i] > x[j]:
			return 1
		}
		return 0
	})
	ranks := make([]int64, len(x))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] { // ranks from+1..to have mean (from+1+to)/2
			ranks[i] = int64(from+1+to) - int64(len(x)+1)
		}
		from = to
	}
	return ranks, nil
}

func dot(a, b []int64) (sum int64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// unexplained returns 1 − ρ² without cancellation.
func unexplained(aa, bb, ab int64) float64 {
	all := new(big.Int).Mul(big.NewInt(aa), big.NewInt(bb))
	rest := new(big.Int).Mul(big.NewInt(ab), big.NewInt(ab))
	num, _ := rest.Sub(all, rest).Float64()
	den, _ := all.Float64()
	return num / den
}

// perfect returns the share of orders with |ρ| = 1 when the ranks are a: those
// that only exchange ties, and as many turned round if the ties allow it.
func perfect(a []int64) float64 {
	s := slices.Clone(a)
	slices.Sort(s)
	ways, symmetric := 0.0, true
	for from := 0; from < len(s); {
		to := from + 1
		for to < len(s) && s[to] == s[from] {
			to++
		}
		ties, _ := math.Lgamma(float64(to - from + 1))
		ways += ties
		from = to
	}
	for i, v := range s {
		symmetric = symmetric && v == -s[len(s)-1-i]
	}
	all, _ := math.Lgamma(float64(len(s) + 1))
	p := math.Exp(ways - all)
	if symmetric {
		p *= 2
	}
	return p
}

// permuted returns the share of all orders of b with |Σ a·b| at least |ab|, by
// Heap's algorithm.
func permuted(a, b []int64, ab int64) float64 {
	b = slices.Clone(b)
	bound := max(ab, -ab)
	now, extreme, total := ab, 0, 0
	count := func() {
		total++
		if max(now, -now) >= bound {
			extreme++
		}
	}
	swap := func(i, j int) {
		now += (a[i] - a[j]) * (b[j] - b[i])
		b[i], b[j] = b[j], b[i]
	}
	var walk func(k int)
	walk = func(k int) {
		if k == 1 {
			count()
			return
		}
		for i := range k - 1 {
			walk(k - 1)
			if k%2 == 0 {
				swap(i, k-1)
			} else {
				swap(0, k-1)
			}
		}
		walk(k - 1)
	}
	walk(len(b))
	return float64(extreme) / float64(total)
}
