package triage

import (
	"cmp"
	"slices"

	"github.com/lethe-audit/lethe/finding"
)

// maxTop is the number of examples in a table; triage.parquet has all.
const maxTop = 100

// tables are the guesses of every variant, its foremost examples, and the front
// of the relabel queue.
func (f *facts) tables(lost []*forgotten) []finding.Table {
	out := []finding.Table{f.guessTable(lost)}
	for _, l := range lost {
		if l.size > 0 {
			out = append(out, f.exampleTable(l))
		}
	}
	if queue := f.queue(); len(queue) > 0 {
		out = append(out, f.relabelTable(queue))
	}
	return out
}

// guessTable counts the forgotten examples by their guess.
func (f *facts) guessTable(lost []*forgotten) finding.Table {
	t := finding.Table{
		Name: "triage-guesses", Check: Name, Title: "Forgotten examples by the most telling reason",
		Columns: []finding.Column{
			{Name: "variant"}, {Name: "forgotten", Unit: finding.Count, Doc: "examples whose modal label changes"},
		},
		Note: "Each example counts once, under the first reason of this order that holds; a reason without a number could not be measured.",
	}
	guesses := finding.Guesses()
	for _, g := range guesses {
		t.Columns = append(t.Columns, finding.Column{Name: string(g), Unit: finding.Count})
	}
	for _, l := range lost {
		count := map[finding.Guess]int{}
		for i, is := range l.is {
			if is {
				count[f.holds[i].guess()]++
			}
		}
		row := []any{f.view.Table.Variants[l.t].Name, l.size}
		for j, g := range guesses {
			if mark := reasons(1) << j; g != finding.GuessUnexplained && f.measured&mark == 0 {
				row = append(row, nil)
				continue
			}
			row = append(row, count[g])
		}
		t.Rows = append(t.Rows, row)
	}
	t.Total = len(t.Rows)
	return t
}

// exampleTable lists what a variant forgets: the most telling reasons first, of
// each the strongest case.
func (f *facts) exampleTable(l *forgotten) finding.Table {
	type entry struct {
		row      finding.TriageRow
		place    int
		strength float64
	}
	var all []entry
	for i, is := range l.is {
		if is {
			r := f.row(i)
			all = append(all, entry{r, slices.Index(finding.Guesses(), r.Guess), strength(&r)})
		}
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(b.strength, a.strength), cmp.Compare(a.row.Row, b.row.Row))
	})
	var rows []finding.TriageRow
	for i := range all[:min(len(all), maxTop)] {
		rows = append(rows, all[i].row)
	}
	t := f.table("triage", rows, l.size)
	t.Variant = f.view.Table.Variants[l.t].Name
	t.Title = "What may be wrong with forgotten examples"
	return t
}

// strength grows with how much speaks for the guess of a row.
func strength(r *finding.TriageRow) float64 {
	least := func(values ...*float64) float64 { // the first that is there, negative
		for _, v := range values {
			if v != nil {
				return -*v
			}
		}
		return -2
	}
	switch r.Guess {
	case finding.GuessMislabelled:
		return -least(r.LabelScore)
	case finding.GuessAmbiguous:
		return least(r.PeopleShare)
	case finding.GuessLowContrast:
		return least(r.ContrastClass, r.ContrastAll)
	case finding.GuessBlurred:
		return least(r.SharpClass, r.SharpAll)
	default:
		return least(r.Margin)
	}
}

// queue is the front of the relabel queue, in order, and nothing else.
func (f *facts) queue() []finding.TriageRow {
	var rows []finding.TriageRow
	for i := range f.holds {
		if f.doubted(i) {
			rows = append(rows, f.row(i))
		}
	}
	finding.RelabelOrder(rows)
	return rows
}

func (f *facts) relabelTable(queue []finding.TriageRow) finding.Table {
	t := f.table("relabel", queue[:min(len(queue), maxTop)], len(queue))
	t.Title = "Labels to look at again, the likeliest wrong first"
	return t
}

// table lists rows with the numbers behind their guesses.
func (f *facts) table(name string, rows []finding.TriageRow, total int) finding.Table {
	t := finding.Table{
		Name: name, Check: Name, Total: total,
		Columns: []finding.Column{
			{Name: "id"}, {Name: "label", Doc: "given class"}, {Name: "guess"}, {Name: "reasons", Doc: "all that hold"},
			{Name: "forgotten", Unit: finding.Count, Doc: "variants that forget it"},
			{Name: "margin", Unit: finding.Share, Doc: "baseline: share of its first label minus that of its second"},
			{Name: "margin_rank", Unit: finding.Share, Doc: "share of all examples with a smaller margin; null where votes were used"},
			{Name: "suggested", Doc: "label in place of the given one"}, {Name: "suggested_by", Doc: "models or people"},
			{Name: "label_score", Unit: finding.Share, Doc: "normalized margin; above one half another label is preferred"},
			{Name: "given_p", Unit: finding.Share, Doc: "what the baseline gives the given label"},
			{Name: "model_label", Doc: "what the models suggest"},
			{Name: "model_p", Unit: finding.Share, Doc: "what the baseline gives that"},
			{Name: "threshold", Unit: finding.Share, Doc: "what it gives that on average where it is the given label"},
			{Name: "contrast_rank", Unit: finding.Share, Doc: "share of its class, or of all examples if that is small, with less contrast"},
			{Name: "sharpness_rank", Unit: finding.Share, Doc: "the same of sharpness"},
			{Name: "people", Doc: "labels by people"}, {Name: "people_share", Unit: finding.Share, Doc: "of people who gave the label that most gave"},
		},
	}
	class := func(c *int32) any {
		if c == nil {
			return nil
		}
		return f.view.Table.Classes[*c]
	}
	for i := range rows {
		r := &rows[i]
		t.Rows = append(t.Rows, []any{r.ID, class(&r.Label), string(r.Guess), r.Reasons, r.Forgotten,
			number(r.Margin), number(r.MarginRank), class(r.Suggested), text(r.By), number(r.LabelScore),
			number(r.Given), class(r.ModelLabel), number(r.Other), number(r.Threshold),
			number(r.ContrastClass, r.ContrastAll), number(r.SharpClass, r.SharpAll), f.peopleText(int(r.Row)), number(r.PeopleShare)})
	}
	return t
}

// number is the first number that is there as a cell.
func number(values ...*float64) any {
	for _, v := range values {
		if v != nil {
			return *v
		}
	}
	return nil
}

func text(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}
