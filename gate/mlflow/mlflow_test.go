package mlflow

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
)

func written(t *testing.T, r *gate.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, Options{RunID: "abc", Timestamp: 1700000000000, Step: 3}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	golden.Equal(t, "small.json", written(t, gatetest.Small(t)))
	golden.Equal(t, "void.json", written(t, gatetest.Void(t)))
}

// TestLimits: a batch is inside MLflow's limits however many rules there are, its
// keys are of the letters that MLflow takes, and what is left out is said.
func TestLimits(t *testing.T) {
	r := *gatetest.Small(t)
	for len(r.Rules) < 2000 {
		r.Rules = append(r.Rules, r.Rules...)
	}
	var b batch
	if err := json.Unmarshal(written(t, &r), &b); err != nil {
		t.Fatal(err)
	}
	if len(b.Metrics) > 1000 || len(b.Tags) > 100 || b.Tags[len(b.Tags)-1].Key != "lethe.gate.left_out" || b.RunID != "abc" {
		t.Errorf("%d metrics, %d tags", len(b.Metrics), len(b.Tags))
	}
	ok := regexp.MustCompile(`^[A-Za-z0-9_. /-]{1,250}$`)
	for _, m := range b.Metrics {
		if !ok.MatchString(m.Key) || m.Step != 3 {
			t.Errorf("%+v", m)
		}
	}
	for _, g := range b.Tags {
		if !ok.MatchString(g.Key) || len(g.Value) > 5000 {
			t.Errorf("%+v", g)
		}
	}
}
