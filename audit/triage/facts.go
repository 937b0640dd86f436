package triage

import (
	"context"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/confident"
	"github.com/lethe-audit/lethe/stat/tail"
)

// reasons is a set of guesses that hold, a bit each, by their place in
// [finding.Guesses].
type reasons uint8

const (
	mislabelled reasons = 1 << iota
	ambiguous
	lowContrast
	blurred
	nearBoundary
)

// guesses are the reasons in order.
func (r reasons) guesses() (out []finding.Guess) {
	for j, g := range finding.Guesses() {
		if r>>j&1 == 1 {
			out = append(out, g)
		}
	}
	return out
}

// guess is the most telling one.
func (r reasons) guess() finding.Guess {
	if all := r.guesses(); len(all) > 0 {
		return all[0]
	}
	return finding.GuessUnexplained
}

// facts is what is known of every example whatever the variant.
type facts struct {
	view     *audit.View
	basis    basis
	measured reasons // what could be measured at all
	holds    []reasons
	forgot   []int32 // variants that forget the example
	modal    []int32 // the baseline's label

	margin        []float32 // first share minus second; nil where not measured
	first, second []uint16  // votes, where they decide about the margin
	marginRank    []float32 // where probabilities decide

	suggested    []int32   // by the models; nil where not measured
	given, other []float32 // beliefs in the given and in the suggested label
	score        []float64
	likely       []bool
	thresholds   *confident.Thresholds

	contrast, sharpness looked
}

// gather finds out what can be known without looking at variants.
func gather(ctx context.Context, v *audit.View) (*facts, error) {
	n := v.Table.Len()
	f := &facts{view: v, basis: basisOf(v), holds: make([]reasons, n), forgot: make([]int32, n), modal: make([]int32, n)}
	if err := f.votes(ctx); err != nil {
		return nil, err
	}
	if f.basis != noBasis {
		if err := f.believe(ctx); err != nil {
			return nil, err
		}
	}
	f.boundary()
	f.contrast = f.look(prediction.Contrast, lowContrast)
	f.sharpness = f.look(prediction.Sharpness, blurred)
	f.people()
	return f, nil
}

// votes counts the baseline's votes.
func (f *facts) votes(ctx context.Context) error {
	members := len(f.view.Table.Baseline().Members)
	if members >= leastVotes(f.view.Options.Alpha) {
		f.first, f.second, f.margin = make([]uint16, len(f.holds)), make([]uint16, len(f.holds)), make([]float32, len(f.holds))
	}
	tallies := make([]tally, f.view.Threads())
	ties := tiesOf(f.view.Options)
	return f.view.Blocks(ctx, []int{0}, func(w int, b *audit.Block) error {
		t := &tallies[w]
		for i := range b.N {
			t.count(b.Pred[0], i)
			f.modal[b.From+i] = t.modal(ties)
			if f.first != nil {
				first, second := topTwo(t.votes)
				f.first[b.From+i], f.second[b.From+i] = uint16(first), uint16(second)
				f.margin[b.From+i] = float32(first-second) / float32(members)
			}
		}
		return nil
	})
}

