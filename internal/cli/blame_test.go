package cli

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// roughModel writes a small network for 32 x 32 images whose layer number
// rough, counted from 0, has its weights rounded to three values.
func roughModel(t *testing.T, path string, seed uint64, rough int) {
	t.Helper()
	b := enginetest.New("net", seed)
	x := b.Input("x", -1, 3, 32, 32)
	for range 3 {
		x = b.Relu(b.BatchNorm(b.Conv(x, enginetest.ConvSpec{Out: 8, Kernel: 3, Stride: 2})))
	}
	b.Output(b.Node("Gemm", []string{b.Node("Flatten", []string{x}), b.Random(1, 0, 10, 8*4*4)}, onnx.IntAttr("transB", 1)), 2)
	m := b.Model()
	layer := 0
	for _, n := range m.Graph.Nodes {
		if n.Op != "Conv" && n.Op != "Gemm" {
			continue
		}
		w := m.Graph.Initializer(n.Inputs[1])
		data, err := w.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		data = slices.Clone(data)
		top := max(slices.Max(data), -slices.Min(data))
		for i, v := range data {
			switch {
			case layer == rough:
				data[i] = float32(int(v/top*2)) / 2 * top
			case rough >= 0:
				data[i] = float32(int(v/top*127)) / 127 * top
			}
		}
		c, err := onnx.TensorOf(w.Name, data, w.Dims...)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Graph.ReplaceInitializer(c); err != nil {
			t.Fatal(err)
		}
		layer++
	}
	if err := onnx.Save(m, path, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
}

// relabel saves a model again with metadata that claim another scheme.
func relabel(t *testing.T, from, to string) {
	t.Helper()
	m, err := onnx.Load(from)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c := m.Clone()
	c.SetMeta("lethe.source", "sha256:0")
	c.SetMeta("lethe.scheme", "int8-static")
	c.Producer.Name = "another tool"
	if err := onnx.Save(c, to, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
}

// blameFixture has a baseline, a form of it with one bad layer among good ones,
// and images.
func blameFixture(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	fixture(t, dir)
	rng := rand.New(rand.NewPCG(4, 5))
	records := make([]byte, 0, 1000*3073)
	for range 1000 { // patches of colours, so that answers differ
		records = append(records, byte(rng.IntN(10)))
		for range 3 {
			var patch [16]byte
			for i := range patch {
				patch[i] = byte(rng.Uint32())
			}
			for i := range 1024 {
				records = append(records, patch[i/32/8*4+i%32/8])
			}
		}
	}
	write(t, dir, filepath.Join("cifar-10-batches-bin", "test_batch.bin"), string(records))
	for name, rough := range map[string]int{"base.onnx": -1, "small.onnx": 1} {
		roughModel(t, filepath.Join(dir, name), 7, rough)
	}
	return dir
}

// The layer with the coarsest weights is at the top of the ranking, in the
// report and in the predictions that are kept.
func TestBlame(t *testing.T) {
	dir := blameFixture(t)
	code, stdout, stderr := run(t, dir, "--quiet", "blame", "base.onnx", "small.onnx", "--data", "cifar10:cifar-10-batches-bin", "-o", "blamed")
	if code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	_, ranking, ok := strings.Cut(stdout, "Layers, small")
	if !ok {
		t.Fatalf("no ranking in\n%s", stdout)
	}
	names := map[string]int{}
	for _, n := range []string{"Conv_0", "Conv_3", "Conv_6"} {
		names[n] = strings.Index(ranking, n)
	}
	if names["Conv_3"] < 0 || names["Conv_3"] > names["Conv_0"] || names["Conv_3"] > names["Conv_6"] {
		t.Errorf("the coarsest layer, Conv_3, is not first in\n%s", ranking)
	}
	if !strings.Contains(strings.Join(strings.Fields(stdout), " "), "rescue answers beyond chance when they stay in float: Conv_3 (") {
		t.Errorf("the lead names no layer:\n%s", stdout)
	}
	table, err := prediction.Read(t.Context(), filepath.Join(dir, "blamed", predictionsDir))
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Variants) != 6 || table.Variants[3].Kind != prediction.KindRestored || table.Variants[3].Restored.Layer != "Conv_3" || table.Variants[3].Restored.OwnSQNR == nil {
		t.Errorf("variants %+v", table.Variants)
	}
	page, err := os.ReadFile(filepath.Join(dir, "blamed", reportFile))
	if err != nil || !strings.Contains(string(page), "Answers rescued by layer") {
		t.Errorf("the page has no ranking (%v)", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".blamed.work")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	must(t, dir, "audit", filepath.Join("blamed", predictionsDir), "-o", "again") // restored models are no candidates
	must(t, dir, "gate", "again", "--policy", "near-lossless")
}

// A model in operator form has few float values: what lies between them is put
// back together, and the report says how to have each layer alone.
func TestBlameOperatorForm(t *testing.T) {
	dir := blameFixture(t)
	must(t, dir, "compress", "base.onnx", "--to", "int8-static", "--qoperator", "--calibrate", "cifar10:cifar-10-batches-bin?split=test", "-n", "20", "-o", "q.onnx")
	code, stdout, stderr := run(t, dir, "--quiet", "blame", "base.onnx", "q.onnx", "--data", "cifar10:cifar-10-batches-bin?limit=50")
	if code != ExitOK || !strings.Contains(strings.Join(strings.Fields(stdout), " "), "without --qoperator") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestBlameErrors(t *testing.T) {
	dir := blameFixture(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"base.onnx", "small.onnx"}, "--data SRC is required"},
		{[]string{"base.onnx", "small.onnx", "--data", "cifar10:cifar-10-batches-bin", "--sample", "-1"}, "--sample -1"},
		{[]string{"base.onnx", "copy=base.onnx", "--data", "cifar10:cifar-10-batches-bin"}, "nothing was compressed"},
		{[]string{"base.onnx", "fp32.onnx", "--data", "cifar10:cifar-10-batches-bin"}, `input "x" is in base.onnx only; the compressed model must keep the baseline's inputs`},
		{[]string{"base.onnx", "none.onnx", "--data", "cifar10:cifar-10-batches-bin"}, "none.onnx"},
		{[]string{"a=base.onnx,d0.onnx", "b=small.onnx", "--data", "cifar10:cifar-10-batches-bin"}, "members do not match"},
	} {
		code, _, stderr := run(t, dir, append([]string{"--quiet", "blame"}, c.args...)...)
		if code != ExitError || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, %s", c.args, code, stderr)
		}
	}
}
