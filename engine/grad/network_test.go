package grad

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/zoo"
)

// bits collects every number of a network that training changes.
func bits(n *Network) []uint32 {
	var out []uint32
	add := func(v []float32) {
		for _, x := range v {
			out = append(out, math.Float32bits(x))
		}
	}
	for _, p := range n.Params() {
		add(p.Value)
		add(p.Grad)
	}
	for _, b := range n.Buffers() {
		add(b.Value)
	}
	return out
}

// descend takes steps of plain SGD on batches of alternating sizes.
func descend(t *testing.T, n *Network, from, to int) {
	t.Helper()
	size := n.shape[0] * n.shape[1] * n.shape[2]
	for step := from; step < to; step++ {
		x, labels := batch(uint64(step), 9-step%2*2, size, n.Classes())
		n.Seek(uint64(step))
		must(n.Step(t.Context(), x, labels))(t)
		for _, p := range n.Params() {
			for i, g := range p.Grad {
				p.Value[i] -= 0.05 * g
			}
		}
		n.Changed()
	}
}

// deterministic are networks with every kind of sum.
func deterministic(t *testing.T) []named {
	var out []named
	for _, name := range []string{"resnet8", "wrn-10-1", "mobilenet-v2"} {
		out = append(out, named{name, must(zoo.Build(name, zoo.Config{Classes: 5, Size: 32, Channels: 3, Seed: 3}))(t)})
	}
	for _, g := range append(graphs(), named{"dropout", dropoutNet(0.4)}) {
		if slices.Contains([]string{"squeeze and excite", "scales", "shared weights", "MatMul, LayerNormalization", "dropout"}, g.name) {
			out = append(out, g)
		}
	}
	return out
}

func dropoutNet(ratio float32) *onnx.Model {
	return graph(func(b *enginetest.Builder, x string) string {
		y := b.Node("Dropout", []string{b.Conv(x, convSpec{Out: 8, Kernel: 3}), b.Const([]float32{ratio})})
		return b.Node("Tanh", []string{b.Conv(y, convSpec{Out: 8, Kernel: 3})})
	})
}

// TestThreads checks that one seed gives the same bits with 1, 2 and 3 threads.
func TestThreads(t *testing.T) {
	for _, c := range deterministic(t) {
		t.Run(c.name, func(t *testing.T) {
			var want []uint32
			for _, threads := range []int{1, 2, 3} {
				n := must(New(c.model, Options{Threads: threads}))(t)
				descend(t, n, 0, 3)
				if got := bits(n); want == nil {
					want = got
				} else if !slices.Equal(got, want) {
					t.Errorf("%d threads give other bits than one", threads)
				}
			}
		})
	}
}

// TestRebuilt checks that a network made anew, with weights and buffers put
// back, goes on to the same bits.
func TestRebuilt(t *testing.T) {
	for _, c := range deterministic(t) {
		t.Run(c.name, func(t *testing.T) {
			whole := must(New(c.model, Options{Threads: 2}))(t)
			descend(t, whole, 0, 4)
			first := must(New(c.model, Options{Threads: 2}))(t)
			descend(t, first, 0, 2)
			next := must(New(c.model, Options{Threads: 1}))(t)
			for i, p := range next.Params() {
				copy(p.Value, first.Params()[i].Value)
			}
			for i, b := range next.Buffers() {
				copy(b.Value, first.Buffers()[i].Value)
			}
			next.Changed()
			descend(t, next, 2, 4)
			if !slices.Equal(bits(whole), bits(next)) {
				t.Error("a training that was resumed gives other bits")
			}
		})
	}
}

