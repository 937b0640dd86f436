package reporttest

import (
	"fmt"

	"github.com/lethe-audit/lethe/finding"
)

// Shifted is a stream of what is said of shifted data, small enough for golden
// files: a variant that is more brittle, one that is not, one natural shift.
func Shifted() Spec {
	return Spec{Classes: 10, Variants: []string{"int8", "pruned-90"}, Members: 30, Corruptions: 4, OnlyShifts: true}
}

// corruptions are the names of the published ones; the first four are of four
// families.
var corruptions = []string{"motion_blur", "gaussian_noise", "fog", "jpeg_compression",
	"shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "zoom_blur", "snow", "frost", "brightness", "contrast", "elastic_transform", "pixelate",
	"speckle_noise", "gaussian_blur", "spatter", "saturate"}

// excessOf is what a variant loses under a corruption beyond its loss on clean
// data: later variants lose more under blur, and something under noise, where they
// start lower.
func (s *stream) excessOf(t, corruption int) float64 {
	switch corruption % 4 {
	case 0:
		return 0.0005 - 0.03*float64(t)
	case 1:
		return 0.0005 - 0.012*float64(t)
	}
	return 0.001*float64(t) - 0.0004*float64(corruption)
}

// shifts says what audit/robust does.
func (s *stream) shifts(t int, name string) {
	list := corruptions[:s.spec.Corruptions]
	for i, c := range list {
		s.shiftFindings(t, i, name, c)
	}
	s.natural(name)
	s.add(finding.Finding{Check: "robust", Question: "mean-excess", Variant: name, Scope: finding.Scope{Kind: finding.Benchmark, Name: fmt.Sprintf("%d of the 19 corruptions", len(list))},
		Metric: "change of accuracy under a corruption, difference, mean over corruptions", Unit: finding.Difference, Estimate: finding.Float(-0.011 * float64(t)), Interval: interval(-0.011*float64(t), 0.003), Outcome: finding.Described})
	s.add(finding.Finding{Check: "robust", Question: "severity-slope", Variant: name, Metric: "change of the accuracy difference for each step of severity, mean over corruptions", Unit: finding.Difference,
		Estimate: finding.Float(-0.004 * float64(t)), Interval: interval(-0.004*float64(t), 0.001), Outcome: finding.Described})
	s.add(finding.Finding{Check: "robust", Question: "worst-case", Variant: name, Scope: finding.Scope{Kind: finding.Benchmark, Name: "blur"}, Metric: "share right under every corruption of the family, difference", Unit: finding.Difference,
		BaseValue: finding.Float(0.41), Value: finding.Float(0.4), Estimate: finding.Float(-0.01), Interval: interval(-0.01, 0.005), Outcome: finding.Described})
	s.add(finding.Finding{Check: "robust", Question: "corruption-error", Variant: name, Scope: finding.Scope{Kind: finding.Benchmark, Name: fmt.Sprintf("%d of the 19 corruptions", len(list))},
		Metric: "error under corruption relative to the baseline's, mean over corruptions", Unit: finding.Ratio, Estimate: finding.Float(1 + 0.05*float64(t)), Reference: finding.Float(1), Outcome: finding.Described})
	s.shiftTables(t, name, list)
}

