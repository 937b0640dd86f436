package power

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
	"github.com/lethe-audit/lethe/stat/equivalence"
)

func one(t *testing.T, n int, o Options) Row {
	t.Helper()
	rows, err := Plan([]Group{{Name: "cat", N: n}}, o)
	if err != nil {
		t.Fatal(err)
	}
	return rows[0]
}

// TestFiftyExamplesCannotPass: a class of 50 at 2 points, as the example.
func TestFiftyExamplesCannotPass(t *testing.T) {
	r := one(t, 50, DefaultOptions())
	if r.CanPass || r.PassPower > 0.2 {
		t.Errorf("50 examples pass at 2 points with probability %v", r.PassPower)
	}
	// (z.05 + z.20)²·ψ/m² = (1.6448536270 + 0.8416212336)²·.05/.0004 = 772.8
	if r.Pass.Examples == nil || *r.Pass.Examples != 773 {
		t.Errorf("examples to pass: %v, want 773", r.Pass.Examples)
	}
	enough := one(t, *r.Pass.Examples, DefaultOptions())
	if !enough.CanPass {
		t.Error("the number of examples that is said to pass does not")
	}
}

// TestNeedsAreEnough: what is needed reaches the power, one less does not.
func TestNeedsAreEnough(t *testing.T) {
	o := DefaultOptions()
	o.Members, o.Drop = 8, 0.01
	r := one(t, 500, o)
	if r.Detect.Examples == nil || r.Detect.Members == nil || r.Pass.Members == nil {
		t.Fatalf("out of reach: %+v", r)
	}
	at := func(members, n int) Row {
		p := o
		p.Members = members
		return one(t, n, p)
	}
	for name, c := range map[string][2]float64{
		"examples to detect": {*at(8, *r.Detect.Examples).DetectPower, *at(8, *r.Detect.Examples-1).DetectPower},
		"members to detect":  {*at(*r.Detect.Members, 500).DetectPower, *at(*r.Detect.Members-1, 500).DetectPower},
		"members to pass":    {at(*r.Pass.Members, 500).PassPower, at(*r.Pass.Members-1, 500).PassPower},
	} {
		if c[0] < o.Power || c[1] >= o.Power {
			t.Errorf("%s: power %v, and with one less %v; want the first at least %v, the second below", name, c[0], c[1], o.Power)
		}
	}
}

// TestSpreadThatNoExampleRemoves: with members half a point apart, three of them
// cannot detect half a point on any number of examples.
func TestSpreadThatNoExampleRemoves(t *testing.T) {
	o := DefaultOptions()
	o.Members, o.Drop = 3, 0.005
	if r := one(t, 1000, o); r.Detect.Examples != nil {
		t.Errorf("%d examples are said to do", *r.Detect.Examples)
	}
	o.Members, o.Drop = 1, 0.06
	if r := one(t, 1000, o); r.DetectPower != nil || r.Why == "" {
		t.Errorf("a loss above the churn: %+v", r)
	}
}

// TestPassAgainstSimulation: 4,000 seeded draws of K lineage losses against the
// package that decides.
func TestPassAgainstSimulation(t *testing.T) {
	const draws = 4000
	o := DefaultOptions()
	o.Members = 6
	r := one(t, 150, o)
	rng := rand.New(rand.NewPCG(7, 0))
	sd := math.Sqrt(o.MemberSpread*o.MemberSpread + o.Churn/150)
	passed := 0
	for range draws {
		sum, ss := 0.0, 0.0
		var x [6]float64
		for i := range x {
			x[i] = sd * rng.NormFloat64()
			sum += x[i]
		}
		for _, v := range x {
			ss += (v - sum/6) * (v - sum/6)
		}
		d, err := equivalence.Decide(sum/6, math.Sqrt(ss/5/6), 5, o.Margin, o.Alpha)
		if err != nil {
			t.Fatal(err)
		}
		if d.Verdict == equivalence.Within {
			passed++
		}
	}
	if got := float64(passed) / draws; math.Abs(got-r.PassPower) > 3*math.Sqrt(r.PassPower*(1-r.PassPower)/draws) {
		t.Errorf("%.4f of the draws pass, the plan says %.4f", got, r.PassPower)
	}
}

func TestFromTable(t *testing.T) {
	table, _, err := planted.New(planted.Demo(1))
	if err != nil {
		t.Fatal(err)
	}
	g, err := FromTable(table)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Groups) != 11 || g.Groups[0].N != table.Len() || !(g.Churn > 0 && g.Churn < 0.3) {
		t.Errorf("%+v", g)
	}
	// counted again for the first class, pair by pair
	changed, n := 0, 0
	for i := range table.Len() {
		if table.Labels.At(i) != 0 {
			continue
		}
		n++
		for k := 0; k+1 < len(table.Variants[0].Members); k += 2 {
			m := table.Variants[0].Members
			if (m[k].Predicted.At(i) == 0) != (m[k+1].Predicted.At(i) == 0) {
				changed++
			}
		}
	}
	if want := float64(changed) / float64(n*5); math.Abs(*g.Groups[1].Churn-want) > 1e-12 {
		t.Errorf("churn of the first class %v, counted %v", *g.Groups[1].Churn, want)
	}
	table.Variants[0].Members = table.Variants[0].Members[:1]
	if g, err = FromTable(table); err != nil || g.MemberSpread != 0 {
		t.Errorf("one member: %+v, %v", g, err)
	}
	table.Variants = []prediction.Variant{table.Variants[0]}
	if _, err = FromTable(table); err == nil {
		t.Error("one model alone says nothing about churn")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"drop": func(o *Options) { o.Drop = 2 }, "margin": func(o *Options) { o.Margin = 0 }, "alpha": func(o *Options) { o.Alpha = 0.5 },
		"power": func(o *Options) { o.Power = 0.01 }, "members": func(o *Options) { o.Members = 0 }, "churn": func(o *Options) { o.Churn = math.NaN() },
		"spread": func(o *Options) { o.MemberSpread = -1 },
	} {
		o := DefaultOptions()
		change(&o)
		if _, err := Plan([]Group{{Name: "a", N: 10}}, o); err == nil {
			t.Errorf("%s out of range is accepted", name)
		}
	}
}
