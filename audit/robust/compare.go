package robust

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/components"
	"github.com/lethe-audit/lethe/stat/permutation"
	"github.com/lethe-audit/lethe/stat/tail"
	"github.com/lethe-audit/lethe/stat/ttest"
)

// fewestFlips is the number of examples that differ from 0 from which a sign-flip
// test can reach the level .05, and normalFrom that from which the normal tail is
// taken.
const (
	fewestFlips = 6
	normalFrom  = permutation.MaxExactFlips
)

// design says how the members of a variant are compared with the baseline's.
type design struct {
	kind     audit.Design
	lineages []audit.Lineage
	one      bool // all members come from one checkpoint: only examples vary
	why      string
	k0, kt   int
	level    float64
}

// designOf follows the pairing; the paper's audit knows independent populations
// only.
func designOf(v *audit.View, t int) *design {
	p := v.Pairing(t)
	d := &design{kind: p.Design, lineages: p.Lineages, one: p.OneCheckpoint, why: p.Why, level: v.Options.Level,
		k0: len(v.Table.Variants[0].Members), kt: len(v.Table.Variants[t].Members)}
	if v.Options.Paper && d.kind == audit.Paired {
		d.kind, d.lineages, d.why = audit.Independent, nil, "the paper compares independent populations"
	}
	if d.kind == audit.Paired {
		d.k0, d.kt = len(d.lineages), len(d.lineages)
	}
	return d
}

// result is a difference of means, variant minus baseline, with what is known of
// its chance.
type result struct {
	estimate  float64
	base, top float64 // the two means
	test      *finding.Test
	reason    finding.Reason // why there is no test
	needed    string
	interval  *finding.Interval
	evidence  finding.Evidence
}

// compare tests whether the mean of the variant's grid is the baseline's, over the
// same examples. An entry counts 1/unit.
func (d *design) compare(base, variant grid, unit float64) result {
	n := base.examples()
	var r result
	r.base, r.top = d.mean(base, true, unit), d.mean(variant, false, unit)
	r.estimate = r.top - r.base
	r.evidence.Examples = n
	if d.kind == audit.SinglePair {
		d.single(&r, base[0], variant[0], unit)
		return r
	}
	var c components.Components
	var err error
	scale := unit
	if d.kind == audit.Paired {
		x, parts := d.differences(base, variant)
		scale *= parts
		c, err = components.Paired(components.SumsOf(x))
		r.ttest(ttest.OneSampleFromMoments(ttest.IntegerMoments(x.rows(), float64(n)*scale), 0))
	} else {
		p := components.PairOf(base, variant)
		c, err = components.Unpaired(p)
		if !d.one {
			r.ttest(ttest.WelchFromMoments(ttest.IntegerMoments(p.Variant.Rows, float64(n)*scale), ttest.IntegerMoments(p.Base.Rows, float64(n)*scale)))
		}
	}
	if err == nil {
		r.spread(c, scale, d.level)
	}
	if d.one {
		r.overExamples(moved(base, variant))
	}
	if r.test != nil {
		r.test.Why, r.test.Name = d.why, d.testName()
	}
	return r
}

func (d *design) testName() string {
	switch {
	case d.one:
		return "studentized mean, normal tail"
	case d.kind == audit.Paired:
		return "paired t"
	}
	return "Welch t"
}

// mean is the mean of one side; under a paired design every lineage counts once.
func (d *design) mean(g grid, base bool, unit float64) float64 {
	rows := g.rows()
	sum := 0.0
	for k, w := range d.weights(len(g), base) {
		sum += w * float64(rows[k])
	}
	return sum / unit / float64(g.examples())
}

// weights are the members' shares of their side's mean.
func (d *design) weights(members int, base bool) []float64 {
	w := make([]float64, members)
	if d.kind != audit.Paired {
		for k := range w {
			w[k] = 1 / float64(members)
		}
		return w
	}
	for _, l := range d.lineages {
		side := l.Variant
		if base {
			side = l.Base
		}
		for _, k := range side {
			w[k] = 1 / float64(len(side)) / float64(len(d.lineages))
		}
	}
	return w
}

