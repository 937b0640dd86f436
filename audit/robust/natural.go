package robust

import (
	"errors"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/components"
	"github.com/lethe-audit/lethe/stat/contrast"
	"github.com/lethe-audit/lethe/stat/tail"
	"github.com/lethe-audit/lethe/stat/ttest"
)

// two is the right answers of both sides to one of two sets of images.
type two struct{ base, variant grid }

// only keeps the examples of idx; nil keeps all.
func (t two) only(idx []int32) two { return two{t.base.only(idx), t.variant.only(idx)} }

// apart tests the excess where the shifted images are others than the clean ones:
// the members stay matched, and the variances over examples add.
func (d *design) apart(shifted, clean two, o audit.Options) result {
	var r result
	ns, nc := float64(shifted.base.examples()), float64(clean.base.examples())
	r.base = d.mean(shifted.base, true, 1) - d.mean(clean.base, true, 1)
	r.top = d.mean(shifted.variant, false, 1) - d.mean(clean.variant, false, 1)
	r.estimate = r.top - r.base
	r.evidence.Examples = int(ns)
	if d.kind == audit.SinglePair {
		d.singleApart(&r, shifted, clean, o)
		return r
	}
	s, parts, err1 := d.parts(shifted)
	c, _, err2 := d.parts(clean)
	if err1 != nil || err2 != nil {
		r.reason = finding.NoMemberVariance
		return r
	}
	scale := ns * nc * parts
	gap := func(s, c grid) []int64 {
		a, b := s.rows(), c.rows()
		for k := range a {
			a[k] = a[k]*int64(nc) - b[k]*int64(ns)
		}
		return a
	}
	var t ttest.Result
	var err error
	if d.kind == audit.Paired {
		x, _ := d.differences(shifted.base, shifted.variant)
		y, _ := d.differences(clean.base, clean.variant)
		t, err = ttest.OneSampleFromMoments(ttest.IntegerMoments(gap(x, y), scale), 0)
	} else {
		t, err = ttest.WelchFromMoments(ttest.IntegerMoments(gap(shifted.variant, clean.variant), scale), ttest.IntegerMoments(gap(shifted.base, clean.base), scale))
	}
	r.ttest(t, err)
	b := (s.B + c.B) / parts / parts
	e := (s.E + c.E) / parts / parts
	switch {
	case d.one:
		r.within(math.Sqrt(b), math.Inf(1), d.level, finding.ExamplesOnly, "normal, examples of both sets")
		r.overExamples(min(moved(shifted.base, shifted.variant), moved(clean.base, clean.variant)))
	case err == nil:
		a := t.StdErr * t.StdErr
		v := max(a+b-e, a, b)
		k := float64(min(d.k0, d.kt) - 1)
		own := func(x components.Components, n float64) float64 { return (x.B*x.B + x.E*x.E/k) / (n - 1) }
		dof := v * v / (a*a/t.DoF + (own(s, ns)+own(c, nc))/math.Pow(parts, 4))
		r.within(math.Sqrt(v), max(dof, min(t.DoF, min(ns, nc)-1)), d.level, finding.Both, "t, variance components, examples of both sets")
		r.evidence.VarMembers = &a
	}
	r.evidence.VarExamples, r.evidence.VarResidual = &b, &e
	if r.test != nil {
		r.test.Why, r.test.Name = d.why+"; the images of both sets differ, their variances add", d.testName()
	}
	return r
}

// parts are the variance components of one set of images, in units of 1/parts.
func (d *design) parts(x two) (components.Components, float64, error) {
	if d.kind == audit.Paired {
		diff, parts := d.differences(x.base, x.variant)
		c, err := components.Paired(components.SumsOf(diff))
		return c, parts, err
	}
	c, err := components.Unpaired(components.PairOf(x.base, x.variant))
	return c, 1, err
}

// singleApart is the contrast of one pair of models between two sets of images.
func (d *design) singleApart(r *result, shifted, clean two, o audit.Options) {
	opt := contrast.DefaultOptions()
	opt.Seed, opt.Replicates = o.Seed, max(opt.Replicates, o.Replicates)
	x, y := changes(shifted), changes(clean)
	variance := func(c contrast.Counts) float64 {
		n := float64(c.N())
		mean := float64(c.Plus-c.Minus) / n
		return (float64(c.Plus+c.Minus)/n - mean*mean) / n
	}
	v := variance(x) + variance(y)
	if v > 0 {
		r.within(math.Sqrt(v), math.Inf(1), d.level, finding.ExamplesOnly, "normal, examples of both sets")
		r.evidence.VarExamples = &v
	}
	if x.Discordant()+y.Discordant() < fewestFlips {
		r.reason = finding.TooFewDiscordant
		return
	}
	t, err := contrast.Test(x, y, opt)
	switch {
	case errors.Is(err, contrast.ErrNoDiscordant):
		r.reason = finding.TooFewDiscordant
	case err != nil:
		r.reason = finding.NoMemberVariance
	default:
		r.test = &finding.Test{Name: "studentized contrast (" + t.Method.String() + ")", Why: d.why + "; the images of both sets differ", P: &t.P}
		if !math.IsInf(t.T, 0) {
			r.test.Statistic = &t.T
		}
	}
}

// changes counts right answers lost and won by a single pair of models.
func changes(x two) contrast.Counts {
	var c contrast.Counts
	for i, b := range x.base[0] {
		switch x.variant[0][i] - b {
		case -1:
			c.Minus++
		case 1:
			c.Plus++
		default:
			c.Zero++
		}
	}
	return c
}

// odds is the difference of log-odds of a right answer, ln((x+.5)/(n−x+.5)),
// between shifted and clean data, variant minus baseline, averaged over severities
// and members. shifted are pairs of grids by severity.
func (d *design) odds(shifted []two, clean two) (estimate float64, interval *finding.Interval) {
	logit := func(g grid) []float64 {
		n := float64(g.examples())
		out := make([]float64, len(g))
		for k, x := range g.rows() {
			out[k] = math.Log((float64(x) + 0.5) / (n - float64(x) + 0.5))
		}
		return out
	}
	side := func(of func(two) grid) []float64 {
		out := logit(of(clean))
		for k := range out {
			out[k] = -out[k]
		}
		for _, s := range shifted {
			for k, l := range logit(of(s)) {
				out[k] += l / float64(len(shifted))
			}
		}
		return out
	}
	base, variant := side(func(x two) grid { return x.base }), side(func(x two) grid { return x.variant })
	for k, w := range d.weights(len(base), true) {
		estimate -= w * base[k]
	}
	for k, w := range d.weights(len(variant), false) {
		estimate += w * variant[k]
	}
	var t ttest.Result
	err := ttest.ErrTooFew
	switch {
	case d.kind == audit.Paired:
		var diff []float64
		for _, l := range d.lineages {
			diff = append(diff, average(variant, l.Variant)-average(base, l.Base))
		}
		t, err = ttest.OneSample(diff, 0)
	case d.kind == audit.Independent && !d.one:
		t, err = ttest.Welch(variant, base)
	}
	if err != nil {
		return estimate, nil
	}
	half := tail.StudentTQuantile((1-d.level)/2, t.DoF) * t.StdErr
	return estimate, &finding.Interval{Low: estimate - half, High: estimate + half, Level: d.level, Covers: finding.Members, Method: "t, over members"}
}

func average(x []float64, of []int) float64 {
	sum := 0.0
	for _, k := range of {
		sum += x[k]
	}
	return sum / float64(len(of))
}
