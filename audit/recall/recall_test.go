package recall_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/components"
	"github.com/lethe-audit/lethe/stat/mcnemar"
	"github.com/lethe-audit/lethe/stat/power"
	"github.com/lethe-audit/lethe/stat/ttest"
)

// right is the plain table of right answers of one member in one class.
func right(t *prediction.Table, v, k, class int) []int8 {
	var out []int8
	for i := range t.Len() {
		if t.Labels.At(i) == class || class < 0 {
			r := int8(0)
			if t.Variants[v].Members[k].Predicted.At(i) == t.Labels.At(i) {
				r = 1
			}
			out = append(out, r)
		}
	}
	return out
}

func share(r []int8) float64 {
	sum := 0.0
	for _, x := range r {
		sum += float64(x)
	}
	return sum / float64(len(r))
}

func measure(t *testing.T, table *prediction.Table, o audit.Options) (*recall.Measured, []finding.Finding, []finding.Finding) {
	t.Helper()
	v, err := audit.NewView(table, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := recall.Measure(context.Background(), v, recall.ByClass(v), 1)
	if err != nil {
		t.Fatal(err)
	}
	harm, err := m.Harm("test")
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Disproportion("test", harm)
	if err != nil {
		t.Fatal(err)
	}
	return m, harm, d
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1e-9, math.Abs(b)) }

func check(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || !near(*got, want) {
		t.Errorf("%s: got %v, want %v", what, deref(got), want)
	}
}

func deref(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}

// Independent populations: Welch on plain recalls, with and without the
// member's own accuracy, and the components of the plain tables.
func TestIndependentAgreesWithPlainTables(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 600, Classes: 4, Members: []int{7, 5}, Accuracy: []float64{0.8, 0.76}, Seed: 3})
	_, harm, disproportion := measure(t, table, audit.DefaultOptions())
	for c := range table.Classes {
		var plain [2][]float64
		var shifted [2][]float64
		var tables [2][][]int8
		for v := range 2 {
			for k := range table.Variants[v].Members {
				r := right(table, v, k, c)
				tables[v] = append(tables[v], r)
				plain[v] = append(plain[v], share(r))
				shifted[v] = append(shifted[v], share(r)-share(right(table, v, k, -1)))
			}
		}
		want, err := ttest.Welch(plain[1], plain[0])
		if err != nil {
			t.Fatal(err)
		}
		check(t, "d", harm[c].Estimate, want.MeanDiff)
		check(t, "t", harm[c].Test.Statistic, want.T)
		check(t, "p", harm[c].Test.P, want.P)
		want, err = ttest.Welch(shifted[1], shifted[0])
		if err != nil {
			t.Fatal(err)
		}
		check(t, "v", disproportion[c].Estimate, want.MeanDiff)
		check(t, "t of v", disproportion[c].Test.Statistic, want.T)
		check(t, "p of v", disproportion[c].Test.P, want.P)

		parts, err := components.Unpaired(components.PairOf(tables[0], tables[1]))
		if err != nil {
			t.Fatal(err)
		}
		lo, hi, err := parts.Interval(0.95, components.Both)
		if err != nil {
			t.Fatal(err)
		}
		check(t, "low", &harm[c].Interval.Low, lo)
		check(t, "high", &harm[c].Interval.High, hi)
		if harm[c].Interval.Covers != finding.Both {
			t.Errorf("interval covers %q, want both", harm[c].Interval.Covers)
		}
	}
}

// Shared lineages, some with two members on one side: the lineage is the unit.
func TestPairedLineagesAreTheUnit(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 500, Classes: 3, Members: []int{6, 8}, Lineage: true, Seed: 5})
	v := &table.Variants[1]
	v.Members[6].Lineage, v.Members[7].Lineage = "l00", "alone" // a second calibration of l00; one without partner
	m, harm, _ := measure(t, table, audit.DefaultOptions())
	if m.Pairing.Design != audit.Paired || len(m.Pairing.Lineages) != 6 || m.Pairing.LeftOutVariant != 1 {
		t.Fatalf("pairing %+v", m.Pairing)
	}
	for c := range table.Classes {
		var d []float64
		for l := range 6 {
			after := share(right(table, 1, l, c))
			if l == 0 {
				after = (after + share(right(table, 1, 6, c))) / 2
			}
			d = append(d, after-share(right(table, 0, l, c)))
		}
		want, err := ttest.OneSample(d, 0)
		if err != nil {
			t.Fatal(err)
		}
		check(t, "d", harm[c].Estimate, want.MeanDiff)
		check(t, "p", harm[c].Test.P, want.P)
		if harm[c].Test.Name != "paired t" {
			t.Errorf("test %q", harm[c].Test.Name)
		}
	}
}

