package plan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/plan"
)

const example = `name: tiny
data: cifar10:some/folder?limit=100
model: resnet8
recipe: {epochs: 2}
members: 3
variants:
  - name: dense
  - name: s0.5
    sparsity: 0.5
  - name: again
    kind: noise-floor
  - name: int8
    from: dense
    compress: [int8-static]
audit:
  margin: 2pp
reports: [markdown]
`

// resolver knows one model and takes every recipe as it is.
func resolver() plan.Resolver {
	return plan.Resolver{
		Data: func(s string) (string, error) {
			kind, rest, _ := strings.Cut(s, ":")
			_, options, _ := strings.Cut(rest, "?")
			return kind + "?" + options, nil
		},
		Model: func(name string) (string, error) {
			if name != "resnet8" {
				return "", errors.New("no such model")
			}
			return "zoo:" + name, nil
		},
		Recipe: func(recipe any, override map[string]any, _ *float64) (json.RawMessage, error) {
			m, ok := recipe.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("no recipe %v", recipe)
			}
			m = maps.Clone(m)
			maps.Copy(m, override)
			return json.Marshal(m)
		},
		Schemes: func(s []string) ([]string, error) { return s, nil },
		Corruptions: func(name string) ([]string, error) {
			switch name {
			case "fog", "snow":
				return []string{name}, nil
			case "common":
				return []string{"fog", "snow"}, nil
			}
			return nil, fmt.Errorf("no corruption %s", name)
		},
		Shift: func(_, source, name string) (plan.Shift, error) {
			kind, rest, ok := strings.Cut(source, ":")
			if !ok || kind == "bad" {
				return plan.Shift{}, fmt.Errorf("no source %s", source)
			}
			_, identity, _ := strings.Cut(rest, "?")
			s := plan.Shift{Source: source, Identity: kind + "?" + identity, Spec: plan.ShiftSpec{Name: name}}
			if _, options, ok := strings.Cut(rest, "corruption="); ok {
				c, severity, _ := strings.Cut(options, "&severity=")
				severity, _, _ = strings.Cut(severity, "&")
				s.Spec = plan.ShiftSpec{Name: c + ":" + severity, Corruption: c, Paired: true}
			} else if name == "" {
				s.Spec.Name = kind
			}
			return s, nil
		},
		Audit:  func(m map[string]any) ([]string, error) { return []string{fmt.Sprint(m)}, nil },
		Report: func(string) error { return nil },
	}
}

