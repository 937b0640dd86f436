package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// studyCheck is the name under which findings of people's judgement stand.
const studyCheck = "study"

// peopleHeadline answers a study that is reported by itself.
func (b *builder) peopleHeadline() string {
	var more, less []string
	open := 0
	for _, f := range b.c.find(query{check: studyCheck, question: "property"}) {
		switch {
		case f.Word == finding.MoreAmongPIEs:
			more = append(more, f.Scope.Name)
		case f.Word == finding.LessAmongPIEs:
			less = append(less, f.Scope.Name)
		default:
			open++
		}
	}
	var parts []string
	if len(more) > 0 {
		parts = append(parts, "more often among PIEs, as people see them: "+list(more))
	}
	if len(less) > 0 {
		parts = append(parts, "less often among PIEs: "+list(less))
	}
	if open > 0 {
		parts = append(parts, "no difference detected, or none measurable, in "+num.Plural(open, "property", "properties"))
	}
	text := strings.Join(parts, "; ")
	return sentence(strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):])
}

// peopleHow says how sure the headline is.
func (b *builder) peopleHow() string {
	s := &b.c.config.Settings
	return fmt.Sprintf("A difference counts beyond chance at level %s after %s correction for the number of properties. The image is the unit, however many people judged it; people did not know which images are PIEs.",
		num.Setting(s.Alpha), correction(s.FDR))
}

// people says what annotators saw in PIEs and in other examples.
func (b *builder) people() *Section {
	found := b.take(b.c.find(query{check: studyCheck}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "people", Title: "People's judgement", Checks: []string{studyCheck},
		Ask:    "Do people see something in PIEs that they see more or less often in other examples of the same class? They did not know which is which.",
		Method: b.method(found),
	}
	for _, name := range b.c.variants() {
		if p := b.peoplePart(name); len(p.Blocks) > 0 {
			s.Parts = append(s.Parts, p)
		}
	}
	return s
}

func (b *builder) peoplePart(variant string) Part {
	p := Part{ID: anchor("people", variant), Title: variant}
	found := slices.Clone(b.c.find(query{check: studyCheck, question: "property", variant: variant}))
	if len(found) == 0 {
		return p
	}
	slices.SortStableFunc(found, func(x, y *finding.Finding) int { return cmp.Compare(size(y), size(x)) })
	if t := b.c.table("study-questions", variant); t != nil && t.Note != "" {
		p.Lead = append(p.Lead, Text{S: t.Note})
	}
	list := b.peopleTable(variant, found)
	if f := b.peopleFigure(variant, found); f != nil {
		p.Blocks = append(p.Blocks, f)
	}
	p.Blocks = append(p.Blocks, list)
	for _, name := range []string{"study-questions", "study-annotators"} {
		if t := b.c.table(name, variant); t != nil {
			raw := b.raw(t)
			raw.Minor = true
			p.Blocks = append(p.Blocks, raw)
		}
	}
	return p
}

// size is how far a finding is from no difference, -1 where that is not known.
func size(f *finding.Finding) float64 {
	if f.Estimate == nil {
		return -1
	}
	return math.Abs(*f.Estimate)
}

// peopleFigure draws the differences with their intervals.
func (b *builder) peopleFigure(variant string, found []*finding.Finding) *Figure {
	r := &chart.Ranked{Name: "Share of yes among PIEs minus among non-PIEs, " + variant, XLabel: "PIEs minus non-PIEs, percentage points", Percent: true}
	for _, f := range found {
		if f.Estimate == nil || f.Interval == nil {
			continue
		}
		row := chart.RankedRow{Label: f.Scope.Name, Text: num.PPValue(*f.Estimate), X: *f.Estimate, Low: &f.Interval.Low, High: &f.Interval.High, Tone: chart.Undetect, Tip: f.Scope.Name + ": " + estimate(f)}
		switch f.Outcome {
		case finding.Described:
			row.Tone = "accent"
		case finding.NotMeasurable:
			row.Tone = chart.Unknown
		}
		r.Rows = append(r.Rows, row)
	}
	if len(r.Rows) == 0 {
		return nil
	}
	return &Figure{
		ID: anchor("people-chart", variant), Title: "What people see in PIEs, " + variant, Layout: Wide,
		Caption: "The share of images of which people say yes, among PIEs minus among non-PIEs like them. To the right: more frequent among PIEs. Whiskers are intervals over images.",
		Legend:  []Legend{{"accent", "mark", "a difference beyond chance"}, {chart.Undetect, "mark", "no difference detected"}},
		Panels:  []Panel{{Title: variant, Draw: r}},
	}
}

// peopleTable has a row for every property.
func (b *builder) peopleTable(variant string, found []*finding.Finding) *Table {
	t := &Table{ID: anchor("people-table", variant), Title: "Properties, " + variant, Total: len(found), Columns: []Column{
		{Name: "property", Min: 16}, {Name: "pairs", Right: true, Drop: 3, Doc: "pairs of images that count"}, {Name: "PIEs", Right: true, Doc: "share of yes, mean over images"}, {Name: "non-PIEs", Right: true, Doc: "share of yes, mean over images"},
		{Name: "difference", Right: true}, {Name: "p or q", Right: true}, {Name: "verdict", Min: 18},
		{Name: "kappa", Right: true, Drop: 2, Doc: "Fleiss' kappa between people: 1 is full agreement, 0 what chance gives"},
		{Name: "alpha", Right: true, Drop: 1, Doc: "Krippendorff's alpha between people"},
	}}
	settings := b.c.config.Settings
	if settings.FDR == "none" { // a study is always corrected, by Holm where the audit is not
		settings.FDR = "holm"
	}
	for _, f := range found[:b.room(len(found))] {
		_, p := decides(f, &settings)
		other := func(question string) *finding.Finding {
			for _, o := range b.c.find(query{check: studyCheck, question: question, variant: variant}) {
				if o.Scope.Name == f.Scope.Name {
					return o
				}
			}
			return &finding.Finding{}
		}
		t.Rows = append(t.Rows, []Cell{
			{Text: f.Scope.Name, Notes: b.notes.refer(f.Warnings)}, {Text: num.Count(f.N / 2)}, {Text: estimate(other("share-pies"))}, {Text: estimate(other("share-non-pies"))},
			{Text: estimate(f)}, {Text: optP(p)}, {Text: wordOf(f), Mark: MarkOf(f.Outcome)}, {Text: agreed(other("fleiss-kappa"))}, {Text: agreed(other("krippendorff-alpha"))},
		})
	}
	return t
}

// agreed is a measure of agreement.
func agreed(f *finding.Finding) string {
	if f.Estimate == nil {
		return ""
	}
	return num.Fixed2(*f.Estimate)
}
