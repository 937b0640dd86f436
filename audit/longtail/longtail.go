// Package longtail asks whether the rare classes and groups of the training
// set pay more for the compression than the frequent ones.
package longtail

import (
	"context"
	_ "embed"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
)

//go:embed page.md
var page string

// Name of the check.
const Name = "longtail"

type check struct{}

// New returns the check.
func New() audit.Check { return check{} }

// Name is "longtail".
func (check) Name() string { return Name }

// Page explains the check.
func (check) Page() string { return page }

// The questions.
const (
	classFrequency    = "class-frequency"
	subgroupFrequency = "subgroup-frequency"
)

// Run emits the rank correlations of every variant and the table behind them.
func (check) Run(ctx context.Context, v *audit.View, out audit.Sink) error {
	sets, missing := setsOf(v)
	for _, question := range missing {
		if err := out.Finding(noCounts(v, question)); err != nil {
			return err
		}
	}
	for _, t := range v.Candidates() {
		var points []point
		attributes := 0
		for _, s := range sets {
			p, err := s.measure(ctx, v, t)
			if err != nil {
				return err
			}
			c := correlation{view: v, t: t, question: s.question, name: s.attribute, points: p}
			f, err := c.finding()
			if err != nil {
				return err
			}
			if err := out.Finding(f); err != nil {
				return err
			}
			points = append(points, p...)
			if s.attribute != "" {
				attributes++
			}
		}
		if attributes > 1 {
			f, err := pooled(v, t, points).finding()
			if err != nil {
				return err
			}
			if err := out.Finding(f); err != nil {
				return err
			}
		}
		if len(points) > 0 {
			if err := out.Table(table(v, t, points)); err != nil {
				return err
			}
		}
	}
	return nil
}

// set is the groups of one correlation: the classes, or the values of one
// attribute.
type set struct {
	question  string
	attribute string // "" for classes
	grouping  *recall.Grouping
	training  []int64 // by group; -1 where unknown
}

// point is one class or value.
type point struct {
	attribute, name string
	training        int64
	n               int
	difference      float64
}

// setsOf finds what the training counts allow, and the questions they do not.
func setsOf(v *audit.View) (sets []set, missing []string) {
	t := v.Table
	if t.Training != nil && len(t.Training.Classes) == len(t.Classes) {
		sets = append(sets, set{question: classFrequency, grouping: recall.ByClass(v), training: t.Training.Classes})
	} else {
		missing = append(missing, classFrequency)
	}
	known := false
	for a := range t.Attributes {
		at := &t.Attributes[a]
		if t.Training == nil || len(t.Training.Attributes[at.Name]) == 0 {
			continue
		}
		known = true
		s := set{question: subgroupFrequency, attribute: at.Name}
		var scopes []finding.Scope
		for _, value := range at.Values {
			scopes = append(scopes, finding.Scope{Kind: finding.Subgroup, Name: at.Name + "=" + value, Groups: []finding.Group{{Attribute: at.Name, Value: value}}})
			n, ok := t.Training.Attributes[at.Name][value]
			if !ok {
				n = -1
			}
			s.training = append(s.training, n)
		}
		s.grouping = recall.ByCode(at.Name, scopes, at.Codes)
		sets = append(sets, s)
	}
	if len(t.Attributes) > 0 && !known {
		missing = append(missing, subgroupFrequency)
	}
	return sets, missing
}

// measure is the recall difference of each group that has enough examples and
// a training count.
func (s *set) measure(ctx context.Context, v *audit.View, t int) ([]point, error) {
	m, err := recall.Measure(ctx, v, s.grouping, t)
	if err != nil {
		return nil, err
	}
	var out []point
	for g, scope := range s.grouping.Scopes {
		d, ok := m.Difference(g)
		if n := m.Size(g); ok && n >= v.Options.MinN && s.training[g] >= 0 {
			name := scope.Name
			if s.attribute != "" {
				name = scope.Groups[0].Value
			}
			out = append(out, point{attribute: s.attribute, name: name, training: s.training[g], n: n, difference: d})
		}
	}
	return out, nil
}

func noCounts(v *audit.View, question string) finding.Finding {
	f := newFinding(v, 0, question, "")
	f.ID = audit.ID(Name, question, "", f.Scope)
	f.Variant, f.K = "", 0
	f.Outcome, f.Reason, f.Word = finding.NotMeasurable, finding.NoTrainCounts, finding.CannotSay
	f.Needed = "the counts of the training set: --train-labels FILE"
	return f
}

func newFinding(v *audit.View, t int, question, name string) finding.Finding {
	variant := &v.Table.Variants[t]
	scope := finding.Scope{Kind: finding.Overall, Name: name}
	return finding.Finding{
		ID: audit.ID(Name, question, variant.Name, scope), Check: Name, Question: question,
		Baseline: v.Table.Baseline().Name, Variant: variant.Name, Scope: scope,
		Metric: "rank correlation of recall difference and training frequency", Unit: finding.Plain,
		N: v.Table.Len(), KBase: len(v.Table.Baseline().Members), K: len(variant.Members),
	}
}

// table lists the points behind the correlations of one variant.
func table(v *audit.View, t int, points []point) finding.Table {
	variant := v.Table.Variants[t].Name
	out := finding.Table{
		Name: "longtail", Check: Name, Variant: variant, Total: len(points),
		Title: "Training frequency and change of recall, " + variant,
		Columns: []finding.Column{
			{Name: "attribute", Doc: "null for a class"},
			{Name: "name", Doc: "class, or value of the attribute"},
			{Name: "training", Unit: finding.Count, Doc: "examples in the training set"},
			{Name: "n", Unit: finding.Count, Doc: "examples in this data set"},
			{Name: "difference", Unit: finding.Difference, Doc: "of recall (class) or accuracy (value), variant minus baseline"},
		},
	}
	for _, p := range points[:min(len(points), v.Options.MaxTableRows)] {
		var attribute any
		if p.attribute != "" {
			attribute = p.attribute
		}
		out.Rows = append(out.Rows, []any{attribute, p.name, p.training, p.n, p.difference})
	}
	return out
}
