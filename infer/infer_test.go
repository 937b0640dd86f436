package infer_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

const classes = 4

// weights of a classifier that looks at the mean of each channel.
func weights(seed uint64) (w, b []float32) {
	r := rand.New(rand.NewPCG(seed, 3))
	w, b = make([]float32, classes*3), make([]float32, classes)
	for i := range w {
		w[i] = 8 * float32(r.NormFloat64())
	}
	for i := range b {
		b[i] = float32(r.NormFloat64())
	}
	return w, b
}

// model writes images [batch, 3, 8, 8] -> mean over pixels -> linear -> scores;
// batch 0 is any number.
func model(t *testing.T, name string, seed uint64, batch int64, softmax bool) string {
	t.Helper()
	first := onnx.Symbol("N")
	if batch > 0 {
		first = onnx.Fixed(batch)
	}
	w, b := weights(seed)
	tensor := func(name string, v []float32, dims ...int64) *onnx.Tensor {
		x, err := onnx.TensorOf(name, v, dims...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	value := func(name string, dims ...onnx.Dim) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.TypeShape{Elem: onnx.Float, Shape: dims}}
	}
	g := &onnx.Graph{
		Name:         "linear",
		Inputs:       []*onnx.ValueInfo{value("x", first, onnx.Fixed(3), onnx.Fixed(8), onnx.Fixed(8))},
		Initializers: []*onnx.Tensor{tensor("w", w, classes, 3), tensor("b", b, classes)},
		Nodes: []*onnx.Node{
			{Name: "pool", Op: "GlobalAveragePool", Inputs: []string{"x"}, Outputs: []string{"p"}},
			{Name: "flat", Op: "Flatten", Inputs: []string{"p"}, Outputs: []string{"f"}},
			{Name: "fc", Op: "Gemm", Inputs: []string{"f", "w", "b"}, Outputs: []string{"scores"}, Attrs: []*onnx.Attr{onnx.IntAttr("transB", 1)}},
		},
	}
	out := "scores"
	if softmax {
		out = "probabilities"
		g.Nodes = append(g.Nodes, &onnx.Node{Name: "softmax", Op: "Softmax", Inputs: []string{"scores"}, Outputs: []string{out}})
	}
	g.Outputs = []*onnx.ValueInfo{value(out, first, onnx.Fixed(classes))}
	path := filepath.Join(t.TempDir(), name)
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: g}
	if err := onnx.Save(m, path, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
	return path
}

// want computes the scores of one image in float64.
func want(im *dataset.Image, seed uint64) []float64 {
	w, b := weights(seed)
	var mean [3]float64
	for i, v := range im.Pix {
		mean[i%3] += float64(v) / 255 / float64(len(im.Pix)/3)
	}
	out := make([]float64, classes)
	for c := range out {
		out[c] = float64(b[c])
		for k := range 3 {
			out[c] += float64(w[c*3+k]) * mean[k]
		}
	}
	return out
}

func job(t *testing.T, d dataset.Dataset, files ...string) *infer.Job {
	j := &infer.Job{Data: d, Preprocess: dataset.DefaultPreprocess(), Source: "memory", Work: t.TempDir(), Tool: "test", Options: infer.DefaultOptions()}
	for _, f := range files {
		j.Variants = append(j.Variants, infer.Variant{Name: filepath.Base(f), Files: []string{f}})
	}
	return j
}

func predict(t *testing.T, j *infer.Job) *prediction.Table {
	t.Helper()
	r, err := infer.Predict(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r.Table
}

// Scores, classes and confidences equal a computation by hand, whatever the
// model's batch; the last batch of a fixed-batch model is padded.
func TestScores(t *testing.T) {
	d := datasettest.NewMemory(37, classes, 8, 8, 3, 5)
	for name, batch := range map[string]int64{"any batch": 0, "one at a time": 1, "batches of 8": 8} {
		for _, softmax := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				table := predict(t, job(t, d, model(t, "a.onnx", 1, batch, softmax), model(t, "b.onnx", 2, batch, softmax)))
				for v := range table.Variants {
					m := &table.Variants[v].Members[0]
					kind := prediction.Logits
					if softmax {
						kind = prediction.Probabilities
					}
					if m.Scores.Kind() != kind {
						t.Errorf("scores are %s, want %s", m.Scores.Kind(), kind)
					}
					row := make([]float32, classes)
					for i := range table.Len() {
						s := want(d.Images[i], uint64(v+1))
						best, sum := 0, 0.0
						for c := range s {
							if s[c] > s[best] {
								best = c
							}
						}
						for c := range s {
							sum += math.Exp(s[c] - s[best])
						}
						if m.Predicted.At(i) != best || math.Abs(float64(m.Confidence[i])-1/sum) > 1e-5 {
							t.Fatalf("example %d: class %d at %v, want %d at %v", i, m.Predicted.At(i), m.Confidence[i], best, 1/sum)
						}
						if err := m.Scores.Rows(i, row); err != nil {
							t.Fatal(err)
						}
						if !softmax && math.Abs(float64(row[0])-s[0]) > 1e-4 {
							t.Fatalf("example %d: score %v, want %v", i, row[0], s[0])
						}
					}
				}
				if table.ID(3) != "test/00003" || len(table.Attributes) != 1 || table.Attributes[0].Codes[3] != 1 {
					t.Errorf("ids or attributes were lost")
				}
			})
		}
	}
}

