package report_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/html"
	"github.com/lethe-audit/lethe/report/jsonl"
	"github.com/lethe-audit/lethe/report/markdown"
	"github.com/lethe-audit/lethe/report/reporttest"
	"github.com/lethe-audit/lethe/report/text"
)

// formats are all report formats with their default options.
func formats() map[string]func(io.Writer) report.Handler {
	return map[string]func(io.Writer) report.Handler{
		"text":     func(w io.Writer) report.Handler { return text.New(w, text.DefaultOptions()) },
		"all":      func(w io.Writer) report.Handler { o := text.DefaultOptions(); o.All = true; return text.New(w, o) },
		"jsonl":    jsonl.New,
		"markdown": func(w io.Writer) report.Handler { return markdown.New(w, markdown.DefaultOptions()) },
		"html":     func(w io.Writer) report.Handler { return html.New(w, html.DefaultOptions()) },
	}
}

func specs() map[string]reporttest.Spec {
	void, paper, several := reporttest.Small(), reporttest.Small(), reporttest.Tiny()
	void.Void, paper.Paper, several.Scores = true, true, false
	return map[string]reporttest.Spec{"small": reporttest.Small(), "tiny": reporttest.Tiny(), "void": void, "paper": paper, "no scores": several}
}

func live(t *testing.T, messages []finding.Message, h report.Handler) {
	t.Helper()
	for i := range messages {
		if err := report.Send(h, &messages[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStoredRendersAsLive: a stored stream gives the bytes that the running
// audit gave, in every format, also where names are no valid text and tables
// hold integers.
func TestStoredRendersAsLive(t *testing.T) {
	for name, spec := range specs() {
		messages := reporttest.Stream(spec)
		broken := *messages[0].Config
		broken.Classes = append([]string{"bad \xff\xfe name"}, broken.Classes[1:]...)
		messages[0].Config = &broken
		for i := range messages {
			if f := messages[i].Finding; f != nil && f.Scope.Name == "airplane" {
				f.Scope.Name = "bad \xff\xfe name"
			}
		}
		stored := reporttest.Bytes(t, messages)
		for format, make := range formats() {
			var a, b bytes.Buffer
			live(t, messages, make(&a))
			if err := report.Replay(bytes.NewReader(stored), make(&b)); err != nil {
				t.Fatal(err)
			}
			if line, x, y := golden.Difference(a.Bytes(), b.Bytes()); line > 0 {
				t.Errorf("%s as %s: live and stored differ at line %d:\n%.300s\n%.300s", name, format, line, x, y)
			}
			if a.Len() == 0 {
				t.Errorf("%s as %s is empty", name, format)
			}
		}
	}
}

// TestNothingUnformatted: no format prints a number, pointer or verb that was
// not formatted, nor a word that claims too much.
func TestNothingUnformatted(t *testing.T) {
	for name, spec := range specs() {
		stored := reporttest.Bytes(t, reporttest.Stream(spec))
		for format, make := range formats() {
			var b bytes.Buffer
			if err := report.Replay(bytes.NewReader(stored), make(&b)); err != nil {
				t.Fatal(err)
			}
			out := b.String()
			if i := strings.Index(out, "<script>"); format == "html" && i > 0 {
				out = out[:i]
			}
			for _, bad := range []string{"NaN", "+Inf", "-Inf", "<nil>", "&lt;nil&gt;", "%!", "map[", "1e+", "-0.0 "} {
				if strings.Contains(out, bad) {
					t.Errorf("%s as %s holds %q: %s", name, format, bad, around(out, bad))
				}
			}
			for _, claim := range []string{"guarantee", "proves", "proven", " safe", "is equal", "no effect of compression was"} {
				if format != "jsonl" && strings.Contains(strings.ToLower(out), claim) {
					t.Errorf("%s as %s claims %q: %s", name, format, claim, around(strings.ToLower(out), claim))
				}
			}
		}
	}
}

func around(s, part string) string {
	i := strings.Index(s, part)
	return s[max(0, i-80):min(len(s), i+80)]
}

// TestDisproportionatelyOnlyWhereFound: the word needs a finding that has it.
func TestDisproportionatelyOnlyWhereFound(t *testing.T) {
	messages := reporttest.Stream(reporttest.Small())
	found := 0
	for i := range messages {
		if f := messages[i].Finding; f != nil && f.Word == finding.HarmedMore {
			f.Word, f.Outcome = finding.NoDifference, finding.NotDetected
			found++
		}
	}
	if found == 0 {
		t.Fatal("the stream has no disproportionate harm to take away")
	}
	stored := reporttest.Bytes(t, recount(messages))
	for format, make := range formats() {
		var b bytes.Buffer
		if err := report.Replay(bytes.NewReader(stored), make(&b)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "disproportionately") {
			t.Errorf("%s says disproportionately: %s", format, around(b.String(), "disproportionately"))
		}
	}
}

// recount replaces the closing message after findings were changed.
func recount(messages []finding.Message) []finding.Message {
	var tally finding.Tally
	for i := range messages {
		switch m := &messages[i]; {
		case m.Finding != nil:
			tally.Finding(m.Finding)
		case m.Table != nil:
			tally.Table()
		case m.Done != nil:
			m.Done = tally.Done(m.Done.Examples)
		}
	}
	return messages
}

// TestCutStreamGivesNoReport: a stream without its end is an error, and nothing
// is written that could pass for a report.
func TestCutStreamGivesNoReport(t *testing.T) {
	stored := reporttest.Bytes(t, reporttest.Stream(reporttest.Tiny()))
	cut := stored[:len(stored)*2/3]
	for format, make := range formats() {
		if format == "jsonl" {
			continue
		}
		var b bytes.Buffer
		if err := report.Replay(bytes.NewReader(cut), make(&b)); err == nil || b.Len() > 0 {
			t.Errorf("%s of a cut stream: error %v, %d bytes", format, err, b.Len())
		}
	}
}

// TestMultiReplaysToAll: several formats from one pass equal one at a time.
func TestMultiReplaysToAll(t *testing.T) {
	stored := reporttest.Bytes(t, reporttest.Stream(reporttest.Tiny()))
	var a, b, again bytes.Buffer
	if err := report.Replay(bytes.NewReader(stored), report.Multi(jsonl.New(&a), text.New(&b, text.DefaultOptions()))); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), stored) {
		t.Error("a stream that passed through changed")
	}
	if err := report.Replay(bytes.NewReader(stored), text.New(&again, text.DefaultOptions())); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("text beside another format differs from text alone")
	}
}

// TestEveryFindingIsShown: the metric of every finding stands in the full text
// report, also of a check that it has no section for.
func TestEveryFindingIsShown(t *testing.T) {
	messages := reporttest.Stream(reporttest.Small())
	extra := finding.Finding{ID: "robust/x", Check: "robust", Question: "excess-drop", Baseline: "dense", Variant: "int8", Scope: finding.Scope{Kind: finding.Overall},
		Metric: "excess drop under fog", Unit: finding.Difference, Estimate: finding.Float(-0.07), Outcome: finding.Worse, N: 10}
	messages = append(messages[:len(messages)-1], finding.Message{Finding: &extra}, messages[len(messages)-1])
	stored := reporttest.Bytes(t, recount(messages))
	var b bytes.Buffer
	o := text.DefaultOptions()
	o.All, o.Width = true, 0
	if err := report.Replay(bytes.NewReader(stored), text.New(&b, o)); err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		f := messages[i].Finding
		if f == nil {
			continue
		}
		switch f.Question {
		case "harm", "disproportion", "non-inferiority", "vacuity", "mcnemar", "accuracy", "over-representation":
			continue // these have columns of their own
		}
		switch f.Check {
		case "compression", "attribution", "frontier":
			continue // and so have these: TestCompressionIsShown
		}
		if !strings.Contains(b.String(), f.Metric) {
			t.Errorf("finding %s: its metric %q is nowhere in the report", f.ID, f.Metric)
		}
	}
}

