package report

import (
	"fmt"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// accuracy compares all examples, one row per variant.
func (b *builder) accuracy() *Section {
	found := b.take(b.c.find(query{check: "summary"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "accuracy", Title: "Accuracy", Checks: []string{"summary"},
		Ask:    "Did the model as a whole get worse? A small change here can hide large ones below.",
		Method: b.method(found),
	}
	var main, rest []*finding.Finding
	r := &chart.Ranked{Name: "Accuracy change by variant", XLabel: "change of accuracy, percentage points", Margin: b.c.config.Settings.Margin, Percent: true}
	for _, f := range found {
		switch {
		case f.Question == "vacuity":
		case f.Question == "accuracy":
			main = append(main, f)
			if f.Estimate != nil {
				row := chart.RankedRow{Label: f.Variant, X: *f.Estimate, Tone: toneOf(f.Outcome), MDE: f.MDE, Tip: f.Variant + "; " + estimate(f), Link: b.linkOf(f)}
				row.Text, _ = ppCell(f)
				if f.Interval != nil {
					row.Low, row.High = &f.Interval.Low, &f.Interval.High
				}
				r.Rows = append(r.Rows, row)
			}
		default:
			rest = append(rest, f)
		}
	}
	variant := func(f *finding.Finding) string { return f.Variant }
	p := Part{ID: "accuracy-all"}
	numbers := b.measures("accuracy-table", "Accuracy by variant", "variant", variant, main)
	if len(r.Rows) > 0 {
		p.Blocks = append(p.Blocks, &Figure{
			ID: "accuracy-ranked", Title: "Accuracy change", Layout: Wide, Legend: outcomeLegend(),
			Caption: "Variant minus baseline. Whiskers are the interval, the dashed line is the margin.",
			Panels:  []Panel{{Title: "all variants", Draw: r}}, Numbers: numbers,
		})
	} else if len(main) > 0 {
		p.Blocks = append(p.Blocks, numbers)
	}
	if len(rest) > 0 {
		name := func(f *finding.Finding) string { return f.Variant + ": " + restName(f) }
		p.Blocks = append(p.Blocks, b.measures("accuracy-more", "Against the margin, and top 5", "question", name, rest))
	}
	s.Parts = []Part{p}
	return s
}

func restName(f *finding.Finding) string {
	if f.Question == "non-inferiority" {
		return "loss within the margin"
	}
	return questionText(f)
}

// classes says which classes lost recall.
func (b *builder) classes() *Section {
	found := b.take(b.c.find(query{check: "classimpact"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "classes", Title: "Classes", Checks: []string{"classimpact"},
		Ask:    "Which classes lost recall, and which lost more than the model did?",
		Method: b.method(found),
	}
	for _, name := range b.c.variants() {
		rows := b.groupRows("classimpact", name, finding.Class)
		if len(rows) == 0 {
			continue
		}
		p := Part{ID: anchor("classes", name), Title: name, Lead: b.lead(rows, b.tally(rows), classNoun)}
		numbers := b.groupTable(anchor("class-table", name), "Classes, "+name, "class", "recall", rows)
		p.Blocks = []Block{b.groupFigure(anchor("classes", name), name, "recall", rows, numbers)}
		s.Parts = append(s.Parts, p)
	}
	return s
}

// groups says which subgroups lost.
func (b *builder) groups() *Section {
	found := b.take(b.c.find(query{check: "slice"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "subgroups", Title: "Subgroups", Checks: []string{"slice"},
		Ask:    "Which groups of examples pay, and do they pay more than the model does as a whole?",
		Method: b.method(found),
	}
	for _, name := range b.c.variants() {
		p := b.groupPart(name)
		if len(p.Blocks) > 0 {
			s.Parts = append(s.Parts, p)
		}
	}
	for _, f := range found {
		if f.Variant == "" && f.Outcome == finding.NotMeasurable {
			s.Parts = append(s.Parts, Part{ID: "subgroups-none", Lead: []Text{{S: notMeasured(f), Notes: b.notes.refer(f.Warnings)}}})
			break
		}
	}
	return s
}

func notMeasured(f *finding.Finding) string {
	s := "Not measured: " + reasonText(f.Reason) + "."
	if f.Needed != "" {
		s += " Needed: " + sentence(f.Needed)
	}
	return s
}

func (b *builder) groupPart(name string) Part {
	p := Part{ID: anchor("subgroups", name), Title: name}
	rows := b.groupRows("slice", name, finding.Subgroup)
	if len(rows) > 0 {
		p.Lead = b.lead(rows, b.tally(rows), groupNoun)
		numbers := b.groupTable(anchor("subgroup-table", name), "Subgroups, "+name, "subgroup", "accuracy", rows)
		p.Blocks = append(p.Blocks, b.groupFigure(anchor("subgroups", name), name, "accuracy", rows, numbers))
	}
	byMetric := map[string][]*finding.Finding{}
	var order []string
	for _, f := range b.c.find(query{check: "slice", variant: name}) {
		switch f.Question {
		case "harm", "disproportion", "non-inferiority":
			continue
		}
		key := f.Question
		if f.Scope.Kind != finding.Subgroup {
			key = "overall"
		}
		if byMetric[key] == nil {
			order = append(order, key)
		}
		byMetric[key] = append(byMetric[key], f)
	}
	for _, key := range order {
		found := byMetric[key]
		if key == "overall" {
			p.Blocks = append(p.Blocks, b.measures(anchor("subgroup-spread", name), "Spread, "+name, "measure", questionText, found))
			continue
		}
		title := fmt.Sprintf("%s by subgroup, %s", capital(found[0].Metric), name)
		p.Blocks = append(p.Blocks, b.measures(anchor("subgroup", key, name), title, "subgroup", scopeName, sorted(found)))
	}
	return p
}

// longtail relates harm to training frequency.
func (b *builder) longtail() *Section {
	found := b.take(b.c.find(query{check: "longtail"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "longtail", Title: "Rare in training", Checks: []string{"longtail"},
		Ask:    "Do the classes and groups that were rare in the training data lose more?",
		Method: b.method(found),
	}
	p := Part{ID: "longtail-all"}
	var measured []*finding.Finding
	for _, f := range found {
		if f.Outcome == finding.NotMeasurable {
			if text := (Text{S: notMeasured(f)}); len(p.Lead) < 4 && !hasText(p.Lead, text.S) {
				p.Lead = append(p.Lead, text)
			}
			continue
		}
		measured = append(measured, f)
	}
	if len(measured) > 0 {
		name := func(f *finding.Finding) string { return f.Variant + ": " + questionText(f) }
		p.Blocks = append(p.Blocks, b.measures("longtail-table", "Rank correlation with training frequency", "variant", name, measured))
	}
	for _, t := range b.c.tables {
		if t.Check == "longtail" {
			list := b.raw(t)
			list.Minor = true
			p.Blocks = append(p.Blocks, list)
		}
	}
	s.Parts = []Part{p}
	return s
}

func hasText(list []Text, s string) bool {
	for _, t := range list {
		if t.S == s {
			return true
		}
	}
	return false
}

// others lists what no section above shows, so that a check which this
// program's reports do not know yet is not silently left out.
func (b *builder) others() *Section {
	byCheck := map[string][]*finding.Finding{}
	var order []string
	for _, f := range b.c.findings {
		if b.used[f] {
			continue
		}
		if byCheck[f.Check] == nil {
			order = append(order, f.Check)
		}
		byCheck[f.Check] = append(byCheck[f.Check], f)
	}
	if len(order) == 0 {
		return nil
	}
	s := &Section{ID: "others", Title: "Other checks", Ask: "Findings of checks without a section of their own.", Checks: order}
	for _, check := range order {
		found := byCheck[check]
		s.Method = append(s.Method, b.method(found)...)
		name := func(f *finding.Finding) string {
			return fmt.Sprintf("%s: %s, %s", f.Variant, questionText(f), scopeName(f))
		}
		s.Parts = append(s.Parts, Part{ID: anchor("other", check), Title: check, Blocks: []Block{
			b.measures(anchor("other-table", check), capital(check), "finding", name, sorted(found)),
		}})
	}
	return s
}

// inputs lists what was read and how the audit was set.
func (b *builder) inputs() *Section {
	c := b.c.config
	s := &Section{ID: "inputs", Title: "Inputs and settings", Ask: "What was audited, from which files, with which settings."}
	p := Part{ID: "inputs-all"}
	for _, n := range c.Join.Notes {
		p.Lead = append(p.Lead, Text{S: sentence(capital(n))})
	}
	p.Blocks = append(p.Blocks, b.settingsTable(), b.memberTable())
	if len(c.Inputs) > 0 {
		t := &Table{ID: "inputs-files", Title: "Files", Total: len(c.Inputs), Columns: []Column{{Name: "file", Min: 20}, {Name: "role", Drop: 1}, {Name: "digest", Min: 16}}}
		for _, in := range c.Inputs[:b.room(len(c.Inputs))] {
			t.Rows = append(t.Rows, []Cell{{Text: in.Path}, {Text: in.Role}, {Text: in.Digest}})
		}
		p.Blocks = append(p.Blocks, trim(t))
	}
	s.Parts = []Part{p}
	return s
}

func (b *builder) settingsTable() *Table {
	s := &b.c.config.Settings
	t := &Table{ID: "inputs-settings", Title: "Settings", Columns: []Column{{Name: "setting"}, {Name: "value"}}}
	add := func(name, text string) { t.Rows = append(t.Rows, []Cell{{Text: name}, {Text: text}}) }
	add("mode", b.c.config.Mode)
	add("level of tests", num.Setting(s.Alpha))
	add("correction", correction(s.FDR))
	add("margin", num.PP(s.Margin))
	add("level of intervals", num.Setting(s.Level))
	add("disproportion compared with", "the "+s.Shift+"'s accuracy")
	add("tied votes go to", "the "+s.Ties+" class")
	add("smallest group", num.Plural(s.MinN, "example", "examples"))
	add("attributes crossed", num.Count(s.Depth))
	if s.Positive != "" {
		add("positive class", s.Positive)
	}
	add("permutations and swaps", num.Count(s.Replicate))
	add("noise floor and resampling", map[bool]string{true: "computed", false: "left out by an option"}[s.Resample])
	add("seed", fmt.Sprint(s.Seed))
	add("rows joined", map[bool]string{true: "by position: the sources have no ids", false: "by id"}[b.c.config.Join.ByPosition])
	t.Total, t.Minor = len(t.Rows), true
	return t
}

func (b *builder) memberTable() *Table {
	t := &Table{ID: "inputs-members", Title: "Members", Minor: true, Columns: []Column{
		{Name: "variant"}, {Name: "member", Min: 12}, {Name: "accuracy", Right: true}, {Name: "seed", Right: true, Drop: 2}, {Name: "lineage", Min: 10, Drop: 1}, {Name: "digest of predictions", Min: 12, Drop: 3},
	}}
	for _, p := range b.c.config.Populations {
		for _, m := range p.Members {
			t.Total++
			if b.o.Rows > 0 && len(t.Rows) >= b.o.Rows {
				continue
			}
			seed := ""
			if m.Seed != nil {
				seed = fmt.Sprint(*m.Seed)
			}
			t.Rows = append(t.Rows, []Cell{{Text: p.Name}, {Text: m.Name}, {Text: num.Share(m.Accuracy)}, {Text: seed}, {Text: m.Lineage}, {Text: m.Digest}})
		}
	}
	return trim(t)
}
