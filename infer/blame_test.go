package infer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/infer/restore"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// network is a small residual network for images of 8 x 8 with 3 channels.
func network(seed uint64) *onnx.Model {
	b := enginetest.New("net", seed)
	x := b.Input("x", -1, 3, 8, 8)
	conv := func(x string) string {
		return b.BatchNorm(b.Conv(x, enginetest.ConvSpec{Out: 8, Kernel: 3}))
	}
	y := b.Relu(conv(x))
	z := b.Relu(b.Add(conv(b.Relu(conv(y))), y))
	b.Output(b.Dense(z, classes), 2)
	return b.Model()
}

// coarse is the model with the weights of its convolutions and products rounded
// to a few steps.
func coarse(t *testing.T, m *onnx.Model, steps float32) *onnx.Model {
	t.Helper()
	c := m.Clone()
	for _, n := range c.Graph.Nodes {
		if n.Op != "Conv" && n.Op != "Gemm" {
			continue
		}
		w := c.Graph.Initializer(n.Inputs[1])
		data, err := w.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		data = slices.Clone(data)
		top := max(slices.Max(data), -slices.Min(data))
		for i, v := range data {
			data[i] = float32(int(v/top*steps)) / steps * top
		}
		r, err := onnx.TensorOf(w.Name, data, w.Dims...)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Graph.ReplaceInitializer(r); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func save(t *testing.T, m *onnx.Model, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := onnx.Save(m, path, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
	return path
}

func blame(t *testing.T, j *infer.Job, o infer.BlameOptions) *prediction.Table {
	t.Helper()
	r, err := infer.Blame(t.Context(), j, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r.Table
}

func sameAnswers(a, b *prediction.Member) bool {
	return a.Predicted.Equal(b.Predicted) && slices.Equal(a.Confidence, b.Confidence) && slices.Equal(a.TrueScore, b.TrueScore)
}

// Every restored variant predicts what its whole model does, whether what comes
// before the layer is computed once or every time, in one pass or in several, and
// after a run that was cut off.
func TestBlame(t *testing.T) {
	base := network(1)
	cand := coarse(t, base, 2)
	plan, err := restore.Match(base, cand)
	if err != nil {
		t.Fatal(err)
	}
	d := datasettest.NewMemory(300, classes, 8, 8, 3, 5)
	j := job(t, d, save(t, base, "dense.onnx"), save(t, cand, "coarse.onnx"))
	o := infer.DefaultBlameOptions()
	o.Block = 100
	table := blame(t, j, o)
	if len(table.Variants) != 2+len(plan.Layers) || len(plan.Layers) != 4 {
		t.Fatalf("%d variants for %d layers", len(table.Variants), len(plan.Layers))
	}
	whole := job(t, d)
	for i := range plan.Layers {
		m, err := plan.Model(i)
		if err != nil {
			t.Fatal(err)
		}
		whole.Variants = append(whole.Variants, infer.Variant{Name: plan.Layers[i].Name, Files: []string{save(t, m, fmt.Sprint(i, ".onnx"))}})
	}
	want := predict(t, whole)
	changed := 0
	for i := range plan.Layers {
		v := &table.Variants[2+i]
		if v.Kind != prediction.KindRestored || v.Restored == nil || v.Restored.Layer != plan.Layers[i].Name || v.Restored.Of != "coarse.onnx" {
			t.Errorf("variant %s: %+v", v.Name, v.Restored)
		}
		if a, b := &v.Members[0], &want.Variants[i].Members[0]; !sameAnswers(a, b) {
			t.Errorf("%s predicts something else than its whole model: %v and %v, classes equal: %v", v.Name, a.Confidence[:4], b.Confidence[:4], a.Predicted.Equal(b.Predicted))
		}
		if !v.Members[0].Predicted.Equal(table.Variants[1].Members[0].Predicted) {
			changed++
		}
		for name, x := range map[string]*float64{"weights": v.Restored.WeightSQNR, "own": v.Restored.OwnSQNR, "output": v.Restored.OutputSQNR, "error": v.Restored.WeightError} {
			if x == nil {
				t.Errorf("%s: noise of %s is not known", v.Name, name)
			}
		}
	}
	if changed == 0 {
		t.Error("no restored layer changes an answer: the test shows nothing")
	}
	naive, passes := o, o
	naive.Naive, passes.WeightBytes = true, 1
	for name, p := range map[string]infer.BlameOptions{"naive": naive, "a pass for each layer": passes, "again": o} {
		k := j
		if name != "again" {
			k = job(t, d, j.Variants[0].Files[0], j.Variants[1].Files[0])
		} else if left, _ := filepath.Glob(filepath.Join(k.Work, "*.blame")); len(left) != 3 || os.Remove(left[1]) != nil {
			t.Fatalf("finished blocks: %v", left)
		}
		got := blame(t, k, p)
		for v := range table.Variants {
			if !sameAnswers(&got.Variants[v].Members[0], &table.Variants[v].Members[0]) {
				t.Errorf("%s: %s differs", name, got.Variants[v].Name)
			}
		}
	}
}

// The noise of a layer is that of a computation by hand.
func TestBlameNoise(t *testing.T) {
	base := network(1)
	cand := coarse(t, base, 2)
	table := blame(t, job(t, datasettest.NewMemory(40, classes, 8, 8, 3, 5), save(t, base, "dense.onnx"), save(t, cand, "coarse.onnx")), infer.DefaultBlameOptions())
	a, b := base.Graph.Nodes[0], cand.Graph.Nodes[0]
	x, _ := base.Graph.Initializer(a.Inputs[1]).Float32s()
	y, _ := cand.Graph.Initializer(b.Inputs[1]).Float32s()
	top, worst := float32(0), float32(0)
	for i := range x {
		top, worst = max(top, x[i], -x[i]), max(worst, y[i]-x[i], x[i]-y[i])
	}
	r := table.Variants[2].Restored
	if r.WeightError == nil || *r.WeightError-float64(worst/top) > 1e-6 || float64(worst/top)-*r.WeightError > 1e-6 {
		t.Errorf("weight error %v, want %v", *r.WeightError, worst/top)
	}
	if first := table.Variants[2].Restored; *first.OwnSQNR-*first.OutputSQNR > 1e-6 || *first.OutputSQNR-*first.OwnSQNR > 1e-6 {
		t.Errorf("nothing comes before the first layer, and its noise is %v alone and %v in all", *first.OwnSQNR, *first.OutputSQNR)
	}
	if r := table.Variants[4].Restored; *r.OutputSQNR >= *r.OwnSQNR {
		t.Errorf("a later layer has %v dB alone and %v with all noise before it", *r.OwnSQNR, *r.OutputSQNR)
	}
}

// Members are restored from the member that they were made from.
func TestBlamePopulation(t *testing.T) {
	d := datasettest.NewMemory(60, classes, 8, 8, 3, 5)
	var dense, small []string
	for seed := range uint64(2) {
		base := network(seed + 1)
		dense = append(dense, save(t, base, fmt.Sprintf("d%d.onnx", seed)))
		c := coarse(t, base, 2)
		c.SetMeta(infer.MetaSource, weightsDigest(t, dense[seed]))
		small = append(small, save(t, c, fmt.Sprintf("q%d.onnx", seed)))
	}
	j := job(t, d)
	j.Variants = []infer.Variant{{Name: "dense", Files: dense}, {Name: "small", Files: []string{small[1], small[0]}}}
	table := blame(t, j, infer.DefaultBlameOptions())
	one := blame(t, job(t, d, dense[1], small[1]), infer.DefaultBlameOptions())
	for i, v := range table.Variants[2:] {
		if len(v.Members) != 2 || v.Members[0].Lineage != table.Variants[0].Members[1].Lineage {
			t.Errorf("%s: %d members, lineage %q", v.Name, len(v.Members), v.Members[0].Lineage)
		}
		if !sameAnswers(&v.Members[0], &one.Variants[2+i].Members[0]) {
			t.Errorf("%s: the first member is not that of the pair alone", v.Name)
		}
	}
	j = job(t, d)
	j.Variants = []infer.Variant{{Name: "dense", Files: dense}, {Name: "small", Files: []string{save(t, coarse(t, network(1), 2), "q.onnx")}}}
	if _, err := infer.Blame(t.Context(), j, infer.DefaultBlameOptions()); !errors.Is(err, infer.ErrMembers) {
		t.Errorf("two dense models and one without source: %v", err)
	}
}

func TestBlameErrors(t *testing.T) {
	d := datasettest.NewMemory(20, classes, 8, 8, 3, 5)
	base := network(1)
	copied := base.Clone()
	copied.SetMeta(infer.MetaScheme, "int8-static")
	_, err := infer.Blame(t.Context(), job(t, d, save(t, base, "fp32.onnx"), save(t, copied, "int8.onnx")), infer.DefaultBlameOptions())
	if !errors.Is(err, infer.ErrSameWeights) || !strings.Contains(err.Error(), "int8.onnx") {
		t.Errorf("a renamed copy: %v", err)
	}
}
