package robust

import (
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// measured is what is found about one variant under one group of shifts.
type measured struct {
	excess, odds, harm finding.Finding
	inside             []finding.Finding // severities, classes and subgroups, where the excess was detected

	error, relativeError *float64 // corruption error relative to the baseline; nil where that makes none
	slope                *result  // of the accuracy difference by step of severity; nil for one severity
}

// pair are both sides' right answers to one data set.
func (r *run) pair(a *answers, x *variant) two {
	return two{a.of(r.view.Table.Baseline().Name), a.of(x.name)}
}

// sums adds up both sides over the severities of a group; with clean, the clean
// answers are taken off as often.
func (r *run) sums(g *group, x *variant, clean bool) two {
	var base, top []term
	for _, a := range g.answers {
		p := r.pair(a, x)
		base, top = append(base, term{p.base, 1}), append(top, term{p.variant, 1})
	}
	if clean {
		p, s := r.pair(r.clean, x), int32(len(g.answers))
		base, top = append(base, term{p.base, -s}), append(top, term{p.variant, -s})
	}
	return two{combine(base...), combine(top...)}
}

// group measures one variant under one corruption, and lets go of the answers.
func (r *run) group(g *group, x *variant, sums *summary) {
	g.load()
	r.cells(g, x)
	m := &measured{harm: r.harm(g, x)}
	m.excess = r.excessFinding(g, x, finding.Scope{Kind: finding.Corruption, Name: g.name}, g.answers, nil, g.ref.idx)
	m.odds = r.oddsFinding(g, x)
	if g.paired {
		m.error, m.relativeError = r.corruptionError(g, x)
		r.slope(g, x, m)
		r.classLines(g, x)
		sums.add(r, g, x)
	}
	x.groups = append(x.groups, m)
	g.answers, g.all = nil, nil
}

// excess is the excess over the severities in from, for the examples of idx and,
// where the images differ, of cleanIdx; nil keeps all.
func (r *run) excess(g *group, x *variant, from []*answers, idx, cleanIdx []int32) result {
	if !g.paired {
		return x.design.apart(r.sides(g, x, from, idx)[0], r.cleanSide(g, x, cleanIdx), r.view.Options)
	}
	part := group{answers: from, paired: true}
	p := r.sums(&part, x, true)
	return x.design.compare(p.base.only(idx), p.variant.only(idx), float64(len(from)))
}

// newFinding is a finding about one scope of the shifted data.
func (r *run) newFinding(x *variant, question, metric string, unit finding.Unit, scope finding.Scope, n int) finding.Finding {
	f := finding.Finding{
		Check: Name, Question: question, Scope: scope, Metric: metric, Unit: unit,
		Baseline: r.view.Table.Baseline().Name, Variant: x.name, N: n, KBase: x.design.k0, K: x.design.kt, Outcome: finding.Described,
	}
	f.ID = audit.ID(Name, question, x.name, scope)
	return f
}

// put takes over a result.
func put(f *finding.Finding, r *result) {
	f.Estimate, f.BaseValue, f.Value, f.Interval, f.Test = &r.estimate, &r.base, &r.top, r.interval, r.test
	e := r.evidence
	f.Evidence = &e
	if r.test == nil {
		f.Outcome, f.Reason, f.Word, f.Needed = finding.NotMeasurable, r.reason, finding.CannotSay, r.needed
	}
}

func (r *run) excessFinding(g *group, x *variant, scope finding.Scope, from []*answers, idx, cleanIdx []int32) finding.Finding {
	n := len(from[0].labels)
	if idx != nil {
		n = len(idx)
	}
	f := r.newFinding(x, ExcessQuestion, "change of accuracy under the shift, difference", finding.Difference, scope, n)
	if n < max(r.view.Options.MinN, 2) || !g.paired && cleanIdx != nil && len(cleanIdx) < max(r.view.Options.MinN, 2) {
		f.Outcome, f.Reason, f.Word = finding.NotMeasurable, finding.TooFewExamples, finding.CannotSay
		return f
	}
	res := r.excess(g, x, from, idx, cleanIdx)
	put(&f, &res)
	f.Warnings = r.doubts(g, x)
	return f
}

// doubts are the warnings about one group of shifts.
func (r *run) doubts(g *group, x *variant) []finding.Warning {
	var w []finding.Warning
	if x.design.kind != audit.SinglePair && !x.design.one && min(x.design.k0, x.design.kt) < 5 {
		w = append(w, finding.Warning{Code: "few-members", Text: "With fewer than 5 members the t-test leans on normality."})
	}
	if atFloor(&g.members[0].Shift) {
		w = append(w, finding.Warning{Code: "shift-at-floor", Text: "ImageNet-A holds images that a ResNet-50 gets wrong: such a baseline is at a floor there and has little to lose, so that a comparison with it says little."})
	}
	return append(w, g.chosen()...)
}

// oddsFinding is the twin of the excess in log-odds.
func (r *run) oddsFinding(g *group, x *variant) finding.Finding {
	f := r.newFinding(x, OddsQuestion, "change of the log-odds of a right answer under the shift, difference", finding.Nats, finding.Scope{Kind: finding.Corruption, Name: g.name}, len(g.answers[0].labels))
	v, interval := x.design.odds(r.sides(g, x, g.answers, nil), r.cleanSide(g, x, g.ref.idx))
	f.Estimate, f.Interval = &v, interval
	return f
}

// harm is the accuracy difference on the shifted data, with the evidence that a
// gate decides by.
func (r *run) harm(g *group, x *variant) finding.Finding {
	n, s := len(g.answers[0].labels), len(g.answers)
	f := r.newFinding(x, HarmQuestion, "accuracy difference on the shifted data", finding.Difference, finding.Scope{Kind: finding.Corruption, Name: g.name}, n)
	p := r.sums(g, x, false)
	res := x.design.compare(p.base, p.variant, float64(s))
	put(&f, &res)
	e := f.Evidence
	e.Examples, e.TotalExamples = n*s, n*s
	e.BaseCorrect, e.Correct = p.base.rows(), p.variant.rows()
	for _, l := range x.design.lineages {
		if x.design.kind == audit.Paired {
			e.Lineages = append(e.Lineages, [2][]int{l.Base, l.Variant})
		}
	}
	if x.design.kind == audit.SinglePair && s == 1 {
		e.Pairs = cellsOf(p)
	}
	f.Warnings = r.doubts(g, x)
	return f
}

func cellsOf(p two) *finding.PairedCells {
	c := changes(p)
	out := &finding.PairedCells{OnlyBase: int64(c.Minus), OnlyVariant: int64(c.Plus)}
	for i, b := range p.base[0] {
		if b == 1 && p.variant[0][i] == 1 {
			out.Both++
		}
	}
	out.Neither = int64(c.N()) - out.Both - out.OnlyBase - out.OnlyVariant
	return out
}

// cells fills the numbers of every severity.
func (r *run) cells(g *group, x *variant) {
	baseline := r.view.Table.Baseline().Name
	for j, a := range g.answers {
		p := r.pair(a, x)
		c := cell{shift: &g.members[j].Shift, n: len(a.labels), base: x.design.mean(p.base, true, 1), top: x.design.mean(p.variant, false, 1)}
		c.base5, c.top5 = topFive(a, baseline), topFive(a, x.name)
		c.baseAll, c.topAll = unmasked(a, baseline), unmasked(a, x.name)
		c.pie = differ(a.table, baseline, x.name, r.view.Options.Ties)
		if idx := g.ref.idx; len(a.labels) > 1 && (idx == nil || len(idx) > 1) {
			res := r.excess(g, x, []*answers{a}, nil, idx)
			c.excess = &res.estimate
			if res.interval != nil {
				c.low, c.high = &res.interval.Low, &res.interval.High
			}
			odds, _ := x.design.odds(r.sides(g, x, []*answers{a}, nil), r.cleanSide(g, x, idx))
			c.odds = &odds
		}
		x.cells = append(x.cells, c)
	}
}

// differ is the share of examples on which the modal labels differ.
func differ(t *prediction.Table, base, name string, ties audit.Ties) float64 {
	a, b := modal(t, base, ties), modal(t, name, ties)
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return float64(n) / float64(len(a))
}

// corruptionError is the variant's error summed over severities relative to the
// baseline's, and the same beyond the error on clean data.
func (r *run) corruptionError(g *group, x *variant) (err, relative *float64) {
	c := r.pair(r.clean, x)
	cleanBase, cleanTop := 1-x.design.mean(c.base, true, 1), 1-x.design.mean(c.variant, false, 1)
	var base, top float64
	for _, a := range g.answers {
		p := r.pair(a, x)
		base += 1 - x.design.mean(p.base, true, 1)
		top += 1 - x.design.mean(p.variant, false, 1)
	}
	s := float64(len(g.answers))
	if base > 0 {
		err = finding.Float(top / base)
	}
	if base-s*cleanBase > 1e-9 {
		relative = finding.Float((top - s*cleanTop) / (base - s*cleanBase))
	}
	return err, relative
}

// slope fits the accuracy difference by the severity.
func (r *run) slope(g *group, x *variant, m *measured) {
	s := int32(len(g.members))
	var sum, squares int32
	for _, y := range g.members {
		v := int32(y.Shift.Severity)
		sum, squares = sum+v, squares+v*v
	}
	unit := s*squares - sum*sum
	if s < 2 || unit == 0 {
		return
	}
	var base, top []term
	for j, a := range g.answers {
		p, w := r.pair(a, x), s*int32(g.members[j].Shift.Severity)-sum
		base, top = append(base, term{p.base, w}), append(top, term{p.variant, w})
	}
	res := x.design.compare(combine(base...), combine(top...), float64(unit))
	m.slope = &res
	f := r.newFinding(x, SlopeQuestion, "change of the accuracy difference for each step of severity", finding.Difference, finding.Scope{Kind: finding.Corruption, Name: g.name}, len(g.answers[0].labels))
	f.Estimate, f.Interval = &res.estimate, res.interval
	x.more = append(x.more, f)
}

// classLine is one class over all corruptions: sums of right shares.
type classLine struct {
	shifts                         int
	base, top, cleanBase, cleanTop float64
}

// classLines adds up the recalls of the classes.
func (r *run) classLines(g *group, x *variant) {
	if x.worst == nil {
		x.worst = make([]classLine, len(r.view.Table.Classes))
	}
	sizes := r.view.ClassSizes()
	recalls := func(a *answers, p two) (base, top []float64) {
		base, top = make([]float64, len(sizes)), make([]float64, len(sizes))
		add := func(out []float64, rows grid, w []float64) {
			for k, row := range rows {
				for i, y := range row {
					if y != 0 {
						out[a.labels[i]] += w[k] / float64(sizes[a.labels[i]])
					}
				}
			}
		}
		add(base, p.base, x.design.weights(len(p.base), true))
		add(top, p.variant, x.design.weights(len(p.variant), false))
		return base, top
	}
	cleanBase, cleanTop := recalls(r.clean, r.pair(r.clean, x))
	for _, a := range g.answers {
		base, top := recalls(a, r.pair(a, x))
		for c := range sizes {
			l := &x.worst[c]
			l.shifts++
			l.base, l.top = l.base+base[c], l.top+top[c]
			l.cleanBase, l.cleanTop = cleanBase[c], cleanTop[c]
		}
	}
}

// byClass are the rows of each class.
func byClass(labels []int32, classes int) [][]int32 {
	out := make([][]int32, classes)
	for i, c := range labels {
		out[c] = append(out[c], int32(i))
	}
	for c := range out {
		out[c] = slices.Clip(out[c])
		if out[c] == nil {
			out[c] = []int32{}
		}
	}
	return out
}