// A finished model is taken up, not computed again, and a changed model is.
func TestResume(t *testing.T) {
	d := datasettest.NewMemory(20, classes, 8, 8, 3, 6)
	a, b := model(t, "a.onnx", 1, 0, false), model(t, "b.onnx", 2, 0, false)
	j := job(t, d, a, filepath.Join(t.TempDir(), "missing.onnx"))
	if _, err := infer.Predict(context.Background(), j); err == nil {
		t.Fatal("a missing model was no error")
	}
	resumed := map[string]bool{}
	j.Variants[1].Files[0] = b
	j.Done = func(file string, _, _ int, again bool) { resumed[file] = again }
	first := predict(t, j)
	if !resumed[a] || resumed[b] {
		t.Errorf("resumed %v, want the first model only", resumed)
	}
	if err := os.WriteFile(a, must(os.ReadFile(model(t, "a.onnx", 3, 0, false))), 0o644); err != nil {
		t.Fatal(err)
	}
	second := predict(t, j)
	if resumed[a] || !resumed[b] {
		t.Errorf("resumed %v, want the unchanged model only", resumed)
	}
	if !first.Variants[1].Members[0].Predicted.Equal(second.Variants[1].Members[0].Predicted) {
		t.Error("a resumed model predicts something else")
	}
}

// Another runtime's result is not taken up, and its name goes with the
// predictions.
func TestResumeOtherRuntime(t *testing.T) {
	j := job(t, datasettest.NewMemory(20, classes, 8, 8, 3, 6), model(t, "a.onnx", 1, 0, false), model(t, "b.onnx", 2, 0, false))
	count := 0
	j.Done = func(_ string, _, _ int, again bool) {
		if again {
			count++
		}
	}
	if m := predict(t, j).Variants[0].Members[0]; m.Config["runtime"] != "go" {
		t.Errorf("ran in %q", m.Config["runtime"])
	}
	j.Runtime = func(m *onnx.Model, o engine.Options) (infer.Runtime, error) {
		r, err := infer.GoRuntime(m, o)
		r.Name = "another 1.0"
		return r, err
	}
	if m := predict(t, j).Variants[0].Members[0]; m.Config["runtime"] != "another 1.0" || count != 0 {
		t.Errorf("ran in %q, %d models were taken up", m.Config["runtime"], count)
	}
	if predict(t, j); count != 2 {
		t.Errorf("%d models were taken up, want both", count)
	}
	j.Runtime = func(*onnx.Model, engine.Options) (infer.Runtime, error) { return infer.Runtime{}, errNone }
	if _, err := infer.Predict(t.Context(), j); !errors.Is(err, errNone) {
		t.Errorf("no runtime: %v", err)
	}
}

var errNone = errors.New("nothing runs this")

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Images that cannot be read leave the table, for all models, and are told.
func TestBadImages(t *testing.T) {
	d := datasettest.NewMemory(300, classes, 8, 8, 3, 7)
	d.Bad[5] = &dataset.BadImage{ID: "test/00005", Err: errors.New("broken")}
	table := predict(t, job(t, d, model(t, "a.onnx", 1, 0, false), model(t, "b.onnx", 2, 8, false)))
	if table.Len() != 299 || table.Join.Missing != 1 || table.ID(5) != "test/00006" {
		t.Errorf("%d examples, %+v, example 5 is %s", table.Len(), table.Join, table.ID(5))
	}
	if len(table.Notes) != 1 || !strings.Contains(table.Notes[0], "test/00005") {
		t.Errorf("notes %q", table.Notes)
	}
}

