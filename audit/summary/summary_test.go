package summary_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/summary"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

func failed(c *audittest.Collector) []string {
	var reasons []string
	for _, f := range c.Findings {
		if f.Outcome == finding.Failed {
			reasons = append(reasons, string(f.Reason))
		}
	}
	return reasons
}

func TestHonestModelsDoNotFail(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 500, Classes: 5, Members: []int{3, 3}, Seed: 1})
	if r := failed(audittest.Run(t, summary.New(), table, audit.DefaultOptions())); len(r) != 0 {
		t.Errorf("failed: %v", r)
	}
}

// A baseline that guesses, evenly or always the same class, voids the audit,
// however many examples one class has.
func TestBaselineAtChance(t *testing.T) {
	for name, answer := range map[string]func(*rand.Rand) int{
		"guesses":           func(r *rand.Rand) int { return r.IntN(5) },
		"always one answer": func(*rand.Rand) int { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			table := audittest.Table(audittest.Spec{Examples: 2000, Classes: 5, Members: []int{2, 2}, LongTail: true, Seed: 2})
			rng := rand.New(rand.NewPCG(3, 3))
			for _, m := range table.Variants[0].Members {
				for i := range table.Len() {
					m.Predicted.Set(i, answer(rng))
				}
			}
			r := failed(audittest.Run(t, summary.New(), table, audit.DefaultOptions()))
			if len(r) != 1 || r[0] != string(finding.BaselineAtChance) {
				t.Errorf("failed: %v", r)
			}
		})
	}
}

func TestIdenticalCandidate(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 500, Classes: 5, Members: []int{2, 2}, Confidence: true, Seed: 4})
	table.Variants[1].Members = []prediction.Member{table.Variants[0].Members[1], table.Variants[0].Members[0]}
	c := audittest.Run(t, summary.New(), table, audit.DefaultOptions())
	if r := failed(c); len(r) != 1 || r[0] != string(finding.Identical) {
		t.Fatalf("failed: %v", r)
	}
	if text := c.Findings[0].Warnings[0].Text; !strings.Contains(text, "exactly the scores") {
		t.Errorf("identical scores are not said: %q", text)
	}
	if c.Findings[0].Outcome != finding.Failed {
		t.Errorf("the failed finding does not come first")
	}
}

// Equal classes void the audit unless the weights show that something was
// compressed; equal scores always do.
func TestIdenticalClassesOfProvenCompression(t *testing.T) {
	facts := func(digest string, bits int) *prediction.ModelFacts {
		return &prediction.ModelFacts{WeightsDigest: digest, Layers: []prediction.LayerFacts{{Name: "conv", Parameters: 10, Bits: bits}}}
	}
	for name, c := range map[string]struct {
		bits       int
		sameScores bool
		fails      bool
	}{
		"compressed":              {16, false, false},
		"not compressed":          {32, false, true},
		"compressed, same scores": {16, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			table := audittest.Table(audittest.Spec{Examples: 300, Classes: 3, Members: []int{1, 1}, Confidence: true, Seed: 4})
			a, b := &table.Variants[0].Members[0], &table.Variants[1].Members[0]
			b.Predicted = a.Predicted
			if c.sameScores {
				b.Confidence = a.Confidence
			}
			a.Facts, b.Facts = facts("a", 32), facts("b", c.bits)
			f := audittest.Run(t, summary.New(), table, audit.DefaultOptions()).Find(t, "summary/vacuity-identical/pruned-1/overall")
			if (f.Outcome == finding.Failed) != c.fails || len(f.Warnings) != 1 {
				t.Errorf("%s: %+v", f.Outcome, f.Warnings)
			}
		})
	}
}

// The overall interval treats classes as strata: constant differences between
// classes are no example variance.
func TestStrata(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 400, Classes: 2, Members: []int{3, 3}, Seed: 5})
	for v := range table.Variants {
		for k, m := range table.Variants[v].Members {
			for i := range table.Len() {
				// class 0: always right, then always wrong; class 1: half, differing by member
				m.Predicted.Set(i, v*(1-table.Labels.At(i)))
				if table.Labels.At(i) == 1 {
					m.Predicted.Set(i, (i/2+k)%2)
				}
			}
		}
	}
	c := audittest.Run(t, summary.New(), table, audit.DefaultOptions())
	f := c.Find(t, "summary/accuracy/pruned-1/overall")
	if math.Abs(*f.Estimate+0.5) > 1e-12 {
		t.Fatalf("estimate %v, want -0.5", *f.Estimate)
	}
	if f.Interval != nil && f.Interval.High-f.Interval.Low > 1e-9 {
		t.Errorf("interval %+v: the difference between the classes counts as chance", f.Interval)
	}
}

func TestResidueIsAWarning(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 200, Classes: 2, Members: []int{2, 2}, Seed: 6})
	for v := range table.Variants {
		for k := range table.Variants[v].Members {
			table.Variants[v].Members[k].Config = map[string]string{"epochs": []string{"90", "100"}[v], "framework": "torch"}
		}
	}
	f := audittest.Run(t, summary.New(), table, audit.DefaultOptions()).Find(t, "summary/accuracy/pruned-1/overall")
	var residue []string
	for _, w := range f.Warnings {
		if w.Code == "residue" {
			residue = append(residue, w.Text)
		}
	}
	if len(residue) != 1 || !strings.Contains(residue[0], `"epochs" varies between variants`) {
		t.Errorf("residue: %q", residue)
	}
}

func TestTopFive(t *testing.T) {
	const classes = 8
	table := audittest.Table(audittest.Spec{Examples: 200, Classes: classes, Members: []int{1, 1}, Seed: 7})
	want := make([]float64, 2)
	for v := range table.Variants {
		s := &prediction.DenseScores{ScoreKind: prediction.Logits, Classes: classes, Data: make([]float32, classes*table.Len())}
		rng := rand.New(rand.NewPCG(uint64(v), 1))
		for i := range table.Len() {
			row := s.Data[i*classes : (i+1)*classes]
			for c := range row {
				row[c] = rng.Float32()
			}
			better := 0
			for c := range row {
				if row[c] > row[table.Labels.At(i)] {
					better++
				}
			}
			if better < 5 {
				want[v] += 1 / float64(table.Len())
			}
		}
		table.Variants[v].Members[0].Scores = s
	}
	f := audittest.Run(t, summary.New(), table, audit.DefaultOptions()).Find(t, "summary/top-5/pruned-1/overall")
	if math.Abs(*f.BaseValue-want[0]) > 1e-12 || math.Abs(*f.Value-want[1]) > 1e-12 {
		t.Errorf("top-5 %v and %v, want %v", *f.BaseValue, *f.Value, want)
	}
}