// TestLevels trains on each instruction set to about the same loss.
func TestLevels(t *testing.T) {
	m := must(zoo.Build("resnet8", zoo.Config{Classes: 5, Size: 16, Channels: 3, Seed: 3}))(t)
	x, labels := batch(1, 6, 3*16*16, 5)
	var losses []float64
	for _, level := range []string{"scalar", "avx2", ""} {
		n, err := New(m, Options{Threads: 1, CPU: level})
		if err != nil {
			t.Log(err) // this processor lacks the level
			continue
		}
		descend(t, n, 0, 2)
		losses = append(losses, must(n.Step(t.Context(), x, labels))(t).Loss)
	}
	for _, l := range losses {
		if math.Abs(l-losses[0]) > 1e-4*losses[0] {
			t.Errorf("losses by level: %v", losses)
			break
		}
	}
}

// TestMask checks gradients under masks, and that masked weights are out of
// the forward pass, whatever their value is.
func TestMask(t *testing.T) {
	m := graphs()[0].model
	n := must(New(m, Options{Threads: 2}))(t)
	for _, p := range n.Params() {
		if p.Kind != ConvWeight && p.Kind != DenseWeight {
			continue
		}
		p.Mask = make([]float32, len(p.Value))
		for i := range p.Mask {
			p.Mask[i] = float32(i % 3 % 2)
		}
	}
	n.Changed()
	x, labels := batch(11, 4, channels*height*width, n.Classes())
	got := must(n.Step(t.Context(), x, labels))(t)
	masked := n.Model()
	same := checkGradients(t, masked, Options{Threads: 2}, 4, 5) // the masked weights, as a dense network
	if want := must(same.Step(t.Context(), x, labels))(t); got != want {
		t.Errorf("masked: %+v; the same weights without a mask: %+v", got, want)
	}
	for k, p := range n.Params() {
		for i, g := range p.Grad {
			want := same.Params()[k].Grad[i]
			if p.Mask != nil && p.Mask[i] == 0 {
				want = 0
				p.Value[i] = float32(math.NaN())
			}
			if g != want {
				t.Fatalf("%s: gradient %d is %g, want %g", p.Name, i, g, want)
			}
		}
	}
	n.Changed()
	if again := must(n.Step(t.Context(), x, labels))(t); again != got {
		t.Errorf("values under the mask changed the result: %+v, want %+v", again, got)
	}
	for _, p := range n.Params() {
		p.Mask = nil
	}
	n.Changed()
	if again := must(n.Step(t.Context(), x, labels))(t); !math.IsNaN(again.Loss) {
		t.Errorf("without masks the loss is %g, want NaN", again.Loss)
	}
}

// TestModel runs what was trained in package engine, against a network of the
// definitions in evaluation mode.
func TestModel(t *testing.T) {
	for _, c := range append(deterministic(t), named{"softmax", enginetest.ResNet8()}) {
		t.Run(c.name, func(t *testing.T) {
			n := must(New(c.model, Options{Threads: 2}))(t)
			p := n.Params()[0]
			p.Mask = make([]float32, len(p.Value))
			for i := range p.Mask {
				p.Mask[i] = float32(i % 2)
			}
			n.Changed()
			descend(t, n, 0, 2)
			m := n.Model()
			if err := onnx.Validate(m); err != nil {
				t.Fatal(err)
			}
			learned := map[string][]float32{}
			for _, p := range n.Params() {
				learned[p.Name] = p.used
			}
			for _, b := range n.Buffers() {
				learned[b.Name] = b.Value
			}
			for name, want := range learned {
				if got := must(m.Graph.Initializer(name).Float32s())(t); !slices.Equal(got, want) {
					t.Errorf("%s is not what was learned", name)
				}
			}
			for _, g := range c.model.Graph.Initializers {
				if o := m.Graph.Initializer(g.Name); learned[g.Name] == nil && !slices.Equal(o.Raw, g.Raw) {
					t.Errorf("%s was changed", g.Name)
				}
			}
			evaluate(t, m, n)
		})
	}
}

