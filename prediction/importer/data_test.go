package importer

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/prediction"
)

func mustImport(t testing.TB, req Request) *prediction.Table {
	t.Helper()
	table, err := Import(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func mustSpec(t testing.TB, s string) Spec {
	t.Helper()
	spec, err := ParseSpec(s, "")
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// accuracy is the share of examples that a member has right.
func accuracy(t *prediction.Table, m *prediction.Member) float64 {
	right := 0
	for i := range t.Len() {
		if m.Predicted.At(i) == t.Labels.At(i) {
			right++
		}
	}
	return float64(right) / float64(t.Len())
}

// flips counts examples by what happened to them.
func flips(t *prediction.Table, a, b *prediction.Member) (changed, lost, gained int) {
	for i := range t.Len() {
		x, y, label := a.Predicted.At(i), b.Predicted.At(i), t.Labels.At(i)
		if x != y {
			changed++
		}
		if x == label && y != label {
			lost++
		}
		if x != label && y == label {
			gained++
		}
	}
	return changed, lost, gained
}

// The counts are those of the issue that asked for this, found independently
// of this program: 264 changed (113 lost, 101 gained) and 138 (60, 53);
// accuracies from data/SOURCES.md.
func TestComputedPredictions(t *testing.T) {
	dir := realdata.Path(t, "cifar10-computed-predictions")
	csv := filepath.Join(dir, "cifar10_test_predictions.csv.gz")
	npy := func(name string) string { return filepath.Join(dir, name+"_logits.f32.npy") }
	requests := map[string]Request{
		"columns of files": {Labels: csv + "#label", Baseline: mustSpec(t, "fp32="+csv+"#resnet8_fp32_pred,"+csv+"#resnet8large_fp32_pred"),
			Candidates: []Spec{mustSpec(t, "int8="+csv+"#resnet8_int8_pred,"+csv+"#resnet8large_int8_pred")}, Paired: true},
		"columns of a source": {Sources: []string{csv}, Baseline: mustSpec(t, "fp32=resnet8_fp32_pred,resnet8large_fp32"),
			Candidates: []Spec{mustSpec(t, "int8=resnet8_int8,resnet8large_int8_pred")}, Paired: true},
		"names alone": {Sources: []string{csv}, Paired: true},
		"logits": {Labels: csv + "#label", Baseline: mustSpec(t, "fp32="+npy("resnet8_fp32")+","+npy("resnet8large_fp32")),
			Candidates: []Spec{mustSpec(t, "int8="+npy("resnet8_int8")+","+npy("resnet8large_int8"))}, Paired: true},
	}
	var labels string
	for name, req := range requests {
		t.Run(name, func(t *testing.T) {
			table := mustImport(t, req)
			if table.Len() != 10000 || len(table.Classes) != 10 || len(table.Variants) != 2 {
				t.Fatalf("%d examples, %d classes, %d variants", table.Len(), len(table.Classes), len(table.Variants))
			}
			if table.Variants[0].Kind != prediction.KindDense || table.Variants[1].Kind != prediction.KindQuantized || *table.Variants[1].Level != 8 {
				t.Errorf("kinds %+v", table.Variants)
			}
			for k, want := range []struct {
				changed, lost, gained int
				accuracy              float64
			}{{264, 113, 101, 0.8719}, {138, 60, 53, 0.9128}} {
				a, b := &table.Variants[0].Members[k], &table.Variants[1].Members[k]
				changed, lost, gained := flips(table, a, b)
				if changed != want.changed || lost != want.lost || gained != want.gained {
					t.Errorf("member %d: %d changed, %d lost, %d gained, want %+v", k, changed, lost, gained, want)
				}
				if got := accuracy(table, a); math.Abs(got-want.accuracy) > 1e-9 {
					t.Errorf("member %d: accuracy %v, want %v", k, got, want.accuracy)
				}
				if a.Lineage == "" || a.Lineage != b.Lineage {
					t.Errorf("member %d: lineages %q and %q", k, a.Lineage, b.Lineage)
				}
				if a.Confidence == nil || a.Confidence[0] < 0.99 {
					t.Errorf("member %d: confidence is missing or wrong", k)
				}
			}
			if d := table.Labels.Digest(); labels == "" {
				labels = d
			} else if d != labels {
				t.Error("labels differ from those of the other forms")
			}
		})
	}
}

// The confidence of the CSV is the largest softmax of the logits, printed with
// six decimals.
func TestLogitsGiveTheConfidence(t *testing.T) {
	dir := realdata.Path(t, "cifar10-computed-predictions")
	csv := filepath.Join(dir, "cifar10_test_predictions.csv.gz")
	table := mustImport(t, Request{Labels: csv + "#label",
		Baseline:   mustSpec(t, "csv="+csv+"#resnet8_fp32_pred"),
		Candidates: []Spec{mustSpec(t, "npy="+filepath.Join(dir, "resnet8_fp32_logits.f32.npy"))}})
	a, b := table.Variants[0].Members[0], table.Variants[1].Members[0]
	if !a.Predicted.Equal(b.Predicted) {
		t.Error("predictions differ")
	}
	for i := range a.Confidence {
		if math.Abs(float64(a.Confidence[i]-b.Confidence[i])) > 1e-6 {
			t.Fatalf("row %d: confidence %v from logits, %v in the CSV", i, b.Confidence[i], a.Confidence[i])
		}
	}
	if b.Scores == nil || b.Scores.Kind() != prediction.Logits {
		t.Error("the logits are missing")
	}
}

// Lengths, accuracies: data/SOURCES.md and the repository's README.
func TestCIFAR101(t *testing.T) {
	dir := realdata.Path(t, "cifar10.1")
	csv := filepath.Join(realdata.Path(t, "cifar10-computed-predictions"), "cifar10_test_predictions.csv.gz")
	for _, set := range []struct {
		folder, labels string
		n              int
		low, high      float64
	}{
		{"original_predictions", csv + "#label", 10000, 0.820, 0.971},
		{"v4_predictions", filepath.Join(dir, "cifar10.1_v4_labels.npy"), 2021, 0.679, 0.930},
		{"v6_predictions", filepath.Join(dir, "cifar10.1_v6_labels.npy"), 2000, 0.687, 0.931},
	} {
		folder := filepath.Join(dir, "model_predictions", set.folder)
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(files) != 30 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		table := mustImport(t, Request{Labels: set.labels, Baseline: Spec{Name: "dense", Files: files[:15]},
			Candidates: []Spec{{Name: "other", Files: files[15:]}}})
		if table.Len() != set.n || len(table.Classes) != 10 || !table.Join.ByPosition {
			t.Errorf("%s: %d examples, %d classes, by position %v", set.folder, table.Len(), len(table.Classes), table.Join.ByPosition)
		}
		low, high := 1.0, 0.0
		for _, v := range table.Variants {
			if len(v.Members) != 15 {
				t.Errorf("%s: %d members of %s", set.folder, len(v.Members), v.Name)
			}
			for k := range v.Members {
				acc := accuracy(table, &v.Members[k])
				low, high = min(low, acc), max(high, acc)
			}
		}
		if math.Abs(low-set.low) > 5e-4 || math.Abs(high-set.high) > 5e-4 {
			t.Errorf("%s: accuracies %.4f to %.4f, want %.3f to %.3f", set.folder, low, high, set.low, set.high)
		}
		if !strings.Contains(strings.Join(table.Notes, "\n"), "by position") {
			t.Errorf("%s: notes %q do not say that rows were joined by position", set.folder, table.Notes)
		}
	}
}
