package pie

import (
	"context"
	_ "embed"
	"errors"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

//go:embed page.md
var page string

const name = "pie"

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is "pie".
func (check) Name() string { return name }

// Page explains the check.
func (check) Page() string { return page }

// Run emits the findings, tables and example rows of every variant, and one
// table over all variants.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	var m Measurer
	var rows []variantRow
	for _, t := range v.Candidates() {
		r, err := analyse(ctx, v, t, &m)
		if err != nil {
			return err
		}
		if err := r.emit(ctx, out); err != nil {
			return err
		}
		rows = append(rows, r.row())
	}
	return out.Table(variantTable(rows))
}

// result is all that is known about one variant.
type result struct {
	*comparison
	tally    *tally
	verdicts *verdicts // nil in paper mode

	measured   *Measured // nil where no floor can be measured, or was not asked for
	nulls      []nullExcess
	reference  *reference // nil where not asked for
	crossfit   *crossfit  // nil where not asked for or too few members
	shift      voteShift
	shifted    bool // shift is known
	resampled  bool // the resampling parts were asked for
	top5       *topFive
	fullFloor  float64 // model-based floor at full size
	fullFloors bool    // fullFloor is known
}

// analyse measures one variant.
func analyse(ctx context.Context, v *audit.View, t int, m *Measurer) (*result, error) {
	r := &result{comparison: newComparison(v, t)}
	paper := v.Options.Paper
	r.resampled = v.Options.Resample && !paper
	var err error
	if r.tally, err = r.count(ctx); err != nil {
		return nil, err
	}
	if paper {
		r.top5, err = r.countTopFive(ctx, r.tally.pie)
		return r, err
	}
	if r.verdicts, err = r.decide(ctx, r.tally); err != nil {
		return nil, err
	}
	r.shift, r.shifted = r.measureShift(r.tally, r.resampled)
	if r.units == nil {
		r.fullFloor, r.fullFloors = r.modelFloor(r.tally)
	}
	if !r.resampled {
		return r, nil
	}
	return r, r.resample(ctx, m)
}

// resample makes the parts that the option Resample leaves out.
func (r *result) resample(ctx context.Context, m *Measurer) error {
	var err error
	if r.reference, err = r.refer(ctx, r.tally); err != nil {
		return err
	}
	if r.canCrossFit() {
		if r.crossfit, err = r.crossFit(ctx, r.tally); err != nil {
			return err
		}
	}
	if r.units != nil {
		return nil
	}
	measured, err := m.Measure(ctx, r.view, r.t)
	if errors.Is(err, ErrTooFewMembers) {
		return nil
	}
	if err != nil {
		return err
	}
	r.measured = &measured
	r.nulls, err = m.againstNulls(ctx, r.view, r.t)
	return err
}

func (r *result) canCrossFit() bool {
	if r.units != nil {
		return len(r.units.list) >= minCrossFit
	}
	return min(r.k0, r.kt) >= minCrossFit
}

func (r *result) variant() *prediction.Variant { return &r.view.Table.Variants[r.t] }

// emit sends the findings in a fixed order, then the example rows, then the
// variant's tables.
func (r *result) emit(ctx context.Context, out audit.Sink) error {
	var list []finding.Finding
	list = append(list, r.pieShare())
	if r.view.Options.Paper {
		list = append(list, r.paperAccuracy()...)
	} else {
		list = append(list, r.excess()...)
		list = append(list, r.voteShift(), r.taxicabMean(), r.voteChanged(), r.certifiedPIEs())
		list = append(list, r.accuracy()...)
		list = append(list, r.stability()...)
	}
	list = append(list, r.overRepresentation()...)
	for _, f := range list {
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	worst, err := r.examples(ctx, out)
	if err != nil {
		return err
	}
	if err := out.Table(r.scatter()); err != nil {
		return err
	}
	return out.Table(worst)
}
