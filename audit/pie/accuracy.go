package pie

import (
	"context"
	"math"
	"sync"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/tail"
)

// accuracy are the findings about accuracy on PIEs: chosen by some members,
// measured by others.
func (r *result) accuracy() []finding.Finding {
	pie := finding.Scope{Kind: finding.Examples, Name: "PIE"}
	f := r.finding("accuracy-on-pie", pie, "accuracy difference on examples chosen by other members", finding.Difference)
	switch {
	case !r.canCrossFit():
		return []finding.Finding{notMeasurable(f, finding.TooFewMembers, r.atLeast(minCrossFit))}
	case r.crossfit == nil:
		return []finding.Finding{notMeasurable(f, finding.NotComputed, "")}
	case r.crossfit.pies.folds == 0:
		f.N = 0
		return []finding.Finding{notMeasurable(f, finding.NothingToMeasure, "examples whose modal labels differ")}
	}
	return []finding.Finding{r.onPIEs(f), r.onControls()}
}

// onPIEs is the change on PIEs beyond the change between two quarters of the
// baseline on their own PIEs. The variance is that of a single fold, which the
// mean over folds does not exceed.
func (r *result) onPIEs(f finding.Finding) finding.Finding {
	o, x := r.view.Options, r.crossfit
	f.N = int(math.Round(x.chosen))
	f.Evidence.Examples = f.N
	f.BaseValue, f.Value = finding.Float(x.pies.base), finding.Float(x.pies.variant)
	estimate, v, dof := x.pies.change(), x.pies.variance, x.pies.dof
	if x.quarters.folds > 0 {
		f.Reference = finding.Float(x.quarters.change())
		estimate -= x.quarters.change()
		v += x.quarters.drawn()
	}
	f.Estimate = finding.Float(estimate)
	warn(&f, "cross-fitted", "Half of each population chooses the examples (%d on average), the other half is measured, over %d random partitions; the reference is the same difference between quarters of the baseline on the examples that two other quarters choose, where accuracies are %.3f and %.3f.",
		f.N, o.Partitions, x.quarters.base, x.quarters.variant)
	if v == 0 {
		return f
	}
	se := math.Sqrt(v)
	half := tail.StudentTQuantile((1-o.Level)/2, dof) * se
	p := tail.TwoSidedT(estimate/se, dof)
	f.Interval = &finding.Interval{Low: estimate - half, High: estimate + half, Level: o.Level, Covers: finding.Members, Method: "cross-fitted t with the variance of a single fold (conservative)"}
	f.Test = &finding.Test{Name: "t of the cross-fitted difference", Why: "the members that are measured did not choose the examples", Statistic: finding.Float(estimate / se), DoF: finding.Float(dof), P: finding.Float(p)}
	f.Evidence.StdErr, f.Evidence.DoF, f.Evidence.VarMembers = finding.Float(se), finding.Float(dof), finding.Float(v)
	switch {
	case p <= o.Alpha && estimate < 0:
		f.Outcome, f.Word = finding.Worse, finding.Harmed
	case p <= o.Alpha:
		f.Outcome, f.Word = finding.Better, finding.Gained
	default:
		f.Outcome, f.Word = finding.NotDetected, finding.NoDifference
		f.MDE = finding.Float(se * (tail.StudentTQuantile(o.Alpha/2, dof) + tail.StudentTQuantile(1-o.MDEPower, dof)))
	}
	return f
}

// onControls describes the change on examples that are no PIEs but as near to
// a tied vote.
func (r *result) onControls() finding.Finding {
	f := r.finding("accuracy-on-controls", finding.Scope{Kind: finding.Examples, Name: "matched controls"}, "accuracy difference on controls", finding.Difference)
	x := r.crossfit
	if x.controls.folds == 0 {
		return notMeasurable(f, finding.NothingToMeasure, "examples with the same lead that are no PIEs")
	}
	f.BaseValue, f.Value, f.Estimate = finding.Float(x.controls.base), finding.Float(x.controls.variant), finding.Float(x.controls.change())
	warn(&f, "matched-controls", "Controls have the same modal label in both choosing halves and are weighted to the PIEs' leads (the votes by which the first label leads the second, summed over both halves).")
	if x.unpaired > 0 {
		warn(&f, "unmatched", "%.1f %% of the PIEs have a lead that no control has and are not in this comparison.", 100*x.unpaired)
	}
	return f
}

