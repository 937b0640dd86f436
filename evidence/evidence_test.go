package evidence

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/equivalence"
)

// harm is a finding about one class.
func harm(variant, class string, estimate, se float64, outcome finding.Outcome) finding.Finding {
	return finding.Finding{
		ID: "classimpact/harm/" + variant + "/class:" + class, Check: "classimpact", Question: "harm", Baseline: "fp32", Variant: variant,
		Scope: finding.Scope{Kind: finding.Class, Name: class}, Metric: "recall difference", Unit: finding.Difference,
		Estimate: finding.Float(estimate), Outcome: outcome, N: 100,
		Interval: &finding.Interval{Low: estimate - 2*se, High: estimate + 2*se, Level: 0.95, Covers: finding.Both, Method: "t"},
		Evidence: &finding.Evidence{StdErr: finding.Float(se), DoF: finding.Float(20)},
	}
}

func unmeasured(variant, class string) finding.Finding {
	f := harm(variant, class, 0, 1, finding.NotMeasurable)
	f.Estimate, f.Evidence, f.Interval, f.Reason = nil, nil, nil, finding.TooFewExamples
	return f
}

func auditOf(variant string, findings ...finding.Finding) *Audit {
	return &Audit{Findings: findings, Config: finding.Config{
		Protocol: 1, Tool: "lethe v0", Classes: []string{"cat", "dog"}, ClassSizes: []int{100, 100}, Examples: 200,
		Populations: []finding.Population{
			{Name: "fp32", Members: []finding.MemberInfo{{Name: "a", Digest: "sha256:00"}}},
			{Name: variant, Members: []finding.MemberInfo{{Name: "b", Digest: "sha256:01"}}},
		},
	}}
}

