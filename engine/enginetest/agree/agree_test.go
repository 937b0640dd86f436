package agree_test

import (
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/cifar"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/enginetest/agree"
	"github.com/lethe-audit/lethe/engine/enginetest/tflite"
	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/onnx"
)

// subject is a model that both runtimes must agree on.
type subject struct {
	name string
	slow bool // ONNX Runtime takes minutes: without -update the first 1,000 images only
	raw  bool // takes 0 to 255; otherwise CIFAR-10's usual mean and deviation
	load func(t *testing.T) *onnx.Model
}

func published(name string) func(t *testing.T) *onnx.Model {
	return func(t *testing.T) *onnx.Model {
		m, err := onnx.Load(realdata.Path(t, "models", "vnncomp21-cifar10-onnx", name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
}

func mlperf(file string) func(t *testing.T) *onnx.Model {
	return func(t *testing.T) *onnx.Model {
		m, err := tflite.Load(realdata.Path(t, "models", "mlperf-tiny-cifar10", file))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

func half(load func(t *testing.T) *onnx.Model) func(t *testing.T) *onnx.Model {
	return func(t *testing.T) *onnx.Model {
		m, err := enginetest.Half(load(t))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

func qoperators(load func(t *testing.T) *onnx.Model) func(t *testing.T) *onnx.Model {
	return func(t *testing.T) *onnx.Model {
		m, err := enginetest.QOperators(load(t))
		if err != nil {
			t.Fatal(err)
		}
		convs := 0
		for _, n := range m.Graph.Nodes {
			if n.Op == "QLinearConv" {
				convs++
			} else if n.Op == "Conv" {
				t.Errorf("%s stayed a Conv", n.Name)
			}
		}
		if convs < 9 {
			t.Errorf("%d QLinearConv, want 9", convs)
		}
		return m
	}
}

// subjects are the real models there are, in every form.
func subjects() []subject {
	small, large := mlperf("pretrainedResnet.tflite"), mlperf("pretrainedResnet_large_float.tflite")
	small8, large8 := mlperf("pretrainedResnet_quant.tflite"), mlperf("pretrainedResnet_large_int8.tflite")
	two, four := published("resnet_2b"), published("resnet_4b")
	return []subject{
		{"resnet_2b, float32", false, false, two},
		{"resnet_4b, float32", false, false, four},
		{"ResNet8, float32", false, true, small},
		{"ResNet8 large, float32", false, true, large},
		{"resnet_2b, float16", false, false, half(two)},
		{"resnet_4b, float16", false, false, half(four)},
		{"ResNet8, float16", false, true, half(small)},
		{"ResNet8 large, float16", false, true, half(large)},
		{"ResNet8, int8, QDQ", false, true, small8},
		{"ResNet8 large, int8, QDQ", false, true, large8},
		{"ResNet8, int8, QLinearConv", true, true, qoperators(small8)},
		{"ResNet8 large, int8, QLinearConv", true, true, qoperators(large8)},
	}
}

// cifarImages is CIFAR-10's test set, raw and normalized.
func cifarImages(t *testing.T) (raw, normal *agree.Images) {
	t.Helper()
	d, err := cifar.CIFAR10().Open(t.Context(), dataset.Request{Path: realdata.CIFARTest(t), Split: dataset.SplitTest})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	pre := dataset.DefaultPreprocess()
	pre.Scale = 1
	if raw, err = agree.Load(t.Context(), d, pre); err != nil {
		t.Fatal(err)
	}
	pre = dataset.DefaultPreprocess()
	pre.Mean, pre.Std = []float64{.4914, .4822, .4465}, []float64{.2471, .2435, .2616}
	if normal, err = agree.Load(t.Context(), d, pre); err != nil {
		t.Fatal(err)
	}
	return raw, normal
}

// The engine and ONNX Runtime as it is used agree on every real model there is:
// the same class on 99.9 % of 10,000 images, and on all of them, near-ties aside,
// where the model computes in float32. With -update ONNX Runtime also runs
// without its graph optimizations, and doc/agreement.md is written.
func TestAgreement(t *testing.T) {
	if testing.Short() {
		t.Skip("240,000 predictions")
	}
	o := enginetest.NeedORT(t)
	raw, normal := cifarImages(t)
	opt := agree.DefaultOptions()
	opt.Plain = golden.Updating()
	page := &page{}
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			im := normal
			if s.raw {
				im = raw
			}
			if s.slow && !golden.Updating() {
				im = im.Pick(first(1000))
			}
			c, err := agree.Compare(t.Context(), o, s.load(t), im, opt)
			if err != nil {
				t.Fatal(err)
			}
			page.add(s.name, c)
			r := c.Optimized
			t.Logf("%d of %d; %d of %d scores differ by up to %.3g", r.Agreeing, r.Images, r.ScoresDiffering, r.Scores, r.Largest)
			for _, d := range r.Differences {
				t.Logf("%s: go %+v, onnx runtime %+v: %s", d.ID, d.Go, d.ORT, d.Cause)
				if d.Cause == "" {
					t.Errorf("%s: no cause is known", d.ID)
				}
			}
			if r.Share() < agree.Rule {
				t.Errorf("the same class on %d of %d", r.Agreeing, r.Images)
			}
		})
	}
	if golden.Updating() && !t.Failed() {
		page.write(t)
	}
}

// first is the indices 0 to n-1.
func first(n int) []int {
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	return index
}
