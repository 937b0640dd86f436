package gate

import (
	"errors"
	"math"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/equivalence"
	"github.com/lethe-audit/lethe/stat/ttest"
)

// units are the shares of right answers of the independent units of both sides:
// members, or lineages where they are shared (each the mean of its members).
func units(e *finding.Evidence, n int) (base, variant []float64) {
	size := float64(n)
	if designOf(e) != paired {
		for _, x := range e.BaseCorrect {
			base = append(base, float64(x)/size)
		}
		for _, x := range e.Correct {
			variant = append(variant, float64(x)/size)
		}
		return base, variant
	}
	mean := func(right []int64, members []int) float64 {
		var sum int64
		for _, k := range members {
			sum += right[k]
		}
		return float64(sum) / float64(len(members)) / size
	}
	for _, l := range e.Lineages {
		base = append(base, mean(e.BaseCorrect, l[0]))
		variant = append(variant, mean(e.Correct, l[1]))
	}
	return base, variant
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// memberSpread is the standard error over members of a recall difference, or with
// normalized of one beyond each member's own accuracy; from integers, so that a
// constant has exactly none. It is 0 where no member varies. A population shift
// takes the population's accuracy as known: then only the recalls vary.
func memberSpread(e *finding.Evidence, normalized, populationShift bool) (se, dof float64, err error) {
	base, variant, scale := e.BaseCorrect, e.Correct, float64(e.Examples)
	if normalized && !(populationShift && designOf(e) == independent) {
		n, total := int64(e.Examples), int64(e.TotalExamples)
		base, variant = shifted(base, e.BaseTotal, n, total), shifted(variant, e.Total, n, total)
		scale *= float64(total)
	}
	var r ttest.Result
	if designOf(e) == paired {
		d, unit := lineageDifferences(e.Lineages, base, variant)
		r, err = ttest.OneSampleFromMoments(ttest.IntegerMoments(d, scale*float64(unit)), 0)
	} else {
		r, err = ttest.WelchFromMoments(ttest.IntegerMoments(variant, scale), ttest.IntegerMoments(base, scale))
	}
	if errors.Is(err, ttest.ErrNoSpread) {
		return 0, 0, nil
	}
	return r.StdErr, r.DoF, err
}

// shifted are a member's right answers beyond what its accuracy would give, in
// units of 1/(n·total).
func shifted(right, all []int64, n, total int64) []int64 {
	out := make([]int64, len(right))
	for k := range right {
		out[k] = right[k]*total - n*all[k]
	}
	return out
}

// lineageDifferences are the differences variant − baseline of the lineages' mean
// counts, in units of 1/unit.
func lineageDifferences(lineages [][2][]int, base, variant []int64) (d []int64, unit int64) {
	unit = 1
	for _, l := range lineages {
		unit = lcm(unit, lcm(int64(len(l[0])), int64(len(l[1]))))
	}
	sum := func(x []int64, members []int) int64 {
		var s int64
		for _, k := range members {
			s += x[k]
		}
		return s * (unit / int64(len(members)))
	}
	for _, l := range lineages {
		d = append(d, sum(variant, l[1])-sum(base, l[0]))
	}
	return d, unit
}

func lcm(a, b int64) int64 {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}

// part is a variance and its degrees of freedom; dof 0 is one that is not known.
type part struct{ v, dof float64 }

// together is the t-test of a loss whose variance is that of members plus that of
// examples less that of their interaction, which both contain once. A sum of
// parts has no fewer degrees of freedom than its poorest part.
func together(loss float64, members, examples, interaction part) spread {
	v := members.v + examples.v - interaction.v
	v = math.Max(v, math.Max(members.v, examples.v))
	denominator, fewest := 0.0, math.Inf(1)
	for _, p := range []part{members, examples, interaction} {
		if p.dof > 0 && p.v > 0 && v > 0 {
			denominator += p.v / v * p.v / v / p.dof
			fewest = math.Min(fewest, p.dof)
		}
	}
	return spread{loss, math.Sqrt(v), math.Max(1/denominator, fewest)}
}

// contrast reads a relative margin: (1−f)·b₀ − b_t against 0.
//
// Its variance over members comes from their counts. Its variance over examples
// is not in the evidence, which has that of b_t − b₀ alone: with d = b_t − b₀ the
// contrast is −(d + f·b₀), so that its standard deviation over examples is at most
// sd(d) + f·sd(b₀), and sd(b₀) at most that of a binomial share. The bound is a few
// percent too wide at the margins that people use, more where hardly an answer
// changed and the limit is close to the estimate anyway. The interaction, which is
// taken off, is bounded from below in the same way.
func (s *sample) contrast(r *Rule) error {
	f, e := s.found, s.found.Evidence
	s.relative = r.Margin.Value / s.weight
	s.margin = 0
	base, variant := units(e, f.N)
	s.base = mean(base)
	if s.base <= 0 {
		return refusal{scopeName(&f.Scope)}
	}
	keep := 1 - s.relative
	switch {
	case designOf(e) == singlePair:
		s.onePair(r, pair{*e.Pairs, keep})
		return nil
	case e.StdErr == nil && *f.Estimate == 0:
		s.evidence, s.covers, s.margin = unchanged{s.n}, finding.ExamplesOnly, s.relative*s.base
		return nil
	}
	loss := keep*s.base - mean(variant)
	members := s.contrastMembers(base, variant)
	sd, half := 0.0, s.relative*math.Sqrt(s.base*(1-s.base)/float64(f.N))
	if e.VarExamples != nil {
		sd = math.Sqrt(*e.VarExamples)
	}
	examples := part{(sd + half) * (sd + half), float64(f.N - 1)}
	var interaction part
	if members.dof > 0 && e.VarResidual != nil {
		k := float64(min(len(base), len(variant)))
		left := math.Max(0, math.Sqrt(*e.VarResidual)-half/math.Sqrt(k))
		interaction = part{left * left, (k - 1) * float64(f.N-1)}
	}
	s.covers = finding.Both
	if members.dof == 0 {
		s.covers = finding.ExamplesOnly
	}
	t := together(loss, members, examples, interaction)
	if !(t.se > 0) || !(t.dof > 0) {
		s.without(finding.NoMemberVariance)
		return nil
	}
	s.evidence = t
	return nil
}

// contrastMembers is the variance of the contrast over members; unknown where a
// side has one member.
func (s *sample) contrastMembers(base, variant []float64) part {
	f, e := s.found, s.found.Evidence
	var est equivalence.Estimate
	var err error
	if designOf(e) == paired {
		est, err = equivalence.RelativePaired(base, variant, s.relative)
	} else {
		group := func(right []int64) equivalence.Group {
			m := ttest.IntegerMoments(right, float64(f.N))
			return equivalence.Group{N: m.N, Mean: m.Mean, Var: m.Var}
		}
		est, err = equivalence.RelativeUnpaired(group(e.BaseCorrect), group(e.Correct), s.relative)
	}
	switch {
	case errors.Is(err, equivalence.ErrNoSpread):
		return part{0, float64(min(len(base), len(variant)) - 1)}
	case err != nil:
		return part{}
	}
	return part{est.StdErr * est.StdErr, est.DoF}
}

// floor compares the variant's own value with the least that is asked for. Over
// examples its variance is at most that of a binomial share.
func (s *sample) floor(r *Rule) {
	f, e := s.found, s.found.Evidence
	s.margin = 0
	_, variant := units(e, f.N)
	if len(e.Correct) == 1 {
		s.evidence, s.covers = share{int(e.Correct[0]), f.N, *r.Floor}, finding.ExamplesOnly
		return
	}
	value := mean(variant)
	if value <= 0 || value >= 1 { // every member is right, or wrong, on every example
		s.evidence, s.covers = share{int(math.Round(value)) * f.N, f.N, *r.Floor}, finding.ExamplesOnly
		return
	}
	m := ttest.MomentsOf(variant)
	examples := part{value * (1 - value) / float64(f.N), float64(f.N - 1)}
	members := part{m.Var / float64(m.N), float64(m.N - 1)}
	s.covers = finding.Both
	if m.N < 2 {
		members, s.covers = part{}, finding.ExamplesOnly
	}
	s.evidence = together(*r.Floor-value, members, examples, part{})
}
