package vocabulary

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/gate"
)

// olive reads the goals of accuracy sub-types, wherever an evaluator or a pass has
// them.
func (t *translation) olive(doc any) {
	walk("", doc, func(path string, m map[string]any) {
		goal, ok := m["goal"].(map[string]any)
		if !ok || m["name"] == nil {
			return
		}
		path = join(path, "goal")
		if !t.accuracy(path, text(m["name"])) {
			return
		}
		value, kind := t.number(path+".value", goal["value"]), text(goal["type"])
		switch kind {
		case "threshold":
			t.floor(path, gate.Overall, value)
		case "max-degradation":
			t.absolute(path, gate.Overall, value)
		case "percent-max-degradation":
			t.relative(path, gate.Overall, value/100)
		case "min-improvement", "percent-min-improvement":
			t.note("%s: an improvement is asked for; a gate asks what may be lost, so it was left out", path)
		default:
			t.fail(path+".type", "%q, want threshold, max-degradation, percent-max-degradation, min-improvement or percent-min-improvement", kind)
		}
	})
}

// nncf reads max_drop and drop_type, and the degradations of accuracy-aware training.
func (t *translation) nncf(doc any) {
	walk("", doc, func(path string, m map[string]any) {
		if v, ok := get(m, "max_drop", "maximal_drop"); ok {
			drop := t.number(join(path, "max_drop"), v)
			switch kind := strings.ToLower(strings.TrimPrefix(text(m["drop_type"]), "DropType.")); kind {
			case "", "absolute":
				t.absolute(join(path, "max_drop"), gate.Overall, drop)
			case "relative":
				t.relative(join(path, "max_drop"), gate.Overall, drop)
			default:
				t.fail(join(path, "drop_type"), "%q, want absolute or relative", kind)
			}
		}
		if v, ok := m["maximal_relative_accuracy_degradation"]; ok {
			p := join(path, "maximal_relative_accuracy_degradation")
			t.relative(p, gate.Overall, t.number(p, v)/100)
		}
		if v, ok := m["maximal_absolute_accuracy_degradation"]; ok {
			p := join(path, "maximal_absolute_accuracy_degradation")
			x := t.number(p, v)
			if x >= 1 {
				t.note("%s: %v is in the unit of the metric and was taken as percentage points", p, x)
				x /= 100
			} else {
				t.note("%s: %v is in the unit of the metric and was taken as a share; if accuracy is in percent there, divide the margin by 100", p, x)
			}
			t.absolute(p, gate.Overall, x)
		}
	})
}

// neuralCompressor reads accuracy criteria of versions 1 to 3.
func (t *translation) neuralCompressor(doc any) {
	walk("", doc, func(path string, m map[string]any) {
		if c, ok := m["accuracy_criterion"].(map[string]any); ok {
			t.criterion(join(path, "accuracy_criterion"), c)
			return
		}
		if strings.HasSuffix(path, "accuracy_criterion") {
			return // read from above
		}
		if _, ok := m["tolerable_loss"]; ok {
			t.criterion(path, m)
		}
	})
}

// criterion reads one accuracy criterion; relative is the default.
func (t *translation) criterion(path string, c map[string]any) {
	if higher, ok := c["higher_is_better"].(bool); ok && !higher {
		t.note("%s: a metric for which lower is better is no accuracy and was left out", path)
		return
	}
	for _, kind := range []string{"absolute", "relative"} {
		v, ok := c[kind]
		if p := join(path, kind); ok && kind == "absolute" {
			t.absolute(p, gate.Overall, t.number(p, v))
		} else if ok {
			t.relative(p, gate.Overall, t.number(p, v))
		}
	}
	v, ok := c["tolerable_loss"]
	if !ok {
		return
	}
	p := join(path, "tolerable_loss")
	loss := t.number(p, v)
	switch kind := text(c["criterion"]); {
	case loss < 0:
		t.note("%s: an improvement is asked for; a gate asks what may be lost, so it was left out", p)
	case kind == "" || kind == "relative":
		t.relative(p, gate.Overall, loss)
	case kind == "absolute":
		t.absolute(p, gate.Overall, loss)
	default:
		t.fail(join(path, "criterion"), "%q, want relative or absolute", kind)
	}
}

