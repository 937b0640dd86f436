package finding

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// columnsOf reads n rows from row from on, a column at a time.
func columnsOf(t testing.TB, r *ExampleReader, from int64, n int) []ExampleRow {
	t.Helper()
	rows := make([]ExampleRow, n)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ints := make([]int32, n)
	for name, field := range map[string]func(r *ExampleRow) *int32{
		"label": func(r *ExampleRow) *int32 { return &r.Label }, "base_modal": func(r *ExampleRow) *int32 { return &r.BaseModal },
		"variant_modal": func(r *ExampleRow) *int32 { return &r.VariantModal }, "base_votes": func(r *ExampleRow) *int32 { return &r.BaseVotes },
		"variant_votes": func(r *ExampleRow) *int32 { return &r.VariantVotes }, "base_top": func(r *ExampleRow) *int32 { return &r.BaseTop },
		"variant_top": func(r *ExampleRow) *int32 { return &r.VariantTop }, "base_k": func(r *ExampleRow) *int32 { return &r.BaseK },
		"variant_k": func(r *ExampleRow) *int32 { return &r.VariantK },
	} {
		check(r.Int32s(name, from, ints))
		for i := range rows {
			*field(&rows[i]) = ints[i]
		}
	}
	longs := make([]int64, n)
	check(r.Int64s("row", from, longs))
	for i := range rows {
		rows[i].Row = longs[i]
	}
	bools := make([]bool, n)
	for name, field := range map[string]func(r *ExampleRow) *bool{
		"tie": func(r *ExampleRow) *bool { return &r.Tie }, "pie": func(r *ExampleRow) *bool { return &r.PIE },
		"changed": func(r *ExampleRow) *bool { return &r.Changed }, "certified": func(r *ExampleRow) *bool { return &r.Certified },
	} {
		check(r.Bools(name, from, bools))
		for i := range rows {
			*field(&rows[i]) = bools[i]
		}
	}
	numbers, null := make([]float64, n), make([]bool, n)
	check(r.Float64s("margin", from, numbers, nil))
	for i := range rows {
		rows[i].Margin = numbers[i]
	}
	check(r.Float64s("taxicab", from, numbers, null))
	for i := range rows {
		rows[i].Taxicab = numbers[i]
	}
	for name, field := range map[string]func(r *ExampleRow) **float64{
		"p": func(r *ExampleRow) **float64 { return &r.P }, "q": func(r *ExampleRow) **float64 { return &r.Q },
		"certified_p": func(r *ExampleRow) **float64 { return &r.CertifiedP }, "certified_q": func(r *ExampleRow) **float64 { return &r.CertifiedQ },
	} {
		check(r.Float64s(name, from, numbers, null))
		for i := range rows {
			if !null[i] {
				*field(&rows[i]) = Float(numbers[i])
			}
		}
	}
	for name, set := range map[string]func(r *ExampleRow, s string){
		"id": func(r *ExampleRow, s string) { r.ID = s }, "variant": func(r *ExampleRow, s string) { r.Variant = s },
		"flip": func(r *ExampleRow, s string) { r.Flip = Flip(s) }, "votes": func(r *ExampleRow, s string) { r.Votes = s },
	} {
		seen := 0
		check(r.Texts(name, from, n, func(i int, text []byte) error {
			if i != seen {
				t.Fatalf("column %s: value %d came as number %d", name, seen, i)
			}
			seen++
			set(&rows[i], string(text))
			return nil
		}))
		if seen != n {
			t.Fatalf("column %s: %d values of %d", name, seen, n)
		}
	}
	return rows
}

// TestColumnsAreTheRows compares columns with rows, within a page, across pages
// and across row groups.
func TestColumnsAreTheRows(t *testing.T) {
	rows := manyRows(2*rowGroupRows + 77)
	flips := []Flip{FlipNone, FlipRightToWrong, FlipWrongToRight, FlipWrongToWrong}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range rows {
		r := &rows[i]
		r.Tie, r.PIE, r.Changed, r.Certified = random.IntN(3) == 0, random.IntN(2) == 0, random.IntN(5) == 0, random.IntN(7) == 0
		r.Flip, r.Margin = flips[random.IntN(4)], random.Float64()
		if random.IntN(4) == 0 {
			r.CertifiedP, r.CertifiedQ = Float(random.Float64()), Float(random.Float64())
		}
	}
	b := writeExamples(t, rows)
	r, err := NewExampleReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	starts := []int64{0, 1, rowGroupRows - 1, rowGroupRows, rowGroupRows + 1, 2*rowGroupRows + 76}
	for range 6 {
		starts = append(starts, random.Int64N(int64(len(rows))))
	}
	for _, from := range starts {
		left := len(rows) - int(from)
		for _, n := range []int{0, 1, random.IntN(left + 1), min(left, 1+random.IntN(3000))} {
			got := columnsOf(t, r, from, n)
			for i := range got {
				if !sameRow(&got[i], &rows[int(from)+i]) {
					t.Fatalf("%d rows from %d: row %d is %+v, want %+v", n, from, i, got[i], rows[int(from)+i])
				}
			}
		}
	}
	for name, err := range map[string]error{
		"rows 262200 to 262221": r.Int32s("label", int64(len(rows))-21, make([]int32, 22)),
		"none of type INT32":    r.Int32s("row", 0, make([]int32, 1)),
		`column "labels"`:       r.Int32s("labels", 0, make([]int32, 1)),
		"there are nulls":       r.Float64s("p", 0, make([]float64, 1), nil),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, got %v", name, err)
		}
	}
}

// sameRow is equality by value, pointers followed.
func sameRow(a, b *ExampleRow) bool {
	same := func(x, y *float64) bool { return (x == nil) == (y == nil) && (x == nil || *x == *y) }
	if !same(a.P, b.P) || !same(a.Q, b.Q) || !same(a.CertifiedP, b.CertifiedP) || !same(a.CertifiedQ, b.CertifiedQ) {
		return false
	}
	x, y := *a, *b
	for _, r := range []*ExampleRow{&x, &y} {
		r.P, r.Q, r.CertifiedP, r.CertifiedQ = nil, nil, nil, nil
	}
	return x == y
}

// TestDamagedColumns: no damage of the file makes a reader of columns panic.
func TestDamagedColumns(t *testing.T) {
	whole := writeExamples(t, manyRows(3000))
	random := rand.New(rand.NewPCG(3, 4))
	failed := 0
	for range 300 {
		b := bytes.Clone(whole)
		for range 1 + random.IntN(20) {
			b[random.IntN(len(b))] ^= byte(1 + random.IntN(255))
		}
		r, err := NewExampleReader(bytes.NewReader(b), int64(len(b)))
		if err != nil || r.Len() != 3000 {
			failed++
			continue
		}
		n := 3000
		for _, err := range []error{
			r.Int32s("label", 0, make([]int32, n)), r.Int64s("row", 0, make([]int64, n)), r.Bools("pie", 0, make([]bool, n)),
			r.Float64s("q", 0, make([]float64, n), make([]bool, n)),
			r.Texts("id", 0, n, func(int, []byte) error { return nil }), r.Texts("flip", 5, n-5, func(int, []byte) error { return nil }),
		} {
			if err != nil {
				failed++
				break
			}
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed in 300 damaged files")
	}
}
