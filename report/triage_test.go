package report_test

import (
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/report"
)

// triageStream is an audit with what the check triage emits.
func triageStream() []finding.Message {
	overall := finding.Scope{Kind: finding.Overall}
	lost := finding.Scope{Kind: finding.Examples, Name: "forgotten"}
	columns := func(names ...string) (out []finding.Column) {
		for _, n := range names {
			out = append(out, finding.Column{Name: n})
		}
		return out
	}
	rows := columns("id", "label", "guess", "reasons", "forgotten", "margin", "margin_rank", "suggested", "suggested_by", "label_score",
		"given_p", "model_label", "model_p", "threshold", "contrast_rank", "sharpness_rank", "people", "people_share")
	return []finding.Message{
		{Config: &finding.Config{Protocol: 1, Tool: "lethe test", Classes: []string{"cat", "dog"}, ClassSizes: []int{50, 50}, Examples: 100,
			Settings: finding.Settings{Alpha: .05, Level: .95, Margin: .02, FDR: "bh"}, Checks: []string{"triage"},
			Populations: []finding.Population{{Name: "dense", Members: []finding.MemberInfo{{Name: "a"}}}, {Name: "int8", Members: []finding.MemberInfo{{Name: "b"}}}}}},
		{Finding: &finding.Finding{ID: "triage/label-issues//overall", Check: "triage", Question: "label-issues", Scope: overall, Metric: "labels that are likely wrong",
			Unit: finding.Count, Estimate: finding.Float(3), Outcome: finding.Described, N: 100}},
		{Finding: &finding.Finding{ID: "triage/pictures//overall", Check: "triage", Question: "pictures", Scope: overall, Metric: "contrast and sharpness of forgotten examples",
			Outcome: finding.NotMeasurable, Reason: finding.NoImages, Needed: "the images", N: 100}},
		{Finding: &finding.Finding{ID: "triage/mislabelled/int8/examples:forgotten", Check: "triage", Question: "mislabelled", Variant: "int8", Scope: lost, Metric: "forgotten examples whose label is likely wrong",
			Unit: finding.Share, Estimate: finding.Float(.25), Reference: finding.Float(.01), Interval: &finding.Interval{Low: .05, High: .7, Level: .95, Covers: finding.ExamplesOnly, Method: "Wilson"},
			Outcome: finding.Described, N: 4}},
		{Table: &finding.Table{Name: "triage-guesses", Check: "triage", Title: "Forgotten examples by the most telling reason",
			Columns: columns("variant", "forgotten", "mislabelled", "ambiguous", "low_contrast", "blurred", "near_boundary", "unexplained"),
			Rows:    [][]any{{"int8", 4.0, 1.0, nil, nil, nil, 2.0, 1.0}}}},
		{Table: &finding.Table{Name: "triage", Check: "triage", Variant: "int8", Title: "What may be wrong with forgotten examples", Columns: rows, Rows: [][]any{
			{"e<1>", "cat", "mislabelled", "mislabelled blurred near_boundary", 2.0, .1, nil, "dog", "models", .95, .02, "dog", .92, .88, .5, .01, nil, nil},
			{"e2", "cat", "ambiguous", "ambiguous", 1.0, 1.0, nil, "dog", "people", .4, .9, "dog", .1, .88, .5, .5, "cat 6, dog 4", .6},
			{"e3", "dog", "unexplained", "", 1.0, .8, .3, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil}}}},
		{Table: &finding.Table{Name: "relabel", Check: "triage", Title: "Labels to look at again, the likeliest wrong first", Columns: rows, Total: 7, Rows: [][]any{
			{"e<1>", "cat", "mislabelled", "mislabelled", 2.0, .1, nil, "dog", "models", .95, .02, "dog", .92, .88, .5, .01, nil, nil},
			{"e9", "cat", "mislabelled", "mislabelled", 0.0, 1.0, nil, "dog", "people", .9, .9, "dog", .1, .88, .5, .5, "dog 9, cat 1", .9}}}},
		{Done: &finding.Done{Findings: 3, Tables: 3}},
	}
}

func triageSection(t *testing.T) *report.Section {
	t.Helper()
	var c report.Collector
	for _, m := range triageStream() {
		var err error
		switch {
		case m.Config != nil:
			err = c.Config(m.Config)
		case m.Finding != nil:
			err = c.Finding(m.Finding)
		case m.Table != nil:
			err = c.Table(m.Table)
		default:
			err = c.Done(m.Done)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	o := report.Options{Link: func(x report.Target) string { return "/" + x.Variant + "/" + x.Kind + "/" + x.Example }}
	d, err := report.Build(&c, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Sections {
		if s.ID == "triage" {
			return s
		}
	}
	t.Fatal("no section about triage")
	return nil
}

// TestTriageSection: every guess stands with the numbers behind it, and links to
// its example.
func TestTriageSection(t *testing.T) {
	s := triageSection(t)
	tables := map[string]*report.Table{}
	for _, p := range s.Parts {
		for _, b := range p.Blocks {
			if x, ok := b.(*report.Table); ok {
				tables[x.ID] = x
			}
		}
	}
	lead := s.Parts[0].Lead
	if len(lead) != 2 || lead[0].S != "Labels that are likely wrong: 3 of 100. 7 examples lean more to another label than to the given one; the likeliest wrong first: lethe report DIR --examples relabel." ||
		lead[1].S != "Contrast and sharpness of forgotten examples: not measured: the images were not at hand. Needed: the images." {
		t.Errorf("lead %+v", lead)
	}
	for id, want := range map[string]string{
		"triage-guesses":       "int8|4|1|2|1",
		"triage-shares-int8":   "mislabelled|25.00 %|[5.00, 70.00] %|1.00 %",
		"triage-examples-int8": "e<1>|cat|mislabelled|models: dog 92.00 % (88.00 % where that is the label), cat 2.00 %; sharpness: 1.00 % of its class have less; margin 10.0 pp\ne2|cat|ambiguous|people: cat 6, dog 4\ne3|dog|unexplained|margin 80.0 pp, 30.00 % of all have less",
		"relabel":              "e<1>|cat|dog|0.95|models: dog 92.00 % (88.00 % where that is the label), cat 2.00 %|2\ne9|cat|dog|0.90|people: dog 9, cat 1|0",
	} {
		x := tables[id]
		if x == nil {
			t.Errorf("no table %s", id)
			continue
		}
		var rows []string
		for _, row := range x.Rows {
			var cells []string
			for _, c := range row {
				cells = append(cells, c.Text)
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
		if got := strings.Join(rows, "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", id, got, want)
		}
	}
	if x := tables["triage-examples-int8"]; x.Rows[0][0].Link != "/int8//e<1>" || !x.Examples {
		t.Errorf("link %q", x.Rows[0][0].Link)
	}
	if tables["relabel"].Total != 7 {
		t.Errorf("%d in the queue, want 7", tables["relabel"].Total)
	}
}
