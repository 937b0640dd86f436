package classimpact_test

import (
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/classimpact"
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/finding"
)

func questions(c *audittest.Collector) map[string]int {
	n := map[string]int{}
	for _, f := range c.Findings {
		n[f.Question]++
	}
	return n
}

// The default asks three questions of every class of every variant, in
// families of their own; the paper asks one.
func TestQuestions(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 600, Classes: 6, Members: []int{5, 5, 5}, Seed: 1})
	c := audittest.Run(t, classimpact.New(), table, audit.DefaultOptions())
	for _, q := range []string{recall.HarmQuestion, recall.DisproportionQuestion, recall.NonInferiorityQuestion} {
		if questions(c)[q] != 12 {
			t.Errorf("%s: %d findings, want 12", q, questions(c)[q])
		}
	}
	f := c.Find(t, "classimpact/harm/pruned-2/class:c3")
	if f.Test.Family.Size != 6 || *f.Test.Q < *f.Test.P || *f.Test.BY < *f.Test.Q || *f.Test.Holm < *f.Test.Q {
		t.Errorf("family or corrections: %+v", f.Test)
	}
	paper := audittest.Run(t, classimpact.New(), table, audit.PaperOptions())
	if n := questions(paper); len(n) != 1 || n[recall.DisproportionQuestion] != 12 {
		t.Errorf("paper mode asks %v", n)
	}
}

// A class under the minimum is no member of the family and is not cleared.
func TestMinimum(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 600, Classes: 6, Members: []int{5, 5}, LongTail: true, Seed: 2})
	o := audit.DefaultOptions()
	o.MinN = 60
	c := audittest.Run(t, classimpact.New(), table, o)
	small, tested := 0, 0
	for _, f := range c.Findings {
		switch {
		case f.N < o.MinN:
			small++
			if f.Outcome != finding.NotMeasurable || f.Reason != finding.TooFewExamples {
				t.Errorf("%s with %d examples: %s", f.ID, f.N, f.Outcome)
			}
		case f.Question == recall.HarmQuestion && f.Test != nil:
			tested = f.Test.Family.Size
		}
	}
	if small == 0 || tested == 0 || small/3+tested != 6 {
		t.Errorf("%d findings about small classes, a family of %d", small, tested)
	}
}

func TestSameAtAnyThreads(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 9000, Classes: 5, Members: []int{4, 4}, Lineage: true, Seed: 3})
	audittest.SameAtAnyThreads(t, classimpact.New, table, audit.DefaultOptions())
}