// TestCompressionIsShown: what model files hold, what layers rescue and which
// variant is chosen stand in the report with their numbers.
func TestCompressionIsShown(t *testing.T) {
	var b bytes.Buffer
	o := text.DefaultOptions()
	o.All, o.Width = true, 0
	if err := report.Replay(bytes.NewReader(reporttest.Stored(t, reporttest.Small())), text.New(&b, o)); err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"int8 512.0 KiB 50.00 % 493.2 KiB 50.00 % 8 0.00 % 99.00 %", "compression found in the weights",
		"pruned-70 [1] 256.0 KiB 25.00 % 246.6 KiB 25.00 % 8 20.00 % 99.00 %", "no compression found",
		"conv1 1,000 40 4 1.1 pp [0.7, 1.5]", "fc 3,000 16 22 -0.7 pp [-1.1, -0.3]",
		"Layers that rescue answers beyond chance when they stay in float: conv1 (1.1 pp).",
		"Most compressed variant without detected or undecided harm at 2.0 pp: int8, 493.2 KiB after zstd, 50.00 % of the baseline.",
		"within the margin, chosen", "undecided", "beyond the margin",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// TestVoidComesFirst: what voids an audit stands above everything else.
func TestVoidComesFirst(t *testing.T) {
	spec := reporttest.Small()
	spec.Void = true
	stored := reporttest.Bytes(t, reporttest.Stream(spec))
	for format, make := range formats() {
		if format == "jsonl" {
			continue
		}
		var b bytes.Buffer
		if err := report.Replay(bytes.NewReader(stored), make(&b)); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		if format == "html" {
			out = out[strings.Index(out, "<main>"):]
		}
		void, answer := strings.Index(out, "The audit of int8 is void"), strings.Index(out, "Nothing can be concluded about int8.")
		if void < 0 || answer < 0 || void > answer {
			t.Errorf("%s: the alarm is at %d, the headline at %d", format, void, answer)
		}
	}
}
