package calibration

import (
	"compress/gzip"
	"os"
	"testing"

	"codeberg.org/sbinet/npyio"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/prediction"
)

// Recorded confidences and those computed from the logits of the same models
// must give the same ECE.
func TestRealConfidencesAndLogits(t *testing.T) {
	f, err := os.Open(realdata.Path(t, "cifar10-computed-predictions", "cifar10_test_predictions.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	models := []string{"resnet8_fp32", "resnet8_int8"}
	table, err := audittest.Wide(z, models, [][]string{models[:1], models[1:]})
	if err != nil {
		t.Fatal(err)
	}
	recorded := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "calibration/ece/resnet8_int8/overall")
	for v, model := range models {
		m := &table.Variants[v].Members[0]
		m.Confidence = nil
		m.Scores = &prediction.DenseScores{ScoreKind: prediction.Logits, Classes: 10, Data: logits(t, model)}
	}
	computed := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "calibration/ece/resnet8_int8/overall")
	for _, p := range [][2]float64{{*recorded.BaseValue, *computed.BaseValue}, {*recorded.Value, *computed.Value}} {
		// confidences were recorded with 6 digits; one at a bin's edge may change its bin
		if d := p[0] - p[1]; d > 2e-4 || d < -2e-4 || p[0] < 0.001 || p[0] > 0.2 {
			t.Errorf("ECE %v from confidences, %v from logits", p[0], p[1])
		}
	}
}

func logits(t *testing.T, model string) []float32 {
	t.Helper()
	f, err := os.Open(realdata.Path(t, "cifar10-computed-predictions", model+"_logits.f32.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var x []float32
	if err := npyio.Read(f, &x); err != nil {
		t.Fatal(err)
	}
	return x
}
