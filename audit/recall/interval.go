package recall

import (
	"errors"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/components"
	"github.com/lethe-audit/lethe/stat/interval"
	"github.com/lethe-audit/lethe/stat/tail"
)

// components are the parts of the variance of d_g.
func (m *Measured) components(s *sums) (components.Components, error) {
	if m.design() == audit.Paired {
		return components.Paired(s.paired)
	}
	return components.Unpaired(s.pair)
}

// normalized are the parts of the variance of v_g.
func (m *Measured) normalized(s, rest *sums) (components.Components, error) {
	if m.design() == audit.Paired {
		return components.PairedNormalized(s.paired, rest.paired)
	}
	return components.UnpairedNormalized(s.pair, rest.pair)
}

// stratified are the parts of the variance of the overall difference, the
// groups being strata.
func (m *Measured) stratified() (components.Components, error) {
	var paired []components.Sums
	var pairs []components.Pair
	for g := range m.groups {
		if m.groups[g].n > 0 {
			paired = append(paired, m.groups[g].paired)
			pairs = append(pairs, m.groups[g].pair)
		}
	}
	if m.design() == audit.Paired {
		return components.PairedStratified(paired)
	}
	return components.UnpairedStratified(pairs)
}

// Widest is the variance over members and examples or, where one of them cannot
// be measured, over the other; it says which. There is an error where neither
// varies.
func Widest(c components.Components) (components.Variance, finding.Covers, error) {
	v, err := c.Both()
	switch {
	case errors.Is(err, components.ErrOneMember):
		v, err = c.Examples()
		return v, finding.ExamplesOnly, err
	case errors.Is(err, components.ErrOneExample):
		v, err = c.Members()
		return v, finding.Members, err
	}
	return v, finding.Both, err
}

// interval sets the interval over members and examples, and the evidence it
// came from. Where one source of chance cannot be measured the interval covers
// the other and says so; where there is no spread at all there is none.
func (m *Measured) interval(f *finding.Finding, of func() (components.Components, error)) {
	f.Interval = nil
	e := f.Evidence
	e.StdErr, e.DoF, e.VarMembers, e.VarExamples, e.VarResidual = nil, nil, nil, nil, nil
	c, err := of()
	if err != nil {
		return
	}
	v, word, err := Widest(c)
	if err != nil {
		return
	}
	scale := float64(m.scale)
	se := math.Sqrt(v.V) / scale
	half := tail.StudentTQuantile((1-m.view.Options.Level)/2, v.DoF) * se
	f.Interval = &finding.Interval{
		Low: *f.Estimate - half, High: *f.Estimate + half, Level: m.view.Options.Level,
		Covers: word, Method: "t, two-way variance components",
	}
	e.StdErr, e.DoF = &se, finding.Float(v.DoF)
	part := func(x float64) *float64 { return finding.Float(x / scale / scale) }
	e.VarMembers, e.VarExamples, e.VarResidual = part(c.A), part(c.B), part(c.E)
}

// pairInterval sets the interval for one pair of models: it covers other
// examples only.
func (m *Measured) pairInterval(f *finding.Finding, s *sums) {
	c := s.cells
	iv, err := interval.NewcombePaired(int(c.Both), int(c.OnlyVariant), int(c.OnlyBase), int(c.Neither), m.view.Options.Level)
	if err != nil {
		return
	}
	f.Interval = &finding.Interval{Low: iv.Low, High: iv.High, Level: m.view.Options.Level, Covers: finding.ExamplesOnly, Method: "Newcombe, paired"}
	n := float64(s.n)
	d := float64(c.OnlyVariant-c.OnlyBase) / n
	if se := math.Sqrt((float64(c.OnlyVariant+c.OnlyBase)/n - d*d) / n); se > 0 {
		f.Evidence.StdErr = &se
	}
}
