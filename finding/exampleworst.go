package finding

import (
	"cmp"
	"errors"
	"io"
	"math"
	"slices"
)

// CompareWorst orders rows of one variant worst first: most changed votes, then
// the least q, then the order of the data. It is the order of an audit's own
// table of examples.
func CompareWorst(a, b *ExampleRow) int {
	q := func(r *ExampleRow) float64 {
		if r.Q == nil {
			return math.Inf(1)
		}
		return *r.Q
	}
	return cmp.Or(cmp.Compare(b.Taxicab, a.Taxicab), cmp.Compare(q(a), q(b)), cmp.Compare(a.Row, b.Row))
}

// CompareForgotten orders rows of one variant by what was forgotten: first the
// examples that were right and are wrong now, each part worst first.
func CompareForgotten(a, b *ExampleRow) int {
	rank := func(r *ExampleRow) int {
		if r.Flip == FlipRightToWrong {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), CompareWorst(a, b))
}

// TopExamples are the first examples of one variant in some order.
type TopExamples struct {
	Variant string
	Rows    []ExampleRow
	Total   int64 // rows that matched; more than len(Rows) where they were cut
}

// ReadTop keeps of every variant the n first rows that match, in the order of
// compare, and counts all that match. Variants come in the order of the table.
// It holds at most 2n rows of a variant.
func ReadTop(in *ExampleReader, n int, match func(*ExampleRow) bool, compare func(a, b *ExampleRow) int) ([]TopExamples, error) {
	if n < 1 {
		return nil, errors.New("finding: the top of an example table needs at least 1 row")
	}
	var out []TopExamples
	at := map[string]int{}
	sort := func(t *TopExamples) {
		slices.SortStableFunc(t.Rows, func(a, b ExampleRow) int { return compare(&a, &b) })
		t.Rows = t.Rows[:min(n, len(t.Rows))]
	}
	rows := make([]ExampleRow, 1024)
	for {
		got, err := in.Read(rows)
		for i := range rows[:got] {
			r := &rows[i]
			k, seen := at[r.Variant]
			if !seen {
				k = len(out)
				at[r.Variant] = k
				out = append(out, TopExamples{Variant: r.Variant})
			}
			if !match(r) {
				continue
			}
			t := &out[k]
			t.Total++
			t.Rows = append(t.Rows, *r)
			if len(t.Rows) == 2*n {
				sort(t)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	for k := range out {
		sort(&out[k])
	}
	return out, nil
}
