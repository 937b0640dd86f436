package gate

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

const fullPolicy = `# all keys
version: 1
name: everything
variants: [int8, pruned-90]
min_joined: 99.5%
defaults: {alpha: 0.01, min_n: 30}
rules:
  - metric: recall
    scope: class
    margin: 2pp
    except: [rare, "no"]
    weights:
      stop-sign: 2
      "3": 0.5
  - name: kept
    metric: accuracy
    scope: overall
    margin: 1.5%rel
    alpha: 0.05
    on_undecided: fail
  - name: floor
    metric: accuracy
    scope: overall
    floor: 76.5%
  - {name: worst, metric: accuracy, scope: worst, over: slice, margin: 5pp, test: ni, adjust: bh, covers: members}
  - {name: same, metric: ece, scope: overall, margin: 1pp, test: tost}
  - {name: divergence, metric: kl, scope: overall, margin: 0.02nats, test: none}
`

func TestParse(t *testing.T) {
	p, err := Parse("policy.yaml", []byte(fullPolicy))
	if err != nil {
		t.Fatal(err)
	}
	floor := 0.765
	at := func(line, column int) Location { return Location{"policy.yaml", line, column} }
	base := Rule{Test: NonInferiority, Alpha: 0.01, Adjust: Holm, MinN: 30, OnUndecided: Undecided}
	rule := func(change func(*Rule)) Rule { r := base; change(&r); return r }
	want := &Policy{Name: "everything", File: "policy.yaml", Variants: []string{"int8", "pruned-90"}, MinJoined: 0.995, Rules: []Rule{
		rule(func(r *Rule) {
			r.Name, r.Metric, r.Scope, r.Margin, r.At = "recall-class", "recall", Class, Margin{0.02, Points}, at(8, 5)
			r.Except, r.Weights = []string{"rare", "no"}, map[string]float64{"stop-sign": 2, "3": 0.5}
		}),
		rule(func(r *Rule) {
			r.Name, r.Metric, r.Scope, r.Margin, r.At = "kept", "accuracy", Overall, Margin{0.015, Relative}, at(15, 5)
			r.Alpha, r.OnUndecided = 0.05, Fail
		}),
		rule(func(r *Rule) {
			r.Name, r.Metric, r.Scope, r.Floor, r.At = "floor", "accuracy", Overall, &floor, at(21, 5)
		}),
		rule(func(r *Rule) {
			r.Name, r.Metric, r.Scope, r.Over, r.Margin, r.At = "worst", "accuracy", Worst, Slice, Margin{0.05, Points}, at(25, 5)
			r.Adjust, r.Covers = BH, CoversMembers
		}),
		rule(func(r *Rule) {
			r.Name, r.Metric, r.Scope, r.Margin, r.Test, r.At = "same", "ece", Overall, Margin{0.01, Points}, Equivalence, at(26, 5)
		}),
		rule(func(r *Rule) {
			r.Name, r.Metric, r.Scope, r.Margin, r.Test, r.At = "divergence", "kl", Overall, Margin{0.02, Nats}, NoTest, at(27, 5)
		}),
	}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("read\n%+v\nwant\n%+v", p, want)
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}

// TestWriteReadsBack: what is written is read as the same rules.
func TestWriteReadsBack(t *testing.T) {
	texts := [][]byte{[]byte(fullPolicy)}
	for _, name := range PackNames() {
		text, err := PackText(name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	for _, text := range texts {
		p, err := Parse("a.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := WriteYAML(&b, p, "made by hand\n\nsecond"); err != nil {
			t.Fatal(err)
		}
		back, err := Parse("a.yaml", b.Bytes())
		if err != nil {
			t.Fatalf("%v\n%s", err, &b)
		}
		for i := range back.Rules {
			back.Rules[i].At = p.Rules[i].At
		}
		if !reflect.DeepEqual(back, p) {
			t.Errorf("written and read:\n%+v\nwant\n%+v\n%s", back, p, &b)
		}
	}
}

// TestParseFaults: each fault is told with its line, its column and what was expected.
func TestParseFaults(t *testing.T) {
	rule := func(lines ...string) string {
		return "rules:\n  - name: r\n    metric: recall\n    scope: class\n    " + strings.Join(lines, "\n    ") + "\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"no unit":          {rule("margin: 2"), "p.yaml:5:13: margin \"2\" has no unit that can be told: write pp for percentage points or %rel for percent of the baseline's value, such as 2pp or 2%rel\n        margin: 2\n                ^"},
		"percent":          {rule("margin: 2%"), `p.yaml:5:13: margin "2%" has no unit`},
		"fraction":         {rule("margin: 0.02"), `p.yaml:5:13: margin "0.02" has no unit`},
		"no number":        {rule("margin: two pp"), `"two" is no number`},
		"negative":         {rule("margin: -2pp"), "p.yaml:5:13: a margin is a number of at least 0"},
		"nan":              {rule("margin: nanpp"), "p.yaml:5:13: a margin is a number"},
		"missing":          {rule("test: ni"), "p.yaml:2:5: it has no margin"},
		"key":              {rule("margin: 2pp", "alhpa: 0.05"), `p.yaml:6:5: there is no key "alhpa"; did you mean "alpha"?`},
		"far key":          {rule("margin: 2pp", "colour: red"), `there is no key "colour"; there are name, metric`},
		"metric":           {"rules:\n  - {metric: recal, scope: class, margin: 1pp}\n", `p.yaml:2:14: there is no metric "recal"; did you mean "recall"?`},
		"no metric":        {"rules:\n  - {scope: class, margin: 1pp}\n", "p.yaml:2:5: it names no metric; the metrics are accuracy"},
		"scope":            {"rules:\n  - {metric: accuracy, scope: overal, margin: 1pp}\n", `p.yaml:2:31: there is no scope "overal"; did you mean "overall"?`},
		"no scope":         {"rules:\n  - {metric: accuracy, margin: 1pp}\n", "it names no scope; accuracy has overall, subgroup, slice, corruption"},
		"scope of metric":  {"rules:\n  - {metric: accuracy, scope: class, margin: 1pp}\n", "p.yaml:2:31: accuracy is not measured by class; it has overall"},
		"worst of overall": {"rules:\n  - {metric: accuracy, scope: worst, over: overall, margin: 1pp}\n", "there is no worst of it"},
		"over":             {rule("over: class", "margin: 2pp"), "p.yaml:5:11: over: belongs to scope: worst"},
		"test":             {rule("margin: 2pp", "test: nonferiority"), `there is no test "nonferiority"; did you mean "non-inferiority"?`},
		"churn tested":     {"rules:\n  - {metric: churn, scope: overall, margin: 1pp}\n", "churn has no standard error"},
		"disparity ni":     {"rules:\n  - {metric: disparity, scope: class, margin: 1pp}\n", "it cannot show non-inferiority"},
		"difference":       {rule("margin: 2pp", "test: difference"), "p.yaml:5:13: a difference has margin 0"},
		"alpha":            {rule("margin: 2pp", "alpha: 5"), "p.yaml:6:12: alpha is 5, want a level between 0 and 0.5"},
		"alpha text":       {rule("margin: 2pp", "alpha: low"), `p.yaml:6:12: "low" is no number`},
		"min_n":            {rule("margin: 2pp", "min_n: 0"), "p.yaml:6:12: min_n is 0"},
		"adjust":           {rule("margin: 2pp", "adjust: bonferroni"), `there is no adjustment "bonferroni"; there are holm, bh, by, none`},
		"undecided":        {rule("margin: 2pp", "on_undecided: warn"), `there is no answer "warn"; there are undecided, pass, fail`},
		"covers":           {rule("margin: 2pp", "covers: member"), `did you mean "members"?`},
		"covers relative":  {rule("margin: 2%rel", "covers: members"), "covers: is for absolute margins"},
		"floor and margin": {rule("margin: 2pp", "floor: 80%"), "it has a margin and a floor"},
		"floor sign":       {rule("floor: 0.8"), `"0.8", want a share in percent with its sign, such as 90%`},
		"floor of churn":   {"rules:\n  - {metric: churn, scope: overall, floor: 50%, test: none}\n", "churn has no floor"},
		"weight":           {rule("margin: 2pp", "weights: {cat: 0}"), `the weight of "cat" is 0`},
		"overall weights":  {"rules:\n  - {metric: accuracy, scope: overall, margin: 1pp, except: [cat]}\n", "the scope is overall"},
		"nats":             {"rules:\n  - {metric: kl, scope: overall, margin: 1pp, test: none}\n", "kl is measured in nats"},
		"relative fpr":     {"rules:\n  - {metric: fpr, scope: subgroup, margin: 1%rel}\n", "fpr has no relative margin"},
		"relative zero":    {rule("margin: 0%rel"), "write 0pp"},
		"twice":            {"rules:\n  - {name: a, metric: recall, scope: class, margin: 1pp}\n  - {name: a, metric: recall, scope: class, margin: 2pp}\n", `p.yaml:3:5: two rules are named "a", the first in line 2`},
		"no rules":         {"version: 1\n", "p.yaml:1:1: there are no rules"},
		"empty":            {"", "p.yaml: the file is empty"},
		"comments":         {"# nothing\n", "p.yaml: the file is empty"},
		"list":             {"- 1\n", "p.yaml:1:1: want a policy: keys and values"},
		"two documents":    {"version: 1\n---\nversion: 1\n", "p.yaml:3:1: a second document"},
		"newer":            {"version: 2\n", "p.yaml:1:10: version 2 of the policy format, this program reads up to 1: use a newer lethe"},
		"pack":             {"policy: papers\n", `p.yaml:1:9: there is no pack "papers"; did you mean "paper"?`},
		"anchor":           {"name: &x a\nrules: *x\n", "p.yaml:1:7: anchors, aliases and tags are not read"},
		"syntax":           {"rules:\n- metric: x\n  y\n", "p.yaml:3:3: "},
		"repeated key":     {"name: a\nname: b\n", `p.yaml:2:1: mapping key "name" already defined`},
		"null":             {"name:\n", "p.yaml:1:7: the value is missing"},
		"defaults":         {"defaults: {adjust: hol}\n", `p.yaml:1:20: there is no adjustment "hol"; did you mean "holm"?`},
	} {
		_, err := Parse("p.yaml", []byte(c.text))
		var e *Error
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &e) {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
}

// TestAllFaultsAreTold: one run tells every fault of a file.
func TestAllFaultsAreTold(t *testing.T) {
	_, err := Parse("p.yaml", []byte("rules:\n  - {metric: recal, scope: class, margin: 2}\n  - {metric: accuracy, scope: all, margin: 1pp}\n"))
	for _, want := range []string{"2:43: margin", "there is no scope \"all\""} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestCaretFollowsTabs(t *testing.T) {
	e := &Error{At: Location{"f", 1, 3}, Source: "\ta: b", Text: "wrong"}
	if got, want := e.Error(), "f:1:3: wrong\n    \ta: b\n    \t ^"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestPackIsExtended: own rules come after the pack's; one of the same name takes
// its place, wherever policy: stands.
func TestPackIsExtended(t *testing.T) {
	for _, text := range []string{
		"policy: near-lossless\nrules:\n  - {name: accuracy, metric: accuracy, scope: overall, margin: 1pp}\n  - {metric: churn, scope: overall, margin: 9pp, test: none}\n",
		"rules:\n  - {name: accuracy, metric: accuracy, scope: overall, margin: 1pp}\n  - {metric: churn, scope: overall, margin: 9pp, test: none}\npolicy: near-lossless\n",
	} {
		p, err := Parse("p.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range p.Rules {
			got = append(got, r.Name+" "+r.Margin.String())
		}
		want := []string{"accuracy 1pp", "worst-class 3pp", "negative-flips 2pp", "churn-overall 9pp"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("rules %q, want %q", got, want)
		}
	}
}

// FuzzParse: no input makes the parser panic; what it accepts is valid, and is
// read back from what is written as the same rules.
func FuzzParse(f *testing.F) {
	f.Add([]byte(fullPolicy))
	for _, name := range PackNames() {
		text, err := PackText(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("rules:\n- {metric: [], scope: {}}\n? a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("p.yaml", data)
		if err != nil {
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("accepted and not valid: %v", err)
		}
		var b bytes.Buffer
		if err := WriteYAML(&b, p, ""); err != nil {
			t.Fatal(err)
		}
		back, err := Parse("p.yaml", b.Bytes())
		if err != nil {
			t.Fatalf("written and not read: %v\n%s", err, &b)
		}
		if len(back.Rules) != len(p.Rules) {
			t.Errorf("%d rules, want %d", len(back.Rules), len(p.Rules))
		}
	})
}
