package report

import (
	"fmt"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// rankedLayers is how many layers the picture shows.
const rankedLayers = 40

// layers says which layer the changed answers come from.
func (b *builder) layers() *Section {
	found := b.take(b.c.find(query{check: "attribution"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "layers", Title: "Layers", Checks: []string{"attribution"},
		Ask:    "Which layer should stay in float? Each layer alone is put back to the baseline: how many of the changed answers does that rescue?",
		Method: b.method(found),
	}
	for _, name := range b.c.variants() {
		list := b.c.find(query{check: "attribution", question: "rescue", variant: name})
		if len(list) == 0 {
			continue
		}
		p := Part{ID: anchor("layers", name), Title: name, Lead: []Text{{S: layersLead(name, list)}}}
		r := &chart.Ranked{Name: "Answers rescued by layer, " + name, XLabel: "answers that are the baseline's again, percentage points of all", Percent: true}
		for _, f := range list[:min(len(list), rankedLayers)] {
			row := chart.RankedRow{Label: f.Scope.Name, X: *f.Estimate, Text: num.PPValue(*f.Estimate), Tone: toneOf(f.Outcome), Tip: f.Scope.Name + "; " + estimate(f)}
			if f.Interval != nil {
				row.Low, row.High = &f.Interval.Low, &f.Interval.High
			}
			r.Rows = append(r.Rows, row)
		}
		p.Blocks = append(p.Blocks, &Figure{
			ID: anchor("layers-ranked", name), Title: "Answers rescued, " + name, Layout: Wide,
			Caption: "Rescued answers minus disturbed ones, as a share of all answers, with the layer put back to the baseline and all others left compressed.",
			Legend:  []Legend{{chart.Better, "mark", "rescues answers beyond chance"}, {chart.Worse, "mark", "takes more than it gives back"}, {chart.Undetect, "mark", "no difference detected"}},
			Panels:  []Panel{{Title: name, Draw: r}}, Numbers: b.layerTable(name, list),
		})
		s.Parts = append(s.Parts, p)
	}
	return s
}

// layersLead says which layers stand out.
func layersLead(name string, ranked []*finding.Finding) string {
	var out []string
	for _, f := range ranked {
		if f.Outcome == finding.Better {
			out = append(out, fmt.Sprintf("%s (%s)", f.Scope.Name, num.PP(*f.Estimate)))
		}
	}
	changed := ""
	if f := ranked[0]; f.BaseValue != nil {
		changed = fmt.Sprintf("%s changes %s of the answers. ", name, num.Share(*f.BaseValue))
	}
	if len(out) == 0 {
		return changed + "No single layer put back rescues answers beyond chance: the changes do not come from one layer."
	}
	return changed + "Layers that rescue answers beyond chance when they stay in float: " + list(capped(out, 6, "others")) + "."
}

// layerTable is the numbers of the picture.
func (b *builder) layerTable(name string, list []*finding.Finding) *Table {
	t := &Table{ID: anchor("layer-table", name), Title: "Layers, " + name, Total: len(list), Columns: []Column{
		{Name: "layer", Min: 12},
		{Name: "weights", Right: true, Drop: 4},
		{Name: "rescued", Right: true, Doc: "changed answers that are the baseline's again"},
		{Name: "disturbed", Right: true, Doc: "unchanged answers that change now"},
		{Name: "net", Right: true, Doc: "rescued minus disturbed, percentage points of all answers"},
		{Name: "interval", Right: true},
		{Name: "p or q", Right: true, Drop: 1},
		{Name: "accuracy", Right: true, Drop: 5, Doc: "change of accuracy against the compressed model"},
		{Name: "PIEs rescued", Right: true, Drop: 6}, {Name: "new PIEs", Right: true, Drop: 7},
		{Name: "weights dB", Right: true, Drop: 9, Doc: "signal-to-quantization-noise ratio of the weights"},
		{Name: "own dB", Right: true, Drop: 3, Doc: "of the layer's output, its own noise only"},
		{Name: "all dB", Right: true, Drop: 8, Doc: "of the layer's output, with all noise before it"},
		{Name: "verdict", Min: 18, Drop: 2},
	}}
	g := read(b.c.table("attribution", name), "layer", "rescued", "disturbed")
	row := map[string]int{}
	if g != nil {
		for i := range g.len() {
			row[g.text(i, "layer")] = i
		}
	}
	for _, f := range list[:b.room(len(list))] {
		_, p := decides(f, &b.c.config.Settings)
		cell := func(column string, text func(float64) string) Cell {
			i, ok := row[f.Scope.Name]
			if !ok {
				return Cell{}
			}
			if x := g.number(i, column); x != nil {
				return Cell{Text: text(*x)}
			}
			return Cell{}
		}
		whole := func(x float64) string { return num.Count(int(x)) }
		decibel := func(x float64) string { return fmt.Sprintf("%.1f", x) }
		t.Rows = append(t.Rows, []Cell{
			{Text: f.Scope.Name, Notes: b.notes.refer(f.Warnings)}, cell("weights", whole), cell("rescued", whole), cell("disturbed", whole),
			{Text: opt(f.Estimate, f.Unit)}, {Text: bounds(f.Interval, f.Unit)}, {Text: optP(p)},
			cell("accuracy_change", num.PP), cell("pies_rescued", whole), cell("pies_new", whole),
			cell("weight_sqnr", decibel), cell("own_sqnr", decibel), cell("output_sqnr", decibel),
			{Text: wordOf(f), Mark: MarkOf(f.Outcome)},
		})
	}
	return trim(t)
}
