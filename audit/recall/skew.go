package recall

import (
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/components"
	"github.com/lethe-audit/lethe/stat/equivalence"
)

// skew adds to the evidence how lopsided the chance of d_g is, where it has an
// interval over examples.
func (m *Measured) skew(f *finding.Finding, s *sums) {
	if f.Evidence.VarExamples == nil || f.Interval == nil || f.Interval.Covers == finding.Members {
		return
	}
	largest := max(len(s.base), len(s.variant)) // sum of a column
	k, err := components.UnpairedSkew(s.pair, s.cubes.votes)
	if m.design() == audit.Paired {
		largest = len(m.Pairing.Lineages) * int(m.scale)
		k, err = components.PairedSkew(s.paired, s.cubes.lineages)
	}
	if err != nil || math.Pow(float64(largest), 3)*float64(s.n) > math.MaxInt64/2 { // counts past 64 bits
		return
	}
	u := float64(m.scale) * float64(m.scale) * float64(m.scale)
	f.Evidence.Skew = &finding.Skew{Examples: k.Examples / u, Both: k.Both / u, Covariance: k.Covariance / u}
}

// lossOf is the loss of a finding, minus its estimate, as a test at a margin takes it.
func lossOf(f *finding.Finding) equivalence.Skewed {
	e := f.Evidence
	s := equivalence.Skewed{Value: -*f.Estimate, StdErr: *e.StdErr, DoF: *e.DoF}
	if f.Interval != nil && f.Interval.Covers == finding.Both {
		s = s.Unbiased(equivalence.Parts{Members: *e.VarMembers, Examples: *e.VarExamples, Interaction: *e.VarResidual, Units: min(f.KBase, f.K)})
	}
	if k := e.Skew; k != nil {
		s.Third, s.Covariance = -k.Both, -k.Covariance
	}
	return s
}
