package confusion

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
)

// worstClasses is the number of classes whose lost answers are followed.
const worstClasses = 10

// destinations is the number of gaining cells kept per class.
const destinations = 3

// change is one cell whose share differs between baseline and variant.
type change struct {
	truth, predicted int
	base, variant    int64   // answers of all members
	difference       float64 // of shares of the true class's examples
}

// row is what a comparison keeps of one true class.
type row struct {
	class  int
	recall change
	gains  []change // off the diagonal, largest first
}

// comparison is the change from the baseline to one variant.
type comparison struct {
	view              *audit.View
	t                 int
	kBase, k          int
	changes           []change // the largest, sorted when finished
	total             int      // cells with a change
	small             int      // classes with examples, but under the minimum
	worst             []row    // classes that lost, largest loss first
	largest           change   // gained the most answers off the diagonal
	wrongBase, wrongT int64    // wrong answers of all members
}

func newComparison(v *audit.View, t int) *comparison {
	return &comparison{view: v, t: t, kBase: len(v.Table.Baseline().Members), k: len(v.Table.Variants[t].Members)}
}

// compare walks both matrices row by row.
func (c *comparison) compare(base, variant []cell) {
	sizes, classes := c.view.ClassSizes(), len(c.view.Table.Classes)
	for _, n := range sizes {
		if n > 0 && n < c.view.Options.MinN {
			c.small++
		}
	}
	current := row{class: -1}
	walk(base, variant, func(key uint64, x, y int64) {
		d := change{truth: int(key) / classes, predicted: int(key) % classes, base: x, variant: y}
		if d.truth != d.predicted {
			c.wrongBase += x
			c.wrongT += y
		}
		if sizes[d.truth] < c.view.Options.MinN {
			return
		}
		// exact in integers: the shares differ
		numerator := y*int64(c.kBase) - x*int64(c.k)
		if numerator == 0 {
			return
		}
		d.difference = float64(numerator) / (float64(c.k) * float64(c.kBase) * float64(sizes[d.truth]))
		if current.class != d.truth {
			c.finish(current)
			current = row{class: d.truth}
		}
		current.add(d)
		c.keep(d)
	})
	c.finish(current)
	sortChanges(c.changes)
}

func (r *row) add(d change) {
	if d.predicted == d.truth {
		r.recall = d
		return
	}
	if d.difference > 0 {
		r.gains = append(r.gains, d)
		sortChanges(r.gains)
		r.gains = r.gains[:min(len(r.gains), destinations)]
	}
}

func sortChanges(s []change) {
	slices.SortFunc(s, func(a, b change) int {
		return cmp.Or(cmp.Compare(math.Abs(b.difference), math.Abs(a.difference)),
			cmp.Compare(a.truth, b.truth), cmp.Compare(a.predicted, b.predicted))
	})
}

// keep keeps the largest changes, at most twice as many as the table may have
// while cells still come.
func (c *comparison) keep(d change) {
	c.total++
	c.changes = append(c.changes, d)
	limit := max(1, c.view.Options.MaxTableRows)
	if len(c.changes) >= 2*limit {
		sortChanges(c.changes)
		c.changes = c.changes[:limit]
	}
}

func (c *comparison) finish(r row) {
	if r.class < 0 {
		return
	}
	for _, d := range r.gains {
		if c.answers(d) > c.answers(c.largest) {
			c.largest = d
		}
	}
	if r.recall.difference >= 0 || len(r.gains) == 0 {
		return
	}
	c.worst = append(c.worst, r)
	slices.SortFunc(c.worst, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.recall.difference, b.recall.difference), cmp.Compare(a.class, b.class))
	})
	c.worst = c.worst[:min(len(c.worst), worstClasses)]
}

// answers is the change of a cell in answers over the whole data set, per
// member of each population.
func (c *comparison) answers(d change) float64 {
	return d.difference * float64(c.view.ClassSizes()[d.truth])
}

