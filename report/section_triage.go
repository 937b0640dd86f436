package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// triage says what may be wrong with the examples that are forgotten, and which
// labels to look at again.
func (b *builder) triage() *Section {
	found := b.take(b.c.find(query{check: "triage"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "triage", Title: "What may be wrong with forgotten examples", Checks: []string{"triage"},
		Ask:    "Are they near the boundary, is their label likely wrong, is the picture poor, or do people not agree on them either? Each is a guess with a number behind it, not a test.",
		Method: b.method(found),
	}
	p := Part{ID: "triage-all", Title: "All variants"}
	for _, f := range found {
		if f.Variant == "" {
			p.Lead = append(p.Lead, b.triageText(f))
		}
	}
	if t := b.guessTable(); t != nil {
		p.Blocks = append(p.Blocks, t)
	}
	if t := b.c.table("relabel", ""); t != nil {
		p.Blocks = append(p.Blocks, b.relabel(t))
	}
	s.Parts = append(s.Parts, p)
	for _, name := range b.c.variants() {
		q := Part{ID: anchor("triage", name), Title: name}
		if shares := b.c.find(query{check: "triage", variant: name}); len(shares) > 0 {
			q.Blocks = append(q.Blocks, b.triageShares(name, shares))
		}
		if t := b.c.table("triage", name); t != nil {
			q.Blocks = append(q.Blocks, b.triaged(t))
		}
		if len(q.Blocks) > 0 {
			s.Parts = append(s.Parts, q)
		}
	}
	return s
}

// triageText says a finding about all examples.
func (b *builder) triageText(f *finding.Finding) Text {
	notes := b.notes.refer(f.Warnings)
	if f.Outcome == finding.NotMeasurable {
		return Text{S: capital(questionText(f)) + ": n" + strings.TrimPrefix(notMeasured(f), "N"), Notes: notes}
	}
	s := fmt.Sprintf("Labels that are likely wrong: %s of %s.", num.Number(*f.Estimate), num.Count(f.N))
	if t := b.c.table("relabel", ""); t != nil {
		s += fmt.Sprintf(" %s more to another label than to the given one; the likeliest wrong first: lethe report DIR --examples relabel.",
			num.Plural(max(t.Total, len(t.Rows)), "example leans", "examples lean"))
	}
	return Text{S: s, Notes: notes}
}

// guessName is a guess as a heading.
func guessName(guess string) string {
	return strings.ReplaceAll(guess, "_", " ")
}

// guessTable counts the forgotten examples of each variant by guess.
func (b *builder) guessTable() *Table {
	t := b.c.table("triage-guesses", "")
	g := read(t, "variant", "forgotten")
	if g == nil {
		return nil
	}
	out := &Table{ID: "triage-guesses", Title: t.Title, Total: g.len(), Note: t.Note,
		Columns: []Column{{Name: "variant", Min: 12}, {Name: "forgotten", Right: true, Doc: "examples whose modal label changes"}}}
	for _, guess := range finding.Guesses() {
		out.Columns = append(out.Columns, Column{Name: guessName(string(guess)), Right: true})
	}
	for i := range b.room(g.len()) {
		name := g.text(i, "variant")
		link := b.link(Target{Variant: name, Kind: "pie"})
		row := []Cell{{Text: name, Link: link}, {Text: g.text(i, "forgotten"), Link: link}}
		for _, guess := range finding.Guesses() {
			row = append(row, Cell{Text: g.text(i, string(guess))})
		}
		out.Rows = append(out.Rows, row)
	}
	return trim(out)
}

// triageShares sets each reason among the forgotten examples beside its share
// among all others.
func (b *builder) triageShares(name string, found []*finding.Finding) *Table {
	t := &Table{ID: anchor("triage-shares", name), Title: "Reasons among the forgotten and among all others, " + name, Minor: true, Total: len(found), Columns: []Column{
		{Name: "reason", Min: 14}, {Name: "forgotten", Right: true, Doc: "share of the forgotten examples for which it holds"},
		{Name: "interval", Right: true, Drop: 1, Doc: "covers examples"}, {Name: "all others", Right: true, Doc: "share of all other examples"},
	}, Note: "An example can have several. Those near the boundary are forgotten more often by the nature of a vote."}
	for _, f := range found[:b.room(len(found))] {
		t.Rows = append(t.Rows, []Cell{
			{Text: strings.ReplaceAll(f.Question, "-", " "), Notes: b.notes.refer(f.Warnings)},
			{Text: opt(f.Estimate, f.Unit)}, {Text: bounds(f.Interval, f.Unit)}, {Text: opt(f.Reference, f.Unit)},
		})
	}
	return t
}

// triaged lists forgotten examples with what may be wrong and the numbers behind
// it.
func (b *builder) triaged(t *finding.Table) *Table {
	g := read(t, "id", "label", "guess", "reasons")
	if g == nil {
		return b.raw(t)
	}
	out := &Table{ID: anchor("triage-examples", t.Variant), Title: t.Title + ", " + t.Variant, Examples: true, Minor: true, Total: max(t.Total, g.len()),
		Columns: []Column{{Name: "example", Min: 20}, {Name: "label", Min: 8}, {Name: "guess", Min: 12}, {Name: "why", Min: 30}},
		Note:    "The most telling reason first, of each the strongest case; triage.parquet has all."}
	for i := range b.room(g.len()) {
		id := g.text(i, "id")
		out.Rows = append(out.Rows, []Cell{{Text: id, Link: b.link(Target{Variant: t.Variant, Example: id})},
			{Text: g.text(i, "label")}, {Text: guessName(g.text(i, "guess"))}, {Text: reasonsWhy(g, i)}})
	}
	return out
}

// relabel lists labels to look at again.
func (b *builder) relabel(t *finding.Table) *Table {
	g := read(t, "id", "label", "suggested", "label_score")
	if g == nil {
		return b.raw(t)
	}
	out := &Table{ID: "relabel", Title: t.Title, Examples: true, Total: max(t.Total, g.len()), Columns: []Column{
		{Name: "example", Min: 20}, {Name: "given", Min: 8}, {Name: "suggested", Min: 8},
		{Name: "score", Right: true, Doc: "normalized margin: above 0.5 another label is preferred to the given one"},
		{Name: "why", Min: 30}, {Name: "forgotten by", Right: true, Drop: 1, Doc: "variants"},
	}, Note: "All of them with every number: lethe report DIR --examples relabel --format csv."}
	for i := range b.room(g.len()) {
		id, score := g.text(i, "id"), ""
		if v := g.number(i, "label_score"); v != nil {
			score = num.Fixed2(*v)
		}
		out.Rows = append(out.Rows, []Cell{{Text: id, Link: b.link(Target{Example: id})}, {Text: g.text(i, "label")}, {Text: g.text(i, "suggested")},
			{Text: score}, {Text: labelWhy(g, i)}, {Text: g.text(i, "forgotten")}})
	}
	return trim(out)
}

// reasonsWhy says the numbers behind every reason of a row.
func reasonsWhy(g *grid, i int) string {
	var out []string
	for guess := range strings.FieldsSeq(g.text(i, "reasons")) {
		s := ""
		switch finding.Guess(guess) {
		case finding.GuessMislabelled:
			s = labelWhy(g, i)
		case finding.GuessAmbiguous:
			s = "people: " + g.text(i, "people")
		case finding.GuessLowContrast:
			s = lowest(g, i, "contrast_rank", "contrast")
		case finding.GuessBlurred:
			s = lowest(g, i, "sharpness_rank", "sharpness")
		case finding.GuessNearBoundary:
			s = marginWhy(g, i)
		}
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return marginWhy(g, i)
	}
	return strings.Join(out, "; ")
}

// labelWhy says who suggests another label, and how sure they are.
func labelWhy(g *grid, i int) string {
	if g.text(i, "suggested_by") == finding.ByPeople {
		return "people: " + g.text(i, "people")
	}
	p, given := g.number(i, "model_p"), g.number(i, "given_p")
	if p == nil || given == nil {
		return ""
	}
	s := fmt.Sprintf("models: %s %s", g.text(i, "model_label"), num.Share(*p))
	if t := g.number(i, "threshold"); t != nil {
		s += fmt.Sprintf(" (%s where that is the label)", num.Share(*t))
	}
	return s + fmt.Sprintf(", %s %s", g.text(i, "label"), num.Share(*given))
}

func lowest(g *grid, i int, column, what string) string {
	v := g.number(i, column)
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%s: %s of its class have less", what, num.Share(*v))
}

// marginWhy says how far the baseline is decided.
func marginWhy(g *grid, i int) string {
	m := g.number(i, "margin")
	if m == nil {
		return ""
	}
	s := "margin " + num.PP(*m)
	if r := g.number(i, "margin_rank"); r != nil {
		s += fmt.Sprintf(", %s of all have less", num.Share(*r))
	}
	return s
}