// evaluate compares the engine, on its kernels, with the definitions.
func evaluate(t *testing.T, m *onnx.Model, n *Network) {
	x, _ := batch(5, 3, n.shape[0]*n.shape[1]*n.shape[2], 2)
	in := map[string]engine.Tensor{m.Graph.DataInputs()[0].Name: must(tensor.New([]int{3, n.shape[0], n.shape[1], n.shape[2]}, x))(t)}
	var out [2][]float32
	for i := range out {
		o := engine.DefaultOptions()
		o.Reference = i == 1
		s := must(engine.New(m, o))(t)
		y := must(s.Run(t.Context(), in))(t)
		out[i] = slices.Clone(tensor.Data[float32](y[m.Graph.Outputs[0].Name]))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	most := 0.0
	for _, v := range out[1] {
		most = max(most, math.Abs(float64(v)))
	}
	for i, v := range out[0] {
		if math.Abs(float64(v-out[1][i])) > 1e-4*most {
			t.Fatalf("output %d is %g, want %g", i, v, out[1][i])
		}
	}
}

// TestDropout counts what is left out, and that it depends on seed and step.
func TestDropout(t *testing.T) {
	d := &dropout{ratio: 0.3, store: newStore(), seed: 5}
	c := &crew{scratch: newCrew(nil, 1).scratch}
	src, dst := make([]float32, 100_000), make([]float32, 100_000)
	for i := range src {
		src[i] = 1
	}
	zeros := func() (n int, first []float32) {
		d.apply(c, dst, src, false)
		for _, v := range dst {
			if v == 0 {
				n++
			} else if math.Abs(float64(v)-1/0.7) > 1e-6 {
				t.Fatalf("an element is %g", v)
			}
		}
		return n, slices.Clone(dst)
	}
	n, first := zeros()
	if sd := math.Sqrt(100_000 * 0.3 * 0.7); math.Abs(float64(n)-30_000) > 5*sd {
		t.Errorf("%d of 100,000 elements are left out, want 30 %%", n)
	}
	if _, again := zeros(); !slices.Equal(first, again) {
		t.Error("one step gave two masks")
	}
	d.store.step = 1
	if _, other := zeros(); slices.Equal(first, other) {
		t.Error("two steps gave the same mask")
	}
	losses := map[float64]bool{}
	x, labels := batch(1, 4, channels*height*width, 3)
	for _, seed := range []uint64{1, 1, 2} {
		net := must(New(dropoutNet(0.4), Options{Threads: 1, Seed: seed}))(t)
		losses[must(net.Step(t.Context(), x, labels))(t).Loss] = true
	}
	if len(losses) != 2 {
		t.Errorf("%d different losses of seeds 1, 1, 2", len(losses))
	}
}

// TestOverfit trains to a small loss: gradients point the right way for long.
func TestOverfit(t *testing.T) {
	m := must(zoo.Build("resnet8", zoo.Config{Classes: 5, Size: 16, Channels: 3, Seed: 3}))(t)
	n := must(New(m, Options{Threads: 2}))(t)
	x, labels := batch(1, 16, 3*16*16, 5)
	var r Result
	for range 60 {
		r = must(n.Step(t.Context(), x, labels))(t)
		for _, p := range n.Params() {
			for i, g := range p.Grad {
				p.Value[i] -= 0.1 * g
			}
		}
		n.Changed()
	}
	if r.Loss > 0.05 || r.Correct != 16 {
		t.Errorf("after 60 steps on 16 images: %+v", r)
	}
}

func TestBadModels(t *testing.T) {
	image := func(f func(b *enginetest.Builder, x string) string) *onnx.Model { return graph(f) }
	head := func(dims ...int64) *onnx.Model {
		b := enginetest.New("bad", 1)
		b.Output(b.Dense(b.Conv(b.Input("x", dims...), convSpec{Out: 3, Kernel: 3}), 4), 2)
		return b.Model()
	}
	for _, c := range []struct {
		model  *onnx.Model
		reason error
		words  []string
	}{
		{image(func(b *enginetest.Builder, x string) string {
			return b.Node("Softplus", []string{b.Conv(x, convSpec{Out: 3, Kernel: 3})})
		}), op.ErrUnsupported, []string{"Softplus_1", "(Softplus"}},
		{image(func(b *enginetest.Builder, x string) string {
			return b.Node("Nonsense", []string{b.Conv(x, convSpec{Out: 3, Kernel: 3})})
		}), op.ErrUnsupported, []string{"Nonsense_1"}},
		{image(func(b *enginetest.Builder, x string) string {
			return b.Node("Pad", []string{b.Conv(x, convSpec{Out: 3, Kernel: 3}), b.Ints(0, 0, 1, 1, 0, 0, 1, 1)}, onnx.StringAttr("mode", "reflect"))
		}), op.ErrUnsupported, []string{"Pad_1", "reflect"}},
		{image(func(b *enginetest.Builder, x string) string {
			w := b.Node("Transpose", []string{b.Random(1, 0, 3, 3, channels, 4)}, onnx.IntsAttr("perm", 3, 2, 0, 1))
			y := b.Node("Conv", []string{x, w})
			return b.Conv(b.Node("Relu", []string{y}), convSpec{Out: 3, Kernel: 1, Groups: 1})
		}), op.ErrUnsupported, []string{"computed from initializer"}},
		{image(func(b *enginetest.Builder, x string) string {
			return b.Conv(b.Node("Dropout", []string{x, b.Const([]float32{1})}), convSpec{Out: 3, Kernel: 3})
		}), nil, []string{"Dropout_0", "ratio is 1"}},
		{head(-1, 3, -1, 5), onnx.ErrShape, []string{`"x"`, "all but N known"}},
		{head(-1, 3, 5, 5, 5), nil, []string{""}},
		{&onnx.Model{Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{}}, onnx.ErrShape, []string{"0 inputs"}},
		{&onnx.Model{}, onnx.ErrGraph, []string{"no graph"}},
	} {
		_, err := New(c.model, DefaultOptions())
		var e *onnx.Error
		if !errors.As(err, &e) {
			t.Errorf("%q: error is %v, want an onnx.Error", c.words, err)
			continue
		}
		if c.reason != nil && !errors.Is(err, c.reason) {
			t.Errorf("%q: error %v is not %v", c.words, err, c.reason)
		}
		for _, w := range c.words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %q", err, w)
			}
		}
	}
}