// believe judges every label by confident learning. Thresholds are summed by
// block, in order.
func (f *facts) believe(ctx context.Context) error {
	n, classes := len(f.holds), len(f.view.Table.Classes)
	believers := make([]believer, f.view.Threads())
	for w := range believers {
		believers[w] = believer{view: f.view, basis: f.basis}
	}
	each := func(fn func(block, example int, given int32, p []float64)) error {
		return f.view.Blocks(ctx, []int{0}, func(w int, b *audit.Block) error {
			p, err := believers[w].fill(b)
			if err != nil {
				return err
			}
			for i, given := range b.Labels {
				fn(b.Index, b.From+i, given, p[i*classes:(i+1)*classes])
			}
			return nil
		})
	}
	parts := make([]*confident.Learner, f.view.NumBlocks())
	for i := range parts {
		parts[i] = confident.NewLearner(classes)
	}
	if f.margin == nil {
		f.margin = make([]float32, n)
	}
	err := each(func(block, i int, given int32, p []float64) {
		parts[block].Add(int(given), p[given])
		if f.first == nil {
			first, second := topTwo(p)
			f.margin[i] = float32(first - second)
		}
	})
	if err != nil {
		return err
	}
	all := confident.NewLearner(classes)
	for _, p := range parts {
		all.Merge(p)
	}
	if f.thresholds, err = all.Thresholds(); err != nil {
		return err
	}
	f.suggested, f.likely = make([]int32, n), make([]bool, n)
	f.given, f.other, f.score = make([]float32, n), make([]float32, n), make([]float64, n)
	f.measured |= mislabelled
	return each(func(_, i int, given int32, p []float64) {
		v := f.thresholds.Judge(int(given), p)
		f.suggested[i], f.likely[i], f.score[i] = int32(v.Suggested), v.Issue, tidy(v.Score)
		f.given[i], f.other[i] = float32(p[given]), float32(p[v.Suggested])
		if v.Issue {
			f.holds[i] |= mislabelled
		}
	})
}

// tidy rounds a score where only the noise of floating point differs, so that
// equal votes make equal scores.
func tidy(score float64) float64 { return math.Round(score*1e12) / 1e12 }

// boundary finds the examples on which the baseline is not decided: no label has
// more votes than the next beyond chance; with too few votes for that, those of
// the smallest margins of probability.
func (f *facts) boundary() {
	switch {
	case f.first != nil:
		f.measured |= nearBoundary
		for i := range f.holds {
			if f.marginP(i) > f.view.Options.Alpha {
				f.holds[i] |= nearBoundary
			}
		}
	case f.margin != nil && len(f.holds) >= minRanked:
		f.measured |= nearBoundary
		all := make([]int, len(f.holds))
		for i := range all {
			all[i] = i
		}
		f.marginRank = make([]float32, len(f.holds))
		rank(f.marginRank, f.margin, all)
		for i, r := range f.marginRank {
			if r < lowShare {
				f.holds[i] |= nearBoundary
			}
		}
	}
}

// marginP is the two-sided sign test of the first label's votes against the
// second's.
func (f *facts) marginP(i int) float64 {
	first, second := int(f.first[i]), int(f.second[i])
	return min(1, 2*tail.BinomialUpper(first, first+second, 0.5))
}

// looked is a measure of the pictures and its ranks; nil slices where there is
// none.
type looked struct {
	values, class, all []float32
	ranked             []bool // whether class has a rank for the class
}

// look ranks a measure within each class and over all examples, and marks the
// lowest of each class; classes that are too small go by the rank over all.
func (f *facts) look(name string, mark reasons) looked {
	l := looked{values: f.view.Table.Measured(name)}
	if l.values == nil || len(f.holds) < minRanked {
		return looked{}
	}
	f.measured |= mark
	l.class, l.all = make([]float32, len(f.holds)), make([]float32, len(f.holds))
	l.ranked = make([]bool, len(f.view.Table.Classes))
	all := make([]int, len(f.holds))
	byClass := make([][]int, len(l.ranked))
	for i := range all {
		all[i] = i
		c := f.view.Table.Labels.At(i)
		byClass[c] = append(byClass[c], i)
	}
	rank(l.all, l.values, all)
	for c, members := range byClass {
		if l.ranked[c] = len(members) >= minRanked; l.ranked[c] {
			rank(l.class, l.values, members)
		}
		for _, i := range members {
			r := l.all[i]
			if l.ranked[c] {
				r = l.class[i]
			}
			if r < lowShare {
				f.holds[i] |= mark
			}
		}
	}
	return l
}

// rank gives each of the examples the share of them with a smaller value; equals
// share the mean of their places.
func rank(to, values []float32, examples []int) {
	order := slices.Clone(examples)
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return a - b
	})
	for from := 0; from < len(order); {
		end := from + 1
		for end < len(order) && values[order[end]] == values[order[from]] {
			end++
		}
		share := float32((float64(from) + float64(end-1-from)/2) / float64(len(order)))
		for _, i := range order[from:end] {
			to[i] = share
		}
		from = end
	}
}
