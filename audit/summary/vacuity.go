package summary

import (
	"context"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/tail"
)

// vacuity emits a Failed finding for everything that makes the audit void: it
// must not look like a pass.
func vacuity(ctx context.Context, v *audit.View, out audit.Sink) error {
	f, atChance, err := chance(ctx, v)
	if err != nil {
		return err
	}
	if atChance {
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	for _, t := range v.Candidates() {
		if f, same := identical(v, t); same {
			if err := out.Finding(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// chance asks whether the baseline's mean recall over the classes is above
// 1/classes: a one-sided normal test over the examples, the mean member taken
// as one model.
func chance(ctx context.Context, v *audit.View) (finding.Finding, bool, error) {
	counts, err := v.Counts(ctx, 0)
	if err != nil {
		return finding.Finding{}, false, err
	}
	var sum, variance, classes float64
	members := float64(len(counts.Class))
	for c, n := range v.ClassSizes() {
		if n == 0 {
			continue
		}
		var right int64
		for _, m := range counts.Class {
			right += m[c]
		}
		r := float64(right) / (members * float64(n))
		sum += r
		variance += r * (1 - r) / float64(n)
		classes++
	}
	recall, guess := sum/classes, 1/classes
	se := math.Sqrt(variance) / classes
	base := v.Table.Baseline().Name
	f := finding.Finding{
		Check: Name, Question: "vacuity", Scope: finding.Scope{Kind: finding.Overall}, Baseline: base,
		Metric: "mean recall over classes", Unit: finding.Share, Estimate: &recall, Reference: &guess,
		N: v.Table.Len(), KBase: len(counts.Class), Outcome: finding.Failed, Reason: finding.BaselineAtChance,
		Warnings: []finding.Warning{{Code: "baseline-at-chance", Text: fmt.Sprintf("The baseline %s is no better than guessing: there is nothing for compression to harm, and no finding below means anything.", base)}},
	}
	f.ID = audit.ID(Name, "vacuity-chance", "", f.Scope)
	if se == 0 {
		return f, recall <= guess, nil
	}
	p := tail.Normal((recall - guess) / se)
	f.Test = &finding.Test{Name: "normal, one-sided", Why: "mean recall against guessing", P: &p}
	return f, p > v.Options.Alpha, nil
}

// identical asks whether every member of a variant predicts exactly what a
// baseline member does. That voids the audit unless the classes alone are equal
// and the model files show that something was compressed.
func identical(v *audit.View, t int) (finding.Finding, bool) {
	base, variant := v.Table.Baseline(), &v.Table.Variants[t]
	scores := true
	for k := range variant.Members {
		twin := twinOf(base, &variant.Members[k])
		if twin == nil {
			return finding.Finding{}, false
		}
		scores = scores && sameScores(twin, &variant.Members[k])
	}
	f := finding.Finding{
		Check: Name, Question: "vacuity", Scope: finding.Scope{Kind: finding.Overall}, Baseline: base.Name, Variant: variant.Name,
		Metric: "share of changed predictions", Unit: finding.Share, Estimate: finding.Float(0),
		N: v.Table.Len(), KBase: len(base.Members), K: len(variant.Members),
		Outcome: finding.Failed, Reason: finding.Identical,
	}
	f.ID = audit.ID(Name, "vacuity-identical", variant.Name, f.Scope)
	code, text := "identical", fmt.Sprintf("Every member of %s predicts the same class as a member of %s on every example. Either nothing was compressed, or the wrong files were given; if the compression is proven by other means, it changed no answer here.", variant.Name, base.Name)
	switch {
	case scores:
		code = "identical-scores"
		text = fmt.Sprintf("Every member of %s gives exactly the scores of a member of %s: the same model was audited twice.", variant.Name, base.Name)
	case v.Proof(t) == audit.Compressed:
		f.Outcome, f.Reason = finding.Described, ""
		code = "no-answer-changed"
		text = fmt.Sprintf("%s was compressed, as its weights show, and changed no answer of %s here.", variant.Name, base.Name)
	}
	f.Warnings = []finding.Warning{{Code: code, Text: text}}
	return f, true
}

func twinOf(base *prediction.Variant, m *prediction.Member) *prediction.Member {
	for k := range base.Members {
		if base.Members[k].Predicted.Equal(m.Predicted) {
			return &base.Members[k]
		}
	}
	return nil
}

// sameScores reports whether both members recorded scores and they are equal.
func sameScores(a, b *prediction.Member) bool {
	if a.Confidence == nil || len(a.Confidence) != len(b.Confidence) {
		return false
	}
	for i := range a.Confidence {
		if a.Confidence[i] != b.Confidence[i] {
			return false
		}
	}
	return true
}
