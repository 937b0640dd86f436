package vocabulary

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/gate"
)

// TestRead: files as the tools' own documents show them.
func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		tool, text string
		want       []string // rules as "scope margin" or "scope floor"
		note       string
	}{
		"olive": {"olive", `{"evaluators": {"common": {"metrics": [
		  {"name": "accuracy", "type": "accuracy", "sub_types": [
		    {"name": "accuracy_score", "priority": 1, "goal": {"type": "max-degradation", "value": 0.01}}, {"name": "f1_score", "goal": {"type": "threshold", "value": 0.5}}]},
		  {"name": "latency", "type": "latency", "sub_types": [{"name": "avg", "goal": {"type": "percent-min-improvement", "value": 20}}]}]}}}`,
			[]string{"overall 1pp"}, "f1_score is no accuracy"},
		"olive percent":     {"olive", `{"metrics": [{"sub_types": [{"name": "accuracy_score", "goal": {"type": "percent-max-degradation", "value": 2}}]}]}`, []string{"overall 2%rel"}, ""},
		"olive threshold":   {"olive", `{"sub_types": [{"name": "accuracy_score", "goal": {"type": "threshold", "value": 0.76}}]}`, []string{"overall floor 0.76"}, ""},
		"nncf":              {"nncf", "max_drop: 0.01\n", []string{"overall 1pp"}, ""},
		"nncf relative":     {"nncf", `{"quantize": {"max_drop": 0.02, "drop_type": "RELATIVE"}}`, []string{"overall 2%rel"}, ""},
		"nncf training":     {"nncf", `{"accuracy_aware_training": {"mode": "early_exit", "params": {"maximal_relative_accuracy_degradation": 1.0}}}`, []string{"overall 1%rel"}, ""},
		"nncf absolute":     {"nncf", `{"accuracy_aware_training": {"params": {"maximal_absolute_accuracy_degradation": 1.5}}}`, []string{"overall 1.5pp"}, "taken as percentage points"},
		"pot":               {"nncf", `{"params": {"maximal_drop": 0.005, "drop_type": "absolute"}}`, []string{"overall 0.5pp"}, ""},
		"neural compressor": {"neural-compressor", "tuning:\n  accuracy_criterion:\n    relative: 0.01\n  exit_policy:\n    timeout: 0\n", []string{"overall 1%rel"}, ""},
		"inc 2":             {"neural-compressor", "accuracy_criterion: {criterion: absolute, tolerable_loss: 0.02, higher_is_better: true}", []string{"overall 2pp"}, ""},
		"inc 3":             {"neural-compressor", `{"tolerable_loss": 0.03, "max_trials": 10}`, []string{"overall 3%rel"}, ""},
		"tfma": {"tfma", `{"metricsSpecs": [{"metrics": [{"className": "BinaryAccuracy", "threshold": {
		  "valueThreshold": {"lowerBound": {"value": 0.5}}, "changeThreshold": {"direction": "HIGHER_IS_BETTER", "absolute": {"value": -0.01}, "relative": -0.02}}}, {"className": "AUC", "threshold": {}}]}]}`,
			[]string{"overall floor 0.5", "overall 1pp", "overall 2%rel"}, "AUC is no accuracy"},
		"tfma slices": {"tfma", "metrics_specs:\n- thresholds: {accuracy: {value_threshold: {lower_bound: 0.6}}}\n  per_slice_thresholds:\n    accuracy: {thresholds: [{slicing_specs: [{feature_keys: [sex]}], threshold: {change_threshold: {direction: HIGHER_IS_BETTER, absolute: {value: -0.03}}}}]}\n",
			[]string{"overall floor 0.6", "subgroup 3pp"}, "every subgroup"},
		"mlflow": {"mlflow", `{"accuracy_score": {"threshold": 0.8, "min_absolute_change": 0.05, "greater_is_better": true}, "log_loss": {"threshold": 0.3}}`, []string{"overall floor 0.8"}, "an improvement is asked for"},
	} {
		p, notes, err := Read(c.tool, "goals.json", []byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, r := range p.Rules {
			s := string(r.Scope) + " " + r.Margin.String()
			if r.Floor != nil {
				s = strings.TrimSpace(s) + " floor " + strings.TrimRight(strings.TrimRight(fmtShare(*r.Floor), "0"), ".")
			}
			got = append(got, s)
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") || !strings.Contains(strings.Join(notes, "\n"), c.note) {
			t.Errorf("%s: rules %q, notes %q, want %q and %q", name, got, notes, c.want, c.note)
		}
		var b bytes.Buffer
		if err := gate.WriteYAML(&b, p, strings.Join(notes, "\n")); err != nil {
			t.Fatal(err)
		}
		if back, err := gate.Parse("p.yaml", b.Bytes()); err != nil || len(back.Rules) != len(p.Rules) {
			t.Errorf("%s: the policy is not read back: %v\n%s", name, err, &b)
		}
	}
}