func TestBadSteps(t *testing.T) {
	m := graphs()[0].model
	for _, o := range []Options{{Threads: -1}, {LabelSmoothing: 1}, {LabelSmoothing: float32(math.NaN())}, {CPU: "abacus"}} {
		if _, err := New(m, o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	n := must(New(m, DefaultOptions()))(t)
	x, labels := batch(1, 2, channels*height*width, 3)
	for _, c := range []struct {
		x      []float32
		labels []int32
		word   string
	}{
		{x, nil, "batch of 0"}, {x[1:], labels, "values for 2 labels"},
		{x, []int32{0, 3}, "label 3 of image 1"}, {x, []int32{-1, 0}, "label -1 of image 0"},
	} {
		if _, err := n.Step(t.Context(), c.x, c.labels); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("error %v does not say %q", err, c.word)
		}
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if _, err := n.Step(ended, x, labels); !errors.Is(err, context.Canceled) {
		t.Errorf("a step after the end: %v", err)
	}
}

// TestNotes says which softmax is left out.
func TestNotes(t *testing.T) {
	n := must(New(enginetest.ResNet8(), DefaultOptions()))(t)
	if len(n.Notes()) != 1 || !strings.Contains(n.Notes()[0], "Softmax") {
		t.Errorf("notes are %q", n.Notes())
	}
}

// TestFlatInput trains a model whose first layer has no weights and no image.
func TestFlatInput(t *testing.T) {
	b := enginetest.New("flat", 3)
	x := b.Node("Flatten", []string{b.Input("x", -1, channels, height, width)})
	b.Output(b.Node("Gemm", []string{x, b.Random(0.1, 0, 3, channels*height*width), b.Random(0.1, 0, 3)}, onnx.IntAttr("transB", 1)), 2)
	checkGradients(t, b.Model(), Options{Threads: 1}, 4, 7)
}
