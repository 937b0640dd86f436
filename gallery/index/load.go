package index

import (
	"bytes"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// shared are the columns that do not depend on the variant.
type shared struct {
	truth    prediction.Column // true class
	modal    prediction.Column // modal label of the baseline
	votes    prediction.Column // baseline members that predict the true class
	top      prediction.Column // baseline members that predict the modal label
	margin   prediction.Column // lead of the baseline's first label, in votes
	byTruth  partition
	byModal  partition
	byVotes  partition
	byMargin partition
}

// variantData are the columns of one variant.
type variantData struct {
	load    once
	modal   prediction.Column // modal label
	votes   prediction.Column // members that predict the true class
	top     prediction.Column // members that predict the modal label
	taxicab prediction.Column // distance of the votes times K0·K
	flags   []uint8           // flip in the lowest two bits, then the flags
	test    prediction.Column // code of the numbers of the tests, 0: none
	tests   []tests           // by code
	byModal partition
	byVotes partition
	is      sets
}

// The flags of a row beside its flip.
const (
	flipMask uint8 = 3
	isPIE    uint8 = 1 << (1 + iota)
	isTie
	isChanged
	isCertified
)

// flips in the order of their codes.
func flips() []finding.Flip {
	return []finding.Flip{finding.FlipNone, finding.FlipRightToWrong, finding.FlipWrongToRight, finding.FlipWrongToWrong}
}

// tests are the numbers of the tests of one row.
type tests struct{ p, q, certifiedP, certifiedQ optional }

// optional is a number that may be missing.
type optional struct {
	value float64
	null  bool
}

func (o optional) pointer() *float64 {
	if o.null {
		return nil
	}
	return &o.value
}

// loader reads columns of the rows of one variant.
type loader struct {
	x    *Index
	v    int
	from int64
	g    *errgroup.Group
}

func (x *Index) loader(v int) *loader {
	l := &loader{x: x, v: v, from: int64(v) * int64(x.n), g: new(errgroup.Group)}
	l.g.SetLimit(runtime.GOMAXPROCS(0))
	return l
}

// first reads what the first wall needs: one variant and what all share.
func (x *Index) first() error {
	l, s := x.loader(x.start), &x.shared
	l.ids()
	l.ints("label", &s.truth, len(x.classes))
	l.ints("base_modal", &s.modal, len(x.classes))
	l.ints("base_votes", &s.votes, x.baseline.K+1)
	l.ints("base_top", &s.top, x.baseline.K+1)
	l.shares("margin", &s.margin, x.baseline.K, 1)
	if err := l.g.Wait(); err != nil {
		return err
	}
	return x.variant(x.start)
}

// variant reads variant v unless it was read before.
func (x *Index) variant(v int) error {
	d := &x.data[v]
	return d.load.do(func() error {
		l, k := x.loader(v), x.variants[v].K
		l.order()
		l.names()
		l.ints("variant_modal", &d.modal, len(x.classes))
		l.ints("variant_votes", &d.votes, k+1)
		l.ints("variant_top", &d.top, k+1)
		l.shares("taxicab", &d.taxicab, k*x.baseline.K, 2)
		l.flags(d)
		l.tests(d)
		if v != x.start {
			l.sameBaseline()
		}
		if err := l.g.Wait(); err != nil {
			return err
		}
		d.is.fill(d.flags)
		return nil
	})
}

// go1 reads one column, together with others.
func (l *loader) go1(column string, fn func() error) {
	l.g.Go(func() error {
		if err := l.x.ctx.Err(); err != nil {
			return err
		}
		if err := fn(); err != nil {
			return fmt.Errorf("gallery: variant %s: %w (column %s)", l.x.variants[l.v].Name, err, column)
		}
		return nil
	})
}

// blockRows is how many rows of a column are decoded at a time.
const blockRows = 1 << 16

// blocks calls fn with the rows of the variant, block by block.
func (l *loader) blocks(fn func(at, n int) error) error {
	for at := 0; at < l.x.n; at += blockRows {
		if err := l.x.ctx.Err(); err != nil {
			return err
		}
		if err := fn(at, min(blockRows, l.x.n-at)); err != nil {
			return err
		}
	}
	return nil
}

// ints reads a column of numbers 0 to limit-1.
func (l *loader) ints(column string, to *prediction.Column, limit int) {
	l.go1(column, func() error {
		*to = prediction.NewColumn(l.x.n, limit)
		buf := make([]int32, blockRows)
		return l.blocks(func(at, n int) error {
			if err := l.x.in.Examples.Int32s(column, l.from+int64(at), buf[:n]); err != nil {
				return err
			}
			for i, v := range buf[:n] {
				if v < 0 || int(v) >= limit {
					return fmt.Errorf("row %d: %d is outside 0 to %d", at+i, v, limit-1)
				}
				to.Set(at+i, int(v))
			}
			return nil
		})
	})
}

// shares reads a column of multiples of 1/unit in [0, most] as whole numbers.
func (l *loader) shares(column string, to *prediction.Column, unit, most int) {
	l.go1(column, func() error {
		*to = prediction.NewColumn(l.x.n, most*unit+1)
		buf := make([]float64, blockRows)
		return l.blocks(func(at, n int) error {
			if err := l.x.in.Examples.Float64s(column, l.from+int64(at), buf[:n], nil); err != nil {
				return err
			}
			for i, v := range buf[:n] {
				m := math.Round(v * float64(unit))
				if !(v >= 0 && v <= float64(most)) || math.Abs(m/float64(unit)-v) > 1e-9 {
					return fmt.Errorf("row %d: %v is no multiple of 1/%d from 0 to %d", at+i, v, unit, most)
				}
				to.Set(at+i, int(m))
			}
			return nil
		})
	})
}

// order checks that the rows are those of the predictions, in order.
func (l *loader) order() {
	l.go1("row", func() error {
		buf := make([]int64, blockRows)
		return l.blocks(func(at, n int) error {
			if err := l.x.in.Examples.Int64s("row", l.from+int64(at), buf[:n]); err != nil {
				return err
			}
			for i, v := range buf[:n] {
				if v != int64(at+i) {
					return fmt.Errorf("row %d: want example %d, got %d: examples are not in the order of the predictions", at+i, at+i, v)
				}
			}
			return nil
		})
	})
}

// names checks that all rows are of the variant.
func (l *loader) names() {
	l.go1("variant", func() error {
		want := []byte(l.x.variants[l.v].Name)
		return l.x.in.Examples.Texts("variant", l.from, l.x.n, func(i int, text []byte) error {
			if !bytes.Equal(text, want) {
				return fmt.Errorf("row %d: is of variant %q", i, text)
			}
			return nil
		})
	})
}

// sameBaseline checks that the baseline of the variant's rows is that of the
// variant that was read first.
func (l *loader) sameBaseline() {
	l.go1("base_modal", func() error {
		buf := make([]int32, blockRows)
		return l.blocks(func(at, n int) error {
			if err := l.x.in.Examples.Int32s("base_modal", l.from+int64(at), buf[:n]); err != nil {
				return err
			}
			for i, v := range buf[:n] {
				if int(v) != l.x.shared.modal.At(at+i) {
					return fmt.Errorf("row %d: the baseline's modal label is %d, for variant %s it is %d", at+i, v, l.x.variants[l.x.start].Name, l.x.shared.modal.At(at+i))
				}
			}
			return nil
		})
	})
}

// flags reads the flip and the flags of the rows.
func (l *loader) flags(d *variantData) {
	l.go1("flip", func() error {
		d.flags = make([]uint8, l.x.n)
		if err := l.x.in.Examples.Texts("flip", l.from, l.x.n, func(i int, text []byte) error {
			for code, f := range flips() {
				if string(text) == string(f) {
					d.flags[i] = uint8(code)
					return nil
				}
			}
			return fmt.Errorf("row %d: flip %q is unknown", i, text)
		}); err != nil {
			return err
		}
		buf := make([]bool, blockRows)
		for _, c := range []struct {
			name string
			bit  uint8
		}{{"pie", isPIE}, {"tie", isTie}, {"changed", isChanged}, {"certified", isCertified}} {
			if err := l.blocks(func(at, n int) error {
				if err := l.x.in.Examples.Bools(c.name, l.from+int64(at), buf[:n]); err != nil {
					return err
				}
				for i, on := range buf[:n] {
					if on {
						d.flags[at+i] |= c.bit
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// tests reads the numbers of the tests. There are few different ones: they
// depend on the votes alone.
func (l *loader) tests(d *variantData) {
	l.go1("p", func() error {
		codes := make([]uint32, l.x.n)
		none := tests{optional{null: true}, optional{null: true}, optional{null: true}, optional{null: true}}
		d.tests = []tests{none}
		known := map[tests]uint32{none: 0}
		var values [4][blockRows]float64
		var nulls [4][blockRows]bool
		err := l.blocks(func(at, n int) error {
			for c, name := range []string{"p", "q", "certified_p", "certified_q"} {
				if err := l.x.in.Examples.Float64s(name, l.from+int64(at), values[c][:n], nulls[c][:n]); err != nil {
					return err
				}
			}
			for i := range n {
				if nulls[0][i] && nulls[1][i] && nulls[2][i] && nulls[3][i] {
					continue
				}
				t := tests{optional{values[0][i], nulls[0][i]}, optional{values[1][i], nulls[1][i]}, optional{values[2][i], nulls[2][i]}, optional{values[3][i], nulls[3][i]}}
				code, ok := known[t]
				if !ok {
					code = uint32(len(d.tests))
					known[t] = code
					d.tests = append(d.tests, t)
				}
				codes[at+i] = code
			}
			return nil
		})
		d.test = prediction.NewColumn(l.x.n, len(d.tests))
		for i, c := range codes {
			d.test.Set(i, int(c))
		}
		return err
	})
}
