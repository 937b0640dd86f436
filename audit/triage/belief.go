package triage

import (
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/prediction"
)

// basis is what the baseline's belief in a label is taken from.
type basis int

const (
	noBasis    basis = iota
	byVotes          // shares of votes
	byTwo            // mean probabilities of the predicted and the true class
	byAll            // mean probabilities of all classes
	basisCount       // number of them
)

// text says it in words.
func (b basis) text() string {
	return [basisCount]string{"nothing", "shares of the baseline's votes", "the baseline's mean probabilities, of the predicted and the given class", "the baseline's mean probabilities"}[b]
}

// basisOf takes probabilities where every member has them, and votes from as many
// members on as could decide between two labels at the level.
func basisOf(v *audit.View) basis {
	members := v.Table.Baseline().Members
	every := func(has func(*prediction.Member) bool) bool {
		return !slices.ContainsFunc(members, func(m prediction.Member) bool { return !has(&m) })
	}
	switch {
	case every(func(m *prediction.Member) bool { return m.Scores != nil }):
		return byAll
	case every(func(m *prediction.Member) bool { return m.Confidence != nil && m.TrueScore != nil }):
		return byTwo
	case len(members) >= leastVotes(v.Options.Alpha):
		return byVotes
	}
	return noBasis
}

// leastVotes is the number of votes of which a unanimous one is beyond chance.
func leastVotes(alpha float64) int {
	return int(math.Ceil(math.Log2(2 / alpha)))
}

// believer computes beliefs for blocks of examples; each worker has its own.
type believer struct {
	view  *audit.View
	basis basis
	p     []float64 // examples x classes, reused
	raw   []float32
}

// fill gives the beliefs in all classes for the examples of a block, which are
// valid until the next one. Those of classes that are not known are 0: a lower
// bound.
func (x *believer) fill(b *audit.Block) ([]float64, error) {
	classes := len(x.view.Table.Classes)
	if cap(x.p) < b.N*classes {
		x.p = make([]float64, b.N*classes)
	}
	p := x.p[:b.N*classes]
	clear(p)
	members := x.view.Table.Baseline().Members
	for k := range members {
		switch m := &members[k]; x.basis {
		case byAll:
			if err := x.add(p, m, b.From, b.N); err != nil {
				return nil, fmt.Errorf("scores of %s: %w", m.Name, err)
			}
		case byTwo:
			for i, c := range b.Pred[0][k] {
				p[i*classes+int(b.Labels[i])] += float64(m.TrueScore[b.From+i])
				if c != b.Labels[i] {
					p[i*classes+int(c)] += float64(m.Confidence[b.From+i])
				}
			}
		default:
			for i, c := range b.Pred[0][k] {
				p[i*classes+int(c)]++
			}
		}
	}
	for j := range p {
		p[j] /= float64(len(members))
	}
	return p, nil
}

// add adds the probabilities of one member.
func (x *believer) add(p []float64, m *prediction.Member, from, n int) error {
	classes := len(x.view.Table.Classes)
	if cap(x.raw) < n*classes {
		x.raw = make([]float32, n*classes)
	}
	raw := x.raw[:n*classes]
	if err := m.Scores.Rows(from, raw); err != nil {
		return err
	}
	row := make([]float64, classes)
	for i := range n {
		scores, shift, sum := raw[i*classes:(i+1)*classes], 0.0, 0.0
		if m.Scores.Kind() == prediction.Logits {
			shift = float64(slices.Max(scores))
		}
		for c, s := range scores {
			row[c] = float64(s)
			if m.Scores.Kind() == prediction.Logits {
				row[c] = math.Exp(row[c] - shift)
			}
			sum += row[c]
		}
		if !(sum > 0) {
			return fmt.Errorf("example %d: scores sum to %v", from+i, sum)
		}
		for c, v := range row {
			p[i*classes+c] += v / sum
		}
	}
	return nil
}

// topTwo are the two largest of values that are not negative, 0 for those that
// there are not.
func topTwo[T int | float64](values []T) (first, second T) {
	for _, v := range values {
		switch {
		case v > first:
			first, second = v, first
		case v > second:
			second = v
		}
	}
	return first, second
}
