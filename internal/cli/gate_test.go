package cli

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/annotations"
	"github.com/lethe-audit/lethe/internal/realdata"
)

// verdictOf runs lethe gate and reads its JSON.
func verdictOf(t *testing.T, dir string, args ...string) (code int, r gate.Result) {
	t.Helper()
	code, out, errs := run(t, dir, append([]string{"-q", "gate", "audit", "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	return code, r
}

// TestGateOnKnownPairs: on two real pairs of models the packs give verdicts, and
// their numbers are those that a person gets from the four counts of the report by
// Newcombe's formula.
func TestGateOnKnownPairs(t *testing.T) {
	file := realdata.Path(t, "cifar10-computed-predictions", "cifar10_test_predictions.csv.gz")
	for model := range knownPairs {
		dir := t.TempDir()
		must(t, dir, "audit", file, "--column", "id=index", "--baseline", "fp32="+model+"_fp32_pred", "--candidate", "int8="+model+"_int8_pred", "-o", "audit")
		findings := readFindings(t, filepath.Join(dir, "audit", findingsFile))
		code, r := verdictOf(t, dir, "--policy", "no-class-worse-than-2pp")
		if code != ExitOK || r.Verdict != gate.Pass || len(r.Rules[0].Scopes) != 10 {
			t.Errorf("%s: exit code %d, %s", model, code, r.Verdict)
		}
		for _, s := range r.Rules[0].Scopes {
			c := findings[s.Finding].Evidence.Pairs
			low, high := newcombe(float64(c.Both), float64(c.OnlyBase), float64(c.OnlyVariant), float64(c.Neither))
			if math.Abs(s.Low-low) > 1e-12 || math.Abs(s.High-high) > 1e-12 || (high <= 0.02) != (s.Verdict == gate.Pass) {
				t.Errorf("%s class %s: [%v, %v] and %s, by hand [%v, %v]", model, s.Name(), s.Low, s.High, s.Verdict, low, high)
			}
		}
		if code, r := verdictOf(t, dir, "--policy", "near-lossless"); code != ExitOK || r.Verdict != gate.Pass {
			t.Errorf("%s: near-lossless: exit code %d, %s", model, code, r.Verdict)
		}
		// The paper's test is over members, of which one pair has none.
		if code, r := verdictOf(t, dir, "--policy", "paper"); code != ExitUndecided || r.Verdict != gate.Undecided {
			t.Errorf("%s: paper: exit code %d, %s", model, code, r.Verdict)
		}
		// Its examples have no groups: the gate says so and does not pass.
		if code, _, _ := run(t, dir, "-q", "gate", "audit", "--policy", "fairness-subgroups"); code != ExitError {
			t.Errorf("%s: fairness-subgroups: exit code %d", model, code)
		}
	}
}

// newcombe is the 90 % interval of a difference of paired shares (Newcombe 1998,
// method 10), written out from the four counts.
func newcombe(a, b, c, d float64) (low, high float64) {
	const z = 1.6448536269514722
	n := a + b + c + d
	wilson := func(x float64) (p, l, u float64) {
		p = x / n
		centre := (p + z*z/(2*n)) / (1 + z*z/n)
		half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
		return p, centre - half, centre + half
	}
	p1, l1, u1 := wilson(a + b)
	p2, l2, u2 := wilson(a + c)
	num := a*d - b*c
	if num > 0 {
		num = math.Max(0, num-n/2)
	}
	phi := num / math.Sqrt((a+b)*(c+d)*(a+c)*(b+d))
	arm := func(x, y float64) float64 { return math.Sqrt(x*x - 2*phi*x*y + y*y) }
	return p1 - p2 - arm(p1-l1, u2-p2), p1 - p2 + arm(u1-p1, p2-l2)
}

// TestGateOnRealGroups: with the groups of human uncertainty the fairness pack is
// decided for every subgroup.
func TestGateOnRealGroups(t *testing.T) {
	file := realdata.Path(t, "cifar10-computed-predictions", "cifar10_test_predictions.csv.gz")
	dir := t.TempDir()
	write(t, dir, "groups.csv", realGroups(t))
	labels := file + "#label"
	npy := func(kind string) string {
		return realdata.Path(t, "cifar10-computed-predictions", "resnet8_"+kind+"_logits.f32.npy")
	}
	must(t, dir, "audit", "--labels", labels, "--baseline", "fp32="+npy("fp32"), "--candidate", "int8="+npy("int8"), "--attributes", "groups.csv", "-o", "audit")
	code, r := verdictOf(t, dir, "--policy", "fairness-subgroups")
	if code == ExitError || len(r.Rules) != 2 || len(r.Rules[0].Scopes) < 2 {
		t.Fatalf("exit code %d, %+v", code, r)
	}
	if want := map[gate.Verdict]int{gate.Pass: ExitOK, gate.Fail: ExitGateFailed, gate.Undecided: ExitUndecided}[r.Verdict]; code != want {
		t.Errorf("exit code %d for %s", code, r.Verdict)
	}
}

// TestSummaryIsAppended: a step's summary that other tools wrote to is kept.
func TestSummaryIsAppended(t *testing.T) {
	dir := t.TempDir()
	fixture(t, dir)
	must(t, dir, "audit", "predictions.csv", "-o", "audit")
	write(t, dir, "summary.md", "# before\n")
	run(t, dir, "-q", "gate", "audit", "--policy", "near-lossless", "--step-summary", "summary.md")
	b, err := os.ReadFile(filepath.Join(dir, "summary.md"))
	if err != nil || len(b) < 100 || string(b[:9]) != "# before\n" {
		t.Errorf("%v: %.60s", err, b)
	}
}

// TestEveryRuleInEveryFormat: every metric, scope, test, margin and correction that a
// policy can name is decided or refused, and every format writes what was decided.
func TestEveryRuleInEveryFormat(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "demo", "-o", "demo")
	a, err := openAudit(filepath.Join(dir, "demo"))
	if err != nil {
		t.Fatal(err)
	}
	app := &app{io: IO{Out: io.Discard, Err: io.Discard, Env: func(string) string { return "" }}}
	out := &gateOutput{format: "text", color: "always"}
	decided, refused := 0, 0
	floor := 0.5
	for _, metric := range gate.MetricNames() {
		for _, scope := range []gate.Scope{gate.Overall, gate.Class, gate.Subgroup, gate.Slice, gate.Corruption, gate.Worst} {
			for _, test := range []gate.Test{gate.NonInferiority, gate.Equivalence, gate.Difference, gate.NoTest} {
				for _, margin := range []gate.Margin{{}, {Value: 0, Unit: gate.Points}, {Value: 0.02, Unit: gate.Points}, {Value: 0.02, Unit: gate.Relative}, {Value: 0.02, Unit: gate.Nats}} {
					for i, adjust := range []gate.Adjust{gate.Holm, gate.BH, gate.NoAdjust} {
						r := gate.DefaultRule()
						r.Name, r.Metric, r.Scope, r.Test, r.Margin, r.Adjust = "r", metric, scope, test, margin, adjust
						r.OnUndecided = []gate.Verdict{gate.Undecided, gate.Pass, gate.Fail}[i]
						if scope == gate.Worst {
							r.Over = []gate.Scope{gate.Class, gate.Subgroup, gate.Slice}[i]
						}
						if margin == (gate.Margin{}) && i == 1 {
							r.Floor = &floor
						}
						res, err := gate.Judge(&gate.Policy{Name: "p", MinJoined: 0.9, Rules: []gate.Rule{r}}, a, gate.Options{})
						var fault *gate.Error
						if errors.As(err, &fault) {
							refused++
							continue
						}
						if err != nil {
							t.Fatalf("%+v: %v", r, err)
						}
						decided++
						for _, f := range gateFormats() {
							if err := f.write(app, io.Discard, res, out); err != nil {
								t.Fatalf("%s of %+v: %v", f.name, r, err)
							}
						}
						if err := app.printGate(res, out); err != nil {
							t.Fatal(err)
						}
						if err := annotations.Write(io.Discard, res, annotations.DefaultOptions()); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
	}
	if decided < 150 || refused < 150 {
		t.Errorf("%d rules decided, %d refused", decided, refused)
	}
}
