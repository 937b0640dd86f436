package cli

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest/tflite"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/mcnemar"
)

// mlperf writes one of MLPerf-tiny's networks for CIFAR-10 as ONNX, rebuilt
// from its TFLite file.
func mlperf(t *testing.T, from, name string) string {
	t.Helper()
	m, err := tflite.Load(realdata.Path(t, "models", "mlperf-tiny-cifar10", from))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".onnx")
	if err := onnx.Save(m, path, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
	return path
}

// mlperfModels are the two float networks.
func mlperfModels(t *testing.T) (small, large string) {
	t.Helper()
	return mlperf(t, "pretrainedResnet.tflite", "resnet8"), mlperf(t, "pretrainedResnet_large_float.tflite", "resnet8large")
}

// mlperfInt8 are the same networks quantized by their publisher.
func mlperfInt8(t *testing.T) (small, large string) {
	t.Helper()
	return mlperf(t, "pretrainedResnet_quant.tflite", "resnet8_int8"), mlperf(t, "pretrainedResnet_large_int8.tflite", "resnet8large_int8")
}

// knownClasses is a column of the predictions that came with the real data,
// by index in the test set (SOURCES.md says what computed them).
func knownClasses(t *testing.T, column string) []int {
	t.Helper()
	f, err := os.Open(realdata.Path(t, "cifar10-computed-predictions", "cifar10_test_predictions.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(rows[0], column)
	if at < 0 {
		t.Fatalf("no column %s in %v", column, rows[0])
	}
	out := make([]int, 0, len(rows)-1)
	for i, r := range rows[1:] {
		class, err := strconv.Atoi(r[at])
		if err != nil || r[0] != strconv.Itoa(i) {
			t.Fatalf("row %d: %v", i, r)
		}
		out = append(out, class)
	}
	return out
}

// topGap is how far the two largest scores of an example are apart.
func topGap(t *testing.T, m prediction.Member, example int, scores []float32) float64 {
	t.Helper()
	if err := m.Scores.Rows(example, scores); err != nil {
		t.Fatal(err)
	}
	s := slices.Clone(scores)
	slices.Sort(s)
	return float64(s[len(s)-1] - s[len(s)-2])
}

// nearTie is the gap of two probabilities below which runtimes may order them
// differently: float32 sums in another order.
const nearTie = 1e-4

// MLPerf-tiny's networks, rebuilt as ONNX, reach their published accuracies and
// give every image the class that was computed for it elsewhere, near-ties
// aside. The images go in as they are, 0 to 255.
func TestMLPerfTiny(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 predictions")
	}
	small, large := mlperfModels(t)
	dir := t.TempDir()
	data := "cifar10:" + cifarTest(t) + "?scale=1"
	code, stdout, stderr := run(t, dir, "--quiet", "predict", small, large, "--data", data, "-o", "predictions")
	if code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"87.19 %", "91.28 %"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no accuracy %s in\n%s", want, stdout)
		}
	}
	got, err := prediction.Read(t.Context(), filepath.Join(dir, "predictions"))
	if err != nil {
		t.Fatal(err)
	}
	scores := make([]float32, len(got.Classes))
	for v, column := range []string{"resnet8_fp32_pred", "resnet8large_fp32_pred"} {
		known, member := knownClasses(t, column), got.Variants[v].Members[0]
		if len(known) != got.Len() {
			t.Fatalf("%d known classes, %d predictions", len(known), got.Len())
		}
		for i := range got.Len() {
			index, err := strconv.Atoi(strings.TrimPrefix(string(got.ID(i)), "test/"))
			if err != nil {
				t.Fatal(err)
			}
			class := int(member.Predicted.At(i))
			if class == known[index] {
				continue
			}
			gap := topGap(t, member, i, scores)
			t.Logf("%s, image %d: class %d, known %d, top-2 gap %.2g", column, index, class, known[index], gap)
			if gap > nearTie {
				t.Errorf("%s, image %d: class %d, known %d, and no near-tie", column, index, class, known[index])
			}
		}
	}
}

// The int8 networks are held to what TFLite's arithmetic gave (SOURCES.md) by
// two statements that need no number of ours. TFLite rounds in fixed point, ONNX
// in floating point, so that single steps of 8-bit values differ, and with them
// some classes. But rounding favours no class: both must be right equally often
// (McNemar's exact test, at a level that one run in a thousand misses). And
// rounding another way must change fewer classes than quantization itself did:
// TFLite's int8 network must agree better with ours than with its own float32
// network.
func TestMLPerfTinyInt8(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 predictions")
	}
	small, large := mlperfInt8(t)
	dir := t.TempDir()
	must(t, dir, "--quiet", "predict", small, large, "--data", "cifar10:"+cifarTest(t)+"?scale=1", "-o", "predictions")
	got, err := prediction.Read(t.Context(), filepath.Join(dir, "predictions"))
	if err != nil {
		t.Fatal(err)
	}
	for v, name := range []string{"resnet8", "resnet8large"} {
		known, float := knownClasses(t, name+"_int8_pred"), knownClasses(t, name+"_fp32_pred")
		member := got.Variants[v].Members[0]
		var same, sameFloat, ours, theirs int // ours, theirs: right where the other is wrong
		for i := range got.Len() {
			index, err := strconv.Atoi(strings.TrimPrefix(string(got.ID(i)), "test/"))
			if err != nil {
				t.Fatal(err)
			}
			class, label := int(member.Predicted.At(i)), int(got.Labels.At(i))
			if float[index] == known[index] {
				sameFloat++
			}
			switch {
			case class == known[index]:
				same++
			case class == label:
				ours++
			case known[index] == label:
				theirs++
			}
		}
		test := mcnemar.Exact(ours, theirs)
		t.Logf("%s: the same class for %d of %d, TFLite's float32 network %d; only ours right %d, only theirs %d, p = %.3g",
			name, same, got.Len(), sameFloat, ours, theirs, test.P)
		if test.P < 0.001 {
			t.Errorf("%s: only ours is right on %d images, only TFLite's on %d: p = %.2g", name, ours, theirs, test.P)
		}
		if same <= sameFloat {
			t.Errorf("%s: TFLite's int8 network gives our class for %d images, its float32 network's for %d", name, same, sameFloat)
		}
	}
}
