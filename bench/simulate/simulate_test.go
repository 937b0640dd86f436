package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/prediction"
)

// TestStudy is the short version of the study: 50 seeds, and limits that are
// four standard errors wider than the text's.
func TestStudy(t *testing.T) {
	if testing.Short() {
		t.Skip("the simulation study takes about a minute")
	}
	sections, err := runAll(t.Context(), options{seeds: chunk, first: 1, mode: "all", quick: true}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if len(sections) != len(scenarios()) {
		t.Errorf("%d sections for %d scenarios", len(sections), len(scenarios()))
	}
	for _, s := range sections {
		for _, c := range s.Criteria {
			if !c.Pass {
				t.Errorf("%s: %s is %.4f (SE %.4f), want %s", s.Scenario.Name, c.What, c.Value, c.SE, c.Rule)
			}
		}
	}
}

// judge runs 50 seeds of one scenario, after change.
func judge(t *testing.T, name string, change func(*classTests)) []criterion {
	t.Helper()
	for _, sc := range scenarios() {
		if sc.Name != name {
			continue
		}
		e, err := sc.Make()
		if err != nil {
			t.Fatal(err)
		}
		change(e.(*classTests))
		sums, err := runChunk(t.Context(), e, 1, chunk)
		if err != nil {
			t.Fatal(err)
		}
		return e.Criteria(sums, bounds{Seeds: chunk, Wide: quickWide})
	}
	t.Fatalf("there is no scenario %s", name)
	return nil
}

// TestStudyCanFail: what is wrong with an audit must show, even in the short
// version.
func TestStudyCanFail(t *testing.T) {
	for _, wrong := range []struct {
		what, scenario, part string
		change               func(*classTests)
	}{
		{"raw p over 20 classes", "welch/null", "(i)", func(c *classTests) { c.options.FDR = audit.NoFDR }},
		{"baseline and candidate exchanged", "welch/planted", "(ii)", func(c *classTests) { c.change = exchange }},
		{"an unpaired test on shared lineage", "paired/planted", "(iii)", func(c *classTests) { c.change = forgetLineages }},
		{"answers joined out of order", "mcnemar/planted", "(iii)", func(c *classTests) { c.change = rotateCandidate }},
	} {
		failed := false
		for _, c := range judge(t, wrong.scenario, wrong.change) {
			failed = failed || (c.Part == wrong.part && !c.Pass)
		}
		if !failed {
			t.Errorf("%s: %s holds with %s", wrong.scenario, wrong.part, wrong.what)
		}
	}
}

// forgetLineages hides that members share checkpoints.
func forgetLineages(t *prediction.Table) {
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			t.Variants[v].Members[k].Lineage = ""
		}
	}
}

// exchange makes the candidate the baseline.
func exchange(t *prediction.Table) { t.Variants[0], t.Variants[1] = t.Variants[1], t.Variants[0] }

// rotateCandidate gives each example the candidate's answer to the one before.
func rotateCandidate(t *prediction.Table) {
	for k, m := range t.Variants[1].Members {
		c := prediction.NewColumn(t.Len(), len(t.Classes))
		for i := range t.Len() {
			c.Set(i, m.Predicted.At((i+t.Len()-1)%t.Len()))
		}
		t.Variants[1].Members[k].Predicted = c
	}
}

// TestResume: a study in two parts, at another number of threads, writes the
// same table as one in one part.
func TestResume(t *testing.T) {
	run := func(state string, seeds string) string {
		var out, log bytes.Buffer
		args := []string{"--mode", "mcnemar", "--only", "null-small", "--seeds", seeds, "--state", state}
		if code := study(t.Context(), args, &out, &log); code != 0 {
			t.Fatalf("exit code %d\n%s%s", code, out.String(), log.String())
		}
		return out.String()
	}
	dir := t.TempDir()
	whole := run(filepath.Join(dir, "whole"), "100")
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	run(filepath.Join(dir, "parts"), "50")
	if got := run(filepath.Join(dir, "parts"), "100"); got != whole {
		t.Errorf("in parts:\n%s\nin one:\n%s", got, whole)
	}
	if !strings.Contains(whole, "| 100 |") || !strings.Contains(whole, "holds") {
		t.Errorf("table:\n%s", whole)
	}
}