// differences are a row for each lineage: the mean of its members of the variant
// minus that of its baseline members, in units of 1/parts.
func (d *design) differences(base, variant grid) (x grid, parts float64) {
	scale := int32(1)
	for _, l := range d.lineages {
		scale = int32(audit.LCM(int64(scale), audit.LCM(int64(len(l.Base)), int64(len(l.Variant)))))
	}
	for _, l := range d.lineages {
		row := make([]int32, base.examples())
		add := func(g grid, members []int, weight int32) {
			for _, k := range members {
				for i, y := range g[k] {
					row[i] += weight * y
				}
			}
		}
		add(base, l.Base, -scale/int32(len(l.Base)))
		add(variant, l.Variant, scale/int32(len(l.Variant)))
		x = append(x, row)
	}
	return x, float64(scale)
}

// ttest takes over the outcome of a t-test over members.
func (r *result) ttest(t ttest.Result, err error) {
	switch {
	case errors.Is(err, ttest.ErrTooFew):
		r.reason = finding.TooFewMembers
	case err != nil:
		r.reason = finding.NoMemberVariance
	default:
		r.test = &finding.Test{Statistic: &t.T, DoF: &t.DoF, P: &t.P}
	}
}

// spread sets the interval and the evidence from the parts of the variance.
func (r *result) spread(c components.Components, scale, level float64) {
	v, covers, err := recall.Widest(c)
	if err != nil {
		return
	}
	r.within(math.Sqrt(v.V)/scale, v.DoF, level, covers, "t, two-way variance components")
	part := func(x float64) *float64 { return finding.Float(x / scale / scale) }
	r.evidence.VarMembers, r.evidence.VarExamples, r.evidence.VarResidual = part(c.A), part(c.B), part(c.E)
}

// within sets an interval of a standard error; dof is infinite for a normal one.
func (r *result) within(se, dof, level float64, covers finding.Covers, method string) {
	half := tail.StudentTQuantile((1-level)/2, dof) * se
	r.interval = &finding.Interval{Low: r.estimate - half, High: r.estimate + half, Level: level, Covers: covers, Method: method}
	r.evidence.StdErr = &se
	if !math.IsInf(dof, 0) {
		r.evidence.DoF = &dof
	}
}

// overExamples tests a mean whose standard error is over the examples.
func (r *result) overExamples(moved int) {
	r.reason, r.test = "", nil
	se := r.evidence.StdErr
	if moved < normalFrom || se == nil || *se == 0 {
		r.reason = finding.TooFewDiscordant
		r.needed = fmt.Sprintf("%d examples at least on which the difference is not 0; there are %d", normalFrom, moved)
		return
	}
	z := r.estimate / *se
	p := tail.TwoSidedNormal(z)
	r.test = &finding.Test{Statistic: &z, P: &p}
}

// single tests one pair of models over the examples.
func (d *design) single(r *result, base, variant []int32, unit float64) {
	n := len(base)
	x := make([]float64, n)
	sum, nonZero := 0.0, 0
	for i := range x {
		x[i] = float64(variant[i]-base[i]) / unit
		sum += x[i]
		if x[i] != 0 {
			nonZero++
		}
	}
	mean, squares := sum/float64(n), 0.0
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	se := 0.0
	if n > 1 {
		se = math.Sqrt(squares / float64(n-1) / float64(n))
	}
	if se > 0 {
		r.within(se, math.Inf(1), d.level, finding.ExamplesOnly, "normal, over examples")
		r.evidence.VarExamples = finding.Float(se * se)
	}
	flip, err := permutation.SignFlip(x)
	if err != nil || nonZero < fewestFlips {
		r.reason = finding.TooFewDiscordant
		r.needed = fmt.Sprintf("%d examples at least on which the difference is not 0; there are %d", fewestFlips, nonZero)
		return
	}
	if flip.Exact || se == 0 {
		r.test = &finding.Test{Name: "sign flips, exact", Why: d.why, Statistic: &flip.Z, P: &flip.P}
		return
	}
	z := r.estimate / se
	p := tail.TwoSidedNormal(z)
	r.test = &finding.Test{Name: "studentized mean, normal tail", Why: d.why, Statistic: &z, P: &p}
}

// moved counts the examples on which the means of both sides differ.
func moved(base, variant grid) int {
	n := 0
	for i := range base.examples() {
		var b, v int64
		for _, row := range base {
			b += int64(row[i])
		}
		for _, row := range variant {
			v += int64(row[i])
		}
		if b*int64(len(variant)) != v*int64(len(base)) {
			n++
		}
	}
	return n
}
