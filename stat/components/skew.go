package components

import (
	"fmt"
	"math"
)

// Cubes are the counts of the third order of one members × examples table, beside
// its [Sums]; c_i is the sum of column i.
type Cubes struct {
	Rows          []int64 // Σ_i c_i·X_ki for every member k
	RowSquares    []int64 // Σ_i X_ki² for every member k
	ColumnCubes   int64   // Σ_i c_i³
	ColumnSquares int64   // Σ_i c_i·Σ_k X_ki²
	Cubes         int64   // Σ_ki X_ki³
}

// CubesOf gathers the counts of a table with one row per member, as [SumsOf] does.
func CubesOf(table [][]int8) Cubes {
	c := Cubes{Rows: make([]int64, len(table)), RowSquares: make([]int64, len(table))}
	if len(table) == 0 {
		return c
	}
	for i := range table[0] {
		column, squares := int64(0), int64(0)
		for _, row := range table {
			x := int64(row[i])
			column += x
			squares += x * x
			c.Cubes += x * x * x
		}
		for k, row := range table {
			x := int64(row[i])
			c.Rows[k] += column * x
			c.RowSquares[k] += x * x
		}
		c.ColumnCubes += column * column * column
		c.ColumnSquares += column * squares
	}
	return c
}

// VoteCubes are the counts of the third order of two unrelated tables over the same
// examples: the sums over examples of products of the two column sums.
type VoteCubes struct{ BBB, BBV, BVV, VVV int64 } // B of the baseline, V of the variant

// Skew is how lopsided the chance of a mean is, and how its variance as it is
// estimated moves with it: what a t-test leaves out.
type Skew struct {
	Examples   float64 // third cumulant of the mean over examples, members fixed; cube of the unit of X
	Both       float64 // third cumulant of the mean over members and examples
	Covariance float64 // of the mean and the estimate of V(both), over members and examples
}

// PairedSkew is the skew of the mean of one table, with the model
//
//	X_ki = μ + a_k + b_i + e_ki
//
// of the variance components. The third cumulant of the mean is
// κ_b/n² + 6κ_abe/(Kn) + 3κ_aee/(K²n) + 3κ_bee/(Kn²) + κ_e/(Kn)², and its covariance
// with A + B − E the same with 4κ_abe: a member that loses more than others widens the
// spread between examples as well. κ_a of the members themselves is taken as 0 (normal,
// as a t-test does): a few members cannot tell it.
func PairedSkew(s Sums, c Cubes) (Skew, error) {
	if err := s.check(); err != nil {
		return Skew{}, err
	}
	if len(c.Rows) != len(s.Rows) || len(c.RowSquares) != len(s.Rows) {
		return Skew{}, fmt.Errorf("%w: %d members and %d", ErrSums, len(s.Rows), len(c.Rows))
	}
	n, k := float64(s.N), float64(len(s.Rows))
	if n < 3 {
		return Skew{}, ErrOneExample
	}
	m := s.mean()
	columns := float64(s.ColumnSquares)
	b3 := float64(c.ColumnCubes)/(k*k*k) - 3*m*columns/(k*k) + 2*n*m*m*m // Σ b³
	out := Skew{Examples: b3 * n / ((n - 1) * (n - 2)) / (n * n)}
	out.Both, out.Covariance = out.Examples, out.Examples
	if k < 2 {
		return out, nil
	}
	x := s.crossed(&c, m, b3)
	kn := k * n
	abe := x.abe - x.bee/n - x.aee/k + x.eee/kn
	aee := 3 * (x.aee - x.eee/n) / (k * kn)
	out.Both += 6*abe/kn + aee
	out.Covariance += 4*abe/kn + aee
	return out, nil
}

// crossed are means over the table of products of row deviations a, column
// deviations b and what is left, e; each with the divisor (K−1)(n−1).
type crossed struct{ abe, aee, bee, eee float64 }

// crossed opens the products into the counts; b3 is Σ b³.
func (s Sums) crossed(c *Cubes, m, b3 float64) crossed {
	n, k := float64(s.N), float64(len(s.Rows))
	var x crossed
	var a3, square, slope float64 // Σ a³, Σ x²a and Σ x·b·a with x_ki = X_ki − X_k.
	var a2 float64
	for j := range s.Rows {
		row := float64(s.Rows[j])
		a := row/n - m
		h := float64(c.Rows[j])/k - m*row // Σ_i b_i·X_ki
		a2 += a * a
		a3 += a * a * a
		square += a * (float64(c.RowSquares[j]) - row*row/n)
		slope += a * h
	}
	b2 := (float64(s.ColumnSquares) - k*k*n*m*m) / (k * k) // Σ b²
	x.abe = slope
	x.aee = square - 2*slope                                         // Σ_i e² = Σ_i x² − 2Σ_i x·b + Σ b², and Σ a = 0
	weighed := float64(c.ColumnSquares)/k - m*float64(s.Squares)     // Σ b_i·X_ki²
	x.bee = weighed - k*(b3+2*m*b2) - 2*slope                        // Σ b(c_i/K)² = Σ b³ + 2mΣ b²
	total := float64(c.Cubes) - 3*m*float64(s.Squares) + 2*k*n*m*m*m // Σ (X − m)³
	x.eee = total - k*b3 - n*a3 - 3*x.aee - 3*x.bee - 6*slope        // (a + b + e)³, opened; Σ a²b and Σ ab² are 0, Σ a²e and Σ b²e too
	d := (k - 1) * (n - 1)
	return crossed{x.abe / d, x.aee / d, x.bee / d, x.eee / d}
}

// UnpairedSkew is the skew of the variant's mean minus the baseline's over examples,
// members fixed. What members and examples add together needs counts by member and
// example, and is left out: Both and Covariance are those of the examples.
func UnpairedSkew(p Pair, c VoteCubes) (Skew, error) {
	if err := p.check(); err != nil {
		return Skew{}, err
	}
	n := float64(p.Base.N)
	if n < 3 {
		return Skew{}, ErrOneExample
	}
	kb, kv := float64(p.Base.Members()), float64(p.Variant.Members())
	m := p.Variant.mean() - p.Base.mean()
	third := float64(c.VVV)/(kv*kv*kv) - 3*float64(c.BVV)/(kv*kv*kb) + 3*float64(c.BBV)/(kv*kb*kb) - float64(c.BBB)/(kb*kb*kb)
	second := float64(p.Variant.ColumnSquares)/(kv*kv) - 2*float64(p.Cross)/(kv*kb) + float64(p.Base.ColumnSquares)/(kb*kb)
	k3 := (third - 3*m*second + 2*n*m*m*m) * n / ((n - 1) * (n - 2)) / (n * n)
	if math.Abs(k3) < 1e-300 {
		k3 = 0
	}
	return Skew{k3, k3, k3}, nil
}
