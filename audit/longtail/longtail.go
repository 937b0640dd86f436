// Package longtail asks whether the rare classes and groups of the training
// set pay more for the compression than the frequent ones.
package longtail

import (
	"context"
	_ "embed"
	"fmt"

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
	if f, few := fewValues(v, sets); few {
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	for _, t := range v.Candidates() {
		if err := variant(ctx, v, t, sets, out); err != nil {
			return err
		}
	}
	return nil
}

// variant answers the questions about one variant.
func variant(ctx context.Context, v *audit.View, t int, sets []*set, out audit.Sink) error {
	var points []point
	var correlations []*correlation
	attributes := 0
	for _, s := range sets {
		p, err := s.measure(ctx, v, t)
		if err != nil {
			return err
		}
		points = append(points, p...)
		if s.attribute == "" || len(p) >= fewest(v.Options.Alpha) {
			correlations = append(correlations, &correlation{view: v, t: t, question: s.question, name: s.attribute, points: p})
		}
		if s.attribute != "" {
			attributes++
		}
	}
	if all := pooled(v, t, points); attributes > 1 && len(all.points) >= fewest(v.Options.Alpha) {
		correlations = append(correlations, all)
	}
	for _, c := range correlations {
		f, err := c.finding()
		if err != nil {
			return err
		}
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	if len(points) == 0 {
		return nil
	}
	return out.Table(table(v, t, points))
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
func setsOf(v *audit.View) (sets []*set, missing []string) {
	t := v.Table
	if t.Training != nil && len(t.Training.Classes) == len(t.Classes) {
		sets = append(sets, &set{question: classFrequency, grouping: recall.ByClass(v), training: t.Training.Classes})
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
		s := &set{question: subgroupFrequency, attribute: at.Name}
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

// usable are the groups with enough examples and a training count.
func (s *set) usable(v *audit.View) []int {
	var out []int
	for g, n := range s.grouping.Sizes() {
		if n > 0 && n >= v.Options.MinN && s.training[g] >= 0 {
			out = append(out, g)
		}
	}
	return out
}

// fewValues is one finding about all attributes with too few values to reach
// the level.
func fewValues(v *audit.View, sets []*set) (finding.Finding, bool) {
	least, few := fewest(v.Options.Alpha), 0
	for _, s := range sets {
		if s.attribute != "" && len(s.usable(v)) < least {
			few++
		}
	}
	f := newFinding(v, 0, subgroupFrequency, "attributes with few values")
	f.ID = audit.ID(Name, subgroupFrequency, "", f.Scope)
	f.Variant, f.K = "", 0
	f.Outcome, f.Reason, f.Word = finding.NotMeasurable, finding.NothingToMeasure, finding.CannotSay
	f.Needed = fmt.Sprintf("%d values with at least %d examples and a training count; %d attributes have fewer", least, v.Options.MinN, few)
	return f, few > 0
}

// measure is the recall difference of each usable group.
func (s *set) measure(ctx context.Context, v *audit.View, t int) ([]point, error) {
	m, err := recall.Measure(ctx, v, s.grouping, t)
	if err != nil {
		return nil, err
	}
	var out []point
	for _, g := range s.usable(v) {
		name := s.grouping.Scopes[g].Name
		if s.attribute != "" {
			name = s.grouping.Scopes[g].Groups[0].Value
		}
		d, _ := m.Difference(g) // a usable group is not empty
		out = append(out, point{attribute: s.attribute, name: name, training: s.training[g], n: m.Size(g), difference: d})
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
