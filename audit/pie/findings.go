package pie

import (
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/interval"
	"github.com/lethe-audit/lethe/stat/mixture"
)

func overall() finding.Scope { return finding.Scope{Kind: finding.Overall} }

// finding makes a finding without an answer yet.
func (r *result) finding(question string, scope finding.Scope, metric string, unit finding.Unit) finding.Finding {
	variant := r.variant().Name
	return finding.Finding{
		ID: audit.ID(name, question, variant, scope), Check: name, Question: question,
		Baseline: r.view.Table.Baseline().Name, Variant: variant, Scope: scope, Metric: metric, Unit: unit,
		N: r.size(), KBase: r.k0, K: r.kt, Outcome: finding.Described,
		Evidence: &finding.Evidence{Examples: r.size(), TotalExamples: r.size()},
	}
}

func notMeasurable(f finding.Finding, why finding.Reason, needed string) finding.Finding {
	f.Outcome, f.Reason, f.Word, f.Needed = finding.NotMeasurable, why, finding.CannotSay, needed
	return f
}

func warn(f *finding.Finding, code, format string, args ...any) {
	f.Warnings = append(f.Warnings, finding.Warning{Code: code, Text: fmt.Sprintf(format, args...)})
}

// share is n of all examples.
func (r *result) share(n int64) float64 { return float64(n) / float64(r.size()) }

// pieShare describes the paper's number: the share of examples whose modal
// label differs, at full population size.
func (r *result) pieShare() finding.Finding {
	f := r.finding("pie-share", overall(), "PIE share", finding.Share)
	f.Estimate = finding.Float(r.share(int64(r.tally.pies)))
	if w, err := interval.Wilson(r.tally.pies, r.size(), r.view.Options.Level); err == nil {
		f.Interval = &finding.Interval{Low: w.Low, High: w.High, Level: r.view.Options.Level, Covers: finding.ExamplesOnly, Method: "Wilson"}
	}
	switch {
	case r.fullFloors:
		f.Reference = finding.Float(r.fullFloor)
		warn(&f, "estimated-floor", "The reference is estimated: a model fitted to the baseline's votes says how often two baselines of this size would disagree. The measured comparison is floor-excess.")
	case r.units != nil && r.reference != nil:
		f.Reference = finding.Float(r.share(1) * r.reference.mean)
		warn(&f, "swap-reference", "The reference is the mean share when lineages swap their baseline and variant members at random: members of one lineage resemble each other, so the floor of independent populations does not apply.")
	}
	if t := r.tally; t.tied > 0 {
		warn(&f, "ties", "The vote of %d examples is tied in the baseline and of %d in the variant (%d in either); the %s class number wins.", t.tiedBase, t.tiedVariant, t.tied, r.view.Options.Ties)
	}
	return f
}

// modelFloor is the share of examples on which two baselines of the two sizes
// would disagree, by a mixture model fitted to the baseline's votes.
func (c *comparison) modelFloor(t *tally) (float64, bool) {
	if c.k0 < 2 {
		return 0, false
	}
	var x, n, weight []int
	for first := range c.k0 + 1 {
		for second := range c.k0 + 1 {
			if w := t.topTwo[first*(c.k0+1)+second]; w > 0 {
				x, n, weight = append(x, first), append(n, first+second), append(weight, int(w))
			}
		}
	}
	m, err := mixture.Fit(x, n, weight, mixture.DefaultOptions())
	if err != nil {
		return 0, false // no example with two votes: nothing to fit
	}
	return m.DisagreeProb(c.k0, c.kt), true
}

// voteShift tests whether the votes moved at all, over all examples together.
func (r *result) voteShift() finding.Finding {
	f := r.finding("vote-shift", overall(), "mean vote shift", finding.Plain)
	if !r.shifted {
		return notMeasurable(f, finding.TooFewMembers, "at least 2 members in each population")
	}
	f.Estimate = finding.Float(r.shift.q)
	f.Reference = finding.Float(0)
	if !r.resampled {
		return f
	}
	f.Test = &finding.Test{Name: r.globalTest(r.shift.draws, r.shift.exact), Why: r.globalWhy(), P: finding.Float(r.shift.p)}
	return r.judge(f, r.shift.p, r.shift.least)
}

