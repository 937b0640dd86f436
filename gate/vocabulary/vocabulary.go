// Package vocabulary reads the accuracy goals of other compression and evaluation
// tools and says them as a policy of this one.
//
// Those tools compare one number with one threshold. The policy asks for more: it
// passes where a larger loss is ruled out at the level of the rule, and has a third
// answer. What has no counterpart here (latency, an improvement that is asked for,
// metrics other than accuracy) is left out and noted; a file of which nothing is
// left is an error.
//
// Sources of the meaning of each word: Olive's engine (goals are resolved against the
// baseline; percent goals are divided by 100), NNCF's quantize_with_accuracy_control
// (max_drop is a share, drop_type absolute by default) and accuracy-aware training
// (relative degradation in percent), Neural Compressor's AccuracyCriterion (relative
// by default) and TuningConfig (relative), TensorFlow Model Analysis' metrics
// validator (relative change is the difference over the baseline's value), MLflow's
// MetricThreshold.
package vocabulary

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/lethe-audit/lethe/gate"
)

// MaxBytes is the largest file that is read.
const MaxBytes = 4 << 20

// Tools are the tools whose vocabulary is read.
func Tools() []string {
	return []string{"olive", "nncf", "neural-compressor", "tfma", "mlflow"}
}

// Read reads a tool's file (JSON or YAML) and returns a policy, and notes about what
// was taken how and what was left out. file names it in errors.
func Read(tool, file string, data []byte) (*gate.Policy, []string, error) {
	readers := map[string]func(*translation, any){
		"olive": (*translation).olive, "nncf": (*translation).nncf, "neural-compressor": (*translation).neuralCompressor,
		"tfma": (*translation).tfma, "mlflow": (*translation).mlflow,
	}
	read := readers[tool]
	if read == nil {
		return nil, nil, fmt.Errorf("vocabulary: there is no tool %q; those whose goals are read are %s", tool, strings.Join(Tools(), ", "))
	}
	if len(data) > MaxBytes {
		return nil, nil, fmt.Errorf("%s: %d bytes, want at most %d", file, len(data), MaxBytes)
	}
	doc, err := decode(data)
	if err != nil {
		hint := ""
		if tool == "tfma" {
			hint = " (an EvalConfig in text format must be written as JSON first: google.protobuf.json_format.MessageToJson)"
		}
		return nil, nil, fmt.Errorf("%s: neither JSON nor YAML%s: %w", file, hint, err)
	}
	t := translation{policy: gate.Policy{Name: "from-" + tool, File: file, MinJoined: gate.DefaultMinJoined}}
	read(&t, doc)
	if t.err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, t.err)
	}
	if len(t.policy.Rules) == 0 {
		return nil, nil, fmt.Errorf("%s: no goal of %s that this gate can ask for%s", file, tool, because(t.notes))
	}
	if err := t.policy.Validate(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return &t.policy, t.notes, nil
}

func because(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return ": " + strings.Join(notes, "; ")
}

// decode reads JSON or YAML; a panic of the library is an error.
func decode(data []byte) (doc any, err error) {
	defer func() {
		if p := recover(); p != nil {
			doc, err = nil, fmt.Errorf("%v", p)
		}
	}()
	err = yaml.Unmarshal(data, &doc)
	return doc, err
}

// translation is a policy in the making.
type translation struct {
	policy gate.Policy
	notes  []string
	err    error // the first fault
}

func (t *translation) note(format string, args ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, args...))
}

func (t *translation) fail(path, format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
}

// rule adds a rule about the overall accuracy, or about every subgroup.
func (t *translation) rule(path string, scope gate.Scope, set func(*gate.Rule)) {
	r := gate.DefaultRule()
	r.Metric, r.Scope = "accuracy", scope
	r.Name = fmt.Sprintf("%s-%d", "accuracy", len(t.policy.Rules)+1)
	r.At = gate.Location{File: t.policy.File + " (" + path + ")"}
	set(&r)
	t.policy.Rules = append(t.policy.Rules, r)
}

// absolute asks that at most loss, a share, is lost.
func (t *translation) absolute(path string, scope gate.Scope, loss float64) {
	if !(loss >= 0 && loss < 1) {
		t.fail(path, "an absolute loss of %v, want a share of at least 0 and below 1 (0.01 is one percentage point)", loss)
		return
	}
	t.rule(path, scope, func(r *gate.Rule) { r.Margin = gate.Margin{Value: loss, Unit: gate.Points} })
}

// relative asks that at most loss, a share of the baseline's value, is lost.
func (t *translation) relative(path string, scope gate.Scope, loss float64) {
	switch {
	case !(loss >= 0 && loss < 1):
		t.fail(path, "a relative loss of %v, want a share of the baseline of at least 0 and below 1", loss)
	case loss == 0:
		t.absolute(path, scope, 0)
	default:
		t.rule(path, scope, func(r *gate.Rule) { r.Margin = gate.Margin{Value: loss, Unit: gate.Relative} })
	}
}

// floor asks for a least accuracy.
func (t *translation) floor(path string, scope gate.Scope, least float64) {
	if !(least > 0 && least < 1) {
		t.fail(path, "a threshold of %v, want an accuracy between 0 and 1", least)
		return
	}
	t.rule(path, scope, func(r *gate.Rule) { r.Floor = &least })
}

// accuracy reports whether a metric of another tool is accuracy; others are noted.
func (t *translation) accuracy(path, name string) bool {
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name)) {
	case "accuracy", "accuracyscore", "acc", "top1", "top1accuracy", "binaryaccuracy", "categoricalaccuracy", "sparsecategoricalaccuracy", "multiclassaccuracy":
		return true
	}
	t.note("%s: %s is no accuracy and was left out", path, name)
	return false
}

// object is a mapping, or nil after a fault.
func (t *translation) object(path string, v any) map[string]any {
	m, ok := v.(map[string]any)
	if !ok {
		t.fail(path, "want keys and values")
	}
	return m
}

// list is a list; a single value is a list of one.
func list(v any) []any {
	switch x := v.(type) {
	case nil:
		return nil
	case []any:
		return x
	}
	return []any{v}
}

// number reads a number.
func (t *translation) number(path string, v any) float64 {
	x := math.NaN()
	switch n := v.(type) {
	case float64:
		x = n
	case int64:
		x = float64(n)
	case uint64:
		x = float64(n)
	case int:
		x = float64(n)
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		t.fail(path, "%v, want a number", v)
		return 0
	}
	return x
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// get is the value of the first of several spellings of a key.
func get(m map[string]any, keys ...string) (any, bool) {
	for _, k := range keys {
		if v, ok := m[k]; ok && v != nil {
			return v, true
		}
	}
	return nil, false
}

// walk calls fn for every mapping in a document, with its path, outer ones first and
// keys in order.
func walk(path string, v any, fn func(path string, m map[string]any)) {
	switch x := v.(type) {
	case map[string]any:
		fn(path, x)
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			walk(join(path, k), x[k], fn)
		}
	case []any:
		for i, e := range x {
			walk(fmt.Sprintf("%s[%d]", path, i), e, fn)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