func fmtShare(v float64) string {
	return strings.TrimSuffix(gate.Margin{Value: v / 100, Unit: gate.Points}.String(), "pp")
}

// TestFaults: what cannot be told is an error with the place in the file.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ tool, text, want string }{
		"tool":           {"oliv", "{}", `there is no tool "oliv"; those whose goals are read are olive, nncf`},
		"no yaml":        {"olive", "{\"a\": [", "goals.json: neither JSON nor YAML"},
		"text format":    {"tfma", `metrics_specs { metrics { class_name: "BinaryAccuracy" } }`, "must be written as JSON first"},
		"nothing":        {"olive", "{}", "goals.json: no goal of olive that this gate can ask for"},
		"only latency":   {"olive", `{"sub_types": [{"name": "avg", "goal": {"type": "threshold", "value": 3}}]}`, "avg is no accuracy and was left out"},
		"goal type":      {"olive", `{"sub_types": [{"name": "accuracy_score", "goal": {"type": "max", "value": 3}}]}`, `goals.json: sub_types[0].goal.type: "max", want threshold`},
		"no number":      {"olive", `{"sub_types": [{"name": "accuracy_score", "goal": {"type": "threshold", "value": "high"}}]}`, "sub_types[0].goal.value: high, want a number"},
		"drop in points": {"nncf", "max_drop: 2\n", "max_drop: an absolute loss of 2, want a share"},
		"drop type":      {"nncf", "{max_drop: 0.1, drop_type: both}", `drop_type: "both"`},
		"criterion":      {"neural-compressor", "{criterion: some, tolerable_loss: 0.1}", `criterion: "some"`},
		"tfma text":      {"tfma", "a: 1", "metrics_specs: missing"},
		"tfma list":      {"tfma", "[1]", "the file: want keys and values"},
		"tfma direction": {"tfma", `{"metrics_specs": [{"thresholds": {"accuracy": {"change_threshold": {"absolute": -0.1, "direction": "LOWER_IS_BETTER"}}}}]}`, "want HIGHER_IS_BETTER"},
		"mlflow":         {"mlflow", `{"accuracy": 3}`, "validation_thresholds.accuracy: want keys and values"},
		"threshold":      {"mlflow", `{"accuracy": {"threshold": 80}}`, "a threshold of 80, want an accuracy between 0 and 1"},
	} {
		if _, _, err := Read(c.tool, "goals.json", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// FuzzRead: no file makes a reader panic, and every policy is valid.
func FuzzRead(f *testing.F) {
	f.Add("olive", []byte(`{"sub_types": [{"name": "accuracy_score", "goal": {"type": "threshold", "value": 0.76}}]}`))
	f.Add("tfma", []byte(`{"metrics_specs": [{"metrics": [{"class_name": "accuracy", "threshold": {"value_threshold": {"lower_bound": 0.5}}}]}]}`))
	f.Add("mlflow", []byte(`{"accuracy": {"threshold": 0.8}}`))
	f.Add("neural-compressor", []byte(`{"tolerable_loss": 0.8}`))
	f.Add("nncf", []byte(`{"max_drop": null, "a": [[{}]]}`))
	f.Fuzz(func(t *testing.T, tool string, data []byte) {
		p, _, err := Read(tool, "f", data)
		if err == nil && p.Validate() != nil {
			t.Errorf("%v", p.Validate())
		}
	})
}
