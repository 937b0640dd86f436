package prediction

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// addMeasured gives a table measures and labels of people, with names that are
// taken.
func addMeasured(t *Table, r *rand.Rand) {
	for _, name := range []string{Contrast, "label", "id"} {
		m := Measure{Name: name, Values: make([]float32, t.Len())}
		for i := range m.Values {
			m.Values[i] = float32(r.NormFloat64())
		}
		t.Measures = append(t.Measures, m)
	}
	t.People = &People{Source: "people.csv", Votes: make([][]Vote, t.Len())}
	for i := range t.People.Votes {
		var votes []Vote
		for c := range len(t.Classes) {
			if n := r.IntN(60) - 30; n > 0 {
				votes = append(votes, Vote{int32(c), int32(n)})
			}
		}
		SortVotes(votes)
		t.People.Votes[i] = votes
	}
}

// TestMeasuresAreStored: measures and people's labels come back, whatever else
// the columns are called, and a table without them has no trace of them.
func TestMeasuresAreStored(t *testing.T) {
	table := randomTable(5, 300, 4)
	table.Attributes = append(table.Attributes, Attribute{Name: "people", Values: []string{"yes"}, Codes: make([]int32, 300)},
		Attribute{Name: "contrast", Values: []string{"low"}, Codes: make([]int32, 300)})
	dir := filepath.Join(t.TempDir(), "p")
	if err := Write(dir, table, DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	if err := Verify(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Measures, table.Measures) || !reflect.DeepEqual(got.People, table.People) {
		t.Error("measures or people's labels changed on the way")
	}
	if v := got.Measured(Contrast); len(v) != 300 || got.Measured(Sharpness) != nil {
		t.Errorf("%d contrasts, sharpness %v", len(v), got.Measured(Sharpness))
	}
	plain := randomTable(1, 30, 4)
	to := filepath.Join(t.TempDir(), "plain")
	if err := Write(to, plain, DefaultWriteOptions()); err != nil {
		t.Fatal(err)
	}
	if got, err = Read(context.Background(), to); err != nil || got.Measures != nil || got.People != nil {
		t.Errorf("a table without measures reads as %v, %v, %v", got.Measures, got.People, err)
	}
}

func TestMeasuresAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Table)
		want   string
	}{
		"short":         {func(t *Table) { t.Measures[0].Values = t.Measures[0].Values[1:] }, "measure contrast: 29 rows, there are 30"},
		"nan":           {func(t *Table) { t.Measures[0].Values[7] = float32(math.NaN()) }, "row 7: NaN is not finite"},
		"twice":         {func(t *Table) { t.Measures[1].Name = Contrast }, "used twice"},
		"unnamed":       {func(t *Table) { t.Measures[1].Name = "" }, "is empty"},
		"few people":    {func(t *Table) { t.People.Votes = t.People.Votes[2:] }, "28 rows, there are 30"},
		"class":         {func(t *Table) { t.People.Votes[3] = []Vote{{4, 1}} }, "row 3: class 4 is outside 0 to 3"},
		"nobody":        {func(t *Table) { t.People.Votes[3] = []Vote{{1, 0}} }, "row 3: class 1 was chosen by 0 people"},
		"order":         {func(t *Table) { t.People.Votes[3] = []Vote{{1, 2}, {0, 3}} }, "not in order"},
		"a class twice": {func(t *Table) { t.People.Votes[3] = []Vote{{1, 2}, {1, 2}} }, "a class has two"},
	} {
		table := randomTable(5, 30, 4)
		c.change(table)
		if err := table.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// TestShiftKeepsItsMeasures: the measures of shifted images follow their
// examples into the clean order; people saw the clean ones.
func TestShiftKeepsItsMeasures(t *testing.T) {
	clean, shifted := shiftedTables()
	addMeasured(clean, rand.New(rand.NewPCG(1, 1)))
	addMeasured(shifted, rand.New(rand.NewPCG(2, 2)))
	if err := clean.AddShift(shifted, Shift{Name: "fog:3", Corruption: "fog", Severity: 3, Paired: true}); err != nil {
		t.Fatal(err)
	}
	got := clean.Shifts[0].Table
	for i, v := range got.Measured(Contrast) {
		if want := shifted.Measured(Contrast)[29-i]; v != want {
			t.Fatalf("example %d has contrast %v, want %v", i, v, want)
		}
	}
	if got.People != clean.People {
		t.Error("people's labels are not those of the clean images")
	}
}

func FuzzParseVotes(f *testing.F) {
	f.Add("3:29 5:1")
	f.Add("")
	f.Add("3:29  5:1")
	f.Add("99999999999:1")
	f.Fuzz(func(t *testing.T, text string) {
		votes, err := ParseVotes(text)
		if err != nil {
			return
		}
		again, err := ParseVotes(FormatVotes(votes))
		if err != nil || !reflect.DeepEqual(again, votes) {
			t.Errorf("%q reads as %v, written and read again as %v, %v", text, votes, again, err)
		}
	})
}
