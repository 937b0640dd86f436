package main

import (
	"context"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// pieDesign is a specification of the scenarios of PIE shares in short.
type pieDesign struct {
	k           int     // members of each population
	correlation float64 // latent correlation of a member's errors inside a cluster
	planted     bool    // a tenth of the examples trade their ease, two classes lose 5 pp
	keep        float64 // share of the lineage's draws kept, 0: unpaired
}

// pieClusters is the number of clusters of examples in each class.
const pieClusters = 3

func (d pieDesign) spec() planted.Spec {
	s := planted.DefaultSpec(600, 10)
	s.Classes = planted.Balanced(600, 10, 0.85)
	s.Levels, s.Clusters, s.NoIDs, s.Sampling = 64, pieClusters, true, planted.Drawn
	variant := planted.Variant{Name: "compressed", Kind: prediction.KindOther, Members: d.k, Correlation: d.correlation}
	if d.planted {
		variant.Reshuffle, variant.ClassLoss = 0.1, map[int]float64{0: 0.05, 1: 0.05}
	}
	if d.keep > 0 {
		variant.Paired, variant.KeepShare, variant.Members = true, d.keep, 1
	}
	s.Variants = []planted.Variant{
		{Name: "dense", Kind: prediction.KindDense, Members: d.k, Correlation: d.correlation},
		variant,
	}
	return s
}

func pieScenarios() []scenario {
	var out []scenario
	add := func(name, about string, d pieDesign, make func(pieDesign) (experiment, error)) {
		name = fmt.Sprintf("pie/%s-k%d-rho%.1f", name, d.k, d.correlation)
		about = fmt.Sprintf("%s, %s, K = %d, member correlation %.1f", about, d.effect(), d.k, d.correlation)
		out = append(out, scenario{Name: name, Mode: "pie", About: about, Make: func() (experiment, error) { return make(d) }})
	}
	each := func(planted bool, keep float64, sizes []int, f func(pieDesign)) {
		for _, k := range sizes {
			for _, rho := range []float64{0, 0.5} {
				f(pieDesign{k: k, correlation: rho, planted: planted, keep: keep})
			}
		}
	}
	shares := func(d pieDesign) (experiment, error) { return newPieShares(d) }
	swap := func(d pieDesign) (experiment, error) { return &swapTest{d.spec()}, nil }
	examples := func(d pieDesign) (experiment, error) { return &exampleTests{d.spec()}, nil }
	each(false, 0, []int{10, 30}, func(d pieDesign) { add("null", "excess and floor", d, shares) })
	each(true, 0, []int{10, 30}, func(d pieDesign) { add("planted", "excess and floor", d, shares) })
	each(false, 0.9, []int{8, 30}, func(d pieDesign) { add("swap-null", "swap test, lineages keep 90 % of their draws", d, swap) })
	each(true, 0.9, []int{8, 30}, func(d pieDesign) { add("swap-planted", "swap test, lineages keep 90 % of their draws", d, swap) })
	each(false, 0, []int{30}, func(d pieDesign) { add("examples-null", "single examples", d, examples) })
	each(true, 0, []int{30}, func(d pieDesign) { add("examples-planted", "single examples", d, examples) })
	return out
}

// effect says what is planted.
func (d pieDesign) effect() string {
	if d.planted {
		return "10 % of the examples trade their ease and two classes lose 5 pp"
	}
	return "no effect"
}

// pieShares measures excess and floor. Every seed draws its own examples: the
// interval over members must cover the truth of the examples at hand, that
// over members and examples the truth of their population.
type pieShares struct {
	spec       planted.Spec
	population planted.Votes
	m          int
	measurer   pie.Measurer
}

func newPieShares(d pieDesign) (*pieShares, error) {
	p := &pieShares{spec: d.spec(), m: 3}
	if d.k >= 30 {
		p.m = 7 // method: 3.3a
	}
	sim, err := planted.NewSimulator(p.spec)
	if err != nil {
		return nil, err
	}
	p.population = sim.Truth().Population().Votes(1, p.m, false)
	return p, nil
}

// view draws the table of one seed.
func view(spec planted.Spec, seed uint64) (*audit.View, *planted.Truth, error) {
	spec.Seed = seed
	table, truth, err := planted.New(spec)
	if err != nil {
		return nil, nil, err
	}
	v, err := audit.NewView(table, auditOptions(seed))
	return v, truth, err
}

// Run measures one table.
func (p *pieShares) Run(ctx context.Context, seed uint64) (values, error) {
	v, truth, err := view(p.spec, seed)
	if err != nil {
		return nil, err
	}
	m, err := p.measurer.Measure(ctx, v, 1)
	if err != nil {
		return nil, err
	}
	if m.M != p.m {
		return nil, fmt.Errorf("measured at size %d, want %d", m.M, p.m)
	}
	here := truth.Votes(1, p.m, false)
	out := values{
		"floor error": m.Floor - here.Floor, "PIE error": m.PIE - here.PIE,
		"own floor error": m.OwnFloor - here.VariantFloor,
	}
	lo, hi, err := m.FloorMembers.Interval(m.Floor, 0.95)
	if err != nil {
		return nil, err
	}
	out["floor members covers"] = indicator(lo <= here.Floor && here.Floor <= hi)
	out["floor members half"] = (hi - lo) / 2
	for _, e := range []struct {
		name      string
		estimate  pie.Estimate
		here, pop float64
	}{
		{name: "excess", estimate: m.Excess, here: here.Excess(), pop: p.population.Excess()},
		{name: "own excess", estimate: m.OwnExcess, here: here.OwnExcess(), pop: p.population.OwnExcess()},
	} {
		out[e.name+" error"] = e.estimate.Value - e.here
		out[e.name+" population error"] = e.estimate.Value - e.pop
		for _, both := range []bool{false, true} {
			lo, hi, err := e.estimate.Bounds(0.95, both)
			if err != nil {
				return nil, err
			}
			key, truth := e.name+" members ", e.here
			if both {
				key, truth = e.name+" both ", e.pop
			}
			out[key+"covers"] = indicator(lo <= truth && truth <= hi)
			out[key+"half"] = (hi - lo) / 2
		}
	}
	return out, nil
}

// Criteria judges bias, coverage and width: criterion (iv).
func (p *pieShares) Criteria(t tally, b bounds) []criterion {
	var out []criterion
	for _, name := range []string{"PIE", "floor", "own floor", "excess", "own excess"} {
		mean, se := t.mean(name + " error")
		out = append(out, b.within("(iv)", "bias of "+name, "0 ± 3 SE", mean, se, 0, 3*se))
	}
	for _, c := range []struct {
		name, covers, truth string
		asked               bool // the text bounds its width: it speaks of excess and floor
	}{
		{"floor", "members", "error", true},
		{"excess", "members", "error", true},
		{"excess", "both", "population error", true},
		{"own excess", "members", "error", false},
		{"own excess", "both", "population error", false},
	} {
		key := c.name + " " + c.covers + " "
		mean, _ := t.mean(key + "covers")
		out = append(out, b.atLeast("(iv)", "coverage of "+c.name+", "+c.covers, "≥ .935", mean, b.shareSE(0.95), 0.935))
		half, _ := t.mean(key + "half")
		ratio := half / (1.96 * t.sd(c.name+" "+c.truth))
		se := ratio / math.Sqrt(2*float64(b.Seeds))
		what := "mean half-width of " + c.name + ", " + c.covers + ", over 1.96 sd"
		if c.asked {
			out = append(out, b.atMost("(iv)", what, "≤ 1.6", ratio, se, 1.6))
		} else {
			out = append(out, shown(what, ratio, se))
		}
	}
	out = append(out,
		shown(fmt.Sprintf("true floor at m = %d", p.m), p.population.Floor, 0),
		shown(fmt.Sprintf("true excess at m = %d", p.m), p.population.Excess(), 0))
	return out
}
