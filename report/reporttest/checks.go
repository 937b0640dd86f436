package reporttest

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/finding"
)

func (s *stream) flips(t int, name string) {
	churn := 0.02 * float64(t+1)
	for _, m := range []struct {
		question, metric string
		v, reference     float64
	}{
		{"churn", "share of changed answers", churn, churn * 0.8},
		{"negative-flip-rate", "share right in the baseline and wrong in the variant", churn / 2, churn * 0.3},
		{"positive-flip-rate", "share wrong in the baseline and right in the variant", churn / 3, churn * 0.3},
		{"loyalty", "label loyalty: share of answers equal to the baseline's", 1 - churn, 1 - churn*0.8},
	} {
		s.add(finding.Finding{Check: "flip", Question: m.question, Variant: name, Metric: m.metric, Unit: finding.Share, Estimate: finding.Float(m.v), Reference: finding.Float(m.reference), Outcome: finding.Described, N: 100 * s.spec.Classes})
	}
	s.add(finding.Finding{Check: "flip", Question: "kl", Variant: name, Metric: "KL divergence of the outputs", Unit: finding.Nats, Outcome: finding.NotMeasurable, Reason: finding.NoScores, Needed: "all scores of each answer"})
	s.add(finding.Finding{Check: "flip", Question: "mcnemar", Variant: name, Metric: "accuracy difference", Unit: finding.Difference, Estimate: finding.Float(-0.0012),
		Interval: &finding.Interval{Low: -0.0041, High: 0.0017, Level: 0.95, Covers: finding.ExamplesOnly, Method: "Newcombe, paired"},
		Test:     &finding.Test{Name: "exact McNemar", Why: "one model on each side: only the examples vary", P: finding.Float(0.4522)},
		Evidence: &finding.Evidence{Examples: 10000, Pairs: &finding.PairedCells{Both: 8500, OnlyBase: 113, OnlyVariant: 101, Neither: 1286}},
		Outcome:  finding.NotDetected, Word: finding.NoDifference, MDE: finding.Float(0.0041), N: 10000})
	table := finding.Table{Name: "flip-pairs", Check: "flip", Variant: name, Title: "Changed answers by class, " + name, Total: len(s.classes),
		Columns: []finding.Column{{Name: "class"}, {Name: "n", Unit: finding.Count}, {Name: "right_to_wrong", Unit: finding.Count}, {Name: "wrong_to_right", Unit: finding.Count}, {Name: "wrong_to_other", Unit: finding.Count}}}
	for _, c := range s.classes {
		table.Rows = append(table.Rows, []any{c, 100, float64(s.rng.IntN(9)), float64(s.rng.IntN(7)), 1.5})
	}
	s.table(table)
}

func (s *stream) pies(t int, name string) {
	floor, excess := 0.012, 0.004*float64(t)
	word, outcome := finding.NotMoreThanNoise, finding.NotDetected
	if t > 0 {
		word, outcome = finding.MoreThanNoise, finding.Worse
	}
	s.add(finding.Finding{Check: "pie", Question: "pie-share", Variant: name, Metric: "PIE share", Unit: finding.Share, Estimate: finding.Float(floor + excess), Reference: finding.Float(0.009), Outcome: finding.Described})
	s.add(finding.Finding{Check: "pie", Question: "floor-excess", Variant: name, Metric: "excess PIE share at matched size", Unit: finding.Difference, Estimate: &excess, Value: finding.Float(floor + excess), Reference: &floor,
		Interval: interval(excess, 0.002), Test: s.test(name, "t of the excess", 0.003, 1), Outcome: outcome, Word: word, N: 100 * s.spec.Classes})
	s.add(finding.Finding{Check: "pie", Question: "vote-changed", Variant: name, Scope: finding.Scope{Kind: finding.Examples, Name: "vote changed"}, Metric: "examples with a changed vote", Unit: finding.Count,
		Estimate: finding.Float(float64(17 * t)), Test: &finding.Test{Name: "Fisher exact on votes", Why: "statistic symmetric in the populations", P: finding.Float(0.0001), Family: &finding.Family{Name: "examples, " + name, Size: 431}},
		Outcome: finding.Described, Warnings: []finding.Warning{{Code: "undecidable", Text: "9,569 examples could never reach the level: their votes are too one-sided."}}})
	s.add(finding.Finding{Check: "pie", Question: "certified", Variant: name, Scope: finding.Scope{Kind: finding.Examples, Name: "certified PIE"}, Metric: "certified PIEs", Unit: finding.Count, Estimate: finding.Float(float64(3 * t)), Outcome: finding.Described})
	for c := range min(len(s.classes), 40) {
		s.add(finding.Finding{Check: "pie", Question: "over-representation", Variant: name, Scope: finding.Scope{Kind: finding.Class, Class: finding.Int(c), Name: s.classes[c]}, Metric: "share among PIEs over share of the data", Unit: finding.Ratio,
			Estimate: finding.Float(0.5 + 2*s.rng.Float64()), Reference: finding.Float(1.1), Outcome: finding.Described})
	}
	s.scatter(name)
	s.examples(name)
}

