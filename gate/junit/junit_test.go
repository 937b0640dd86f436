package junit

import (
	"bytes"
	"encoding/xml"
	"strings"
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
	golden.Equal(t, "small.xml", written(t, gatetest.Small(t), DefaultOptions()))
	golden.Equal(t, "void.xml", written(t, gatetest.Void(t), DefaultOptions()))
}

func TestSchema(t *testing.T) {
	gatetest.JUnit().Check(t, written(t, gatetest.Small(t), DefaultOptions()), written(t, gatetest.Void(t), DefaultOptions()),
		written(t, gatetest.Passing(t), DefaultOptions()), written(t, gatetest.Ratcheted(t), DefaultOptions()), written(t, gatetest.Large(t), Options{Cases: 5}))
	gatetest.JUnit().Broken(t, bytes.Replace(written(t, gatetest.Small(t), DefaultOptions()), []byte("<testcase name="), []byte("<testcase nome="), 1))
}

// TestCases: one case a rule and scope; failures, errors and skipped cases are
// those of the verdicts, and the counts add up.
func TestCases(t *testing.T) {
	for _, r := range []*gate.Result{gatetest.Small(t), gatetest.Void(t), gatetest.Passing(t)} {
		var doc suites
		if err := xml.Unmarshal(written(t, r, DefaultOptions()), &doc); err != nil {
			t.Fatal(err)
		}
		want, failures := len(r.Doubts), 0
		for _, rr := range r.Rules {
			want += len(rr.Scopes)
			failures += rr.Failed
			if rr.Rule.Scope == gate.Worst && rr.Failed > 0 {
				failures -= rr.Failed - 1
			}
		}
		for _, d := range r.Doubts {
			if d.Verdict == gate.Fail {
				failures++
			}
		}
		if doc.Tests != want || doc.Failures != failures {
			t.Errorf("%d tests, %d failures, want %d and %d", doc.Tests, doc.Failures, want, failures)
		}
	}
}

// TestCap: 20,000 scopes are a bounded file, which says how many were left out and
// hides no failure.
func TestCap(t *testing.T) {
	r := gatetest.Large(t)
	b := written(t, r, DefaultOptions())
	var doc suites
	if err := xml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for i, s := range doc.Suites {
		if s.Tests > DefaultOptions().Cases {
			t.Errorf("%s: %d cases", s.Name, s.Tests)
		}
		rr := r.Rules[i]
		if rr.Failed > 0 && s.Failures == 0 || rr.Failed == 0 && s.Failures > 0 {
			t.Errorf("%s: %d failures for %d failed scopes", s.Name, s.Failures, rr.Failed)
		}
		if left := len(rr.Scopes) - s.Tests + 1; left > 1 && !strings.HasPrefix(s.Cases[s.Tests-1].Name, "and ") {
			t.Errorf("%s: the last case is %q", s.Name, s.Cases[s.Tests-1].Name)
		}
	}
	if len(b) > 2<<20 {
		t.Errorf("%d bytes", len(b))
	}
}
