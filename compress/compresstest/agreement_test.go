package compresstest_test

import (
	"testing"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/float16"
	"github.com/lethe-audit/lethe/compress/int8dynamic"
	"github.com/lethe-audit/lethe/compress/magnitude"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/cifar"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/enginetest/agree"
	"github.com/lethe-audit/lethe/engine/enginetest/tflite"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/onnx"
)

// published are float networks for CIFAR-10 that others trained.
func published() map[string]func(t *testing.T) (*onnx.Model, dataset.Preprocess) {
	mlperf := func(file string) func(t *testing.T) (*onnx.Model, dataset.Preprocess) {
		return func(t *testing.T) (*onnx.Model, dataset.Preprocess) {
			m, err := tflite.Load(realdata.Path(t, "models", "mlperf-tiny-cifar10", file))
			if err != nil {
				t.Fatal(err)
			}
			pre := dataset.DefaultPreprocess()
			pre.Scale = 1 // 0 to 255
			return m, pre
		}
	}
	vnncomp := func(file string) func(t *testing.T) (*onnx.Model, dataset.Preprocess) {
		return func(t *testing.T) (*onnx.Model, dataset.Preprocess) {
			m, err := onnx.Load(realdata.Path(t, "models", "vnncomp21-cifar10-onnx", file))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			pre := dataset.DefaultPreprocess()
			pre.Mean, pre.Std = []float64{.4914, .4822, .4465}, []float64{.2471, .2435, .2616}
			return m, pre
		}
	}
	return map[string]func(t *testing.T) (*onnx.Model, dataset.Preprocess){
		"ResNet8":       mlperf("pretrainedResnet.tflite"),
		"ResNet8 large": mlperf("pretrainedResnet_large_float.tflite"),
		"resnet_2b":     vnncomp("resnet_2b.onnx"),
		"resnet_4b":     vnncomp("resnet_4b.onnx"),
	}
}

func pruned(t *testing.T, o magnitude.Options) compress.Scheme {
	t.Helper()
	s, err := magnitude.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the schemes that need no calibration make of real networks is classified
// alike by our engine and by ONNX Runtime, with the default options, on the test
// images of agree.Images.Tested.
func TestAgreement(t *testing.T) {
	if testing.Short() {
		t.Skip("many predictions")
	}
	ort := enginetest.NeedORT(t)
	d, err := cifar.CIFAR10().Open(t.Context(), dataset.Request{Path: realdata.CIFARTest(t), Split: dataset.SplitTest})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	two := magnitude.DefaultOptions(0.5)
	two.Pattern = magnitude.Pattern24
	for name, load := range published() {
		m, pre := load(t)
		im, err := agree.Load(t.Context(), d, pre)
		if err != nil {
			t.Fatal(err)
		}
		im = im.Tested()
		for _, chain := range [][]compress.Scheme{
			{float16.New(float16.DefaultOptions())},
			{int8dynamic.New(int8dynamic.DefaultOptions())},
			{pruned(t, magnitude.DefaultOptions(0.7))},
			{pruned(t, two), int8dynamic.New(int8dynamic.DefaultOptions())},
		} {
			r, err := compress.Run(t.Context(), m, chain, compress.Input{}, "test")
			if err != nil {
				t.Fatal(err)
			}
			t.Run(name+", "+r.Manifest.Steps[0].Scheme+", "+r.Manifest.Steps[len(chain)-1].Scheme, func(t *testing.T) {
				o := agree.DefaultOptions()
				if chain[len(chain)-1].Name() == compress.Int8Dynamic {
					o.Batch = 1 // as models are run whose images depend on one another
				}
				c, err := agree.Compare(t.Context(), ort, r.Model, im, o)
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