// TestWrite: the tables replace what is between the marks, and nothing else.
func TestWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(name, []byte("before\n"+beginMark+"\nold\n"+endMark+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	args := []string{"--quick", "--mode", "mcnemar", "--only", "null-small", "--write", name}
	if code := study(t.Context(), args, &out, &log); code != 0 {
		t.Fatalf("exit code %d\n%s", code, log.String())
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n" + beginMark + "\n" + out.String() + "\n" + endMark + "\nafter\n"; string(got) != want {
		t.Errorf("document:\n%s\nwant:\n%s", got, want)
	}
	if err := os.WriteFile(name, []byte("no marks\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code := study(t.Context(), args, &out, &log); code != 2 || !strings.Contains(log.String(), "has no lines") {
		t.Errorf("exit code %d for a document without marks\n%s", code, log.String())
	}
}

// TestInterrupted: an interrupted study says so and keeps what it has.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, log bytes.Buffer
	if code := study(ctx, []string{"--quick", "--mode", "mcnemar", "--only", "null-small"}, &out, &log); code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, log.String())
	}
}

// TestUsage: wrong flags and state files are refused.
func TestUsage(t *testing.T) {
	old := filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(old, []byte(`{"version":99}`), 0o644); err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(t.TempDir(), "torn")
	if err := os.WriteFile(torn, []byte(`{"version":1,"chu`), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"multiple of 50":      {"--seeds", "70"},
		"from 7":              {"--first", "7"},
		`mode "all else"`:     {"--mode", "all else"},
		"unexpected argument": {"--quick", "more"},
		"version 99":          {"--quick", "--state", old},
		"unexpected end":      {"--quick", "--state", torn},
	} {
		var out, log bytes.Buffer
		if code := study(t.Context(), args, &out, &log); code != 2 || !strings.Contains(log.String(), want) {
			t.Errorf("%v: exit code %d and %q, want 2 and %q", args, code, log.String(), want)
		}
	}
}

// TestBounds: limits hold where the text says, and a number that nobody gave
// never holds.
func TestBounds(t *testing.T) {
	strict, wide := bounds{Seeds: 1000}, bounds{Seeds: 50, Wide: 4}
	for _, c := range []struct {
		got  criterion
		want bool
	}{
		{strict.atMost("", "", "", 0.064, 0.007, 0.064), true},
		{strict.atMost("", "", "", 0.065, 0.007, 0.064), false},
		{wide.atMost("", "", "", 0.065, 0.007, 0.064), true},
		{wide.atMost("", "", "", 0.093, 0.007, 0.064), false},
		{strict.atLeast("", "", "", 0.935, 0.007, 0.935), true},
		{strict.atLeast("", "", "", 0.934, 0.007, 0.935), false},
		{strict.within("", "", "", 0.84, 0.01, 0.8, 0.04), true},
		{strict.within("", "", "", 0.75, 0.01, 0.8, 0.04), false},
		{wide.within("", "", "", 0.75, 0.01, 0.8, 0.04), true},
		{wide.atMost("", "", "", 0, math.Inf(1), 1), false},
		{wide.atLeast("", "", "", 1, math.Inf(1), 0), false},
		{wide.within("", "", "", 1, math.Inf(1), 1, 1), false},
	} {
		if c.got.Pass != c.want {
			t.Errorf("%+v: want %v", c.got, c.want)
		}
	}
	// mean 2, sd 1, standard error 1/√3
	sums := tally{}
	for _, x := range []float64{1, 2, 3} {
		sums.add(values{"x": x})
	}
	if mean, se := sums.mean("x"); mean != 2 || math.Abs(se-1/math.Sqrt(3)) > 1e-15 {
		t.Errorf("mean %v, SE %v", mean, se)
	}
	if _, se := sums.mean("y"); !math.IsInf(se, 1) {
		t.Errorf("a number that nobody gave has SE %v", se)
	}
}
