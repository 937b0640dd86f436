package frontier

import (
	"cmp"
	"context"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// Verdict is how a variant stands against the margin.
type Verdict string

// The verdicts. Baseline is that of the baseline itself.
const (
	Baseline  Verdict = "baseline"
	Within    Verdict = "within the margin" // every class, each by itself at the level
	Beyond    Verdict = "beyond the margin" // some class, with all classes taken into account
	Undecided Verdict = "undecided"
	Void      Verdict = "not compressed" // it holds the baseline's weights, or as many and as wide ones
)

// Point is one variant: its size, and what it costs.
type Point struct {
	Variant  string
	Bytes    float64  // size on disk, mean over members
	Packed   float64  // size after zstd, mean over members
	Accuracy float64  // mean over members
	Class    string   // the class with the largest loss
	Worst    *float64 // its recall difference, negative for a loss; nil where none could be measured
	Bound    *float64 // upper bound of the largest loss of a class, positive; nil where one has none
	Verdict  Verdict
	Pareto   bool // no other variant is as small and loses as little, one of both strictly

	members int
	needed  string
}

// Choice is all variants of known size, the baseline first.
type Choice struct{ Points []Point }

// Chosen is the smallest variant whose every class is shown to be within the
// margin; nil if there is none.
func (c *Choice) Chosen() *Point {
	var best *Point
	for i := range c.Points {
		if p := &c.Points[i]; p.Verdict == Within && (best == nil || p.Packed < best.Packed) {
			best = p
		}
	}
	return best
}

// bySize are the points from the largest to the smallest.
func (c *Choice) bySize() []*Point {
	out := make([]*Point, len(c.Points))
	for i := range c.Points {
		out[i] = &c.Points[i]
	}
	slices.SortStableFunc(out, func(a, b *Point) int { return cmp.Compare(b.Packed, a.Packed) })
	return out
}

// Choose places all variants. It is nil without two candidates whose files and
// the baseline's were at hand.
func Choose(ctx context.Context, v *audit.View) (*Choice, error) {
	base, ok, err := place(ctx, v, 0)
	if err != nil || !ok {
		return nil, err
	}
	base.Verdict, base.Worst, base.Bound = Baseline, finding.Float(0), finding.Float(0)
	c := &Choice{Points: []Point{base}}
	classes := recall.ByClass(v)
	for _, t := range v.Candidates() {
		p, ok, err := place(ctx, v, t)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if err := judge(ctx, v, classes, t, &p); err != nil {
			return nil, err
		}
		c.Points = append(c.Points, p)
	}
	if len(c.Points) < 3 {
		return nil, nil
	}
	markPareto(c.Points)
	return c, nil
}

// place is the size and accuracy of variant t; ok is false without model files.
func place(ctx context.Context, v *audit.View, t int) (p Point, ok bool, err error) {
	x := &v.Table.Variants[t]
	p = Point{Variant: x.Name, members: len(x.Members)}
	k := float64(len(x.Members))
	for _, m := range x.Members {
		if m.Facts == nil || m.Facts.BytesZstd <= 0 {
			return p, false, nil
		}
		p.Bytes += float64(m.Facts.Bytes) / k
		p.Packed += float64(m.Facts.BytesZstd) / k
	}
	counts, err := v.Counts(ctx, t)
	if err != nil {
		return p, false, err
	}
	for _, right := range counts.Total {
		p.Accuracy += float64(right) / float64(v.Table.Len()) / k
	}
	return p, true, nil
}

// judge finds the largest loss of a class and whether all are within the margin.
func judge(ctx context.Context, v *audit.View, classes *recall.Grouping, t int, p *Point) error {
	m, err := recall.Measure(ctx, v, classes, t)
	if err != nil {
		return err
	}
	harm, err := m.Harm(Name)
	if err != nil {
		return err
	}
	within, err := m.NonInferiority(Name, harm)
	if err != nil {
		return err
	}
	p.Verdict = Within
	bounded := true
	for i := range within {
		f := &within[i]
		if f.N == 0 {
			continue // no example of this class: nothing to be harmed
		}
		if f.Estimate != nil && (p.Worst == nil || *f.Estimate < *p.Worst) {
			p.Worst, p.Class = f.Estimate, f.Scope.Name
		}
		bounded = bounded && f.Bound != nil
		if f.Bound != nil && (p.Bound == nil || *f.Bound > *p.Bound) {
			p.Bound = f.Bound
		}
		switch {
		case f.Outcome == finding.Worse:
			p.Verdict = Beyond
		case f.Outcome != finding.NotDetected && p.Verdict == Within:
			p.Verdict, p.needed = Undecided, f.Needed
		}
	}
	if !bounded {
		p.Bound = nil
	}
	if proof := v.Proof(t); (proof == audit.SameWeights || proof == audit.Uncompressed) && v.Table.Variants[t].Kind != prediction.KindNull {
		p.Verdict = Void
	}
	return nil
}

// markPareto marks the variants that no other one beats in size and in the
// largest loss of a class.
func markPareto(points []Point) {
	for i := range points {
		p := &points[i]
		p.Pareto = p.Worst != nil && p.Verdict != Void
		for j := range points {
			q := &points[j]
			if q.Worst == nil || q.Verdict == Void || i == j {
				continue
			}
			if q.Packed <= p.Packed && *q.Worst >= *p.Worst && (q.Packed < p.Packed || *q.Worst > *p.Worst) {
				p.Pareto = false
			}
		}
	}
}