// shiftFindings are those about one corruption, and inside it where the excess is
// detected.
func (s *stream) shiftFindings(t, i int, name, corruption string) {
	e := s.excessOf(t, i)
	scope := finding.Scope{Kind: finding.Corruption, Name: corruption}
	f := finding.Finding{Check: "robust", Question: "excess", Variant: name, Scope: scope, Metric: "change of accuracy under the shift, difference", Unit: finding.Difference,
		BaseValue: finding.Float(-0.14), Value: finding.Float(-0.14 + e), Estimate: &e, Interval: interval(e, 0.006), N: 100 * s.spec.Classes}
	odds := f
	odds.Question, odds.Metric, odds.Unit, odds.Interval, odds.Outcome = "log-odds", "change of the log-odds of a right answer under the shift, difference", finding.Nats, nil, finding.Described
	odds.Estimate = finding.Float(8 * e)
	switch {
	case e < -0.02:
		f.Test, f.Outcome, f.Word = s.test(name, "Welch t", 1e-5, 2*s.spec.Corruptions), finding.Worse, finding.MoreBrittle
	case e < -0.01:
		f.Test, f.Outcome, f.Word = s.test(name, "Welch t", 0.004, 2*s.spec.Corruptions), finding.Described, finding.LosesMorePoints
		odds.Estimate = finding.Float(-e)
	case i == 3 && t == 0:
		f.Outcome, f.Reason, f.Word, f.Needed = finding.NotMeasurable, finding.TooFewDiscordant, finding.CannotSay, "6 examples at least on which the difference is not 0; there are 2"
	default:
		f.Test, f.Outcome, f.Word, f.MDE = s.test(name, "Welch t", 0.6, 2*s.spec.Corruptions), finding.NotDetected, finding.NoDifference, finding.Float(0.008)
	}
	harm := f
	h := e - 0.004
	harm.Question, harm.Metric, harm.Estimate, harm.BaseValue, harm.Value, harm.Interval = "harm", "accuracy difference on the shifted data", &h, finding.Float(0.76), finding.Float(0.76+h), interval(h, 0.006)
	if f.Word == finding.MoreBrittle || f.Word == finding.LosesMorePoints {
		harm.Outcome, harm.Word = finding.Worse, finding.Harmed
	}
	s.add(f)
	s.add(odds)
	s.add(harm)
	if f.Word != finding.MoreBrittle {
		return
	}
	for c := range min(len(s.classes), 12) {
		x := f
		v := e * float64(c%4)
		x.Scope = finding.Scope{Kind: finding.Class, Class: finding.Int(c), Name: s.classes[c], Shift: corruption}
		x.Estimate, x.Interval, x.N = &v, interval(v, 0.02), 100
		if x.Test = s.test(name, "Welch t", 0.0002, 12); c%4 == 0 {
			x.Test, x.Outcome, x.Word = s.test(name, "Welch t", 0.9, 12), finding.NotDetected, finding.NoDifference
		}
		s.add(x)
	}
}

// natural is a shift of other images and of some classes.
func (s *stream) natural(name string) {
	e, h := -0.004, -0.008
	s.add(finding.Finding{Check: "robust", Question: "harm", Variant: name, Scope: finding.Scope{Kind: finding.Corruption, Name: "imagenet-a"}, Metric: "accuracy difference on the shifted data", Unit: finding.Difference,
		BaseValue: finding.Float(0.16), Value: finding.Float(0.16 + h), Estimate: &h, Interval: interval(h, 0.01), Test: s.test(name, "Welch t", 0.3, s.spec.Corruptions), Outcome: finding.NotDetected, Word: finding.NoDifference, MDE: finding.Float(0.012), N: 750})
	s.add(finding.Finding{Check: "robust", Question: "excess", Variant: name, Scope: finding.Scope{Kind: finding.Corruption, Name: "imagenet-a"}, Metric: "change of accuracy under the shift, difference", Unit: finding.Difference,
		BaseValue: finding.Float(-0.74), Value: finding.Float(-0.74 + e), Estimate: &e, Interval: interval(e, 0.01), Test: s.test(name, "Welch t", 0.7, 2*s.spec.Corruptions), Outcome: finding.NotDetected, Word: finding.NoDifference, MDE: finding.Float(0.012), N: 750,
		Warnings: []finding.Warning{
			{Code: "shift-at-floor", Text: "ImageNet-A holds images that a ResNet-50 gets wrong: such a baseline is at a floor there and has little to lose, so that a comparison with it says little."},
			{Code: "shift-of-some-classes", Text: "Accuracies are of choices among the 2 classes of the shifted data. The excess compares with the clean examples of these classes, chosen among the same ones."},
		}})
}

