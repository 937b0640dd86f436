package prediction

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// rowOf is one example of a table, as ReadExample gives it.
func rowOf(t *Table, row int, names ...string) *Table {
	out := &Table{Classes: t.Classes, Subset: t.Subset, Shift: t.Shift}
	one := func(c Column) Column {
		d := NewColumn(1, len(t.Classes))
		d.Set(0, c.At(row))
		return d
	}
	floats := func(f []float32) []float32 {
		if f == nil {
			return nil
		}
		return f[row : row+1]
	}
	out.Labels, out.IDs = one(t.Labels), append(out.IDs, t.ID(row))
	for i := range t.Variants {
		v := t.Variants[i]
		if len(names) > 0 && v.Name != names[0] {
			continue
		}
		v.Members = append([]Member(nil), v.Members...)
		for k := range v.Members {
			m := &v.Members[k]
			m.Predicted, m.Confidence, m.TrueScore, m.Scores = one(m.Predicted), floats(m.Confidence), floats(m.TrueScore), nil
			if m.Unmasked != nil {
				c := one(*m.Unmasked)
				m.Unmasked = &c
			}
			ranks := m.TopK
			m.TopK = nil
			for _, c := range ranks {
				m.TopK = append(m.TopK, one(c))
			}
		}
		out.Variants = append(out.Variants, v)
	}
	return out
}

// TestReadExample: an example read alone is that example of the whole table, in
// files of one page and of several, with and without what may be stored.
func TestReadExample(t *testing.T) {
	scores := 0
	for seed, n := range map[uint64]int{0: 7, 1: 500, 2: 1, 3: 300_000, 4: 1000, 6: 40, 9: 2000} {
		classes := 300
		if n > 10_000 {
			classes = 3 // all scores are stored too: few, so that the test is quick
		}
		table := randomTable(seed, n, classes)
		dir := filepath.Join(t.TempDir(), "p")
		if err := Write(dir, table, DefaultWriteOptions()); err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(seed, 2))
		for _, row := range []int{0, n - 1, random.IntN(n), random.IntN(n)} {
			got, err := ReadExample(context.Background(), dir, row)
			if err != nil {
				t.Fatal(err)
			}
			if want := rowOf(table, row); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, row %d: %+v, want %+v", seed, row, got, want)
			}
			if got.Variants[0].Members[0].Confidence != nil {
				scores++
			}
		}
		got, err := ReadExample(context.Background(), dir, n/2, "pruned 0.7/x")
		if want := rowOf(table, n/2, "pruned 0.7/x"); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: one variant: %+v, %v, want %+v", seed, got, err, want)
		}
	}
	if scores == 0 {
		t.Error("no table had scores")
	}
}

// TestReadAnswers: the same table without what is beside the predicted classes.
func TestReadAnswers(t *testing.T) {
	for seed := range uint64(6) {
		table := randomTable(seed, 200, 30)
		dir := filepath.Join(t.TempDir(), "p")
		if err := Write(dir, table, DefaultWriteOptions()); err != nil {
			t.Fatal(err)
		}
		want, err := Read(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadAnswers(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want.Variants {
			for k := range want.Variants[i].Members {
				m := &want.Variants[i].Members[k]
				m.Confidence, m.TrueScore, m.TopK, m.Unmasked = nil, nil, nil, nil
				if (m.Scores == nil) != (got.Variants[i].Members[k].Scores == nil) {
					t.Errorf("seed %d: scores are there in one of the two", seed)
				}
				m.Scores, got.Variants[i].Members[k].Scores = nil, nil
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("seed %d: %+v, want %+v", seed, got, want)
		}
	}
}

func TestReadExampleRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	if err := Write(dir, randomTable(3, 50, 10), DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	read := func(row int, variants ...string) error {
		_, err := ReadExample(context.Background(), dir, row, variants...)
		return err
	}
	for want, err := range map[string]error{
		"row 50 asked for, there are 50": read(50), "row -1 asked for": read(-1), "there is no variant nope": read(0, "dense", "nope"),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ReadExample(ctx, dir, 0); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	// No damage makes it panic, and a file of another length is refused.
	files, err := filepath.Glob(filepath.Join(dir, "models", "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	failed := 0
	for range 200 {
		b := append([]byte(nil), whole...)
		for range 1 + random.IntN(30) {
			b[random.IntN(len(b))] ^= byte(1 + random.IntN(255))
		}
		if err := os.WriteFile(files[0], b, 0o644); err != nil {
			t.Fatal(err)
		}
		if read(random.IntN(50)) != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("no damage was noticed in 200 damaged files")
	}
	if err := os.WriteFile(files[0], whole[:len(whole)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := read(0); err == nil || !strings.Contains(err.Error(), "is truncated or was changed") {
		t.Errorf("a file cut short: %v", err)
	}
}
