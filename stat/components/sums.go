package components

import (
	"fmt"
	"math/big"
)

// Sums are the counts of one members × examples table X of integers from which
// its variance components follow.
type Sums struct {
	N             int     // examples (columns)
	Rows          []int64 // Σ_i X_ki for every member k
	ColumnSquares int64   // Σ_i (Σ_k X_ki)²
	Squares       int64   // Σ_ki X_ki²; for X in {0, 1} the sum of Rows
}

// Pair are two tables over the same examples, whose members are unrelated.
type Pair struct {
	Base, Variant Sums
	Cross         int64 // Σ_i (Σ_k X_0,ki)·(Σ_k X_t,ki), the product of column sums
}

// SumsOf gathers the sums of a table with one row per member. All rows must
// have the same length.
func SumsOf[R ~[]T, T int8 | int32](table []R) Sums {
	s := Sums{Rows: make([]int64, len(table))}
	if len(table) == 0 {
		return s
	}
	s.N = len(table[0])
	columns := make([]int64, s.N)
	for k, row := range table {
		for i, x := range row {
			v := int64(x)
			s.Rows[k] += v
			s.Squares += v * v
			columns[i] += v
		}
	}
	for _, c := range columns {
		s.ColumnSquares += c * c
	}
	return s
}

// PairOf gathers the sums of two tables whose columns are the same examples.
func PairOf[R ~[]T, T int8 | int32](base, variant []R) Pair {
	p := Pair{Base: SumsOf(base), Variant: SumsOf(variant)}
	for i := range p.Base.N {
		var b, v int64
		for _, row := range base {
			b += int64(row[i])
		}
		for _, row := range variant {
			v += int64(row[i])
		}
		p.Cross += b * v
	}
	return p
}

// Members returns the number of members (rows).
func (s Sums) Members() int { return len(s.Rows) }

func (s Sums) total() (t int64) {
	for _, r := range s.Rows {
		t += r
	}
	return t
}

// mean returns X_.., the mean over the whole table.
func (s Sums) mean() float64 {
	return float64(s.total()) / (float64(len(s.Rows)) * float64(s.N))
}

// check refuses sums that no table can have.
func (s Sums) check() error {
	if s.N < 1 || len(s.Rows) < 1 {
		return fmt.Errorf("%w: %d members, %d examples", ErrSums, len(s.Rows), s.N)
	}
	if s.interaction().Sign() < 0 || s.betweenExamples().Sign() < 0 {
		return fmt.Errorf("%w: sums of squares are smaller than the means need", ErrSums)
	}
	return nil
}

func integer(v int64) *big.Int { return big.NewInt(v) }

// times returns the product of its arguments.
func times(v ...*big.Int) *big.Int {
	p := integer(1)
	for _, x := range v {
		p.Mul(p, x)
	}
	return p
}

// sumSquares returns Σ v².
func sumSquares(v []int64) *big.Int {
	sum, sq := new(big.Int), new(big.Int)
	for _, x := range v {
		sq.SetInt64(x)
		sum.Add(sum, sq.Mul(sq, sq))
	}
	return sum
}

// spread returns K·Σ v² − (Σ v)², K(K−1) times the variance of v.
func spread(v []int64) *big.Int {
	var sum int64
	for _, x := range v {
		sum += x
	}
	d := times(integer(int64(len(v))), sumSquares(v))
	return d.Sub(d, times(integer(sum), integer(sum)))
}

// betweenExamples returns n·Σ_i C_i² − T² for the column sums C_i.
func (s Sums) betweenExamples() *big.Int {
	t := integer(s.total())
	d := times(integer(int64(s.N)), integer(s.ColumnSquares))
	return d.Sub(d, times(t, t))
}

// interaction returns nK times the residual sum of squares,
// nK·ΣX² − K·ΣR² − n·ΣC² + T².
func (s Sums) interaction() *big.Int {
	k, n := integer(int64(len(s.Rows))), integer(int64(s.N))
	d := times(k, n, integer(s.Squares))
	d.Sub(d, times(k, sumSquares(s.Rows)))
	return d.Sub(d, s.betweenExamples())
}

// betweenExamples returns n·Σ_i D_i² − (ΣD)² for D_i = K₀·C_t,i − K_t·C_0,i.
func (p Pair) betweenExamples() *big.Int {
	k0, kt := integer(int64(p.Base.Members())), integer(int64(p.Variant.Members()))
	sq := times(k0, k0, integer(p.Variant.ColumnSquares))
	sq.Add(sq, times(kt, kt, integer(p.Base.ColumnSquares)))
	sq.Sub(sq, times(integer(2), k0, kt, integer(p.Cross)))
	sum := times(k0, integer(p.Variant.total()))
	sum.Sub(sum, times(kt, integer(p.Base.total())))
	d := sq.Mul(sq, integer(int64(p.Base.N)))
	return d.Sub(d, times(sum, sum))
}

func (p Pair) check() error {
	if err := p.Base.check(); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	if err := p.Variant.check(); err != nil {
		return fmt.Errorf("variant: %w", err)
	}
	if p.Base.N != p.Variant.N {
		return fmt.Errorf("%w: %d and %d examples", ErrSums, p.Base.N, p.Variant.N)
	}
	if p.betweenExamples().Sign() < 0 {
		return fmt.Errorf("%w: product of column sums is too large", ErrSums)
	}
	return nil
}

// value converts an exact numerator for the one rounding division.
func value(num *big.Int) float64 {
	f, _ := num.Float64()
	return f
}
