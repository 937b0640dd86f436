package gate

import (
	"slices"

	"github.com/lethe-audit/lethe/finding"
)

// Form says which evidence a metric is decided from.
type form int

const (
	counts    form = iota // right answers of members or cells of a pair; loss = baseline − variant
	disparity             // the normalized difference and its standard error; loss = −estimate
	increase              // an estimate that is worse when larger, with its standard error
	level                 // an estimate without a standard error: it can be compared, not tested
)

// source names the findings that a metric is read from.
type source struct{ check, question string }

// metric is one thing that a rule can be about.
type metric struct {
	name    string
	about   string // in a sentence of the documentation
	form    form
	unit    finding.Unit
	sources map[Scope]source
	tests   []Test
}

var lossTests = []Test{NonInferiority, Equivalence, Difference, NoTest}

// metrics are all metrics, in the order of the documentation.
func metrics() []metric {
	group := func(question string) map[Scope]source {
		return map[Scope]source{Subgroup: {"slice", question}, Slice: {"slice", question}}
	}
	overall := func(check, question string) map[Scope]source {
		return map[Scope]source{Overall: {check, question}}
	}
	return []metric{
		{"accuracy", "share of right answers, overall or in a subgroup", counts, finding.Difference,
			map[Scope]source{Overall: {"summary", "accuracy"}, Subgroup: {"slice", "harm"}, Slice: {"slice", "harm"}, Corruption: {"robust", "harm"}}, lossTests},
		{"recall", "share of a class's examples that are right", counts, finding.Difference,
			map[Scope]source{Class: {"classimpact", "harm"}}, lossTests},
		{"disparity", "how much more a class or subgroup lost than the model did (normalized difference)", disparity, finding.Difference,
			map[Scope]source{Class: {"classimpact", "disproportion"}, Subgroup: {"slice", "disproportion"}, Slice: {"slice", "disproportion"}},
			[]Test{Equivalence, Difference, NoTest}},
		{"fpr", "false positive rate of a subgroup", counts, finding.Difference, group("fpr"), lossTests},
		{"fnr", "false negative rate of a subgroup", counts, finding.Difference, group("fnr"), lossTests},
		{"pie-excess", "share of examples whose modal label changed, beyond the noise floor", increase, finding.Difference, overall("pie", "floor-excess"), lossTests},
		{"ece", "expected calibration error", increase, finding.Difference, overall("calibration", "ece"), lossTests},
		{"overconfidence", "mean confidence minus accuracy", increase, finding.Difference, overall("calibration", "overconfidence"), lossTests},
		{"churn", "share of answers that changed", level, finding.Share, overall("flip", "churn"), []Test{NoTest}},
		{"flips", "share of answers that changed between right and wrong", level, finding.Share, overall("flip", "flips"), []Test{NoTest}},
		{"negative-flip-rate", "share right in the baseline and wrong in the variant", level, finding.Share, overall("flip", "negative-flip-rate"), []Test{NoTest}},
		{"pie-share", "share of examples whose modal label changed", level, finding.Share, overall("pie", "pie-share"), []Test{NoTest}},
		{"kl", "Kullback-Leibler divergence of the scores from the baseline's, mean over examples", level, finding.Nats, overall("flip", "kl"), []Test{NoTest}},
		{"js", "Jensen-Shannon divergence of the scores, mean over examples", level, finding.Nats, overall("flip", "js"), []Test{NoTest}},
	}
}

func metricNamed(name string) (metric, bool) {
	for _, m := range metrics() {
		if m.name == name {
			return m, true
		}
	}
	return metric{}, false
}

// MetricNames are the metrics that a rule can name.
func MetricNames() []string {
	var out []string
	for _, m := range metrics() {
		out = append(out, m.name)
	}
	return out
}

// scopes are the scopes that the metric has, in the usual order.
func (m *metric) scopes() []Scope {
	var out []Scope
	for _, s := range scopeNames() {
		if _, ok := m.sources[s]; ok {
			out = append(out, s)
		}
	}
	return out
}

func (m *metric) allows(t Test) bool { return slices.Contains(m.tests, t) }

// hasFloor reports whether a floor or a relative margin makes sense: right
// answers of both models were counted.
func (m *metric) hasFloor() bool {
	return m.form == counts && (m.name == "accuracy" || m.name == "recall")
}