func makePlan(t *testing.T, text string) *plan.Plan {
	t.Helper()
	e, err := plan.Parse("e.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Make(e, resolver())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMake(t *testing.T) {
	p := makePlan(t, example)
	var ids []string
	done := map[string]bool{}
	outputs := map[string]bool{}
	digests := map[string]bool{}
	for _, j := range p.Jobs {
		ids = append(ids, j.ID)
		for _, n := range j.Needs {
			if !done[n] {
				t.Errorf("%s needs %q, which does not come before it", j.ID, n)
			}
		}
		for _, o := range j.Outputs {
			if outputs[o] {
				t.Errorf("two jobs leave %s", o)
			}
			outputs[o] = true
		}
		if digests[j.Digest] {
			t.Errorf("%s has the digest of another job", j.ID)
		}
		done[j.ID], digests[j.Digest] = true, true
	}
	want := []string{
		"train/dense/00", "train/s0.5/00", "train/again/00", "compress/int8/00",
		"train/dense/01", "train/s0.5/01", "train/again/01", "compress/int8/01",
		"train/dense/02", "train/s0.5/02", "train/again/02", "compress/int8/02",
		"predict/clean", "audit/clean",
	}
	if !slices.Equal(ids, want) {
		t.Errorf("jobs %q\nwant %q", ids, want)
	}
	if got := p.Job("compress/int8/01").Needs; !slices.Equal(got, []string{"train/dense/01"}) {
		t.Errorf("compress/int8/01 needs %q", got)
	}
	var s plan.PredictSpec
	if err := p.Job("predict/clean").Decode(&s); err != nil || len(s.Variants) != 4 || s.Variants[3].From != "dense" || s.Variants[2].Kind != plan.NoiseFloor {
		t.Errorf("%+v, %v", s, err)
	}
}

// Digests say what is done, not where.
func TestDigests(t *testing.T) {
	p := makePlan(t, example)
	digest := func(text, id string) string { return makePlan(t, text).Job(id).Digest }
	same := func(what, from, to string) {
		text := strings.Replace(example, from, to, 1)
		for _, id := range []string{"train/dense/01", "compress/int8/02"} {
			if digest(text, id) != p.Job(id).Digest {
				t.Errorf("%s changes %s", what, id)
			}
		}
	}
	same("the folder", "some/folder", "elsewhere")
	same("more members", "members: 3", "members: 10")
	same("settings of the audit", "margin: 2pp", "margin: 1pp")
	for _, c := range [][2]string{{"limit=100", "limit=99"}, {"epochs: 2", "epochs: 3"}, {"members: 3", "members: 3\nseed: 1"}} {
		text := strings.Replace(example, c[0], c[1], 1)
		for _, id := range []string{"train/dense/01", "compress/int8/02", "predict/clean", "audit/clean"} {
			if digest(text, id) == p.Job(id).Digest {
				t.Errorf("%q for %q does not change %s", c[1], c[0], id)
			}
		}
	}
}

// Shifts are jobs of their own: what was done without them stays done.
func TestShifts(t *testing.T) {
	was := makePlan(t, example)
	p := makePlan(t, example+`shift:
  - snow:2
  - {corruption: [fog, snow], severities: [1, 3], seed: 7}
  - other:DIR?x=1
  - {data: other:DIR, name: mine}
`)
	var ids []string
	for _, j := range p.Jobs[len(was.Jobs)-2:] {
		ids = append(ids, j.ID)
	}
	want := []string{"predict/clean", "predict/snow-2", "predict/fog-1", "predict/fog-3", "predict/snow-1", "predict/snow-3", "predict/other", "predict/mine", "audit/clean"}
	if !slices.Equal(ids, want) {
		t.Fatalf("jobs %q\nwant %q", ids, want)
	}
	for _, j := range was.Jobs {
		if same := p.Job(j.ID).Digest == j.Digest; same != (j.ID != "audit/clean") {
			t.Errorf("%s: the same digest with and without shifts: %v", j.ID, same)
		}
	}
	for _, c := range p.Changes(was) {
		if c.What != "added" && c.ID != "audit/clean" {
			t.Errorf("%s: %s", c.ID, c.What)
		}
	}
	var s plan.PredictSpec
	if err := p.Job("predict/fog-3").Decode(&s); err != nil || s.Shift == nil || s.Shift.Name != "fog:3" || !s.Shift.Paired || s.Data != "cifar10?limit=100&split=test&corruption=fog&severity=3&corruption-seed=7" {
		t.Errorf("%+v, %v", s, err)
	}
	if got := p.Shifts[5]; got.Job != "predict/other" || got.Data != "other:DIR?x=1" || got.At != "$.shift[2]" {
		t.Errorf("%+v", got)
	}
	var a plan.AuditSpec
	audit := p.Job("audit/clean")
	if err := audit.Decode(&a); err != nil || len(a.Shifted) != 7 || a.Shifted[1] != "predictions/fog-1" || !slices.Contains(audit.Needs, "predict/mine") {
		t.Errorf("%+v needs %q, %v", a, audit.Needs, err)
	}
	// One more changes none of the others.
	for _, j := range makePlan(t, example+"shift: [snow:2, fog]\n").Jobs {
		if j.ID == "predict/snow-2" && j.Digest != p.Job(j.ID).Digest {
			t.Error("another list changes predict/snow-2")
		}
	}
	if n := len(makePlan(t, example+"shift: [common]\n").Shifts); n != 10 {
		t.Errorf("common: %d data sets, want two corruptions at five severities", n)
	}
}

func TestShiftFaults(t *testing.T) {
	for shift, want := range map[string]string{
		"[fgo:3]":                     "e.yaml:18:9: no corruption fgo",
		"[fog:6]":                     "e.yaml:18:9: severity 6 of fog, want 1 (least) to 5",
		"[fog:0]":                     "severity 0 of fog",
		"[fog:x]":                     `severity "x" of fog, want 1 (least) to 5`,
		"[fog:99999999999999999999]":  "severity 99999999999999999999 of fog",
		"[fog:1, {corruption: fog}]":  "e.yaml:18:29: shift fog:1 is listed twice",
		"[{corruption: [fog, smow]}]": "e.yaml:18:28: no corruption smow",
		"[{corruption: fog, severities: [1, 9]}]": "e.yaml:18:43: severity 9 of fog",
		"[{corruption: fog, severities: []}]":     "an empty list",
		"[{corruption: fog, severities: mild}]":   "mild, want whole numbers",
		"[{corruption: 3}]":                       "3, want the name of a corruption",
		"[{corruptions: fog}]":                    `there is no key "corruptions"; did you mean "corruption"?`,
		"[{corruption: fog, name: x}]":            "want one or the other",
		"[{severities: 3}]":                       "want corruption:",
		"[{data: 3}]":                             "3, want a text",
		"[3]":                                     "a shift is a corruption and its severity",
		"['bad:DIR']":                             "e.yaml:18:9: no source bad:DIR",
		"['a:DIR', {data: 'b:DIR', name: 'a'}]":   "shift a is listed twice",
		"['a:DIR', {data: 'b:DIR', name: clean}]": "shift clean is listed twice",
		"[fog:3, {data: 'b:DIR', name: fog-3}]":   "shift fog-3 would lie where fog:3 does",
		"[{data: 'b:DIR', name: a/b}]":            "want a name of letters",
		"fog:3":                                   "e.yaml:18:",
	} {
		e, err := plan.Parse("e.yaml", []byte(example+"shift: "+shift+"\n"))
		if err == nil {
			_, err = plan.Make(e, resolver())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", shift, err, want)
		}
	}
}

func TestChanges(t *testing.T) {
	was := makePlan(t, example)
	show := func(text string) string {
		var b strings.Builder
		for _, c := range makePlan(t, text).Changes(was) {
			fmt.Fprintf(&b, "%s: %s\n", c.ID, c.What)
		}
		return b.String()
	}
	if got := show(example); got != "" {
		t.Errorf("no change: %s", got)
	}
	if got, want := show(strings.Replace(example, "sparsity: 0.5", "sparsity: 0.7", 1)),
		"train/s0.5/00: sparsity: 0.7, was 0.5\ntrain/s0.5/01: sparsity: 0.7, was 0.5\ntrain/s0.5/02: sparsity: 0.7, was 0.5\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := show(strings.Replace(example, "epochs: 2", "epochs: 3", 1)); !strings.HasPrefix(got, "train/dense/00: recipe.epochs: 3, was 2\n") {
		t.Errorf("got\n%s", got)
	}
	if got := show(strings.Replace(example, "members: 3", "members: 2", 1)); !strings.Contains(got, "train/dense/02: removed\n") {
		t.Errorf("got\n%s", got)
	}
}

