package gate

import (
	"math"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/interval"
	"github.com/lethe-audit/lethe/stat/tail"
)

// Hopeless is a scope for which a rule cannot pass, or hardly, at the number of
// examples and members of an audit, whatever the candidate does.
type Hopeless struct {
	Rule    string
	Variant string
	Scope   finding.Scope
	N       int
	Margin  float64 // a share; of the baseline's value for a relative margin
	Least   float64 // the smallest upper limit of the loss that n examples can give: nothing changed
	Power   float64 // of passing if the true loss is 0, at the spread seen; 0 where it cannot pass at all
	Needed  int     // examples with which it could pass if nothing changed; 0: not known
}

// likely is the power below which a rule is told to pass hardly ever.
const likely = 0.5

// Feasible says for which scopes a policy cannot pass, or would pass less than half
// of the time although the candidate loses nothing. Rules that cannot be evaluated
// at all are errors, as in [Judge].
func Feasible(p *Policy, a *Audit, o Options) ([]Hopeless, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	variants, err := a.variants(p, o.Variants)
	if err != nil {
		return nil, err
	}
	var out []Hopeless
	for _, v := range variants {
		for i := range p.Rules {
			h, err := a.hopeless(&p.Rules[i], v)
			if err != nil {
				return nil, err
			}
			out = append(out, h...)
		}
	}
	return out, nil
}

func (a *Audit) hopeless(r *Rule, variant string) ([]Hopeless, error) {
	m, _ := metricNamed(r.Metric)
	if r.Test == NoTest || r.Floor != nil || r.Test == Difference || m.form != counts {
		return nil, nil
	}
	found, _, err := a.of(r, &m, variant)
	if err != nil {
		return nil, err
	}
	var out []Hopeless
	for _, f := range found {
		s, err := newSample(r, &m, f, facts{})
		if err != nil {
			return nil, r.error(err.Error())
		}
		if h, bad := s.hopeless(r); bad {
			h.Rule, h.Variant, h.Scope, h.N = r.Name, variant, f.Scope, f.N
			out = append(out, h)
		}
	}
	return out, nil
}

// hopeless looks at the best that a scope could show.
func (s *sample) hopeless(r *Rule) (Hopeless, bool) {
	f := s.found
	h := Hopeless{Margin: r.Margin.Value / s.weight, Least: 1}
	if f.N < r.MinN || f.Evidence == nil || f.N == 0 {
		h.Needed = r.MinN
		return h, true
	}
	margin := h.Margin
	if s.relative > 0 {
		margin *= s.base
	}
	base, _ := units(f.Evidence, f.N)
	right := int(math.Round(mean(base) * float64(f.N)))
	best := func(n int) float64 {
		if designOf(f.Evidence) == singlePair {
			high, err := interval.UnchangedUpper(right*n/f.N, n, 1-2*r.Alpha)
			if err != nil {
				return 1
			}
			return high
		}
		return interval.MissedChange(r.Alpha, n)
	}
	h.Least = best(f.N)
	if h.Least > margin {
		h.Needed = growTo(f.N, func(n int) bool { return best(n) <= margin })
		return h, true
	}
	e, ok := asSpread(s.evidence)
	if p, one := s.evidence.(pair); one {
		low, high := p.limits(r.Alpha)
		e, ok = spread{p.loss(), (high - low) / 2 / tail.NormalQuantile(r.Alpha), math.Inf(1)}, true
	}
	if !ok {
		return h, false
	}
	h.Power = 1 - tail.Normal(margin/e.se-tail.StudentTQuantile(r.Alpha, e.dof))
	h.Needed = 0
	return h, h.Power < likely
}

// growTo is the smallest n, to two significant digits, at which ok holds; 0 where
// none up to mostExamples does.
func growTo(from int, ok func(n int) bool) int {
	lo, hi := from, max(from, 1)
	for !ok(hi) {
		if lo, hi = hi, 2*hi; hi > mostExamples {
			return 0
		}
	}
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; ok(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return examples(float64(hi))
}
