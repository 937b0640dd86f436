package recall

import (
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/power"
	"github.com/lethe-audit/lethe/stat/tail"
)

// exactDiscordant is the number of changed answers up to which the power of
// the exact McNemar test is summed exactly; above it the normal approximation
// differs by less than a twentieth.
const exactDiscordant = 100

// normalInterval sets an interval from a standard error over examples.
func (m *Measured) normalInterval(f *finding.Finding, se float64) {
	half := tail.NormalQuantile((1-m.view.Options.Level)/2) * se
	f.Interval = &finding.Interval{
		Low: *f.Estimate - half, High: *f.Estimate + half, Level: m.view.Options.Level,
		Covers: finding.ExamplesOnly, Method: "normal, studentized contrast",
	}
	f.Evidence.StdErr = &se
}

// addMDE sets the minimum detectable effect of a test that detected nothing: the
// true difference that the same test, at its uncorrected level, finds with the
// power of the options.
func (m *Measured) addMDE(f *finding.Finding) {
	t := f.Test
	var mde float64
	var ok bool
	switch {
	case t.DoF != nil && f.Evidence.VarMembers != nil:
		var delta float64
		if delta, ok = m.Grouping.effect(*t.DoF, m.view.Options); ok {
			mde = delta * math.Sqrt(*f.Evidence.VarMembers) // the t-test's standard error
		}
	case (f.Question == DisproportionQuestion || m.oneUnit()) && f.Evidence.StdErr != nil:
		mde, ok = m.normalEffect(*f.Evidence.StdErr), true
	case m.design() == audit.SinglePair && f.Evidence.Pairs != nil:
		mde, ok = m.pairEffect(*f.Evidence.Pairs)
	}
	if ok && mde > 0 {
		f.MDE = &mde
	}
}

// normalEffect is the minimum detectable effect of a normal test.
func (m *Measured) normalEffect(se float64) float64 {
	o := m.view.Options
	return (tail.NormalQuantile(o.Alpha/2) + tail.NormalQuantile(1-o.MDEPower)) * se
}

// pairEffect is the minimum detectable effect of the exact McNemar test with
// as many examples and changed answers.
func (m *Measured) pairEffect(c finding.PairedCells) (float64, bool) {
	n, discordant := float64(c.N()), float64(c.OnlyBase+c.OnlyVariant)
	if discordant == 0 {
		return 0, false
	}
	if discordant > exactDiscordant {
		return m.normalEffect(math.Sqrt(discordant) / n), true
	}
	o := m.view.Options
	mde, err := power.McNemar{N: int(n), Discordance: discordant / n}.MinimumDetectableEffect(o.Alpha, o.MDEPower)
	return mde, err == nil
}

// effect is the minimum detectable effect of a t-test in standard errors. It
// depends on the degrees of freedom so little that two significant digits of
// them are enough (a tenth of a percent), and it is kept for other variants.
func (g *Grouping) effect(dof float64, o audit.Options) (float64, bool) {
	unit := math.Pow(10, math.Floor(math.Log10(dof))-1)
	dof = math.Max(unit, math.Round(dof/unit)*unit)
	g.mu.Lock()
	defer g.mu.Unlock()
	if d, ok := g.effects[dof]; ok {
		return d, d > 0
	}
	d, err := power.Noncentrality(dof, o.Alpha, o.MDEPower)
	if err != nil {
		d = 0
	}
	if g.effects == nil {
		g.effects = map[float64]float64{}
	}
	g.effects[dof] = d
	return d, d > 0
}
