package robust

import (
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// summary gathers one variant's answers over several corruptions, so that only one
// corruption is held at a time.
type summary struct {
	scale      int32 // every corruption counts scale, whatever its severities
	benchmarks []benchmark
	means      []two // by benchmark: Σ over corruptions of scale·(mean over severities)
	kinds      []kind
	steps      *steps
}

// kind is one family of corruptions.
type kind struct {
	name   string
	shifts int
	worst  two // right under every shift of the family so far
}

// steps are the sums that the mean slope over corruptions with the same severities
// follows from.
type steps struct {
	severities []int
	corruption int
	sum        two
}

func newSummary(groups []group) *summary {
	s := &summary{scale: 1, benchmarks: benchmarks(groups)}
	s.means = make([]two, len(s.benchmarks))
	for i := range groups {
		if groups[i].paired {
			s.scale = int32(audit.LCM(int64(s.scale), int64(len(groups[i].members))))
		}
	}
	for _, f := range families() {
		s.kinds = append(s.kinds, kind{name: f.name})
	}
	s.steps = stepsOf(groups)
	return s
}

// stepsOf is nil where corruptions have different severities, or only one.
func stepsOf(groups []group) *steps {
	var out *steps
	for i := range groups {
		if !groups[i].paired {
			continue
		}
		var severities []int
		for _, m := range groups[i].members {
			severities = append(severities, m.Shift.Severity)
		}
		switch {
		case len(severities) < 2:
			return nil
		case out == nil:
			out = &steps{severities: severities}
		case !slices.Equal(out.severities, severities):
			return nil
		}
	}
	return out
}

func (s *summary) add(r *run, g *group, x *variant) {
	for b := range s.benchmarks {
		if slices.Contains(s.benchmarks[b].groups, g.index) {
			s.means[b] = plus(s.means[b], r.sums(g, x, true), s.scale/int32(len(g.answers)))
		}
	}
	for j, f := range families() {
		if !slices.Contains(f.corruptions, g.name) {
			continue
		}
		k := &s.kinds[j]
		for _, a := range g.answers {
			p := r.pair(a, x)
			if k.shifts++; k.shifts == 1 {
				k.worst = p
				continue
			}
			k.worst = two{least([]grid{k.worst.base, p.base}), least([]grid{k.worst.variant, p.variant})}
		}
	}
	if s.steps == nil {
		return
	}
	s.steps.corruption++
	weights, _ := s.steps.weights()
	for j, a := range g.answers {
		s.steps.sum = plus(s.steps.sum, r.pair(a, x), weights[j])
	}
}

// plus adds a pair of grids with a weight.
func plus(sum, p two, weight int32) two {
	if sum.base == nil {
		return two{combine(term{p.base, weight}), combine(term{p.variant, weight})}
	}
	return two{combine(term{sum.base, 1}, term{p.base, weight}), combine(term{sum.variant, 1}, term{p.variant, weight})}
}

// weights are those of a slope by the severities, in units of 1/unit.
func (s *steps) weights() (w []int32, unit int32) {
	n := int32(len(s.severities))
	var sum, squares int32
	for _, v := range s.severities {
		sum, squares = sum+int32(v), squares+int32(v*v)
	}
	for _, v := range s.severities {
		w = append(w, n*int32(v)-sum)
	}
	return w, n*squares - sum*sum
}

// summarize makes the findings about several corruptions.
func (r *run) summarize(s *summary, x *variant) {
	for b, bench := range s.benchmarks {
		r.mean(s, b, bench, x)
	}
	for _, k := range s.kinds {
		if k.shifts < 2 {
			continue
		}
		f := r.newFinding(x, WorstQuestion, "share right under every corruption of the family, difference", finding.Difference, finding.Scope{Kind: finding.Benchmark, Name: k.name}, len(r.clean.labels))
		res := x.design.compare(k.worst.base, k.worst.variant, 1)
		f.Estimate, f.BaseValue, f.Value, f.Interval = &res.estimate, &res.base, &res.top, res.interval
		x.more = append(x.more, f)
	}
	if s.steps == nil {
		return
	}
	if _, unit := s.steps.weights(); unit > 0 {
		f := r.newFinding(x, SlopeQuestion, "change of the accuracy difference for each step of severity, mean over corruptions", finding.Difference, finding.Scope{Kind: finding.Overall}, len(r.clean.labels))
		res := x.design.compare(s.steps.sum.base, s.steps.sum.variant, float64(unit)*float64(s.steps.corruption))
		f.Estimate, f.Interval = &res.estimate, res.interval
		x.more = append(x.more, f)
	}
}

// mean are the mean excess and the mean corruption error over a benchmark.
func (r *run) mean(s *summary, b int, bench benchmark, x *variant) {
	scope := finding.Scope{Kind: finding.Benchmark, Name: bench.name}
	f := r.newFinding(x, MeanQuestion, "change of accuracy under a corruption, difference, mean over corruptions", finding.Difference, scope, len(r.clean.labels))
	res := x.design.compare(s.means[b].base, s.means[b].variant, float64(s.scale)*float64(len(bench.groups)))
	f.Estimate, f.BaseValue, f.Value, f.Interval = &res.estimate, &res.base, &res.top, res.interval
	x.more = append(x.more, f)
	sum := 0.0
	for _, g := range bench.groups {
		e := x.groups[g].error
		if e == nil {
			return
		}
		sum += *e
	}
	e := r.newFinding(x, ErrorQuestion, "error under corruption relative to the baseline's, mean over corruptions", finding.Ratio, scope, len(r.clean.labels))
	e.Estimate, e.Reference = finding.Float(sum/float64(len(bench.groups))), finding.Float(1)
	x.more = append(x.more, e)
}
