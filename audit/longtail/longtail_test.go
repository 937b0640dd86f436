package longtail

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

var spec = audittest.Spec{Examples: 6000, Classes: 12, Members: []int{5, 5}, Accuracy: []float64{0.9, 0.85}, Attributes: []int{6, 2}, LongTail: true, Seed: 7}

// harm makes the variant wrong on a share of each class's examples.
func harm(table *prediction.Table, share func(class int) float64) {
	for k := range table.Variants[1].Members {
		rng := rand.New(rand.NewPCG(uint64(k), 77))
		for i := range table.Len() {
			if y := table.Labels.At(i); rng.Float64() < share(y) {
				table.Variants[1].Members[k].Predicted.Set(i, (y+1)%len(table.Classes))
			}
		}
	}
}

func TestRareClassesPay(t *testing.T) {
	s := spec
	s.Accuracy = []float64{0.95, 0.95}
	table := audittest.Table(s)
	harm(table, func(class int) float64 { return 0.05 * float64(class) }) // the higher the rarer
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	f := got.Find(t, "longtail/class-frequency/pruned-1/overall")
	if f.Outcome != finding.Worse || *f.Estimate < 0.8 || *f.Test.P > 0.001 || f.Interval.Low < 0.4 {
		t.Errorf("%s %v %+v", f.Outcome, *f.Estimate, f.Interval)
	}
	harm(table, func(class int) float64 { return 0.9 - 0.08*float64(class) })
	got = audittest.Run(t, New(), table, audit.DefaultOptions())
	if f := got.Find(t, "longtail/class-frequency/pruned-1/overall"); f.Outcome != finding.Described || *f.Estimate > -0.8 {
		t.Errorf("%s %v", f.Outcome, *f.Estimate)
	}
}

// The correlation is Pearson's over ranks, here computed the plain way.
func TestAgainstPlainRanks(t *testing.T) {
	table := audittest.Table(spec)
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	var x, y []float64
	for _, r := range got.Get(t, "longtail", "pruned-1").Rows {
		if r[0] == nil {
			x = append(x, float64(r[2].(int64)))
			y = append(y, r[4].(float64))
		}
	}
	rank := func(v []float64) []float64 {
		out := make([]float64, len(v))
		for i := range v {
			for j := range v {
				switch {
				case v[j] < v[i]:
					out[i]++
				case v[j] == v[i]:
					out[i] += 0.5
				}
			}
		}
		return out
	}
	rx, ry := rank(x), rank(y)
	var mx, my, xy, xx, yy float64
	for i := range rx {
		mx += rx[i] / float64(len(rx))
		my += ry[i] / float64(len(rx))
	}
	for i := range rx {
		xy += (rx[i] - mx) * (ry[i] - my)
		xx += (rx[i] - mx) * (rx[i] - mx)
		yy += (ry[i] - my) * (ry[i] - my)
	}
	f := got.Find(t, "longtail/class-frequency/pruned-1/overall")
	if want := xy / math.Sqrt(xx*yy); math.Abs(*f.Estimate-want) > 1e-12 || len(x) < 10 {
		t.Errorf("%v over %d classes, want %v", *f.Estimate, len(x), want)
	}
}

// Harm that does not depend on frequency is seldom called so: 200 tables at
// the 5 % level give 10 on average, with a standard deviation of 3.1.
func TestNoAssociation(t *testing.T) {
	s := spec
	s.Examples, s.Members, s.Attributes = 1500, []int{3, 3}, nil
	alarms := 0
	for seed := range uint64(200) {
		s.Seed = 500 + seed
		table := audittest.Table(s)
		rng := rand.New(rand.NewPCG(seed, 3))
		loss := make([]float64, s.Classes)
		for c := range loss {
			loss[c] = 0.3 * rng.Float64()
		}
		harm(table, func(c int) float64 { return loss[c] })
		f := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "longtail/class-frequency/pruned-1/overall")
		if f.Test != nil && *f.Test.P <= 0.05 {
			alarms++
		}
	}
	if alarms > 21 || alarms == 0 {
		t.Errorf("%d alarms in 200 tables, want about 10", alarms)
	}
}

