package robust

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// drawn is one data set of random predictions: accuracy[v] is that of variant v.
func drawn(seed uint64, n, members int, lineage bool, accuracy ...float64) *prediction.Table {
	rng := rand.New(rand.NewPCG(seed, 8))
	t := &prediction.Table{Labels: prediction.NewColumn(n, 4), Classes: []string{"a", "b", "c", "d"}}
	for i := range n {
		t.Labels.Set(i, i%4)
		t.IDs = append(t.IDs, dataset.ExampleID(fmt.Sprintf("i%05d", i)))
	}
	for v, name := range []string{"dense", "int8"}[:len(accuracy)] {
		x := prediction.Variant{Name: name}
		for k := range members {
			m := prediction.Member{Name: fmt.Sprintf("m%d", k), Predicted: prediction.NewColumn(n, 4)}
			if lineage {
				m.Lineage = fmt.Sprintf("l%d", k)
			}
			p := accuracy[v] + 0.01*float64(k%3)
			for i := range n {
				c := i % 4
				if rng.Float64() >= p {
					c = (c + 1 + rng.IntN(3)) % 4
				}
				m.Predicted.Set(i, c)
			}
			x.Members = append(x.Members, m)
		}
		t.Variants = append(t.Variants, x)
	}
	return t
}

func shifted(t *testing.T, clean *prediction.Table, name string, s *prediction.Table) {
	t.Helper()
	shift, err := prediction.ParseShift(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := clean.AddShift(s, shift); err != nil {
		t.Fatal(err)
	}
}

func checked(t *testing.T, table *prediction.Table, threads int) *audittest.Collector {
	t.Helper()
	o := audit.DefaultOptions()
	o.Threads = threads
	v, err := audit.NewView(table, o)
	if err != nil {
		t.Fatal(err)
	}
	c := &audittest.Collector{}
	if err := New().Run(context.Background(), v, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func planted(t *testing.T, n, members int, lineage bool) *prediction.Table {
	clean := drawn(1, n, members, lineage, 0.9, 0.89)
	shifted(t, clean, "motion_blur:1", drawn(2, n, members, lineage, 0.85, 0.75))
	shifted(t, clean, "motion_blur:3", drawn(3, n, members, lineage, 0.8, 0.68))
	shifted(t, clean, "fog:2", drawn(4, n, members, lineage, 0.85, 0.84))
	shifted(t, clean, "cifar10.1", drawn(5, n/2, members, lineage, 0.8, 0.7))
	return clean
}

// TestExcessIsTheContrast counts accuracies one by one.
func TestExcessIsTheContrast(t *testing.T) {
	for _, d := range []struct {
		members int
		lineage bool
		test    string
	}{{1, false, "studentized mean, normal tail"}, {6, false, "Welch t"}, {6, true, "paired t"}} {
		table := planted(t, 2000, d.members, d.lineage)
		c := checked(t, table, 1)
		accuracy := func(x *prediction.Table, v int) float64 {
			right := 0
			for _, m := range x.Variants[v].Members {
				for i := range x.Len() {
					if m.Predicted.At(i) == x.Labels.At(i) {
						right++
					}
				}
			}
			return float64(right) / float64(d.members*x.Len())
		}
		gap := func(x *prediction.Table) float64 { return accuracy(x, 1) - accuracy(x, 0) }
		s := table.Shifts
		for name, want := range map[string]float64{
			"motion_blur": (gap(s[0].Table)+gap(s[1].Table))/2 - gap(table),
			"fog":         gap(s[2].Table) - gap(table),
			"cifar10.1":   gap(s[3].Table) - gap(table),
		} {
			f := c.Find(t, "robust/excess/int8/corruption:"+name)
			if math.Abs(*f.Estimate-want) > 1e-12 || name != "cifar10.1" && f.Test.Name != d.test {
				t.Errorf("K = %d: %s is %v by %s, want %v by %s", d.members, name, *f.Estimate, f.Test.Name, want, d.test)
			}
			if iv := f.Interval; iv == nil || iv.Low > want || iv.High < want || *f.Evidence.StdErr <= 0 {
				t.Errorf("K = %d: %s has interval %+v", d.members, name, f.Interval)
			}
			if f.Test.Family.Size != 3 {
				t.Errorf("%s: a family of %d", name, f.Test.Family.Size)
			}
		}
		if f := c.Find(t, "robust/excess/int8/corruption:motion_blur"); f.Word != finding.MoreBrittle || f.Outcome != finding.Worse {
			t.Errorf("K = %d: 9 points more under blur are %q", d.members, f.Word)
		}
		if f := c.Find(t, "robust/excess/int8/corruption:fog"); f.Outcome != finding.NotDetected || f.MDE == nil {
			t.Errorf("K = %d: nothing more under fog is %s %q", d.members, f.Outcome, f.Word)
		}
		for _, id := range c.IDs() {
			if strings.HasSuffix(id, "@fog") {
				t.Errorf("K = %d: %s is inside a corruption without a detected excess", d.members, id)
			}
		}
		harm := c.Find(t, "robust/harm/int8/corruption:motion_blur")
		if want := (gap(s[0].Table) + gap(s[1].Table)) / 2; math.Abs(*harm.Estimate-want) > 1e-12 {
			t.Errorf("harm is %v, want %v", *harm.Estimate, want)
		}
		slope := c.Find(t, "robust/severity-slope/int8/corruption:motion_blur")
		if want := (gap(s[1].Table) - gap(s[0].Table)) / 2; math.Abs(*slope.Estimate-want) > 1e-12 {
			t.Errorf("slope is %v, want %v", *slope.Estimate, want)
		}
	}
}

// TestSwapNegates: with baseline and variant exchanged every excess turns around,
// and p stays.
func TestSwapNegates(t *testing.T) {
	for _, lineage := range []bool{false, true} {
		for _, members := range []int{1, 5} {
			a := planted(t, 800, members, lineage)
			b := audittest.Swapped(a)
			b.Shifts = nil
			for _, s := range a.Shifts {
				if err := b.AddShift(audittest.Swapped(s.Table), s.Shift); err != nil {
					t.Fatal(err)
				}
			}
			x, y := checked(t, a, 1), checked(t, b, 1)
			for _, f := range x.Findings {
				if f.Question != ExcessQuestion && f.Question != OddsQuestion && f.Question != HarmQuestion || f.Scope.Kind != finding.Corruption {
					continue
				}
				g := y.Find(t, f.ID)
				if math.Abs(*f.Estimate+*g.Estimate) > 1e-12 {
					t.Errorf("K = %d: %s is %v, exchanged %v", members, f.ID, *f.Estimate, *g.Estimate)
				}
				if f.Test != nil && math.Abs(*f.Test.P-*g.Test.P) > 1e-9 {
					t.Errorf("K = %d: %s has p = %v, exchanged %v", members, f.ID, *f.Test.P, *g.Test.P)
				}
			}
		}
	}
}

// TestSameBytes: the order of the shifted rows and the number of threads change
// nothing.
func TestSameBytes(t *testing.T) {
	a, b := planted(t, 400, 3, true), planted(t, 400, 3, true)
	order := rand.New(rand.NewPCG(1, 1)).Perm(400)
	shifts := b.Shifts
	b.Shifts = nil
	for _, s := range shifts {
		from := s.Table
		if s.Shift.Paired {
			from = audittest.Permuted(from, order)
		}
		if err := b.AddShift(from, s.Shift); err != nil {
			t.Fatal(err)
		}
	}
	x, y := checked(t, a, 1), checked(t, b, 4)
	if !reflect.DeepEqual(x.Findings, y.Findings) || !reflect.DeepEqual(x.Tables, y.Tables) {
		t.Error("rows in another order or more threads give another answer")
	}
}

// TestSinglePairIsExact: 8 examples differ, all to the worse; all signs are listed,
// p = 2/2^8.
func TestSinglePairIsExact(t *testing.T) {
	make := func(wrong int) *prediction.Table {
		x := drawn(1, 200, 1, false, 1, 1)
		for i := range wrong {
			x.Variants[1].Members[0].Predicted.Set(i, (i+1)%4)
		}
		return x
	}
	clean := make(0)
	shifted(t, clean, "fog:1", make(8))
	f := checked(t, clean, 1).Find(t, "robust/excess/int8/corruption:fog")
	if math.Abs(*f.Test.P-2.0/256) > 1e-12 || f.Test.Name != "sign flips, exact" || *f.Estimate != -8.0/200 {
		t.Errorf("%v by %s, p = %v", *f.Estimate, f.Test.Name, *f.Test.P)
	}
	clean = make(0)
	shifted(t, clean, "fog:1", make(5))
	if f := checked(t, clean, 1).Find(t, "robust/excess/int8/corruption:fog"); f.Outcome != finding.NotMeasurable || f.Reason != finding.TooFewDiscordant {
		t.Errorf("5 changed answers are %s %s", f.Outcome, f.Reason)
	}
}

// TestDependsOnScale: the variant loses more points under the corruption and no
// more in log-odds, since the baseline stands lower there.
func TestDependsOnScale(t *testing.T) {
	clean := drawn(1, 8000, 1, false, 0.98, 0.96)
	shifted(t, clean, "fog:1", drawn(2, 8000, 1, false, 0.6, 0.53))
	c := checked(t, clean, 1)
	f, odds := c.Find(t, "robust/excess/int8/corruption:fog"), c.Find(t, "robust/log-odds/int8/corruption:fog")
	if f.Word != finding.LosesMorePoints || f.Outcome != finding.Described || *odds.Estimate <= 0 {
		t.Errorf("%s %q with log-odds %v", f.Outcome, f.Word, *odds.Estimate)
	}
}

func TestBenchmarks(t *testing.T) {
	var shifts []prediction.Shifted
	add := func(name string) {
		s, err := prediction.ParseShift(name + ":1")
		if err != nil {
			t.Fatal(err)
		}
		shifts = append(shifts, prediction.Shifted{Shift: s})
	}
	names := func() (out []string) {
		for _, b := range benchmarks(groupsOf(shifts)) {
			out = append(out, b.name)
		}
		return out
	}
	for _, f := range families() {
		for _, c := range f.corruptions[:len(f.corruptions)-1] {
			add(c)
		}
	}
	if got := names(); !reflect.DeepEqual(got, []string{"the 15 common corruptions"}) {
		t.Errorf("%q", got)
	}
	add("spatter")
	if got := names(); !reflect.DeepEqual(got, []string{"the 15 common corruptions", "16 of the 19 corruptions"}) {
		t.Errorf("%q", got)
	}
	if !atFloor(&prediction.Shift{Name: "ImageNet-A"}) || atFloor(&prediction.Shift{Name: "imagenet-r"}) {
		t.Error("the wrong shift is at a floor")
	}
}
