package recall

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/contrast"
	"github.com/lethe-audit/lethe/stat/mcnemar"
)

// mcnemar tests the harm question for one pair of models. Too few changed
// answers to reach the level keep the set out of the family.
func (m *Measured) mcnemar(a answer, s *sums) answer {
	c := s.cells
	need := mcnemar.MinDiscordant(m.view.Options.Alpha)
	if discordant := c.OnlyBase + c.OnlyVariant; discordant < int64(need) {
		a.out(finding.TooFewDiscordant)
		a.f.Needed = fmt.Sprintf("%d changed right or wrong answers at least; there are %d", need, discordant)
		return a
	}
	r := mcnemar.Exact(int(c.OnlyBase), int(c.OnlyVariant))
	a.f.Test = &finding.Test{Name: "exact McNemar", Why: m.why(), P: &r.P, MidP: &r.MidP}
	a.inTest = true
	return a
}

// contrast tests the disproportion question for one pair of models.
func (m *Measured) contrast(a answer, s, rest *sums) (answer, error) {
	counts := func(c finding.PairedCells) contrast.Counts {
		return contrast.Counts{Minus: int(c.OnlyBase), Zero: int(c.Both + c.Neither), Plus: int(c.OnlyVariant)}
	}
	o := contrast.DefaultOptions()
	o.Seed, o.Replicates = m.view.Options.Seed, max(o.Replicates, m.view.Options.Replicates)
	r, err := contrast.Test(counts(s.cells), counts(rest.cells), o)
	switch {
	case errors.Is(err, contrast.ErrNoDiscordant):
		a.out(finding.TooFewDiscordant)
		return a, nil
	case errors.Is(err, contrast.ErrNoSpread):
		a.out(finding.NoMemberVariance)
		return a, nil
	case err != nil:
		return a, err
	}
	a.f.Test = &finding.Test{Name: "studentized contrast (" + r.Method.String() + ")", Why: m.why(), P: &r.P}
	if !math.IsInf(r.T, 0) {
		a.f.Test.Statistic = &r.T
		if r.T != 0 {
			se := math.Abs(*a.f.Estimate / r.T)
			m.normalInterval(&a.f, se)
		}
	}
	a.inTest = true
	return a, nil
}
