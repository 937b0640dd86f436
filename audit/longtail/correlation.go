package longtail

import (
	"errors"
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/spearman"
)

// correlation is one question about one variant.
type correlation struct {
	view     *audit.View
	t        int
	question string
	name     string // attribute, "" for classes and for all attributes together
	points   []point
	overlap  bool // points share examples: no test
}

// pooled is the correlation over the values of all attributes.
func pooled(v *audit.View, t int, points []point) *correlation {
	c := &correlation{view: v, t: t, question: subgroupFrequency, overlap: true}
	for _, p := range points {
		if p.attribute != "" {
			c.points = append(c.points, p)
		}
	}
	return c
}

// fewest is the least number of points of which a perfect correlation has a
// two-sided p at or below alpha: 2/n! of all orders are as extreme.
func fewest(alpha float64) int {
	n, orders := 2, 2.0
	for 2/orders > alpha {
		n++
		orders *= float64(n)
	}
	return n
}

func (c *correlation) finding() (finding.Finding, error) {
	o := c.view.Options
	f := newFinding(c.view, c.t, c.question, c.name)
	void := func(r finding.Reason, needed string) (finding.Finding, error) {
		f.Outcome, f.Reason, f.Word, f.Needed = finding.NotMeasurable, r, finding.CannotSay, needed
		return f, nil
	}
	if least := fewest(o.Alpha); len(c.points) < least {
		return void(finding.NothingToMeasure, fmt.Sprintf("%d classes or groups with at least %d examples and a training count; there are %d", least, o.MinN, len(c.points)))
	}
	var x, y []float64
	for _, p := range c.points {
		x, y = append(x, float64(p.training)), append(y, p.difference)
	}
	r, err := spearman.Test(x, y)
	switch {
	case errors.Is(err, spearman.ErrConstant):
		return void(finding.NothingToMeasure, "training counts that differ, and changes that differ")
	case err != nil:
		return f, err
	}
	f.Estimate = &r.Rho
	f.Warnings = append(f.Warnings, finding.Warning{Code: "units-are-groups",
		Text: fmt.Sprintf("The correlation is over %d classes or groups; it does not say why they differ.", r.N)})
	if c.overlap {
		f.Outcome = finding.Described
		f.Warnings = append(f.Warnings, finding.Warning{Code: "overlapping-groups",
			Text: "Values of different attributes share examples: the correlation is a description without a test."})
		return f, nil
	}
	if lo, hi, err := r.Interval(o.Level); err == nil {
		f.Interval = &finding.Interval{Low: lo, High: hi, Level: o.Level, Covers: finding.GroupsOnly, Method: "Fisher z, Bonett-Wright variance"}
	}
	f.Test = &finding.Test{Name: "Spearman, " + r.Method.String(), P: &r.P, Q: &r.P,
		Why:    "only the order of the frequencies is taken as known to matter",
		Family: &finding.Family{Name: fmt.Sprintf("%s%s, %s", c.question, of(c.name), f.Variant), Size: 1}}
	switch {
	case r.P > o.Alpha:
		f.Outcome, f.Word = finding.NotDetected, finding.NoDifference
	case r.Rho > 0:
		f.Outcome = finding.Worse
	default:
		f.Outcome = finding.Described
		f.Warnings = append(f.Warnings, finding.Warning{Code: "frequent-lose-more", Text: "The frequent ones lost more than the rare ones."})
	}
	return f, nil
}

func of(attribute string) string {
	if attribute == "" {
		return ""
	}
	return " of " + attribute
}
