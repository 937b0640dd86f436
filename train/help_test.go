package train

import (
	"context"
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/zoo"
)

// record is a row of a CSV file by column.
type record map[string]string

func (r record) number(t *testing.T, column string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func readCSV(t *testing.T, name string) []record {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []record
	for _, row := range rows[1:] {
		r := record{}
		for i, v := range row {
			r[rows[0][i]] = v
		}
		out = append(out, r)
	}
	return out
}

// pictures are images of noise with a bright quarter that tells the class, of 4.
func pictures(n, size int, seed uint64) *datasettest.Memory {
	m := datasettest.NewMemory(n, 4, size, size, 3, seed)
	for i, im := range m.Images {
		c := i % 4
		for y := range size / 2 {
			for x := range size / 2 {
				at := ((y+c/2*(size/2))*size + x + c%2*(size/2)) * 3
				for k := range 3 {
					im.Pix[at+k] |= 0xc0
				}
			}
		}
	}
	return m
}

// perceptron is two fully connected layers, the first written as a convolution
// of the whole image: quick, and without running statistics.
func perceptron(t *testing.T, size, hidden, classes int) *onnx.Model {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	g := &onnx.Graph{Name: "perceptron"}
	tensor := func(name string, sd float64, dims ...int64) string {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		data := make([]float32, n)
		for i := range data {
			data[i] = float32(sd * r.NormFloat64())
		}
		w, err := onnx.TensorOf(name, data, dims...)
		if err != nil {
			t.Fatal(err)
		}
		g.Initializers = append(g.Initializers, w)
		return name
	}
	shape := onnx.Shape{onnx.Symbol("N"), onnx.Fixed(3), onnx.Fixed(int64(size)), onnx.Fixed(int64(size))}
	g.Inputs = []*onnx.ValueInfo{{Name: "x", Type: onnx.TypeShape{Elem: onnx.Float, Shape: shape}}}
	g.Outputs = []*onnx.ValueInfo{{Name: "y", Type: onnx.TypeShape{Elem: onnx.Float, Shape: make(onnx.Shape, 2)}}}
	g.Nodes = []*onnx.Node{
		{Name: "first", Op: "Conv", Inputs: []string{"x", tensor("w1", 0.1, int64(hidden), 3, int64(size), int64(size)), tensor("b1", 0, int64(hidden))}, Outputs: []string{"h"}},
		{Name: "relu", Op: "Relu", Inputs: []string{"h"}, Outputs: []string{"a"}},
		{Name: "flat", Op: "Flatten", Inputs: []string{"a"}, Outputs: []string{"r"}},
		{Name: "last", Op: "Gemm", Inputs: []string{"r", tensor("w2", 0.1, int64(classes), int64(hidden)), tensor("b2", 0, int64(classes))}, Outputs: []string{"y"}, Attrs: []*onnx.Attr{onnx.IntAttr("transB", 1)}},
	}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: g}
	if err := onnx.Validate(m); err != nil {
		t.Fatal(err)
	}
	return m
}

// small is a convolutional network of the zoo for the pictures.
func small(t *testing.T, size int) *onnx.Model {
	t.Helper()
	m, err := zoo.Build("resnet8", zoo.Config{Classes: 4, Size: size, Channels: 3, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// quick is a recipe of a few steps.
func quick() Recipe {
	r := DefaultRecipe()
	r.Name, r.Length, r.Batch = "quick", "3 epochs", 16
	r.Optimizer.Nesterov, r.Optimizer.WeightDecay = true, 1e-3
	r.Rate = Rate{Schedule: RateCosine, Peak: 0.05, Warmup: "2 steps", Factor: 1}
	r.Augment.Flip = false
	r.Augment.Crop = Crop{Pad: 1, Fill: FillReflect}
	r.Pruning.Begin, r.Pruning.End, r.Pruning.Every = "2 steps", "11 steps", "3 steps"
	return r
}

// job trains a perceptron on 96 pictures of 8 pixels: 6 steps an epoch.
func job(t *testing.T) Job {
	t.Helper()
	dir := t.TempDir()
	return Job{
		Model: perceptron(t, 8, 12, 4), Network: "perceptron", Train: pictures(96, 8, 1), Preprocess: dataset.DefaultPreprocess(),
		Recipe: quick(), Seed: 9, Output: filepath.Join(dir, "out", "model.onnx"), Work: filepath.Join(dir, "work"), Tool: "lethe test", Threads: 1,
	}
}

// must trains.
func must(t *testing.T, j Job) *Result {
	t.Helper()
	r, err := Member(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outputs are the three files of a member.
func outputs(t *testing.T, j Job) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range []string{j.Output, ManifestFile(j.Output), CurveFile(j.Output)} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = string(b)
	}
	return out
}
