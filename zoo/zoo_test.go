package zoo

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/onnx"
)

// The published numbers of parameters. Running statistics are not counted.
//
//	resnet8       78,666 in Keras' summary of MLPerf Tiny's keras_model.py, of
//	              which 480 are running statistics
//	resnet20      0.27M, He et al. 2016, table 6; 269,722 is what layers add up
//	              to with shortcuts of option A (akamaster/pytorch_resnet_cifar10)
//	wrn-16-4      2.7M, Zagoruyko and Komodakis 2016, table 5
//	wrn-16-8, wrn-22-8, wrn-40-4    11.0M, 17.2M, 8.9M, table 4
//	wrn-28-10     36.5M, table 4
//	resnet18, resnet50, mobilenet_v2    torchvision's documentation, "num_params"
func TestParameters(t *testing.T) {
	for _, c := range []struct {
		name       string
		want, unit int64 // what is published, and in which unit it is rounded
	}{
		{"resnet8", 78666 - 480, 1},
		{"resnet20", 269_722, 1},
		{"resnet20", 270_000, 10_000},
		{"wrn-16-4", 2_700_000, 100_000},
		{"wrn-16-8", 11_000_000, 100_000},
		{"wrn-22-8", 17_200_000, 100_000},
		{"wrn-40-4", 8_900_000, 100_000},
		{"wrn-28-10", 36_500_000, 100_000},
		{"wrn-16-2", wideParameters(16, 2), 1},
		{"wrn-16-4", wideParameters(16, 4), 1},
		{"wrn-28-10", wideParameters(28, 10), 1},
		{"resnet18", 11_689_512, 1},
		{"resnet50", 25_557_032, 1},
		{"mobilenet-v2", 3_504_872, 1},
	} {
		got := facts(t, c.name).Parameters
		if rounded := (got + c.unit/2) / c.unit * c.unit; rounded != c.want {
			t.Errorf("%s: %d parameters, want %d to the nearest %d", c.name, got, c.want, c.unit)
		}
	}
}

// wideParameters counts from the definition: convolutions without bias, two
// parameters for each normalized channel.
func wideParameters(depth, k int64) int64 {
	n := 16*3*9 + int64(0)
	in := int64(16)
	for _, c := range []int64{16 * k, 32 * k, 64 * k} {
		for block := range (depth - 4) / 6 {
			n += 2*in + in*c*9 + 2*c + c*c*9
			if block == 0 {
				n += in * c // no width of 1 in the test: the first block always changes the shape
			}
			in = c
		}
	}
	return n + 2*in + in*10 + 10
}

