package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/report/chart"
)

// collected makes the collector of a stream with the given findings; members is
// the size of every population.
func collected(t *testing.T, members int, findings ...finding.Finding) *Collector {
	t.Helper()
	config := finding.Config{Protocol: 1, Tool: "lethe test", Mode: "default", Examples: 1000, Classes: []string{"cat", "dog", "eel"},
		Settings: finding.Settings{Alpha: 0.05, FDR: "bh", Margin: 0.02, Level: 0.95}}
	for _, name := range []string{"dense", "a", "b"} {
		p := finding.Population{Name: name, Kind: "other"}
		for k := range members {
			p.Members = append(p.Members, finding.MemberInfo{Name: fmt.Sprint(k), Accuracy: 0.9})
		}
		config.Populations = append(config.Populations, p)
	}
	c := &Collector{}
	var tally finding.Tally
	if err := c.Config(&config); err != nil {
		t.Fatal(err)
	}
	for i := range findings {
		tally.Finding(&findings[i])
		if err := c.Finding(&findings[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Done(tally.Done(0)); err != nil {
		t.Fatal(err)
	}
	return c
}

func build(t *testing.T, c *Collector) *Doc {
	t.Helper()
	d, err := Build(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// classOf is the harm finding of one class: worse where it lost more than 1 pp.
func classOf(variant, class string, number int, change float64) finding.Finding {
	f := finding.Finding{ID: variant + class, Check: "classimpact", Question: "harm", Baseline: "dense", Variant: variant, Scope: finding.Scope{Kind: finding.Class, Class: &number, Name: class},
		Metric: "recall difference", Unit: finding.Difference, Estimate: &change, Interval: &finding.Interval{Low: change - 0.005, High: change + 0.005, Level: 0.95, Covers: finding.Both},
		Test: &finding.Test{Name: "Welch t", Why: "because", P: finding.Float(0.001), Q: finding.Float(0.002)}, N: 100, Outcome: finding.NotDetected, Word: finding.NoDifference, MDE: finding.Float(0.011)}
	if change < -0.01 {
		f.Outcome, f.Word, f.MDE = finding.Worse, finding.Harmed, nil
	}
	return f
}

func unknown(f finding.Finding, reason finding.Reason) finding.Finding {
	f.Outcome, f.Reason, f.Word, f.Test, f.MDE = finding.NotMeasurable, reason, finding.CannotSay, nil, nil
	return f
}

func TestHeadline(t *testing.T) {
	fine := []finding.Finding{classOf("a", "cat", 0, 0.001), classOf("b", "cat", 0, -0.002)}
	harmed := []finding.Finding{classOf("a", "cat", 0, -0.001), classOf("a", "dog", 1, -0.031), classOf("a", "eel", 2, -0.02), classOf("b", "cat", 0, 0)}
	both := append(append([]finding.Finding{}, harmed...), classOf("b", "eel", 2, -0.1))
	void := append(append([]finding.Finding{}, harmed...), finding.Finding{ID: "v", Check: "summary", Question: "vacuity", Variant: "a", Scope: finding.Scope{Kind: finding.Overall}, Outcome: finding.Failed, Reason: finding.Identical})
	for name, c := range map[string]struct {
		findings []finding.Finding
		want     string
	}{
		"nothing":     {fine, "No harm detected in a and b; a change smaller than 1.1 pp could have been missed in some class."},
		"one of two":  {harmed, "1 of 2 variants, a, harms at least one class. Hardest hit: dog under a, -3.1 pp [-3.6, -2.6], q = 0.0020."},
		"both":        {both, "All 2 variants harm at least one class. Hardest hit: eel under b, -10.0 pp [-10.5, -9.5], q = 0.0020."},
		"void":        {void, "Nothing can be concluded about a. No harm detected in b; a change smaller than 1.1 pp could have been missed in some class."},
		"cannot say":  {[]finding.Finding{unknown(fine[0], finding.TooFewMembers), unknown(fine[1], finding.TooFewMembers)}, "The data cannot say whether any class is harmed."},
		"no findings": {nil, "The data cannot say whether any class is harmed."},
	} {
		if got := build(t, collected(t, 3, c.findings...)).Headline; got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestSinglePairSaysWhatItHolds: with one model on each side the report says
// that nothing follows for retraining.
func TestSinglePairSaysWhatItHolds(t *testing.T) {
	f := classOf("a", "cat", 0, -0.02)
	if how := build(t, collected(t, 1, f)).How; !strings.Contains(how, "says nothing about retraining") {
		t.Errorf("one member a side: %q", how)
	}
	if how := build(t, collected(t, 3, f)).How; strings.Contains(how, "retraining") {
		t.Errorf("three members a side: %q", how)
	}
}

// TestWorstFirst: harmed classes come first by size, then the others by size,
// those that could not be measured keep their place by what was seen.
func TestWorstFirst(t *testing.T) {
	noEstimate := unknown(classOf("a", "gnu", 5, 0), finding.TooFewExamples)
	noEstimate.Estimate = nil
	small := classOf("a", "dog", 1, -0.015)
	d := build(t, collected(t, 3, noEstimate, classOf("a", "cat", 0, 0.03), small, classOf("a", "eel", 2, -0.05), unknown(classOf("a", "fox", 4, -0.09), finding.Ceiling)))
	var table *Table
	for _, s := range d.Sections {
		if s.ID == "classes" {
			table = s.Parts[0].Blocks[0].(*Figure).Numbers
		}
	}
	var order []string
	for _, row := range table.Rows {
		order = append(order, row[0].Text)
	}
	if got := strings.Join(order, " "); got != "eel dog fox cat gnu" {
		t.Errorf("order is %s, want eel dog fox cat gnu", got)
	}
	if word := table.Rows[2][len(table.Rows[2])-1]; word.Mark != MarkAsk || word.Text != "cannot say: recall is 0 or 1 in every member" {
		t.Errorf("the unmeasured class says %+v", word)
	}
}

// TestUndecidedIsSaidOnce: the same gap in several variants is one sentence.
func TestUndecidedIsSaidOnce(t *testing.T) {
	var list []finding.Finding
	for _, v := range []string{"a", "b"} {
		list = append(list, unknown(classOf(v, "cat", 0, 0), finding.Ceiling))
		list = append(list, finding.Finding{ID: v + "kl", Check: "flip", Question: "kl", Variant: v, Scope: finding.Scope{Kind: finding.Overall}, Metric: "KL", Outcome: finding.NotMeasurable, Reason: finding.NoScores, Needed: "scores"})
	}
	var got []string
	for _, text := range build(t, collected(t, 3, list...)).Undecided {
		got = append(got, text.S)
	}
	want := "a and b: the only class cannot be judged: recall is 0 or 1 in every member.|Not measured: KL: scores were not recorded. Needed: scores."
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got %s\nwant %s", s, want)
	}
}

// TestNotesAreNumberedOnce: equal warnings share a number, numbers are in the
// order of the text, and there is an end to them.
func TestNotesAreNumberedOnce(t *testing.T) {
	n := newNotes()
	w := func(texts ...string) (out []finding.Warning) {
		for _, s := range texts {
			out = append(out, finding.Warning{Code: "c", Text: s})
		}
		return out
	}
	if got := fmt.Sprint(n.refer(w("x", "y")), n.refer(w("z", "x", "x")), n.refer(w(""))); got != "[1 2] [1 3] []" {
		t.Errorf("numbers are %s", got)
	}
	for i := range 100 {
		n.refer(w(fmt.Sprint("warning ", i)))
	}
	all := n.all()
	if len(all) != maxNotes+1 || all[maxNotes].Text != "43 more warnings are in findings.jsonl." {
		t.Errorf("%d notes, the last is %q", len(all), all[len(all)-1].Text)
	}
}

// TestTablesOfOtherShapesAreSafe: a table that lacks columns, or whose cells
// have other types, is left out or drawn empty, and never stops a report.
func TestTablesOfOtherShapesAreSafe(t *testing.T) {
	c := collected(t, 3, classOf("a", "cat", 0, -0.02))
	for _, name := range []string{"vote-scatter", "pie-by-variant", "confusion", "curve-class", "curve-first-lost", "reliability", "top-examples", "flip-pairs", "training", "members"} {
		for _, rows := range [][][]any{nil, {{"x", nil}}, {{1.0, "x"}}, {{nil, nil}}} {
			table := finding.Table{Name: name, Check: "pie", Variant: "a", Title: name, Columns: []finding.Column{{Name: "count"}, {Name: "variant"}}, Rows: rows}
			if err := c.Table(&table); err != nil {
				t.Fatal(err)
			}
			whole := table
			whole.Variant = ""
			if err := c.Table(&whole); err != nil {
				t.Fatal(err)
			}
		}
	}
	build(t, c)
}

// TestTrainingSection: a line for each member that has numbers, in one range
// for all panels.
func TestTrainingSection(t *testing.T) {
	c := collected(t, 2, classOf("a", "cat", 0, -0.02))
	columns := []finding.Column{{Name: "member"}, {Name: "epoch", Unit: finding.Count}, {Name: "loss", Unit: finding.Ratio}, {Name: "accuracy", Unit: finding.Share}, {Name: "validation_accuracy", Unit: finding.Share}}
	for variant, rows := range map[string][][]any{
		"dense": {{"00", 1, 2.0, .2, 0.3}, {"00", 2, 1.5, .4, 0.5}, {"01", 1, 2.1, .2, 0.25}, {"01", 2, 1.0, .4, nil}},
		"b":     {{"00", 1, 3.0, .1, 0.1}},
	} {
		if err := c.Table(&finding.Table{Name: "training", Check: "training", Variant: variant, Title: "Training, " + variant, Columns: columns, Rows: rows}); err != nil {
			t.Fatal(err)
		}
	}
	var s *Section
	for _, x := range build(t, c).Sections {
		if x.ID == "training" {
			s = x
		}
	}
	if s == nil {
		t.Fatal("no section")
	}
	f, ok := s.Parts[0].Blocks[2].(*Figure)
	if !ok || f.ID != "training-validation" || len(f.Panels) != 2 {
		t.Fatalf("third block %+v", s.Parts[0].Blocks[2])
	}
	dense := f.Panels[0].Draw.(*chart.Training)
	if len(dense.Lines) != 2 || len(dense.Lines[1].Y) != 1 || dense.Hi < 0.5 || dense.Lo > 0.1 {
		t.Errorf("panel of dense: %+v", dense)
	}
	if got := dense.Alt(); got != "Validation accuracy, dense: 2 members, ending between 25.0% and 50.0%" {
		t.Errorf("said %q", got)
	}
}