// tfma reads thresholds of an EvalConfig in JSON or YAML, with either spelling of
// its fields.
func (t *translation) tfma(doc any) {
	m := t.object("the file", doc)
	specs, ok := get(m, "metrics_specs", "metricsSpecs")
	if !ok {
		t.fail("metrics_specs", "missing: want an EvalConfig as JSON or YAML (google.protobuf.json_format.MessageToJson writes it)")
		return
	}
	for i, spec := range list(specs) {
		path := fmt.Sprintf("metrics_specs[%d]", i)
		s := t.object(path, spec)
		metrics, _ := get(s, "metrics")
		for j, v := range list(metrics) {
			p := fmt.Sprintf("%s.metrics[%d]", path, j)
			metric := t.object(p, v)
			name, _ := get(metric, "class_name", "className")
			t.tfmaThresholds(p, text(name), metric)
		}
		thresholds, _ := get(s, "thresholds")
		t.tfmaNamed(path+".thresholds", thresholds, func(p, name string, v any) { t.tfmaThreshold(p, name, gate.Overall, v) })
		slices, _ := get(s, "per_slice_thresholds", "perSliceThresholds")
		t.tfmaNamed(path+".per_slice_thresholds", slices, func(p, name string, v any) {
			inner, _ := get(t.object(p, v), "thresholds")
			t.tfmaSlices(p+".thresholds", name, inner)
		})
	}
}

// tfmaNamed calls fn for every metric of a map of thresholds.
func (t *translation) tfmaNamed(path string, v any, fn func(path, name string, v any)) {
	if v == nil {
		return
	}
	m := t.object(path, v)
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fn(path+"."+k, k, m[k])
	}
}

// tfmaThresholds reads what stands beside a metric.
func (t *translation) tfmaThresholds(path, name string, metric map[string]any) {
	if v, ok := get(metric, "threshold"); ok {
		t.tfmaThreshold(path+".threshold", name, gate.Overall, v)
	}
	if v, ok := get(metric, "per_slice_thresholds", "perSliceThresholds"); ok {
		t.tfmaSlices(path+".per_slice_thresholds", name, v)
	}
}

func (t *translation) tfmaSlices(path, name string, v any) {
	for i, e := range list(v) {
		p := fmt.Sprintf("%s[%d]", path, i)
		m := t.object(p, e)
		if x, ok := get(m, "threshold"); ok {
			t.note("%s: thresholds of slices became a rule about every subgroup; name them with only:", p)
			t.tfmaThreshold(p+".threshold", name, gate.Subgroup, x)
		}
	}
}

// tfmaThreshold reads a value threshold and a change threshold.
func (t *translation) tfmaThreshold(path, name string, scope gate.Scope, v any) {
	m := t.object(path, v)
	if m == nil || !t.accuracy(path, name) {
		return
	}
	if value, ok := get(m, "value_threshold", "valueThreshold"); ok {
		x := t.object(path, value)
		if low, ok := get(x, "lower_bound", "lowerBound"); ok {
			t.floor(path+".lower_bound", scope, t.wrapped(path+".lower_bound", low))
		}
		if _, ok := get(x, "upper_bound", "upperBound"); ok {
			t.note("%s: an upper bound of accuracy was left out", path)
		}
	}
	change, ok := get(m, "change_threshold", "changeThreshold")
	if !ok {
		return
	}
	x := t.object(path, change)
	if d := strings.ToUpper(fmt.Sprint(x["direction"])); d != "HIGHER_IS_BETTER" && d != "2" {
		t.fail(path+".direction", "%v, want HIGHER_IS_BETTER for accuracy", x["direction"])
		return
	}
	for _, kind := range []string{"absolute", "relative"} {
		v, ok := x[kind]
		if !ok {
			continue
		}
		p := path + "." + kind
		switch least := t.wrapped(p, v); {
		case least > 0:
			t.note("%s: an improvement is asked for; a gate asks what may be lost, so it was left out", p)
		case kind == "absolute":
			t.absolute(p, scope, -least)
		default:
			t.relative(p, scope, -least)
		}
	}
}

// wrapped reads a number that protobuf's wrapper types may hold in "value".
func (t *translation) wrapped(path string, v any) float64 {
	if m, ok := v.(map[string]any); ok {
		v = m["value"]
		if v == nil {
			v = 0.0 // the default of a wrapper
		}
	}
	return t.number(path, v)
}

// mlflow reads validation_thresholds: a metric's name and its MetricThreshold.
func (t *translation) mlflow(doc any) {
	m := t.object("the file", doc)
	if inner, ok := m["validation_thresholds"]; ok {
		m = t.object("validation_thresholds", inner)
	}
	t.tfmaNamed("validation_thresholds", m, func(path, name string, v any) {
		x := t.object(path, v)
		if x == nil || !t.accuracy(path, name) {
			return
		}
		if higher, ok := get(x, "greater_is_better", "higher_is_better"); ok && higher == false {
			t.fail(path+".greater_is_better", "false, want true for accuracy")
			return
		}
		if v, ok := x["threshold"]; ok && v != nil {
			t.floor(path+".threshold", gate.Overall, t.number(path+".threshold", v))
		}
		for _, kind := range []string{"min_absolute_change", "min_relative_change"} {
			v, ok := x[kind]
			if !ok || v == nil {
				continue
			}
			if p := path + "." + kind; t.number(p, v) > 0 {
				t.note("%s: an improvement is asked for (MLflow cannot say what may be lost), so it was left out", p)
			} else {
				t.absolute(p, gate.Overall, -t.number(p, v))
			}
		}
	})
}