func facts(t *testing.T, name string) onnx.Facts {
	t.Helper()
	f, err := onnx.Inspect(build(t, name, 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func build(t *testing.T, name string, seed uint64) *onnx.Model {
	t.Helper()
	a, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	c := a.Config()
	c.Seed = seed
	m, err := Build(name, c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestShapes builds every network for its own size, its smallest, and an odd
// one, and follows the shapes with package onnx's rules.
func TestShapes(t *testing.T) {
	for _, a := range Architectures() {
		if a.Name == "wrn-28-10" {
			continue // the shapes are those of wrn-16-2; 36 M weights take a second
		}
		for _, size := range []int{a.Size, a.MinSize, a.MinSize + 3, 48} {
			m, err := Build(a.Name, Config{Classes: 7, Size: size, Channels: 1})
			if err != nil {
				t.Fatalf("%s at %d: %v", a.Name, size, err)
			}
			got, err := onnx.Infer(m, map[string]onnx.Shape{"input": onnx.MakeShape(5, 1, int64(size), int64(size))})
			if err != nil {
				t.Fatalf("%s at %d: %v", a.Name, size, err)
			}
			if s := got["logits"].Shape; !s.Equal(onnx.MakeShape(5, 7)) {
				t.Errorf("%s at %d: output %v, want [5, 7]", a.Name, size, s)
			}
		}
	}
}

// TestOperations compares the multiply-accumulate operations of one image with
// the papers': ResNet-18 and 50, 1.8 and 3.8 billion at stride 1 in the 1x1
// convolution (He et al., table 1; v1.5 has 4.1, torchvision's "GFLOPs"
// 1.81 and 4.09), MobileNetV2 300 million (Sandler et al., table 4).
func TestOperations(t *testing.T) {
	for name, want := range map[string][2]float64{"resnet18": {1.81e9, 0.01e9}, "resnet50": {4.09e9, 0.01e9}, "mobilenet-v2": {300e6, 5e6}} {
		f := facts(t, name)
		if got := float64(*f.MACs); math.Abs(got-want[0]) > want[1] {
			t.Errorf("%s: %.4g operations, want %.4g", name, got, want[0])
		}
	}
}

func TestSeeds(t *testing.T) {
	encode := func(m *onnx.Model) []byte {
		b, err := onnx.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, name := range []string{"resnet8", "cnn-small", "resnet20", "wrn-16-2", "mobilenet-v2"} {
		one, again, other := build(t, name, 1), build(t, name, 1), build(t, name, 2)
		if !bytes.Equal(encode(one), encode(again)) {
			t.Errorf("%s: one seed gave two models", name)
		}
		for i, w := range one.Graph.Initializers {
			if len(w.Dims) > 1 && bytes.Equal(w.Raw, other.Graph.Initializers[i].Raw) {
				t.Errorf("%s: %s does not depend on the seed", name, w.Name)
			}
		}
	}
}

// TestSpread measures the standard deviation of initial weights against the
// rules of the sources, within 5 standard errors (a normal variate's: sd /
// sqrt(2n); the others' are smaller).
func TestSpread(t *testing.T) {
	for _, c := range []struct {
		net, weight string
		sd          float64
	}{
		{"resnet8", "stage3.2.conv.weight", math.Sqrt(2.0 / (64 * 9))}, // fan-in
		{"cnn-small", "layer3.conv.weight", math.Sqrt(2.0 / (64 * 9))}, // fan-in
		{"cnn-small", "classifier.weight", math.Sqrt(1.0 / 128)},
		{"wrn-16-4", "stage2.block1.1.conv.weight", math.Sqrt(2.0 / (128 * 9))}, // fan-out
		{"wrn-16-4", "classifier.weight", 1 / math.Sqrt(256) / math.Sqrt(3)},    // uniform
		{"resnet18", "stem.conv.weight", math.Sqrt(2.0 / (64 * 49))},            // fan-out
		{"mobilenet-v2", "stage2.block1.depthwise.conv.weight", math.Sqrt(2.0 / (96 * 9))},
		{"mobilenet-v2", "classifier.weight", 0.01},
	} {
		w, err := build(t, c.net, 3).Graph.Initializer(c.weight).Float32s()
		if err != nil {
			t.Fatal(err)
		}
		var sum, square, largest float64
		for _, v := range w {
			sum, square, largest = sum+float64(v), square+float64(v)*float64(v), max(largest, math.Abs(float64(v)))
		}
		n := float64(len(w))
		sd := math.Sqrt(square / n)
		if math.Abs(sd-c.sd) > 5*c.sd/math.Sqrt(2*n) || math.Abs(sum/n) > 5*c.sd/math.Sqrt(n) {
			t.Errorf("%s %s: mean %.5f, sd %.5f, want 0, %.5f", c.net, c.weight, sum/n, sd, c.sd)
		}
		if c.net == "resnet8" && largest > 2*c.sd/truncation*(1+1e-6) {
			t.Errorf("%s %s: %g is outside of two standard deviations", c.net, c.weight, largest)
		}
	}
}

// The constant of Keras' truncated normal follows from the normal distribution.
func TestTruncation(t *testing.T) {
	phi := math.Exp(-2) / math.Sqrt(2*math.Pi)
	inside := math.Erf(2 / math.Sqrt2)
	if want := math.Sqrt(1 - 4*phi/inside); math.Abs(truncation-want) > 1e-15 {
		t.Errorf("truncation %v, want %v", truncation, want)
	}
}

// Blocks of ResNet-50 start as the identity, others do not.
func TestLastGamma(t *testing.T) {
	zero := 0
	m := build(t, "resnet50", 0)
	for _, w := range m.Graph.Initializers {
		if !strings.HasSuffix(w.Name, "norm.weight") {
			continue
		}
		v, err := w.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		last := strings.HasSuffix(w.Name, ".3.norm.weight")
		for _, g := range v {
			if (g == 0) != last {
				t.Fatalf("%s starts at %g", w.Name, g)
			}
		}
		if last {
			zero++
		}
	}
	if zero != 16 {
		t.Errorf("%d blocks start as the identity, want 16", zero)
	}
}

func TestErrors(t *testing.T) {
	good := Config{Classes: 10, Size: 32, Channels: 3}
	with := func(f func(*Config)) Config { c := good; f(&c); return c }
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"resnet8", with(func(c *Config) { c.Classes = 1 })},
		{"resnet8", with(func(c *Config) { c.Size = 3 })},
		{"resnet50", with(func(c *Config) { c.Size = 31 })},
		{"resnet8", with(func(c *Config) { c.Size = 1 << 20 })},
		{"cnn-small", with(func(c *Config) { c.Channels = 0 })},
		{"wrn-17-2", good}, {"wrn-4-2", good}, {"wrn-16-0", good}, {"wrn-9994-1", good}, {"wrn-16-33", good},
	} {
		if _, err := Build(c.name, c.cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s %+v: %v, want ErrConfig", c.name, c.cfg, err)
		}
	}
	var unknown *NameError
	for _, name := range []string{"resnet", "wrn-16", "wrn-99999-1", ""} {
		if _, err := Build(name, good); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "cnn-small") {
			t.Errorf("%q: %v, want a NameError with the names", name, err)
		}
	}
}
