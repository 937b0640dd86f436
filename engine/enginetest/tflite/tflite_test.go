package tflite

import (
	"errors"
	"os"
	"testing"

	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/onnx"
)

// The published networks have the parameters that TensorFlow's layers add up
// to. Keras counts 78,666 for ResNet8, of which 960 are the four numbers of its
// 240 normalized channels: they are folded into 77,706.
func TestParameters(t *testing.T) {
	if n := resnetParameters(16); n != 78666-4*240 {
		t.Fatalf("the count of ResNet8 is %d", n)
	}
	for file, want := range map[string]int64{
		"pretrainedResnet.tflite":             resnetParameters(16),
		"pretrainedResnet_quant.tflite":       resnetParameters(16),
		"pretrainedResnet_large_float.tflite": resnetParameters(40),
		"pretrainedResnet_large_int8.tflite":  resnetParameters(40),
	} {
		m, err := Load(realdata.Path(t, "models", "mlperf-tiny-cifar10", file))
		if err != nil {
			t.Fatal(err)
		}
		f, err := onnx.Inspect(m, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f.Parameters != want {
			t.Errorf("%s: %d parameters, want %d", file, f.Parameters, want)
		}
	}
}

// resnetParameters counts the weights and biases of MLPerf-tiny's network with
// w channels in its first stage: keras_model.py's layers, batch normalization
// folded into the convolution before it.
func resnetParameters(w int64) int64 {
	conv := func(in, out, k int64) int64 { return in*out*k*k + out }
	return conv(3, w, 3) + 2*conv(w, w, 3) +
		conv(w, 2*w, 3) + conv(2*w, 2*w, 3) + conv(w, 2*w, 1) +
		conv(2*w, 4*w, 3) + conv(4*w, 4*w, 3) + conv(2*w, 4*w, 1) +
		4*w*10 + 10
}

func TestSamePadding(t *testing.T) {
	// TensorFlow pads 3x3 windows of stride 2 on an even size at the end only.
	got, err := window{0, 2, 2, 3, 3}.pads(size{32, 32, 1}, size{16, 16, 1})
	if err != nil || got[0] != 0 || got[1] != 0 || got[2] != 1 || got[3] != 1 {
		t.Errorf("pads %v, %v", got, err)
	}
	if _, err := (window{1, 1, 1, 3, 3}).pads(size{32, 32, 1}, size{32, 32, 1}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("VALID that keeps the size: %v", err)
	}
}

func TestRefused(t *testing.T) {
	b, err := os.ReadFile(realdata.Path(t, "models", "mlperf-tiny-cifar10", "pretrainedResnet.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(b); n += 997 {
		if _, err := Decode(b[:n]); err == nil {
			t.Fatalf("a file cut to %d of %d bytes was read", n, len(b))
		}
	}
	if _, err := Decode([]byte("not a model at all")); err == nil {
		t.Error("text was read as a model")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x08\x00\x00\x00TFL3\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err == nil && m.Graph == nil {
			t.Error("no error and no graph")
		}
	})
}