// shiftTables have a row for each shift, corruption and class.
func (s *stream) shiftTables(t int, name string, list []string) {
	shifts := finding.Table{Name: "shifts", Check: "robust", Variant: name, Title: "Accuracy under shifts, " + name, Total: 2 + 5*len(list),
		Columns: []finding.Column{{Name: "shift"}, {Name: "corruption"}, {Name: "severity", Unit: finding.Count}, {Name: "benchmark"}, {Name: "n", Unit: finding.Count},
			{Name: "base_top1", Unit: finding.Share}, {Name: "top1", Unit: finding.Share}, {Name: "relative_top1", Unit: finding.Share}, {Name: "base_top5", Unit: finding.Share}, {Name: "top5", Unit: finding.Share}, {Name: "relative_top5", Unit: finding.Share},
			{Name: "excess", Unit: finding.Difference}, {Name: "excess_low", Unit: finding.Difference}, {Name: "excess_high", Unit: finding.Difference}, {Name: "log_odds", Unit: finding.Nats}, {Name: "pie_share", Unit: finding.Share},
			{Name: "base_top1_all", Unit: finding.Share}, {Name: "top1_all", Unit: finding.Share}},
		Rows: [][]any{{"clean", nil, nil, nil, 1000, 0.9, 0.896, -0.0044, nil, nil, nil, nil, nil, nil, nil, 0.012, nil, nil}}}
	by := finding.Table{Name: "corruptions", Check: "robust", Variant: name, Title: "Excess by corruption, " + name, Total: 1 + len(list),
		Columns: []finding.Column{{Name: "corruption"}, {Name: "severities", Unit: finding.Count}, {Name: "corruption_error", Unit: finding.Ratio}, {Name: "relative_corruption_error", Unit: finding.Ratio},
			{Name: "slope", Unit: finding.Difference}, {Name: "slope_low", Unit: finding.Difference}, {Name: "slope_high", Unit: finding.Difference}}}
	for i, c := range list {
		e := s.excessOf(t, i)
		for severity := 1; severity <= 5; severity++ {
			v, base := e*float64(severity)/3, 0.9-0.05*float64(severity)
			shifts.Rows = append(shifts.Rows, []any{fmt.Sprintf("%s:%d", c, severity), c, severity, "cifar-c", 1000, base, base + v - 0.004, (v - 0.004) / base, nil, nil, nil,
				v, v - 0.008, v + 0.008, 8 * v, 0.012 + 0.01*float64(severity), nil, nil})
		}
		by.Rows = append(by.Rows, []any{c, 5, 1 - 4*e, 1 - 6*e, e / 3, e/3 - 0.001, e/3 + 0.001})
	}
	shifts.Rows = append(shifts.Rows, []any{"imagenet-a", nil, nil, nil, 750, 0.16, 0.152, -0.05, nil, nil, nil, -0.004, -0.014, 0.006, -0.03, 0.08, 0.021, 0.019})
	by.Rows = append(by.Rows, []any{"imagenet-a", nil, nil, nil, nil, nil, nil})
	classes := finding.Table{Name: "shifted-classes", Check: "robust", Variant: name, Title: "Classes under corruption, " + name, Total: len(s.classes),
		Columns: []finding.Column{{Name: "class"}, {Name: "base_recall", Unit: finding.Share}, {Name: "recall", Unit: finding.Share}, {Name: "change", Unit: finding.Difference}, {Name: "clean_change", Unit: finding.Difference}, {Name: "excess", Unit: finding.Difference}},
		Note:    "Means without a test: findings say what is beyond chance."}
	for i, c := range s.classes {
		change := -0.05*float64(t) + 0.05*float64(t*i)/float64(len(s.classes))
		classes.Rows = append(classes.Rows, []any{c, 0.76, 0.76 + change, change, -0.004, change + 0.004})
	}
	s.table(shifts)
	s.table(by)
	s.table(classes)
}
