package finding

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestReadTop: the top of every variant is that of a whole sort, for any limit.
func TestReadTop(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 1))
	flips := []Flip{FlipNone, FlipRightToWrong, FlipWrongToRight, FlipWrongToWrong}
	var rows []ExampleRow
	for _, v := range []string{"z", "a"} {
		for i := range 3000 {
			f := flips[draw.IntN(4)]
			r := ExampleRow{ID: fmt.Sprint(i), Row: int64(i), Variant: v, Flip: f, PIE: f != FlipNone, Taxicab: float64(draw.IntN(11)) / 5}
			if draw.IntN(3) > 0 {
				r.Q = Float(float64(draw.IntN(4)) / 4)
			}
			rows = append(rows, r)
		}
	}
	stored := writeExamples(t, rows)
	pie := func(r *ExampleRow) bool { return r.PIE }
	for _, compare := range []func(a, b *ExampleRow) int{CompareWorst, CompareForgotten} {
		for _, n := range []int{1, 7, 500, 10000} {
			in, err := NewExampleReader(bytes.NewReader(stored), int64(len(stored)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := ReadTop(in, n, pie, compare)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 2 || got[0].Variant != "z" || got[1].Variant != "a" {
				t.Fatalf("variants %v, want z and a", got)
			}
			for _, top := range got {
				var want []ExampleRow
				for _, r := range rows {
					if r.Variant == top.Variant && r.PIE {
						want = append(want, r)
					}
				}
				slices.SortFunc(want, func(a, b ExampleRow) int { return compare(&a, &b) })
				if top.Total != int64(len(want)) || len(top.Rows) != min(n, len(want)) {
					t.Fatalf("%s, top %d: %d rows of %d, want %d of %d", top.Variant, n, len(top.Rows), top.Total, min(n, len(want)), len(want))
				}
				for i, r := range top.Rows {
					if r.ID != want[i].ID {
						t.Fatalf("%s, top %d: row %d is %s, want %s", top.Variant, n, i, r.ID, want[i].ID)
					}
				}
			}
		}
	}
}

// TestForgottenOrder: what is forgotten comes before what else changed.
func TestForgottenOrder(t *testing.T) {
	lost := &ExampleRow{Flip: FlipRightToWrong, Taxicab: 0.1, Row: 9}
	other := &ExampleRow{Flip: FlipWrongToRight, Taxicab: 2, Row: 1}
	sure := &ExampleRow{Flip: FlipRightToWrong, Taxicab: 0.1, Q: Float(0.01), Row: 10}
	if CompareForgotten(lost, other) >= 0 || CompareForgotten(sure, lost) >= 0 || CompareWorst(other, lost) >= 0 || CompareWorst(lost, lost) != 0 {
		t.Error("the order is not: forgotten, most changed votes, least q, order of the data")
	}
}