func (s *stream) scatter(name string) {
	k := s.spec.Members
	table := finding.Table{Name: "vote-scatter", Check: "pie", Variant: name, Title: "Votes for the true class, " + name,
		Columns: []finding.Column{{Name: "base_share", Unit: finding.Share}, {Name: "variant_share", Unit: finding.Share}, {Name: "count", Unit: finding.Count}}}
	for i := 0; i <= k; i++ {
		for j := 0; j <= k; j++ {
			distance := math.Abs(float64(i-j)) / float64(k)
			n := int(2000 * math.Exp(-12*distance) * math.Pow(float64(i+j+1)/float64(2*k+1), 6))
			if j > i {
				n /= 2
			}
			if n > 0 {
				table.Rows = append(table.Rows, []any{float64(i) / float64(k), float64(j) / float64(k), n})
			}
		}
	}
	s.table(table)
}

func (s *stream) examples(name string) {
	table := finding.Table{Name: "top-examples", Check: "pie", Variant: name, Title: "Examples that changed most, " + name, Total: 100 * s.spec.Classes,
		Columns: []finding.Column{{Name: "id"}, {Name: "label"}, {Name: "base_modal"}, {Name: "variant_modal"}, {Name: "base_votes", Unit: finding.Count}, {Name: "base_k", Unit: finding.Count},
			{Name: "variant_votes", Unit: finding.Count}, {Name: "variant_k", Unit: finding.Count}, {Name: "taxicab", Unit: finding.Plain}, {Name: "q", Unit: finding.Plain}, {Name: "certified"}}}
	for i := range 100 {
		var q any
		if i%5 != 4 {
			q = 0.0001 * float64(i+1)
		}
		table.Rows = append(table.Rows, []any{fmt.Sprintf("test/%05d.png", 37*i), s.classes[i%len(s.classes)], s.classes[i%len(s.classes)], s.classes[(i+3)%len(s.classes)],
			29 - i/10, s.spec.Members, 2 + i/10, s.spec.Members, 1.8 - float64(i)/100, q, map[bool]string{true: "yes", false: "no"}[i < 12]})
	}
	s.table(table)
}

func (s *stream) confusion(name string) {
	table := finding.Table{Name: "confusion", Check: "confusion", Variant: name, Title: "Cells of the confusion matrix that changed most, " + name,
		Columns: []finding.Column{{Name: "true"}, {Name: "predicted"}, {Name: "base_share", Unit: finding.Share}, {Name: "variant_share", Unit: finding.Share}, {Name: "difference", Unit: finding.Difference}, {Name: "count_base", Unit: finding.Count}, {Name: "count_variant", Unit: finding.Count}}}
	side := min(len(s.classes), 40)
	n := side * side
	for i := range n {
		d := 0.05 * math.Exp(-float64(i)/25)
		a, b := (i*7)%side, (i*7+i/side)%side // every cell once
		if a == b || i%6 == 5 {
			d = -d
		}
		if i%4 == 3 {
			continue
		}
		table.Rows = append(table.Rows, []any{s.classes[a], s.classes[b], 0.06, 0.06 + d, d, 30, 160})
	}
	table.Total = 3 * n
	s.table(table)
	s.add(finding.Finding{Check: "confusion", Question: "wrong-answers", Variant: name, Metric: "share of answers that are wrong", Unit: finding.Difference, Estimate: finding.Float(0.006), BaseValue: finding.Float(0.095), Value: finding.Float(0.101), Outcome: finding.Described})
}