func TestSinglePairIsMcNemar(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 900, Classes: 3, Members: []int{1, 1}, Accuracy: []float64{0.8, 0.7}, Seed: 9})
	_, harm, disproportion := measure(t, table, audit.DefaultOptions())
	for c := range table.Classes {
		a, b := right(table, 0, 0, c), right(table, 1, 0, c)
		n10, n01 := 0, 0
		for i := range a {
			if a[i] > b[i] {
				n10++
			} else if a[i] < b[i] {
				n01++
			}
		}
		check(t, "p", harm[c].Test.P, mcnemar.Exact(n10, n01).P)
		check(t, "d", harm[c].Estimate, float64(n01-n10)/float64(len(a)))
		if e := harm[c].Evidence.Pairs; e.N() != int64(len(a)) || e.OnlyBase != int64(n10) {
			t.Errorf("cells %+v, want n=%d n10=%d", e, len(a), n10)
		}
		if harm[c].Interval.Covers != finding.ExamplesOnly || disproportion[c].Interval.Covers != finding.ExamplesOnly {
			t.Errorf("an interval for one pair of models covers more than examples")
		}
	}
}

// Swapping the populations negates every effect and keeps every p.
func TestSwapNegates(t *testing.T) {
	for name, spec := range map[string]audittest.Spec{
		"independent": {Examples: 400, Classes: 4, Members: []int{5, 6}, Seed: 1},
		"paired":      {Examples: 400, Classes: 4, Members: []int{5, 5}, Lineage: true, Seed: 2},
		"single pair": {Examples: 400, Classes: 4, Members: []int{1, 1}, Seed: 3},
	} {
		t.Run(name, func(t *testing.T) {
			table := audittest.Table(spec)
			_, h1, d1 := measure(t, table, audit.DefaultOptions())
			_, h2, d2 := measure(t, audittest.Swapped(table), audit.DefaultOptions())
			for c := range h1 {
				for _, x := range [][2]finding.Finding{{h1[c], h2[c]}, {d1[c], d2[c]}} {
					if math.Abs(*x[0].Estimate+*x[1].Estimate) > 1e-12 {
						t.Errorf("class %d: %v and %v", c, *x[0].Estimate, *x[1].Estimate)
					}
					if (x[0].Test == nil) != (x[1].Test == nil) || x[0].Test != nil && !near(*x[0].Test.P, *x[1].Test.P) {
						t.Errorf("class %d: p changed by swapping", c)
					}
				}
			}
		})
	}
}

func TestRowOrderAndThreadsChangeNothing(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 5000, Classes: 5, Members: []int{4, 4}, Lineage: true, Seed: 4})
	order := rand.New(rand.NewPCG(1, 1)).Perm(table.Len())
	o := audit.DefaultOptions()
	_, h1, _ := measure(t, table, o)
	o.Threads = 1
	_, h2, _ := measure(t, audittest.Permuted(table, order), o)
	for c := range h1 {
		if *h1[c].Estimate != *h2[c].Estimate || *h1[c].Test.P != *h2[c].Test.P || h1[c].Interval.Low != h2[c].Interval.Low {
			t.Errorf("class %d differs after permuting rows", c)
		}
	}
}

// A class that every member gets right in both populations: no test, a bound,
// and a place in the family of the disproportion question.
func TestCeiling(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 300, Classes: 3, Members: []int{5, 5}, Seed: 6})
	for v := range table.Variants {
		for _, m := range table.Variants[v].Members {
			for i := range table.Len() {
				if table.Labels.At(i) == 1 {
					m.Predicted.Set(i, 1)
				}
			}
		}
	}
	_, harm, d := measure(t, table, audit.DefaultOptions())
	if harm[1].Outcome != finding.NotMeasurable || harm[1].Reason != finding.Ceiling || harm[1].Test != nil {
		t.Errorf("harm at the ceiling: %+v", harm[1])
	}
	if d[1].Outcome != finding.NotMeasurable || d[1].Reason != finding.Ceiling || *d[1].Test.P != 1 || d[1].Test.Family.Size != 3 {
		t.Errorf("disproportion at the ceiling: %+v", d[1])
	}
	check(t, "bound", d[1].Bound, 1-math.Pow(0.05, 1.0/100)) // method 3.2: 1 − alpha^(1/n), n = 100

	// the paper's constant shift leaves no spread: t is infinite (method 3.2)
	_, _, d = measure(t, table, audit.PaperOptions())
	if *d[1].Test.P != 0 || d[1].Test.Statistic != nil || d[1].Warnings[len(d[1].Warnings)-1].Code != "degenerate" {
		t.Errorf("paper mode at the ceiling: %+v", d[1])
	}
}