func TestErrors(t *testing.T) {
	good := model(t, "a.onnx", 1, 0, false)
	for name, c := range map[string]struct {
		data   dataset.Dataset
		layout dataset.Layout
		want   string
	}{
		"class count":  {datasettest.NewMemory(8, 5, 8, 8, 3, 1), dataset.NCHW, "no output gives 5 float32 scores an image"},
		"image size":   {datasettest.NewMemory(8, classes, 9, 8, 3, 1), dataset.NCHW, "images are 8 x 9 with 3 channels"},
		"other layout": {datasettest.NewMemory(8, classes, 8, 8, 3, 1), dataset.NHWC, "with ?layout=nchw they would fit"},
	} {
		t.Run(name, func(t *testing.T) {
			j := job(t, c.data, good, good)
			j.Preprocess.Layout = c.layout
			_, err := infer.Predict(context.Background(), j)
			if !errors.Is(err, infer.ErrShape) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "a.onnx") {
				t.Errorf("got %v, want %q and the file", err, c.want)
			}
			left, _ := filepath.Glob(filepath.Join(j.Work, "*"))
			if len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestSameWeightsAreRefused(t *testing.T) {
	d := datasettest.NewMemory(20, classes, 8, 8, 3, 6)
	j := job(t, d, model(t, "fp32.onnx", 1, 0, false), model(t, "int8.onnx", 1, 8, false))
	err := infer.Differ(j.Variants, predict(t, j).Variants)
	if !errors.Is(err, infer.ErrSameWeights) || !strings.Contains(err.Error(), "fp32.onnx") || !strings.Contains(err.Error(), "int8.onnx") {
		t.Errorf("got %v", err)
	}
	j = job(t, d, model(t, "fp32.onnx", 1, 0, false), model(t, "other.onnx", 2, 0, false))
	if err := infer.Differ(j.Variants, predict(t, j).Variants); err != nil {
		t.Error(err)
	}
}

// claiming writes a model whose metadata say what it was made from.
func claiming(t *testing.T, name string, seed uint64, source, scheme string) string {
	t.Helper()
	path := model(t, name, seed, 0, false)
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m = m.Clone()
	m.SetMeta(infer.MetaSource, source)
	m.SetMeta(infer.MetaScheme, scheme)
	out := filepath.Join(t.TempDir(), name)
	if err := onnx.Save(m, out, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
	return out
}

func weightsDigest(t *testing.T, path string) string {
	t.Helper()
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	f, err := onnx.Inspect(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.WeightsDigest
}

// Members are paired with the baseline member that their metadata name, in
// whatever order they are given; members without such a source keep none.
func TestLineageFromSource(t *testing.T) {
	d := datasettest.NewMemory(20, classes, 8, 8, 3, 6)
	a, b := model(t, "a.onnx", 1, 0, false), model(t, "b.onnx", 2, 0, false)
	j := job(t, d)
	j.Variants = []infer.Variant{
		{Name: "dense", Files: []string{a, b}},
		{Name: "int8", Files: []string{
			claiming(t, "qb.onnx", 4, weightsDigest(t, b), "sparsity=0.5 int8-static"),
			claiming(t, "qa.onnx", 3, weightsDigest(t, a), "int8-static"),
			model(t, "other.onnx", 5, 0, false),
		}},
	}
	table := predict(t, j)
	base, q := table.Variants[0].Members, table.Variants[1].Members
	if base[0].Lineage == "" || base[0].Lineage == base[1].Lineage || q[0].Lineage != base[1].Lineage || q[1].Lineage != base[0].Lineage || q[2].Lineage != "" {
		t.Errorf("lineages %q %q; %q %q %q", base[0].Lineage, base[1].Lineage, q[0].Lineage, q[1].Lineage, q[2].Lineage)
	}
	if c := q[0].Facts.Claim; c == nil || len(c.Schemes) != 2 || c.Schemes[1] != "int8-static" {
		t.Errorf("claim %+v", c)
	}
	if len(table.Notes) != 1 || !strings.Contains(table.Notes[0], "2 of 3 members") {
		t.Errorf("notes %q", table.Notes)
	}
	j.Paired = true // the order decides where the user says so
	table = predict(t, j)
	if base, q = table.Variants[0].Members, table.Variants[1].Members; q[0].Lineage != base[0].Lineage || len(table.Notes) != 0 {
		t.Errorf("with --paired: %q %q, notes %q", base[0].Lineage, q[0].Lineage, table.Notes)
	}
}

// A file that was saved again with other metadata holds the same weights.
func TestRenamedCopyIsRefused(t *testing.T) {
	d := datasettest.NewMemory(20, classes, 8, 8, 3, 6)
	a := model(t, "fp32.onnx", 1, 0, false)
	j := job(t, d, a, claiming(t, "int8.onnx", 1, "sha256:0", "int8-static"))
	err := infer.Differ(j.Variants, predict(t, j).Variants)
	if !errors.Is(err, infer.ErrSameWeights) || !strings.Contains(err.Error(), "int8.onnx") {
		t.Errorf("got %v", err)
	}
}
