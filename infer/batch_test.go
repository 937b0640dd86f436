package infer_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/int8dynamic"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// dynamic quantizes the images of a model by the range of their whole batch.
func dynamic(t *testing.T, file string) string {
	t.Helper()
	m, err := onnx.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Graph.Nodes[0].Inputs[0] = "xd"
	m.Graph.Nodes = append([]*onnx.Node{
		{Name: "range", Op: "DynamicQuantizeLinear", Inputs: []string{"x"}, Outputs: []string{"xq", "xs", "xz"}},
		{Name: "back", Op: "DequantizeLinear", Inputs: []string{"xq", "xs", "xz"}, Outputs: []string{"xd"}},
	}, m.Graph.Nodes...)
	out := filepath.Join(t.TempDir(), "dynamic.onnx")
	if err := onnx.Save(m, out, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
	return out
}

// uneven are images whose ranges differ: one that is computed together with
// another one is quantized otherwise than alone.
func uneven() dataset.Dataset {
	d := datasettest.NewMemory(21, classes, 8, 8, 3, 9)
	for i, im := range d.Images {
		for k := range im.Pix {
			im.Pix[k] = uint8(int(im.Pix[k]) * (i + 1) / len(d.Images))
		}
	}
	return d
}

func scoresOf(t *testing.T, m *prediction.Member, n int) []float32 {
	t.Helper()
	all := make([]float32, n*classes)
	if err := m.Scores.Rows(0, all); err != nil {
		t.Fatal(err)
	}
	return all
}

// The size of a batch changes no bit of a prediction, whatever batch the model
// declares, and also where it quantizes a batch by its range. That costs a
// batch, and is told.
func TestBatchDoesNotMatter(t *testing.T) {
	plain, fixed1, fixed8 := model(t, "any.onnx", 1, 0, false), model(t, "one.onnx", 2, 1, false), model(t, "eight.onnx", 3, 8, false)
	whole := dynamic(t, model(t, "d.onnx", 4, 0, false))
	var first [][]float32
	for _, batch := range []int{1, 2, 7, 32} {
		j := job(t, uneven(), plain, fixed1, fixed8, whole)
		j.Options.Batch = batch
		table := predict(t, j)
		for v := range table.Variants {
			got := scoresOf(t, &table.Variants[v].Members[0], table.Len())
			if batch == 1 {
				first = append(first, got)
			} else if !slices.Equal(got, first[v]) {
				t.Errorf("batch %d: %s predicts something else than alone", batch, table.Variants[v].Name)
			}
		}
		if len(table.Notes) != 1 || !strings.Contains(table.Notes[0], "dynamic.onnx: computed one image at a time") {
			t.Errorf("batch %d: notes %q", batch, table.Notes)
		}
	}
	table := predict(t, job(t, uneven(), dynamic(t, fixed8), plain))
	if len(table.Notes) != 1 || !strings.Contains(table.Notes[0], "takes 8 images at a time") {
		t.Errorf("notes %q", table.Notes)
	}
}

// A model that declares one image is given as many at once as any other, to
// keep all cores busy; without the engine's leave it gets its own number.
func TestFixedBatchRunsTogether(t *testing.T) {
	for name, free := range map[string]bool{"engine": true, "fixed": false} {
		t.Run(name, func(t *testing.T) {
			var sizes []int
			j := job(t, datasettest.NewMemory(21, classes, 8, 8, 3, 5), model(t, "one.onnx", 1, 1, false), model(t, "b.onnx", 2, 1, false))
			j.Runtime = func(m *onnx.Model, o engine.Options) (infer.Runtime, error) {
				if !o.FreeBatch {
					t.Error("FreeBatch is not asked for")
				}
				o.FreeBatch = free
				return infer.Runtime{Name: name, Open: func() (engine.Session, error) {
					s, err := engine.New(m, o)
					return &counting{s.(freeSession), &sizes}, err
				}}, nil
			}
			j.Options.Batch = 8
			predict(t, j)
			if want := map[bool]int{true: 8, false: 1}[free]; slices.Max(sizes) != want {
				t.Errorf("batches of %v, want up to %d", sizes, want)
			}
		})
	}
}

// A model that quantizes by the range of a batch is given many images at once,
// too: the engine computes them apart, on all cores side by side. What it says
// of each does not depend on how many there are, also with a layer put back.
func TestDynamicRunsSideBySide(t *testing.T) {
	var sizes []int
	d := datasettest.NewMemory(21, classes, 8, 8, 3, 5)
	j := job(t, d, model(t, "a.onnx", 1, 0, false), dynamic(t, model(t, "d.onnx", 2, 0, false)))
	j.Options.Batch = 8
	j.Runtime = func(m *onnx.Model, o engine.Options) (infer.Runtime, error) {
		return infer.Runtime{Name: "counting", Open: func() (engine.Session, error) {
			s, err := engine.New(m, o)
			return &counting{s.(freeSession), &sizes}, err
		}}, nil
	}
	predict(t, j)
	if want := []int{8, 8, 5, 8, 8, 5}; !slices.Equal(sizes, want) {
		t.Errorf("batches of %v, want %v", sizes, want)
	}

	base := network(1)
	q, err := compress.Run(t.Context(), base, []compress.Scheme{int8dynamic.New(int8dynamic.DefaultOptions())}, compress.Input{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	a, b := save(t, base, "fp32.onnx"), save(t, q.Model, "dynamic.onnx")
	var first *prediction.Table
	for _, batch := range []int{1, 8} {
		for _, naive := range []bool{false, true} {
			j := job(t, uneven(), a, b)
			j.Options.Batch = batch
			o := infer.DefaultBlameOptions()
			o.Naive = naive
			table := blame(t, j, o)
			if first == nil {
				first = table
				continue
			}
			for v := range first.Variants {
				if !sameAnswers(&table.Variants[v].Members[0], &first.Variants[v].Members[0]) {
					t.Errorf("batch %d, naive %v: %s says something else", batch, naive, table.Variants[v].Name)
				}
			}
		}
	}
}

// freeSession is what a session of the engine offers.
type freeSession interface {
	engine.Session
	FreeBatch() bool
	Independent(shapes map[string][]int) (bool, error)
}

// counting notes how many images a session is given.
type counting struct {
	freeSession
	sizes *[]int
}

// Run notes the number of images.
func (c *counting) Run(ctx context.Context, in map[string]engine.Tensor) (map[string]engine.Tensor, error) {
	*c.sizes = append(*c.sizes, in["x"].Shape()[0])
	return c.freeSession.Run(ctx, in)
}
