package int8static_test

import (
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/int4weights"
	"github.com/lethe-audit/lethe/compress/int8static"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/cifar"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/enginetest/agree"
	"github.com/lethe-audit/lethe/engine/enginetest/tflite"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/onnx"
)

// real is a published float network for CIFAR-10.
type real struct {
	name string
	load func(t *testing.T) *onnx.Model
	raw  bool // takes 0 to 255; otherwise CIFAR-10's usual mean and deviation
}

func reals() []real {
	mlperf := func(file string) func(t *testing.T) *onnx.Model {
		return func(t *testing.T) *onnx.Model {
			m, err := tflite.Load(realdata.Path(t, "models", "mlperf-tiny-cifar10", file))
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
	published := func(file string) func(t *testing.T) *onnx.Model {
		return func(t *testing.T) *onnx.Model {
			m, err := onnx.Load(realdata.Path(t, "models", "vnncomp21-cifar10-onnx", file))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			return m
		}
	}
	return []real{
		{"ResNet8", mlperf("pretrainedResnet.tflite"), true},
		{"ResNet8 large", mlperf("pretrainedResnet_large_float.tflite"), true},
		{"resnet_2b", published("resnet_2b.onnx"), false},
		{"resnet_4b", published("resnet_4b.onnx"), false},
	}
}

// images are CIFAR-10 images as these networks take them.
type images struct{ raw, normal *agree.Images }

func load(t *testing.T, dir string, split dataset.Split) images {
	t.Helper()
	d, err := cifar.CIFAR10().Open(t.Context(), dataset.Request{Path: dir, Split: split})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	prepared := func(pre dataset.Preprocess) *agree.Images {
		im, err := agree.Load(t.Context(), d, pre)
		if err != nil {
			t.Fatal(err)
		}
		return im
	}
	raw, normal := dataset.DefaultPreprocess(), dataset.DefaultPreprocess()
	raw.Scale = 1
	normal.Mean, normal.Std = []float64{.4914, .4822, .4465}, []float64{.2471, .2435, .2616}
	return images{prepared(raw), prepared(normal)}
}

func (im images) of(r real) *agree.Images {
	if r.raw {
		return im.raw
	}
	return im.normal
}

// examples are images as a scheme takes them.
func examples(im *agree.Images) *compress.Held {
	dims := im.Shape.Dims(im.Len())
	return &compress.Held{Tensors: []engine.Tensor{tensor.Must(tensor.New(dims[:], im.Data))}, IDs: [][]dataset.ExampleID{im.IDs}}
}

// What the schemes make of real networks is classified alike by our engine and
// by ONNX Runtime, on the test images of agree.Images.Tested; scales are from the first 100
// training images, with the default options.
func TestAgreement(t *testing.T) {
	if testing.Short() {
		t.Skip("many predictions")
	}
	o := enginetest.NeedORT(t)
	train, test := load(t, realdata.CIFARFirst(t), dataset.SplitTrain), load(t, realdata.CIFARTest(t), dataset.SplitTest)
	operators := int8static.DefaultOptions()
	operators.QOperator = true
	for _, r := range reals() {
		for _, s := range []struct {
			name   string
			scheme compress.Scheme
		}{
			{"int8-static", int8static.New(int8static.DefaultOptions())},
			{"int8-static, operators", int8static.New(operators)},
			{"int4-weights", int4weights.New(int4weights.DefaultOptions())},
		} {
			t.Run(r.name+", "+s.name, func(t *testing.T) {
				out, err := compress.Run(t.Context(), r.load(t), []compress.Scheme{s.scheme},
					compress.Input{Calibration: examples(train.of(r)), Engine: engine.DefaultOptions()}, "test")
				if err != nil {
					t.Fatal(err)
				}
				im := test.of(r).Tested()
				c, err := agree.Compare(t.Context(), o, out.Model, im, agree.DefaultOptions())
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d of %d agree; the engine is right on %d", c.Optimized.Agreeing, c.Optimized.Images, c.GoRight)
				for _, d := range c.Optimized.Differences {
					t.Logf("  %+v", d)
				}
				if c.Optimized.Images != im.Len() || c.Optimized.Share() < agree.Rule {
					t.Errorf("%d of %d images have the same class, want at least %v of %d", c.Optimized.Agreeing, c.Optimized.Images, agree.Rule, im.Len())
				}
			})
		}
	}
}