func (s *stream) curves() {
	table := finding.Table{Name: "curve-class", Check: "curve", Title: "Recall of each class as compression grows", Columns: []finding.Column{{Name: "class"}, {Name: "dense", Unit: finding.Share}}, Total: len(s.classes)}
	lost := finding.Table{Name: "curve-first-lost", Check: "curve", Title: "Where each class is first lost", Columns: []finding.Column{{Name: "class"}, {Name: "kind"}, {Name: "detected"}}}
	for _, v := range s.spec.Variants {
		table.Columns = append(table.Columns, finding.Column{Name: v, Unit: finding.Share})
	}
	for c, class := range s.classes {
		row := []any{class, 0.9}
		for t := range s.spec.Variants {
			row = append(row, 0.9-0.02*float64(t+1)*math.Exp(-float64(c)/8)*float64(t+1))
		}
		table.Rows = append(table.Rows, row)
		if c < 4 {
			lost.Rows = append(lost.Rows, []any{class, "pruned", s.spec.Variants[len(s.spec.Variants)-1]})
		}
	}
	s.table(table)
	s.table(lost)
	pies := finding.Table{Name: "pie-by-variant", Check: "pie", Title: "PIE share of each variant against the noise floor",
		Columns: []finding.Column{{Name: "variant"}, {Name: "kind"}, {Name: "level", Unit: finding.Plain}, {Name: "pie_share", Unit: finding.Share}, {Name: "floor", Unit: finding.Share}, {Name: "pie_m", Unit: finding.Share},
			{Name: "excess", Unit: finding.Difference}, {Name: "excess_low", Unit: finding.Difference}, {Name: "excess_high", Unit: finding.Difference}, {Name: "m", Unit: finding.Count}, {Name: "tied", Unit: finding.Count}}}
	for t, v := range s.spec.Variants {
		e := 0.004 * float64(t)
		pies.Rows = append(pies.Rows, []any{v, "pruned", nil, 0.01 + e, 0.012, 0.012 + e, e, e - 0.002, e + 0.002, 7, 3})
	}
	s.table(pies)
}

func (s *stream) calibration(t int, name string) {
	if !s.spec.Scores {
		return
	}
	variants := []string{name}
	if t == 0 {
		variants = []string{"dense", name}
	}
	for _, v := range variants {
		table := finding.Table{Name: "reliability", Check: "calibration", Variant: v, Title: "Reliability of " + v,
			Columns: []finding.Column{{Name: "bin_low", Unit: finding.Share}, {Name: "bin_high", Unit: finding.Share}, {Name: "count", Unit: finding.Count}, {Name: "confidence", Unit: finding.Share}, {Name: "accuracy", Unit: finding.Share}}}
		for i := range 10 {
			if i < 2 {
				table.Rows = append(table.Rows, []any{float64(i) / 10, float64(i+1) / 10, 0, nil, nil})
				continue
			}
			c := (float64(i) + 0.55) / 10
			table.Rows = append(table.Rows, []any{float64(i) / 10, float64(i+1) / 10, 10 * i * i * i, c, c - 0.03*float64(t+1)*math.Sin(3*c)})
		}
		s.table(table)
	}
	s.add(finding.Finding{Check: "calibration", Question: "ece", Variant: name, Metric: "difference of expected calibration error", Unit: finding.Difference, Estimate: finding.Float(0.011), BaseValue: finding.Float(0.02), Value: finding.Float(0.031), Reference: finding.Float(0.0004),
		Interval: interval(0.011, 0.004), Outcome: finding.Described, Warnings: []finding.Warning{{Code: "biased-upward", Text: "A calibration error cannot be negative: compare with the reference."}}})
}
