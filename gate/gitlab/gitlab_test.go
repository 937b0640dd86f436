package gitlab

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
)

func written(t *testing.T, r *gate.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	golden.Equal(t, "small.json", written(t, gatetest.Small(t)))
	golden.Equal(t, "void.json", written(t, gatetest.Void(t)))
	if s := string(written(t, gatetest.Passing(t))); s != "[]\n" {
		t.Errorf("a pass writes %q", s)
	}
}

// TestIssues: as many as are allowed, each with the fields that GitLab requires, a
// fingerprint of its own and a severity that GitLab knows.
func TestIssues(t *testing.T) {
	var list []issue
	if err := json.Unmarshal(written(t, gatetest.Large(t)), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != DefaultOptions().Issues {
		t.Errorf("%d issues", len(list))
	}
	seen := map[string]bool{}
	for _, i := range list {
		known := map[string]bool{"info": true, "minor": true, "major": true, "critical": true, "blocker": true}
		if i.Description == "" || i.CheckName == "" || seen[i.Fingerprint] || !known[i.Severity] || i.Location.Path != "gate/policy.yaml" || i.Location.Lines.Begin < 1 {
			t.Fatalf("%+v", i)
		}
		seen[i.Fingerprint] = true
	}
}
