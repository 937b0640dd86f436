package sarif

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
)

func written(t *testing.T, r *gate.Result, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	golden.Equal(t, "small.sarif", written(t, gatetest.Small(t), Options{Results: 6}))
	golden.Equal(t, "void.sarif", written(t, gatetest.Void(t), DefaultOptions()))
}

func TestSchema(t *testing.T) {
	gatetest.SARIF().Check(t, written(t, gatetest.Small(t), DefaultOptions()), written(t, gatetest.Void(t), DefaultOptions()),
		written(t, gatetest.Passing(t), DefaultOptions()), written(t, gatetest.Ratcheted(t), DefaultOptions()), written(t, gatetest.Large(t), DefaultOptions()))
	gatetest.SARIF().Broken(t, bytes.Replace(written(t, gatetest.Small(t), DefaultOptions()), []byte(`"startLine": `), []byte(`"startLine": -`), 1))
}

// TestResults: a result for every scope that is no pass, at the line of its rule;
// fails are errors, undecided ones warnings, overridden ones notes.
func TestResults(t *testing.T) {
	r := gatetest.Small(t)
	var doc log
	if err := json.Unmarshal(written(t, r, DefaultOptions()), &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, x := range doc.Runs[0].Results {
		got[x.Level]++
		if id := doc.Runs[0].Tool.Driver.Rules[x.RuleIndex].ID; id != x.RuleID {
			t.Errorf("result of %s points to rule %s", x.RuleID, id)
		}
		for _, rr := range r.Rules {
			if at := x.Locations[0].Physical; rr.Rule.Name == x.RuleID && (at.Region.StartLine != rr.Rule.At.Line || at.Artifact.URI != "gate/policy.yaml") {
				t.Errorf("%s is at %+v, the rule in line %d", x.RuleID, at, rr.Rule.At.Line)
			}
		}
	}
	want := map[string]int{}
	for _, rr := range r.Rules {
		for _, s := range rr.Scopes {
			switch {
			case s.Verdict == gate.Fail:
				want["error"]++
			case s.Verdict == gate.Undecided && rr.Override:
				want["note"]++
			case s.Verdict == gate.Undecided:
				want["warning"]++
			}
		}
	}
	if want["error"] == 0 || want["warning"] == 0 || got["error"] != want["error"] || got["warning"] != want["warning"] || got["note"] != want["note"] {
		t.Errorf("levels %v, want %v", got, want)
	}
}

// TestFingerprints: two runs give one result the same fingerprint, and two results
// of a run different ones.
func TestFingerprints(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []*gate.Result{gatetest.Large(t)} {
		var doc log
		if err := json.Unmarshal(written(t, c, DefaultOptions()), &doc); err != nil {
			t.Fatal(err)
		}
		for _, x := range doc.Runs[0].Results {
			f := x.Fingerprint["lethe/v1"]
			if seen[f] {
				t.Fatalf("fingerprint %s twice", f)
			}
			seen[f] = true
		}
	}
	if len(seen) != DefaultOptions().Results {
		t.Errorf("%d results", len(seen))
	}
}