// Paper mode: no spread at all gives t of plus or minus infinity and p = 0,
// with a warning; the default cannot say.
func TestDegenerate(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 300, Classes: 3, Members: []int{4, 4}, Seed: 7})
	for v := range table.Variants {
		for _, m := range table.Variants[v].Members {
			for i := range table.Len() {
				if table.Labels.At(i) == 1 {
					m.Predicted.Set(i, 1-v) // all right in the baseline, all wrong in the variant
				}
			}
		}
	}
	_, harm, _ := measure(t, table, audit.DefaultOptions())
	if harm[1].Reason != finding.NoMemberVariance || *harm[1].Estimate != -1 {
		t.Errorf("default: %+v", harm[1])
	}
	_, _, d := measure(t, table, audit.PaperOptions())
	if d[1].Test == nil || *d[1].Test.P != 0 || len(d[1].Warnings) == 0 || d[1].Test.Statistic != nil {
		t.Errorf("paper: %+v", d[1])
	}
}

// With two classes the disproportion question is one test, reported once, by the class that lost more.
func TestTwoClassesAreOneTest(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 400, Classes: 2, Members: []int{6, 6}, Seed: 8})
	_, _, d := measure(t, table, audit.DefaultOptions())
	told, merged := d[0], d[1]
	if *d[1].Estimate < 0 {
		told, merged = d[1], d[0]
	}
	if told.Test == nil || told.Test.Family.Size != 1 || merged.Reason != finding.ComplementOfOther || merged.Test != nil {
		t.Errorf("%+v\n%+v", told, merged)
	}
}

// Harm needs the harm question: classes that lose less than the model are not
// called better, and the untouched are not called harmed.
func TestWordsFollowBothQuestions(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 4000, Classes: 4, Members: []int{10, 10}, Accuracy: []float64{0.9, 0.9}, Seed: 10})
	rng := rand.New(rand.NewPCG(2, 2))
	for _, m := range table.Variants[1].Members {
		for i := range table.Len() {
			if table.Labels.At(i) == 2 && rng.Float64() < 0.2 {
				m.Predicted.Set(i, 3)
			}
		}
	}
	_, harm, d := measure(t, table, audit.DefaultOptions())
	for c := range harm {
		switch {
		case c == 2 && (harm[c].Word != finding.Harmed || d[c].Word != finding.HarmedMore):
			t.Errorf("the harmed class: %q, %q", harm[c].Word, d[c].Word)
		case c != 2 && (harm[c].Outcome == finding.Worse || d[c].Word != finding.LostLess && d[c].Word != finding.GainedMore):
			t.Errorf("untouched class %d: %q, %q", c, harm[c].Word, d[c].Word)
		}
	}
}

// The minimum detectable effect agrees with the power functions it stands for.
func TestMinimumDetectableEffect(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 800, Classes: 4, Members: []int{8, 8}, Lineage: true, Seed: 12})
	_, harm, _ := measure(t, table, audit.DefaultOptions())
	for c, f := range harm {
		if f.Outcome != finding.NotDetected {
			continue
		}
		var d []float64
		for k := range 8 {
			d = append(d, share(right(table, 1, k, c))-share(right(table, 0, k, c)))
		}
		want, err := power.Paired{SD: math.Sqrt(ttest.MomentsOf(d).Var), N: 8}.MinimumDetectableEffect(0.05, 0.8)
		if err != nil {
			t.Fatal(err)
		}
		if f.MDE == nil || math.Abs(*f.MDE-want) > 0.002*want {
			t.Errorf("class %d: %v, want %v", c, deref(f.MDE), want)
		}
	}
	table = audittest.Table(audittest.Spec{Examples: 800, Classes: 2, Members: []int{1, 1}, Seed: 13})
	_, harm, _ = measure(t, table, audit.DefaultOptions())
	for c, f := range harm {
		n := float64(f.N)
		p := f.Evidence.Pairs
		want, err := power.McNemar{N: f.N, Discordance: float64(p.OnlyBase+p.OnlyVariant) / n}.MinimumDetectableEffect(0.05, 0.8)
		if err != nil {
			t.Fatal(err)
		}
		if f.Outcome == finding.NotDetected && math.Abs(*f.MDE-want) > 0.05*want {
			t.Errorf("pair, class %d: %v, want %v", c, *f.MDE, want)
		}
	}
}