// stability are the findings about how far two halves of the populations
// choose the same PIEs.
func (r *result) stability() []finding.Finding {
	jaccard := r.finding("stability", finding.Scope{Kind: finding.Overall, Name: "Jaccard"}, "Jaccard index of two halves' PIEs", finding.Share)
	kappa := r.finding("stability", finding.Scope{Kind: finding.Overall, Name: "Fleiss kappa"}, "Fleiss' kappa of two halves' PIEs", finding.Plain)
	list := []finding.Finding{jaccard, kappa}
	for i := range list {
		f := &list[i]
		switch {
		case !r.canCrossFit():
			*f = notMeasurable(*f, finding.TooFewMembers, r.atLeast(minCrossFit))
		case r.crossfit == nil:
			*f = notMeasurable(*f, finding.NotComputed, "")
		default:
			r.stable(f, i == 1)
		}
	}
	return list
}

func (r *result) stable(f *finding.Finding, kappa bool) {
	s := r.crossfit.stable
	value, n := s.jaccard, s.jaccards
	if kappa {
		value, n = s.kappa, s.kappas
	}
	if n == 0 {
		*f = notMeasurable(*f, finding.NothingToMeasure, "examples whose modal labels differ")
		return
	}
	f.Estimate = finding.Float(value)
	warn(f, "halves", "Mean over %d random partitions of each population into halves of %d and %d %s; PIEs of the full populations are more stable than those of halves.", n, s.halves[0], s.halves[1], r.unit())
}

// paperAccuracy are the paper's accuracies on PIEs, on the other examples and
// on all, by the same members that chose them.
func (r *result) paperAccuracy() []finding.Finding {
	t := r.tally
	out := r.sameMembers("accuracy-on-pie-paper", "accuracy difference", t.right)
	if r.top5 != nil {
		out = append(out, r.sameMembers("top5-accuracy-on-pie-paper", "top-5 accuracy difference", r.top5.right)...)
	}
	return out
}

// sameMembers makes one finding for each set of examples from the right
// answers [all, on PIEs][baseline, variant].
func (r *result) sameMembers(question, metric string, right [2][2]int64) []finding.Finding {
	all, pies := r.size(), r.tally.pies
	sets := []struct {
		name  string
		n     int
		right [2]int64
	}{
		{"PIE", pies, right[1]},
		{"non-PIE", all - pies, [2]int64{right[0][0] - right[1][0], right[0][1] - right[1][1]}},
		{"all", all, right[0]},
	}
	var out []finding.Finding
	for _, s := range sets {
		f := r.finding(question, finding.Scope{Kind: finding.Examples, Name: s.name}, metric, finding.Difference)
		f.N, f.Evidence.Examples = s.n, s.n
		if s.n == 0 {
			out = append(out, notMeasurable(f, finding.NothingToMeasure, ""))
			continue
		}
		base := float64(s.right[0]) / (float64(s.n) * float64(r.k0))
		value := float64(s.right[1]) / (float64(s.n) * float64(r.kt))
		f.BaseValue, f.Value, f.Estimate = finding.Float(base), finding.Float(value), finding.Float(value-base)
		if s.name != "all" {
			warn(&f, "same-members", "The members that chose these examples also measure them: accuracy on PIEs is low by construction, whatever the compression did.")
		}
		out = append(out, f)
	}
	return out
}

// topFive are the answers with the true class among the first five.
type topFive struct {
	right [2][2]int64 // [all, on PIEs][baseline, variant]
}

// countTopFive counts them where every member has five classes in order of
// score; nil where one has not.
func (c *comparison) countTopFive(ctx context.Context, pies bitset) (*topFive, error) {
	table := c.view.Table
	type job struct{ population, member int }
	var jobs []job
	for p, t := range []int{0, c.t} {
		for k := range table.Variants[t].Members {
			if len(table.Variants[t].Members[k].TopK) < 5 {
				return nil, nil
			}
			jobs = append(jobs, job{p, k})
		}
	}
	partial := make([]topFive, c.view.Threads())
	var wg sync.WaitGroup
	for w := range partial {
		wg.Go(func() {
			for i := w; i < len(jobs) && ctx.Err() == nil; i += len(partial) {
				t := []int{0, c.t}[jobs[i].population]
				all, on := countTop(&table.Labels, table.Variants[t].Members[jobs[i].member].TopK[:5], pies)
				partial[w].right[0][jobs[i].population] += all
				partial[w].right[1][jobs[i].population] += on
			}
		})
	}
	wg.Wait()
	out := &topFive{}
	for _, p := range partial {
		for i := range p.right {
			for j, n := range p.right[i] {
				out.right[i][j] += n
			}
		}
	}
	return out, ctx.Err()
}