func (c *comparison) table() finding.Table {
	classes := c.view.Table.Classes
	variant := c.view.Table.Variants[c.t].Name
	out := finding.Table{
		Name: "confusion", Check: Name, Variant: variant, Total: c.total,
		Title: fmt.Sprintf("Cells of the confusion matrix that changed most, %s against %s", variant, c.view.Table.Baseline().Name),
		Columns: []finding.Column{
			{Name: "true", Doc: "true class"},
			{Name: "predicted", Doc: "predicted class; the same as true: recall"},
			{Name: "base_share", Unit: finding.Share, Doc: "of the true class's examples, mean over baseline members"},
			{Name: "variant_share", Unit: finding.Share, Doc: "the same for the variant"},
			{Name: "difference", Unit: finding.Difference, Doc: "variant minus baseline"},
			{Name: "count_base", Unit: finding.Count, Doc: "answers of all baseline members"},
			{Name: "count_variant", Unit: finding.Count, Doc: "answers of all members of the variant"},
		},
	}
	if c.small > 0 {
		out.Note = fmt.Sprintf("%d classes with fewer than %d examples are left out", c.small, c.view.Options.MinN)
	}
	for _, d := range c.changes[:min(len(c.changes), c.view.Options.MaxTableRows)] {
		b, v := c.shares(d)
		out.Rows = append(out.Rows, []any{classes[d.truth], classes[d.predicted], b, v, d.difference, d.base, d.variant})
	}
	return out
}

func (c *comparison) shares(d change) (base, variant float64) {
	n := float64(c.view.ClassSizes()[d.truth])
	return float64(d.base) / (n * float64(c.kBase)), float64(d.variant) / (n * float64(c.k))
}

func (c *comparison) findings() []finding.Finding {
	out := []finding.Finding{c.wrongAnswers()}
	if c.largest.difference > 0 {
		out = append(out, c.largestShift())
	}
	for _, r := range c.worst {
		out = append(out, c.lostAnswers(r))
	}
	return out
}

func (c *comparison) describe(question string, scope finding.Scope, metric string, base, value float64, n int) finding.Finding {
	variant := c.view.Table.Variants[c.t].Name
	return finding.Finding{
		ID: audit.ID(Name, question, variant, scope), Check: Name, Question: question,
		Baseline: c.view.Table.Baseline().Name, Variant: variant, Scope: scope,
		Metric: metric, Unit: finding.Difference,
		BaseValue: finding.Float(base), Value: finding.Float(value), Estimate: finding.Float(value - base),
		Outcome: finding.Described, N: n, KBase: c.kBase, K: c.k,
		Evidence: &finding.Evidence{Examples: n, TotalExamples: c.view.Table.Len()},
	}
}

func (c *comparison) wrongAnswers() finding.Finding {
	n := float64(c.view.Table.Len())
	return c.describe("wrong-answers", finding.Scope{Kind: finding.Overall}, "share of answers that are wrong",
		float64(c.wrongBase)/(n*float64(c.kBase)), float64(c.wrongT)/(n*float64(c.k)), c.view.Table.Len())
}

func (c *comparison) largestShift() finding.Finding {
	classes, d := c.view.Table.Classes, c.largest
	n := float64(c.view.Table.Len())
	f := c.describe("largest-shift", finding.Scope{Kind: finding.Overall},
		fmt.Sprintf("share of all answers that take %s for %s", classes[d.truth], classes[d.predicted]),
		float64(d.base)/(n*float64(c.kBase)), float64(d.variant)/(n*float64(c.k)), c.view.Table.Len())
	f.Warnings = append(f.Warnings, selected())
	return f
}

func (c *comparison) lostAnswers(r row) finding.Finding {
	classes := c.view.Table.Classes
	class := r.class
	base, value := c.shares(r.gains[0])
	f := c.describe("lost-answers", finding.Scope{Kind: finding.Class, Class: &class, Name: classes[class]},
		"share predicted as "+classes[r.gains[0].predicted], base, value, c.view.ClassSizes()[class])
	var parts []string
	for _, d := range r.gains {
		parts = append(parts, fmt.Sprintf("%s (%.0f %%)", classes[d.predicted], 100*d.difference/-r.recall.difference))
	}
	f.Warnings = append(f.Warnings, finding.Warning{
		Code: "destinations",
		Text: fmt.Sprintf("Relative to the recall that %s lost, the largest gains are those of %s.", classes[class], strings.Join(parts, ", ")),
	}, selected())
	return f
}

func selected() finding.Warning {
	return finding.Warning{Code: "selected-cell",
		Text: "The cell was chosen as the largest of many, which overstates its change; whether the class was harmed is the question of classimpact."}
}