// judge gives the verdict of a one-sided test for more change than chance
// makes.
func (r *result) judge(f finding.Finding, p, leastP float64) finding.Finding {
	alpha := r.view.Options.Alpha
	switch {
	case leastP > alpha:
		return notMeasurable(f, finding.KTooSmall, r.needed(r.leastP))
	case p <= alpha:
		f.Outcome, f.Word = finding.Worse, finding.MoreThanNoise
	default:
		f.Outcome, f.Word = finding.NotDetected, finding.NotMoreThanNoise
	}
	return f
}

// globalTest names the rearrangements that a global test is made with.
func (r *result) globalTest(draws int, exact bool) string {
	what := "permutation of whole members between the populations"
	if r.units != nil {
		what = "swaps of whole prediction vectors within lineages"
	}
	if exact {
		return fmt.Sprintf("%s, all %d, one-sided", what, draws)
	}
	return fmt.Sprintf("%s, %d at random, one-sided", what, draws)
}

func (r *result) globalWhy() string {
	if r.units != nil {
		return r.view.Pairing(r.t).Why + "; examples share their members, so whole prediction vectors are swapped"
	}
	return "the examples of one member are not independent of each other, so members are permuted and not examples"
}

// taxicabMean describes the mean taxicab distance beside its mean under no
// effect, which is known exactly.
func (r *result) taxicabMean() finding.Finding {
	f := r.finding("taxicab", overall(), "mean taxicab distance of the votes", finding.Plain)
	value, reference, known := r.taxicab(r.tally)
	f.Estimate = finding.Float(value)
	if known {
		f.Reference = finding.Float(reference)
	}
	return f
}

// voteChanged counts the examples on which the two populations vote
// differently, beyond chance.
func (r *result) voteChanged() finding.Finding {
	scope := finding.Scope{Kind: finding.Examples, Name: "vote changed"}
	f := r.finding("vote-changed", scope, "examples whose votes changed", finding.Count)
	test := "exact test of two vote counts, taxicab distance"
	why := "the label counts of each example are given; the statistic treats both populations alike"
	if r.units != nil {
		test = "exact swaps within lineages, taxicab distance"
		why = r.view.Pairing(r.t).Why
	}
	return r.counted(f, r.verdicts.changed, test, why, r.leastP)
}

// certifiedPIEs counts the examples whose majority label changed, beyond
// chance.
func (r *result) certifiedPIEs() finding.Finding {
	scope := finding.Scope{Kind: finding.Examples, Name: "certified PIE"}
	f := r.finding("certified", scope, "examples whose majority label changed", finding.Count)
	return r.counted(f, r.verdicts.certified, "sign tests of the first label against the second in each population",
		"both populations must have a clear winner, and the winners must differ", leastSignP)
}

func (r *result) counted(f finding.Finding, n found, test, why string, least func(k0, kt int) float64) finding.Finding {
	v := r.verdicts
	k0, kt := r.unitCounts()
	tooSmall := least(k0, kt) > r.view.Options.Alpha
	f.Test = &finding.Test{Name: test, Why: why, Family: &finding.Family{Name: "examples, " + r.variant().Name, Size: v.family}}
	if r.resampled && r.shifted && r.shift.least <= r.view.Options.Alpha {
		f.Test.P = finding.Float(r.shift.p)
		warn(&f, "global-p", "The p-value beside the count is that of vote-shift: one test over all examples, by %s.", r.globalTest(r.shift.draws, r.shift.exact))
	}
	switch {
	case tooSmall:
		return notMeasurable(f, finding.KTooSmall, r.needed(least))
	case v.family == 0:
		f.Test.Family = nil
		return notMeasurable(f, finding.NothingToMeasure, "examples on which members disagree more")
	}
	f.Estimate = finding.Float(float64(n.decided))
	warn(&f, "family", "%d of %d examples could reach p <= %g and were corrected together (%s); the other %d could not, however the votes had been shared out between the populations.",
		v.family, r.size(), r.view.Options.Alpha, r.view.Options.FDR, r.size()-v.family)
	if v.untestable > 0 {
		warn(&f, "untestable", "%d examples were not tested: the exact test of populations of %d and %d members is too large.", v.untestable, r.k0, r.kt)
	}
	if n.decided > 0 {
		f.Outcome, f.Word = finding.Worse, finding.MoreThanNoise
		warn(&f, "dependence", "Examples share their members, so their p-values are not independent; under Benjamini-Yekutieli, which allows for any dependence, %d examples remain.", n.by)
	} else {
		f.Outcome, f.Word = finding.NotDetected, finding.NotMoreThanNoise
	}
	return f
}