// Members of different variants, and attempts at one, never share a seed.
func TestSeeds(t *testing.T) {
	seen := map[uint64]string{}
	for _, v := range []string{"dense", "s0.5", "s0", "again"} {
		for k := range 50 {
			for attempt := range 3 {
				for base := range uint64(2) {
					s := plan.TrainSpec{Variant: v, Member: k, Base: base}.Seed(attempt)
					name := fmt.Sprint(v, k, attempt, base)
					if other, ok := seen[s]; ok {
						t.Errorf("%s and %s share seed %d", name, other, s)
					}
					seen[s] = name
				}
			}
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"name: tiny", "nme: tiny", `e.yaml:1:1: there is no key "nme"; did you mean "name"?`},
		{"name: tiny\n", "", "name is missing"},
		{"members: 3", "members: 0", "e.yaml:5:10: members 0, want 1 to 10000"},
		{"sparsity: 0.5", "sparsity: 1.0", "e.yaml:9:15: sparsity 1, want a share in [0, 1)"},
		{"sparsity: 0.5", "sparsity: -.1", "sparsity -0.1"},
		{"name: s0.5", "name: dense", `two variants are called "dense"`},
		{"name: s0.5", "name: a/b", "want letters, digits"},
		{"from: dense", "from: dens", `e.yaml:13:11: there is no earlier variant "dens"; did you mean "dense"?`},
		{"    compress: [int8-static]\n", "", "compress is missing"},
		{"    from: dense\n", "", "compress needs from"},
		{"model: resnet8", "model: resnet9", "e.yaml:3:8: no such model"},
		{"recipe: {epochs: 2}", "recipe: slow", "e.yaml:4:9: no recipe slow"},
		{`kind: noise-floor`, "kind: other", `kind "other"`},
	} {
		text := strings.Replace(example, c.from, c.to, 1)
		e, err := plan.Parse("e.yaml", []byte(text))
		if err == nil {
			_, err = plan.Make(e, resolver())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v\nwant %s", c.to, err, c.want)
		}
	}
}
