//go:build ort

package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/enginetest/ortlib"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// agreement is the share of images on which two runtimes must give the same
// class; what differs is listed.
const agreement = 0.999

// The engine and ONNX Runtime give the same class on at least 99.9 % of
// CIFAR-10's 10,000 test images.
func TestRuntimesAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("80,000 predictions")
	}
	lib := ortlib.Path(t)
	folder := realdata.Path(t, "models", "vnncomp21-cifar10-onnx")
	small, large := mlperfModels(t)
	cifar := "cifar10:" + cifarTest(t)
	for _, c := range []struct {
		data   string
		models []string
	}{
		{cifar + "?mean=.4914,.4822,.4465&std=.2471,.2435,.2616", []string{filepath.Join(folder, "resnet_2b.onnx"), filepath.Join(folder, "resnet_4b.onnx")}},
		{cifar + "?scale=1", []string{small, large}},
	} {
		dir := t.TempDir()
		args := append([]string{"--quiet", "predict", "--data", c.data}, c.models...)
		must(t, dir, append(args, "--runtime", "go", "-o", "go")...)
		must(t, dir, append(args, "--runtime", "ort", "--ort-lib", lib, "-o", "ort")...)
		ours, theirs := readTable(t, dir, "go"), readTable(t, dir, "ort")
		if ours.Len() != 10000 || theirs.Len() != 10000 {
			t.Fatalf("%d and %d predictions", ours.Len(), theirs.Len())
		}
		for v := range c.models {
			compareRuntimes(t, ours.Variants[v], theirs.Variants[v], ours.Len(), len(ours.Classes))
		}
	}
}

func readTable(t *testing.T, dir, name string) *prediction.Table {
	t.Helper()
	table, err := prediction.Read(t.Context(), filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// compareRuntimes lists the images on which the classes differ.
func compareRuntimes(t *testing.T, a, b prediction.Variant, n, classes int) {
	t.Helper()
	x, y := a.Members[0], b.Members[0]
	if x.Config["runtime"] != "go" || !strings.HasPrefix(y.Config["runtime"], "onnxruntime 1.") {
		t.Errorf("%s ran in %q and %q", a.Name, x.Config["runtime"], y.Config["runtime"])
	}
	differ := 0
	scores := make([]float32, classes)
	for i := range n {
		if p, q := x.Predicted.At(i), y.Predicted.At(i); p != q {
			differ++
			t.Logf("%s, image %d: go %d, onnx runtime %d, top-2 gap %.2g", a.Name, i, p, q, topGap(t, x, i, scores))
		}
	}
	t.Logf("%s: %d of %d classes differ", a.Name, differ, n)
	if float64(n-differ) < agreement*float64(n) {
		t.Errorf("%s: %d of %d classes differ", a.Name, differ, n)
	}
}

// celu is a classifier with an operator that the engine lacks.
func celu(t *testing.T, dir string) string {
	t.Helper()
	b := enginetest.New("celu", 4)
	x := b.Input("x", -1, 3, 32, 32)
	y := b.Dense(b.Node("Celu", []string{b.Conv(x, enginetest.ConvSpec{Out: 4, Kernel: 3})}), 10)
	b.Output(y, 2)
	m := b.Model()
	m.Graph.Outputs[0].Type.Shape = onnx.Shape{onnx.Symbol("N"), onnx.Fixed(10)}
	path := filepath.Join(dir, "celu.onnx")
	if err := onnx.Save(m, path, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
	return path
}

// auto takes ONNX Runtime for what the engine cannot run, and only for that.
func TestRuntimeAuto(t *testing.T) {
	lib := ortlib.Path(t)
	small, _ := mlperfModels(t)
	data := "cifar10:" + cifarTest(t) + "?limit=64"
	dir := t.TempDir()
	model := celu(t, dir)
	base := []string{"--quiet", "predict", small, model, "--data", data}
	must(t, dir, append(base, "--ort-lib", lib, "-o", "out")...)
	got := readTable(t, dir, "out")
	if r := got.Variants[0].Members[0].Config["runtime"]; r != "go" {
		t.Errorf("a model that the engine can run ran in %q", r)
	}
	if r := got.Variants[1].Members[0].Config["runtime"]; !strings.HasPrefix(r, "onnxruntime ") {
		t.Errorf("a model with Celu ran in %q", r)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"the engine only":   {append(base, "--runtime", "go", "--ort-lib", lib, "-o", "a"), "Celu"},
		"no library":        {append(base, "-o", "b"), "ONNXRUNTIME_LIB"},
		"ort, no library":   {append(base, "--runtime", "ort", "-o", "c"), "ONNXRUNTIME_LIB"},
		"library not there": {append(base, "--runtime", "ort", "--ort-lib", filepath.Join(dir, "no.so"), "-o", "d"), "no.so"},
	} {
		if code, _, stderr := run(t, dir, c.args...); code != ExitError || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, %s", name, code, stderr)
		}
	}
}
