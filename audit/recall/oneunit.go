package recall

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/tail"
)

// fewestMoved is the number of examples with a changed mean from which the normal
// tail is taken, as for a single pair.
const fewestMoved = 20

// oneUnit reports whether all members of the variant were made from the only
// baseline member: they are one unit, whose mean is compared over the examples.
func (m *Measured) oneUnit() bool { return m.Pairing.OneCheckpoint && !m.view.Options.Paper }

// overExamples tests a mean difference whose standard error is over the examples.
func (m *Measured) overExamples(a answer, moved int64) answer {
	se := a.f.Evidence.StdErr
	if moved < fewestMoved || se == nil || *se == 0 {
		a.out(finding.TooFewDiscordant)
		a.f.Needed = fmt.Sprintf("%d examples at least on which the members' mean differs from the baseline; there are %d", fewestMoved, moved)
		return a
	}
	z := *a.f.Estimate / *se
	p := min(1, 2*tail.Normal(math.Abs(z)))
	a.f.Test = &finding.Test{Name: "studentized mean, normal tail", Why: m.why(), Statistic: &z, P: &p}
	a.inTest = true
	return a
}
