package prediction

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// masked is a table whose models chose among classes 1, 4 and 5 of 7.
func masked(seed uint64) *Table {
	t := randomTable(seed, 50, 7)
	t.Subset = []int{1, 4, 5}
	into := func(c *Column) {
		for i := range c.Len() {
			c.Set(i, t.Subset[c.At(i)%3])
		}
	}
	into(&t.Labels)
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			m := &t.Variants[v].Members[k]
			all := NewColumn(m.Predicted.Len(), 7)
			for i := range all.Len() {
				all.Set(i, m.Predicted.At(i))
			}
			if k > 0 {
				m.Unmasked = &all
			}
			into(&m.Predicted)
			if m.TopK != nil {
				m.TopK[0] = m.Predicted
			}
		}
	}
	return t
}

func TestSubsetIsStored(t *testing.T) {
	want := masked(3)
	dir := filepath.Join(t.TempDir(), "p")
	if err := Write(dir, want, DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	got, err := Read(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	sameTable(t, got, want)
	if err := Verify(context.Background(), dir); err != nil {
		t.Error(err)
	}
}

func TestSubsetIsChecked(t *testing.T) {
	for want, wrong := range map[string]func(*Table){
		"without classes":                func(t *Table) { t.Subset = []int{} },
		"class 7 is outside":             func(t *Table) { t.Subset = []int{1, 4, 5, 7} },
		"out of order":                   func(t *Table) { t.Subset = []int{1, 5, 4} },
		"labels: row 3: class 2 is none": func(t *Table) { t.Labels.Set(3, 2) },
		"predictions: row 2: class 0":    func(t *Table) { t.Variants[1].Members[0].Predicted.Set(2, 0) },
		"the table has none": func(t *Table) {
			t.Subset = nil
		},
		"among all classes: 3 rows": func(t *Table) {
			c := NewColumn(3, 7)
			t.Variants[0].Members[1].Unmasked = &c
		},
	} {
		table := masked(1)
		if err := table.Validate(); err != nil {
			t.Fatal(err)
		}
		wrong(table)
		if err := table.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestSubsetIsArranged: rows of shifted data in another order keep their answers
// among all classes.
func TestSubsetIsArranged(t *testing.T) {
	clean, s := shiftedTables()
	s.Subset = []int{0, 1, 2}
	all := NewColumn(30, 3)
	for i := range 30 {
		all.Set(i, i%3)
	}
	s.Variants[1].Members[1].Unmasked = &all
	if err := clean.AddShift(s, Shift{Name: "fog:1", Corruption: "fog", Severity: 1, Paired: true}); err != nil {
		t.Fatal(err)
	}
	got := clean.Shifts[0].Table
	for i := range 30 {
		if c := got.Variants[1].Members[1].Unmasked; c == nil || c.At(i) != all.At(29-i) || len(got.Subset) != 3 {
			t.Fatalf("row %d: %v of %v", i, c, got.Subset)
		}
	}
}
