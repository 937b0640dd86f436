package triage

import (
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/interval"
)

// question is one reason as a question of the check.
type question struct {
	name   string
	mark   reasons // 0 for examples without any reason
	metric string
}

func questions() []question {
	return []question{
		{"mislabelled", mislabelled, "forgotten examples whose label is likely wrong"},
		{"ambiguous", ambiguous, "forgotten examples on whose label people do not agree"},
		{"low-contrast", lowContrast, "forgotten examples of low contrast"},
		{"blurred", blurred, "forgotten examples that are blurred"},
		{"near-boundary", nearBoundary, "forgotten examples near the boundary"},
		{"unexplained", 0, "forgotten examples without any of these reasons"},
	}
}

func (f *facts) finding(q, variant string, s finding.Scope, metric string, u finding.Unit) finding.Finding {
	return finding.Finding{
		ID: audit.ID(Name, q, variant, s), Check: Name, Question: q, Baseline: f.view.Table.Baseline().Name, Variant: variant,
		Scope: s, Metric: metric, Unit: u, Outcome: finding.Described, N: len(f.holds), KBase: len(f.view.Table.Baseline().Members),
	}
}

func notMeasurable(x finding.Finding, why finding.Reason, needed string) finding.Finding {
	x.Outcome, x.Reason, x.Word, x.Needed = finding.NotMeasurable, why, finding.CannotSay, needed
	return x
}

// overall are the findings that do not depend on a variant.
func (f *facts) overall() []finding.Finding {
	overall := finding.Scope{Kind: finding.Overall}
	out := []finding.Finding{f.labels(overall)}
	if f.measured&nearBoundary == 0 {
		x := f.finding("near-boundary", "", overall, "distance from the boundary", finding.Plain)
		out = append(out, notMeasurable(x, finding.TooFewMembers, f.wanted()))
	}
	if f.measured&(lowContrast|blurred) == 0 {
		x := f.finding("pictures", "", overall, "contrast and sharpness of forgotten examples", finding.Plain)
		if f.view.Table.Measures == nil {
			x = notMeasurable(x, finding.NoImages, "the images: predict, compare and run measure them; predictions of other tools come without")
		} else {
			x = notMeasurable(x, finding.TooFewExamples, fmt.Sprintf("%d examples", minRanked))
		}
		out = append(out, x)
	}
	if f.measured&ambiguous == 0 {
		x := f.finding("ambiguous", "", overall, "whether people agree on the labels", finding.Plain)
		out = append(out, notMeasurable(x, finding.NoHumanLabels, "labels by people: --human-labels FILE"))
	}
	return out
}

// wanted is what it takes to measure what rests on the baseline's votes.
func (f *facts) wanted() string {
	return fmt.Sprintf("scores of the baseline, or %d baseline members", leastVotes(f.view.Options.Alpha))
}

// labels counts the labels that are likely wrong.
func (f *facts) labels(s finding.Scope) finding.Finding {
	x := f.finding("label-issues", "", s, "labels that are likely wrong", finding.Count)
	if f.measured&mislabelled == 0 {
		return notMeasurable(x, finding.TooFewMembers, f.wanted())
	}
	x.Estimate = finding.Float(float64(f.count(mislabelled)))
	if f.basis == noBasis {
		x.Warnings = append(x.Warnings, finding.Warning{Code: "people-only", Text: "Labels are judged by what people say alone: the baseline has no scores and too few members for confident learning. Needed: " + f.wanted() + "."})
		return x
	}
	if f.basis != byAll {
		x.Warnings = append(x.Warnings, finding.Warning{Code: "partial-scores", Text: fmt.Sprintf("Confident learning was given %s, in place of the probabilities of all classes.", f.basis.text())})
	}
	if f.trained() {
		x.Warnings = append(x.Warnings, finding.Warning{Code: "in-sample", Text: "Some of the examples are of the training split: a model that was trained on a wrong label tends to repeat it, so wrong labels are missed."})
	}
	return x
}

// trained reports whether an example is of the training split.
func (f *facts) trained() bool {
	s := f.view.Table.Splits
	if s == nil {
		return false
	}
	for _, c := range s.Codes {
		if c >= 0 && s.Values[c] == "train" {
			return true
		}
	}
	return false
}

func (f *facts) count(mark reasons) (n int) {
	for _, r := range f.holds {
		if r&mark != 0 {
			n++
		}
	}
	return n
}

// shares are the findings about the examples that a variant forgets: each reason
// among them, beside its share among all others.
func (f *facts) shares(l *forgotten) []finding.Finding {
	variant := &f.view.Table.Variants[l.t]
	scope := finding.Scope{Kind: finding.Examples, Name: "forgotten"}
	if l.size == 0 {
		return nil
	}
	var out []finding.Finding
	for _, q := range questions() {
		if q.mark != 0 && f.measured&q.mark == 0 {
			continue
		}
		inside, outside := 0, 0
		for i, r := range f.holds {
			switch yes := r&q.mark != 0 || q.mark == 0 && r == 0; {
			case yes && l.is[i]:
				inside++
			case yes:
				outside++
			}
		}
		x := f.finding(q.name, variant.Name, scope, q.metric, finding.Share)
		x.K, x.N = len(variant.Members), l.size
		x.Estimate = finding.Float(float64(inside) / float64(l.size))
		if rest := len(f.holds) - l.size; rest > 0 {
			x.Reference = finding.Float(float64(outside) / float64(rest))
		}
		if w, err := interval.Wilson(inside, l.size, f.view.Options.Level); err == nil {
			x.Interval = &finding.Interval{Low: w.Low, High: w.High, Level: f.view.Options.Level, Covers: finding.ExamplesOnly, Method: "Wilson"}
		}
		x.Evidence = &finding.Evidence{Examples: l.size, TotalExamples: len(f.holds)}
		out = append(out, x)
	}
	return out
}