func compare(t *testing.T, a, b *Audit, o Options) *Diff {
	t.Helper()
	d, err := Compare(a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func changeOf(d *Diff, class string) Change {
	for _, r := range d.Rows {
		if r.Scope.Name == class {
			return r.Change
		}
	}
	return ""
}

func TestCompareNamesEveryChange(t *testing.T) {
	before := auditOf("int8",
		harm("int8", "fell", -0.01, 0.005, finding.NotDetected),
		harm("int8", "rose", -0.09, 0.005, finding.Worse),
		harm("int8", "flipped", -0.019, 0.01, finding.NotDetected),
		harm("int8", "same", -0.01, 0.01, finding.NotDetected),
		unmeasured("int8", "decided"), harm("int8", "lost", -0.01, 0.01, finding.NotDetected), harm("int8", "gone", 0, 0.01, finding.NotDetected))
	after := auditOf("int8",
		harm("int8", "fell", -0.08, 0.005, finding.Worse),
		harm("int8", "rose", -0.01, 0.005, finding.NotDetected),
		harm("int8", "flipped", -0.021, 0.01, finding.Worse),
		harm("int8", "same", -0.012, 0.01, finding.NotDetected),
		harm("int8", "decided", -0.01, 0.01, finding.NotDetected), unmeasured("int8", "lost"), harm("int8", "new", 0, 0.01, finding.NotDetected))
	d := compare(t, before, after, DefaultOptions())
	for class, want := range map[string]Change{
		"fell": GotWorse, "rose": GotBetter, "flipped": GotWorse, "same": Unchanged,
		"decided": NewlyDecided, "lost": LostDecision, "gone": Vanished, "new": Appeared,
	} {
		if got := changeOf(d, class); got != want {
			t.Errorf("%s: %q, want %q", class, got, want)
		}
	}
	for _, r := range d.Rows {
		if r.Scope.Name == "flipped" && r.Delta.Beyond {
			t.Error("a change of 0.2 points with standard error 1.4 is called beyond chance")
		}
	}
	total := 0
	for _, n := range d.Counts {
		total += n
	}
	if total != len(d.Rows) {
		t.Errorf("counts add to %d, there are %d rows", total, len(d.Rows))
	}
}

// TestDeltaNumbers: se = hypot(.01, .02); Welch's degrees of freedom
// (u+v)²/(u²/20+v²/20) = 25/17·20 = 29.4117647; two-sided p of t = −1.34164079 from
// SciPy 1.10.1: scipy.stats.t.sf(1.3416407864998738, 29.41176470588235)*2.
func TestDeltaNumbers(t *testing.T) {
	d := compare(t, auditOf("a", harm("a", "cat", 0.01, 0.01, finding.NotDetected)), auditOf("a", harm("a", "cat", -0.02, 0.02, finding.NotDetected)), DefaultOptions())
	x := d.Rows[0].Delta
	for name, c := range map[string][2]float64{
		"value": {x.Value, -0.03}, "se": {x.StdErr, 0.022360679774997897}, "dof": {x.dof, 29.411764705882355}, "p": {x.P, 0.1899800500927082},
	} {
		if math.Abs(c[0]-c[1]) > 1e-9*math.Abs(c[1]) {
			t.Errorf("%s is %.15g, want %.15g", name, c[0], c[1])
		}
	}
}

func TestSwappingNegates(t *testing.T) {
	a := auditOf("int8", harm("int8", "cat", -0.01, 0.004, finding.NotDetected), harm("int8", "dog", -0.05, 0.01, finding.Worse), unmeasured("int8", "owl"))
	b := auditOf("int8", harm("int8", "cat", -0.06, 0.006, finding.Worse), harm("int8", "dog", -0.04, 0.02, finding.NotDetected), harm("int8", "owl", 0, 0.1, finding.NotDetected))
	one, two := compare(t, a, b, DefaultOptions()), compare(t, b, a, DefaultOptions())
	mirror := map[Change]Change{GotWorse: GotBetter, GotBetter: GotWorse, NewlyDecided: LostDecision, LostDecision: NewlyDecided, Unchanged: Unchanged}
	for _, r := range one.Rows {
		for _, s := range two.Rows {
			if r.Scope.Name != s.Scope.Name {
				continue
			}
			if s.Change != mirror[r.Change] {
				t.Errorf("%s: %q, and swapped %q", r.Scope.Name, r.Change, s.Change)
			}
			if r.Delta != nil && (s.Delta.Value != -r.Delta.Value || s.Delta.P != r.Delta.P) {
				t.Errorf("%s: change %v, and swapped %v", r.Scope.Name, r.Delta, s.Delta)
			}
		}
	}
}

func TestVariantsArePaired(t *testing.T) {
	a := auditOf("int8", harm("int8", "cat", -0.01, 0.01, finding.NotDetected))
	b := auditOf("int8-v2", harm("int8-v2", "cat", -0.01, 0.01, finding.NotDetected))
	if d := compare(t, a, b, DefaultOptions()); changeOf(d, "cat") != Unchanged || len(d.Warnings) != 1 {
		t.Errorf("one candidate each: %+v", d)
	}
	o := DefaultOptions()
	o.Rename = map[string]string{"int4": "int8-v2"}
	if _, err := Compare(a, b, o); err == nil || !strings.Contains(err.Error(), `no variant "int4"; it has int8`) {
		t.Errorf("error %v", err)
	}
	b.Config.Settings.Margin, b.Config.Examples = 0.05, 100
	if d := compare(t, a, b, DefaultOptions()); !strings.Contains(strings.Join(d.Warnings, "\n"), "margin 0 and 0.05") || !strings.Contains(strings.Join(d.Warnings, "\n"), "different examples") {
		t.Errorf("warnings %q", d.Warnings)
	}
}

func TestRatchet(t *testing.T) {
	old := auditOf("int8", harm("int8", "cat", -0.05, 0.004, finding.Worse), harm("int8", "dog", -0.01, 0.004, finding.NotDetected), harm("int8", "owl", -0.01, 0.03, finding.NotDetected))
	r, err := NewRatchet(old)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	if r, err = ReadRatchet(&b); err != nil {
		t.Fatal(err)
	}
	now := auditOf("int8", harm("int8", "cat", -0.05, 0.004, finding.Worse), harm("int8", "dog", -0.06, 0.004, finding.Worse))
	holds, err := r.Check(now, 0.02, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]equivalence.Verdict{"cat": equivalence.Within, "dog": equivalence.Beyond, "owl": equivalence.Undecided}
	for _, h := range holds {
		if h.Verdict != want[h.Accepted.Scope] {
			t.Errorf("%s: %v (%s), want %v", h.Accepted.Scope, h.Verdict, h.Reason, want[h.Accepted.Scope])
		}
	}
	better := auditOf("int8", harm("int8", "cat", -0.01, 0.004, finding.NotDetected), harm("int8", "dog", -0.009, 0.004, finding.NotDetected), harm("int8", "elk", -0.02, 0.01, finding.NotDetected))
	tight, err := r.Tighten(better, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	for scope, loss := range map[string]float64{"cat": 0.01, "dog": 0.01, "owl": 0.01, "elk": 0.02} {
		found := false
		for _, e := range tight.Entries {
			if e.Scope == scope {
				found = true
				if e.Loss != loss {
					t.Errorf("%s is held to %v, want %v", scope, e.Loss, loss)
				}
			}
		}
		if !found {
			t.Errorf("%s has no entry", scope)
		}
	}
	if worse, err := tight.Tighten(now, 0.05); err != nil || worse.Entries[0].Loss != tight.Entries[0].Loss {
		t.Errorf("a worse audit moved the ratchet: %+v, %v", worse, err)
	}
}

// TestRatchetWithoutSpread: a class in which no answer changed has no standard error.
// It holds while that stays so; a growth is tested with the chance of one changed answer.
func TestRatchetWithoutSpread(t *testing.T) {
	exact := harm("int8", "cat", 0, 0.004, finding.NotDetected)
	if e := acceptedOf(&exact); math.Signbit(e.Loss) {
		t.Errorf("the loss of no change is %v", e.Loss)
	}
	exact.Evidence = nil
	r, err := NewRatchet(auditOf("int8", exact))
	if err != nil {
		t.Fatal(err)
	}
	one := func(f finding.Finding) Hold {
		holds, err := r.Check(auditOf("int8", f), 0, 0.05)
		if err != nil {
			t.Fatal(err)
		}
		return holds[0]
	}
	if h := one(exact); !h.Held() || h.Tested {
		t.Errorf("no change: %+v", h)
	}
	if h := one(harm("int8", "cat", -0.05, 0.004, finding.Worse)); h.Held() || h.Verdict != equivalence.Beyond {
		t.Errorf("a large loss: %+v", h)
	}
	if h := one(harm("int8", "cat", -0.001, 0.004, finding.NotDetected)); !h.Held() || !h.Tested {
		t.Errorf("a loss within chance: %+v", h)
	}
	if h := one(harm("int8", "dog", 0, 0.004, finding.NotDetected)); h.Held() || h.Code != finding.NotComputed {
		t.Errorf("a class that is gone: %+v", h)
	}
	if got := r.Of([]string{"int4"}); len(got.Entries) != 0 {
		t.Errorf("another variant holds %d entries", len(got.Entries))
	}
}

// TestRatchetFalseAlarms: with no change at all, some entry of 20 slips in at most
// alpha of 2,000 seeded draws, up to two standard errors.
func TestRatchetFalseAlarms(t *testing.T) {
	const draws, entries = 2000, 20
	alarms := 0
	next := normals(1)
	for range draws {
		var a, b []finding.Finding
		for i := range entries {
			class := string(rune('a' + i))
			x, y := harm("q", class, 0.01*next(), 0.01, finding.NotDetected), harm("q", class, 0.01*next(), 0.01, finding.NotDetected)
			x.Evidence.DoF, y.Evidence.DoF = nil, nil
			a, b = append(a, x), append(b, y)
		}
		r, err := NewRatchet(auditOf("q", a...))
		if err != nil {
			t.Fatal(err)
		}
		holds, err := r.Check(auditOf("q", b...), 0, 0.05)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range holds {
			if h.Verdict == equivalence.Beyond {
				alarms++
				break
			}
		}
	}
	if rate := float64(alarms) / draws; rate > 0.05+2*math.Sqrt(0.05*0.95/draws) || rate < 0.03 {
		t.Errorf("%.4f of unchanged audits slip, want about .05", rate)
	}
}

func writeAudit(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	a := auditOf("int8", harm("int8", "cat", -0.05, 0.004, finding.Worse))
	input := filepath.Join(dir, "..", filepath.Base(dir)+"-labels.csv")
	if err := os.WriteFile(input, []byte("id,label\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	digest, _, err := DigestFile(input)
	if err != nil {
		t.Fatal(err)
	}
	a.Config.Inputs = []finding.InputDigest{{Path: input, Digest: digest, Role: "labels"}}
	var b bytes.Buffer
	w := finding.NewWriter(&b)
	if err := w.Config(&a.Config); err != nil {
		t.Fatal(err)
	}
	if err := w.Finding(&a.Findings[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.Done(w.Tally().Done(0)); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"findings.jsonl": b.String(), "report.html": "<html>", "predictions/manifest.json": "{}"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := NewManifest(dir, "", func(variant, _ string) (string, string) {
		if variant == "int8" {
			return digest, ""
		}
		return "", ""
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestVerify(t *testing.T) {
	edit := func(name, content string) func(string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644) }
	}
	for name, c := range map[string]struct {
		change func(dir string) error
		want   map[Status]int // beside Matches
	}{
		"untouched":      {func(string) error { return nil }, nil},
		"edited":         {edit("report.html", "<html >"), map[Status]int{Differs: 1}},
		"added":          {edit("extra.txt", ""), map[Status]int{Extra: 1}},
		"removed":        {func(dir string) error { return os.Remove(filepath.Join(dir, "report.html")) }, map[Status]int{Missing: 1}},
		"input is gone":  {func(dir string) error { return os.Remove(dir + "-labels.csv") }, map[Status]int{Absent: 1}},
		"input changed":  {func(dir string) error { return os.WriteFile(dir+"-labels.csv", []byte("x"), 0o644) }, map[Status]int{Differs: 1}},
		"config changed": {edit("findings.jsonl", "{}"), map[Status]int{Differs: 1, Changed: 1}},
	} {
		dir := writeAudit(t)
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		m, err := ReadManifest(dir)
		if err != nil {
			t.Fatal(err)
		}
		checked, err := m.Verify(dir)
		if err != nil {
			t.Fatal(err)
		}
		got := map[Status]int{}
		for i := range checked {
			if checked[i].Status != Matches {
				got[checked[i].Status]++
			}
			if checked[i].Bad() != (checked[i].Status != Matches && checked[i].Status != Absent) {
				t.Errorf("%s: Bad of %+v", name, checked[i])
			}
		}
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(c.want)
		if len(got) != len(c.want) || len(got) > 0 && !bytes.Equal(g, w) {
			t.Errorf("%s: %s, want %s", name, g, w)
		}
	}
}

func TestVerifyGiven(t *testing.T) {
	dir := writeAudit(t)
	m, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.VerifyGiven(dir + "-labels.csv")
	if err != nil || c.Status != Matches || c.What != "model" {
		t.Errorf("the model: %+v, %v", c, err)
	}
	if c, err = m.VerifyGiven(filepath.Join(dir, "report.html")); err != nil || c.Status != Extra {
		t.Errorf("another file: %+v, %v", c, err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schema":"lethe-evidence","version":1,"files":[{"path":"findings.jsonl"}]}`))
	f.Add([]byte(`{"schema":"lethe-evidence","version":1,"files":[{"path":"../x"}]}`))
	f.Add([]byte(`{"schema":"lethe-ratchet","version":1,"entries":[{"variant":"a","question":"harm","loss":0.1,"std_err":0.1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := decodeManifest(bytes.NewReader(b)); err == nil {
			for _, x := range m.Files {
				if !filepath.IsLocal(x.Path) {
					t.Errorf("accepted %q", x.Path)
				}
			}
		}
		if r, err := ReadRatchet(bytes.NewReader(b)); err == nil {
			if _, err := r.Check(auditOf("a", harm("a", "cat", 0, 0.1, finding.NotDetected)), 0, 0.05); err != nil {
				t.Error(err)
			}
		}
	})
}
