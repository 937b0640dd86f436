package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/importer"
)

// cifarTest is a folder with CIFAR-10's test set.
func cifarTest(t *testing.T) string { return realdata.CIFARTest(t) }

// The two published networks reach their published accuracies exactly, and
// give every image the class that another runtime gave it (SOURCES.md).
func TestPublishedAccuracies(t *testing.T) {
	folder := realdata.Path(t, "models", "vnncomp21-cifar10-onnx")
	known := realdata.Path(t, "cifar10-computed-predictions", "cifar10_test_predictions.csv.gz")
	data := "cifar10:" + cifarTest(t) + "?mean=.4914,.4822,.4465&std=.2471,.2435,.2616"
	dir := t.TempDir()
	code, stdout, stderr := run(t, dir, "--quiet", "predict", filepath.Join(folder, "resnet_2b.onnx"), filepath.Join(folder, "resnet_4b.onnx"), "--data", data, "-o", "predictions")
	if code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"69.25 %", "77.20 %"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no accuracy %s in\n%s", want, stdout)
		}
	}
	got, err := prediction.Read(t.Context(), filepath.Join(dir, "predictions"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := importer.Import(t.Context(), importer.Request{
		Sources: []string{known}, Columns: importer.Columns{ID: "index"},
		Baseline:   importer.Spec{Name: "resnet_2b", Files: []string{"onnx_resnet_2b_pred"}},
		Candidates: []importer.Spec{{Name: "resnet_4b", Files: []string{"onnx_resnet_4b_pred"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]int{} // the table of known predictions is sorted by id
	for i := range want.Len() {
		row[string(want.ID(i))] = i
	}
	for v := range want.Variants {
		for i := range got.Len() {
			id := strings.TrimLeft(strings.TrimPrefix(string(got.ID(i)), "test/"), "0")
			if id == "" {
				id = "0"
			}
			j, ok := row[id]
			if !ok {
				t.Fatalf("no known prediction for %s", got.ID(i))
			}
			if a, b := got.Variants[v].Members[0].Predicted.At(i), want.Variants[v].Members[0].Predicted.At(j); a != b {
				t.Errorf("%s, example %s: class %d, known %d", got.Variants[v].Name, id, a, b)
			}
		}
	}
	must(t, dir, "compare", filepath.Join(folder, "resnet_2b.onnx"), filepath.Join(folder, "resnet_4b.onnx"), "--data", data+"&limit=500", "-o", "audit")
	code, _, stderr = run(t, dir, "--quiet", "compare", filepath.Join(folder, "resnet_2b.onnx"), "copy="+filepath.Join(folder, "resnet_2b.onnx"), "--data", data+"&limit=500")
	if code != ExitError || !strings.Contains(stderr, "nothing was compressed") {
		t.Errorf("a copied model: exit code %d, %s", code, stderr)
	}
}