func TestSubgroups(t *testing.T) {
	table := audittest.Table(spec)
	for v, n := range table.Attributes[0].Values { // frequencies of another training set
		table.Training.Attributes["a0"][n] = int64(100 * (v + 1))
	}
	for i := range table.Len() {
		if c := table.Attributes[0].Codes[i]; c < 5 && i%(3*int(c)+3) == 0 {
			for k := range table.Variants[1].Members {
				table.Variants[1].Members[k].Predicted.Set(i, (table.Labels.At(i)+1)%12)
			}
		}
	}
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	f := got.Find(t, "longtail/subgroup-frequency/pruned-1/overall:a0")
	if f.Outcome != finding.Worse || *f.Estimate < 0.8 || f.Test.Name != "Spearman, exact permutation" {
		t.Errorf("%s %v", f.Outcome, *f.Estimate)
	}
	if f := got.Find(t, "longtail/subgroup-frequency//overall:attributes with few values"); f.Reason != finding.NothingToMeasure || !strings.Contains(f.Needed, "5 values") || !strings.Contains(f.Needed, "1 attributes") {
		t.Errorf("two values cannot reach the level: %+v", f)
	}
	if f := got.Find(t, "longtail/subgroup-frequency/pruned-1/overall"); f.Outcome != finding.Described || f.Test != nil || f.Estimate == nil {
		t.Errorf("values of all attributes together: %+v", f)
	}
}

func TestNoTrainingCounts(t *testing.T) {
	table := audittest.Table(spec)
	table.Training = nil
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	for _, q := range []string{"class-frequency", "subgroup-frequency"} {
		if f := got.Find(t, "longtail/"+q+"//overall"); f.Reason != finding.NoTrainCounts {
			t.Errorf("%+v", f)
		}
	}
	if len(got.Findings) != 2 || len(got.Tables) != 0 {
		t.Error(got.IDs())
	}
}

func TestBalancedTrainingSet(t *testing.T) {
	table := audittest.Table(spec)
	for c := range table.Training.Classes {
		table.Training.Classes[c] = 5000
	}
	f := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "longtail/class-frequency/pruned-1/overall")
	if f.Reason != finding.NothingToMeasure {
		t.Errorf("%+v", f)
	}
}

func TestFewest(t *testing.T) {
	for alpha, want := range map[float64]int{0.05: 5, 0.01: 6, 0.001: 7, 0.1: 4} {
		if got := fewest(alpha); got != want {
			t.Errorf("alpha %v: %d, want %d", alpha, got, want)
		}
	}
}

func TestSwappingNegates(t *testing.T) {
	table := audittest.Table(spec)
	a := audittest.Run(t, New(), table, audit.DefaultOptions())
	b := audittest.Run(t, New(), audittest.Swapped(table), audit.DefaultOptions())
	for _, f := range a.Findings {
		if f.Estimate != nil {
			if g := b.Find(t, f.ID); math.Abs(*f.Estimate+*g.Estimate) > 1e-12 {
				t.Errorf("%s: %v and %v", f.ID, *f.Estimate, *g.Estimate)
			}
		}
	}
}

func TestRowOrderAndThreadsDoNotMatter(t *testing.T) {
	table := audittest.Table(spec)
	audittest.SameAtAnyThreads(t, New, table, audit.DefaultOptions())
	order := rand.New(rand.NewPCG(1, 2)).Perm(table.Len())
	a := audittest.Run(t, New(), table, audit.DefaultOptions()).JSON(t)
	b := audittest.Run(t, New(), audittest.Permuted(table, order), audit.DefaultOptions()).JSON(t)
	if a != b {
		t.Error("another order of the rows gives other findings")
	}
}

// The order of the classes' numbers does not matter either.
func TestClassNumbersDoNotMatter(t *testing.T) {
	table := audittest.Table(spec)
	table.Attributes = nil
	want := *audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "longtail/class-frequency/pruned-1/overall").Estimate
	classes := len(table.Classes)
	to := rand.New(rand.NewPCG(8, 8)).Perm(classes)
	renumber := func(c prediction.Column) prediction.Column {
		out := prediction.NewColumn(c.Len(), classes)
		for i := range c.Len() {
			out.Set(i, to[c.At(i)])
		}
		return out
	}
	counts := make([]int64, classes)
	for c, n := range table.Training.Classes {
		counts[to[c]] = n
		table.Classes[c] = fmt.Sprint("x", c)
	}
	table.Training.Classes = counts
	table.Labels = renumber(table.Labels)
	for v := range table.Variants {
		for k := range table.Variants[v].Members {
			m := &table.Variants[v].Members[k]
			m.Predicted = renumber(m.Predicted)
		}
	}
	got := *audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "longtail/class-frequency/pruned-1/overall").Estimate
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want %v", got, want)
	}
}
