package prediction

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
)

func TestParseShift(t *testing.T) {
	for text, want := range map[string]Shift{
		"fog:3":         {Name: "fog:3", Corruption: "fog", Severity: 3, Paired: true},
		"cifar-c/fog:5": {Name: "fog:5", Benchmark: "cifar-c", Corruption: "fog", Severity: 5, Paired: true},
		"imagenet-a":    {Name: "imagenet-a"},
		"x/y":           {Name: "y", Benchmark: "x"},
	} {
		got, err := ParseShift(text)
		if err != nil || got != want || got.Validate() != nil {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "fog:", "fog:0", "fog:6", "fog:x", "fog:3:4", ":3", "a/b/c", "a/"} {
		if _, err := ParseShift(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// shiftedTables are clean predictions and those of the same models for the same
// examples in reverse order.
func shiftedTables() (clean, shifted *Table) {
	make := func(name func(i int) string, class func(i int) int) *Table {
		t := &Table{Classes: []string{"a", "b", "c"}, Labels: NewColumn(30, 3)}
		for i := range 30 {
			t.IDs = append(t.IDs, dataset.ExampleID(name(i)))
			t.Labels.Set(i, class(i))
		}
		for v, variant := range []string{"dense", "int8"} {
			x := Variant{Name: variant}
			for k, m := range []string{"m0", "m1"} {
				p := NewColumn(30, 3)
				for i := range 30 {
					p.Set(i, (class(i)+(i+v+k)%2)%3)
				}
				x.Members = append(x.Members, Member{Name: m, Predicted: p, TopK: []Column{p, t.Labels}})
			}
			t.Variants = append(t.Variants, x)
		}
		return t
	}
	id := func(i int) string { return "img/" + string(rune('a'+i%26)) + string(rune('a'+i/26)) }
	clean = make(id, func(i int) int { return i % 3 })
	shifted = make(func(i int) string { return id(29 - i) }, func(i int) int { return (29 - i) % 3 })
	return clean, shifted
}

func TestAddShift(t *testing.T) {
	clean, s := shiftedTables()
	shift, err := ParseShift("fog:3")
	if err != nil {
		t.Fatal(err)
	}
	s.Variants[0], s.Variants[1] = s.Variants[1], s.Variants[0]
	s.Variants[1].Members[0], s.Variants[1].Members[1] = s.Variants[1].Members[1], s.Variants[1].Members[0]
	if err := clean.AddShift(s, shift); err != nil {
		t.Fatal(err)
	}
	got := clean.Shifts[0].Table
	for v, x := range got.Variants {
		from := s.Variants[1-v]
		for k, m := range x.Members {
			have := from.Members[k]
			if v == 0 {
				have = from.Members[1-k]
			}
			if x.Name != clean.Variants[v].Name || m.Name != clean.Variants[v].Members[k].Name {
				t.Fatalf("variant %d model %d is %s %s", v, k, x.Name, m.Name)
			}
			for i := range 30 {
				if got.IDs[i] != clean.IDs[i] || m.Predicted.At(i) != have.Predicted.At(29-i) || !m.TopK[0].Equal(m.Predicted) {
					t.Fatalf("%s %s: row %d is another example's", x.Name, m.Name, i)
				}
			}
		}
	}
}

func TestAddShiftRefuses(t *testing.T) {
	fog := Shift{Name: "fog:3", Corruption: "fog", Severity: 3, Paired: true}
	for name, c := range map[string]struct {
		change func(clean, s *Table) Shift
		want   string
	}{
		"label":     {func(_, s *Table) Shift { s.Labels.Set(29, 2); return fog }, "example img/aa is of class c, in the clean data of class a"},
		"id":        {func(_, s *Table) Shift { s.IDs[4] = "other"; return fog }, "there is no example \"img/"},
		"classes":   {func(_, s *Table) Shift { s.Classes = []string{"a", "c", "b"}; return fog }, "classes"},
		"variant":   {func(_, s *Table) Shift { s.Variants = s.Variants[:1]; return fog }, "there is no variant int8"},
		"member":    {func(_, s *Table) Shift { s.Variants[0].Members[1].Name = "x"; return fog }, "variant dense has no model m1"},
		"members":   {func(_, s *Table) Shift { s.Variants[0].Members = s.Variants[0].Members[:1]; return fog }, "1 models, the clean predictions have 2"},
		"severity":  {func(_, _ *Table) Shift { x := fog; x.Severity = 6; return x }, "severity 6, want 1 to 5"},
		"no images": {func(_, _ *Table) Shift { x := fog; x.Paired = false; return x }, "a corruption is of the clean images"},
		"weights": {func(c, s *Table) Shift {
			c.Variants[1].Members[0].Facts = &ModelFacts{WeightsDigest: "a"}
			s.Variants[1].Members[0].Facts = &ModelFacts{WeightsDigest: "b"}
			return fog
		}, "other weights"},
		"twice": {func(c, s *Table) Shift {
			if err := c.AddShift(s, fog); err != nil {
				panic(err)
			}
			return fog
		}, "given twice"},
	} {
		clean, s := shiftedTables()
		shift := c.change(clean, s)
		if err := clean.AddShift(s, shift); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestShiftsAreStored(t *testing.T) {
	clean, s := shiftedTables()
	for _, text := range []string{"cifar-c/fog:3", "cifar10.1"} {
		shift, err := ParseShift(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := clean.AddShift(s, shift); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "p")
	if err := Write(dir, clean, DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	got, err := Read(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range clean.Shifts {
		a, b := &clean.Shifts[i], &got.Shifts[i]
		if a.Shift != b.Shift || !reflect.DeepEqual(a.Table.IDs, b.Table.IDs) || !a.Table.Variants[1].Members[1].Predicted.Equal(b.Table.Variants[1].Members[1].Predicted) {
			t.Errorf("shift %s does not come back", a.Shift.Name)
		}
	}
	if err := Verify(context.Background(), dir); err != nil {
		t.Error(err)
	}
	manifest := filepath.Join(dir, "shifts", "0000-fog-3", ManifestName)
	b, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, append(b, ' '), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(context.Background(), dir); err == nil || !strings.Contains(err.Error(), "damaged or was changed") {
		t.Errorf("a changed manifest of a shift: %v", err)
	}
}
