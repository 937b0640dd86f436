package index

import (
	"iter"

	"github.com/RoaringBitmap/roaring/v2"
)

// Result are the examples that match a query.
type Result struct {
	Total   int // how many
	order   []uint32
	n       int // all examples
	reverse bool
	rows    *roaring.Bitmap // nil: all
	dense   []uint64        // rows as bits
}

// Select finds the examples that match a query. It waits for what the query
// needs and has not been read. The error says what is unknown, and the nearest
// known.
func (x *Index) Select(q Query) (*Result, error) {
	f, err := x.filter(&q)
	if err != nil {
		return nil, err
	}
	by := q.Sort
	if by == "" {
		by = SortWorst
	}
	r := &Result{Total: x.n, n: x.n, reverse: q.Reverse, rows: f.without(), order: x.order(f.v, by)}
	if r.rows != nil {
		r.Total = int(r.rows.GetCardinality())
		r.dense = make([]uint64, (x.n+63)/64)
		r.rows.WriteDenseTo(r.dense)
	}
	return r, nil
}

// Bitmap is the set of the rows. It must not be changed where it is the
// query's own [Query.Only].
func (r *Result) Bitmap() *roaring.Bitmap {
	if r.rows == nil {
		return everything(r.n)
	}
	return r.rows.Clone()
}

// All are the rows in the query's order.
func (r *Result) All() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i, left := 0, r.Total; left > 0; i++ {
			at := i
			if r.reverse {
				at = r.n - 1 - i
			}
			row := uint32(at)
			if r.order != nil {
				row = r.order[at]
			}
			if r.rows != nil && r.dense[row/64]>>(row%64)&1 == 0 {
				continue
			}
			left--
			if !yield(int32(row)) {
				return
			}
		}
	}
}

// Page returns up to n rows of the query's order, from place offset on.
func (r *Result) Page(offset, n int) []int32 {
	if offset < 0 || n < 1 || offset >= r.Total {
		return nil
	}
	out := make([]int32, 0, min(n, r.Total-offset))
	for row := range r.All() {
		if offset > 0 {
			offset--
			continue
		}
		if out = append(out, row); len(out) == cap(out) {
			break
		}
	}
	return out
}

// Around is the place of a row in the query's order, from 0, with the rows
// before and after it, -1 where there is none. Where the row does not match,
// all are -1.
func (r *Result) Around(row int32) (place int, prev, next int32) {
	prev, next = -1, -1
	if row < 0 || int(row) >= r.n || r.rows != nil && r.dense[row/64]>>(row%64)&1 == 0 {
		return -1, -1, -1
	}
	found := false
	for other := range r.All() {
		if found {
			return place, prev, other
		}
		if found = other == row; !found {
			prev = other
			place++
		}
	}
	return place, prev, -1
}
