package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// How many threads there are and how a batch is shared out changes no bit: all
// images together, and each alone, give the same.
func TestBatchesAndThreads(t *testing.T) {
	for _, g := range enginetest.Graphs() {
		t.Run(g.Name, func(t *testing.T) {
			const n = 7
			in := graphInput(n, 5)
			want := runModel(t, g.Make(), Options{Threads: 1}, in)
			for threads := 2; threads <= 4; threads++ {
				for name, got := range runModel(t, g.Make(), Options{Threads: threads}, in) {
					if !tensor.Equal(got, want[name]) {
						t.Errorf("%d threads: output %q differs", threads, name)
					}
				}
			}
			for i := range n {
				one := map[string]Tensor{"x": in["x"].Slice(i, i+1)}
				for name, got := range runModel(t, g.Make(), Options{Threads: 2}, one) {
					if !tensor.Equal(got, want[name].Slice(i, i+1)) {
						t.Errorf("image %d alone: output %q differs", i, name)
					}
				}
			}
		})
	}
}

// Images that go through the graph apart are those that do not depend on one
// another.
func TestIndependence(t *testing.T) {
	constant := func(b *enginetest.Builder, v ...float32) string { return b.Const(v, int64(len(v))) }
	cases := []struct {
		name  string
		apart bool
		f     func(b *enginetest.Builder, x string) string // x is [N, 4]
	}{
		{"elementwise", true, func(b *enginetest.Builder, x string) string { return b.Relu(b.Add(x, constant(b, 1, 2, 3, 4))) }},
		{"softmax over classes", true, func(b *enginetest.Builder, x string) string { return b.Node("Softmax", []string{x}) }},
		{"softmax over images", false, func(b *enginetest.Builder, x string) string {
			return b.Node("Softmax", []string{x}, onnx.IntAttr("axis", 0))
		}},
		{"minus the mean image", false, func(b *enginetest.Builder, x string) string {
			return b.Node("Sub", []string{x, b.Node("ReduceMean", []string{x, b.Ints(0)})})
		}},
		{"dynamic quantization", false, func(b *enginetest.Builder, x string) string {
			return b.Node("Cast", []string{b.Node("DynamicQuantizeLinear", []string{x})}, onnx.IntAttr("to", int64(onnx.Float)))
		}},
		{"product with its own transpose", false, func(b *enginetest.Builder, x string) string {
			return b.Node("MatMul", []string{x, b.Node("Transpose", []string{x})})
		}},
		{"divided by the number of images", false, func(b *enginetest.Builder, x string) string {
			n := b.Node("Gather", []string{b.Node("Shape", []string{x}), b.Ints(0)})
			return b.Node("Div", []string{x, b.Node("Cast", []string{n}, onnx.IntAttr("to", int64(onnx.Float)))})
		}},
		{"reshape by the number of images", true, func(b *enginetest.Builder, x string) string {
			n := b.Node("Gather", []string{b.Node("Shape", []string{x}), b.Ints(0)})
			shape := b.Node("Concat", []string{n, b.Ints(2, 2)}, onnx.IntAttr("axis", 0))
			return b.Node("Reshape", []string{b.Node("Reshape", []string{x, shape}), b.Ints(0, 4)})
		}},
		{"images turned round", false, func(b *enginetest.Builder, x string) string {
			return b.Node("Slice", []string{x, b.Ints(-1), b.Ints(-1 << 40), b.Ints(0), b.Ints(-1)})
		}},
		{"rows folded into images", false, func(b *enginetest.Builder, x string) string {
			return b.Node("Reshape", []string{b.Node("Transpose", []string{x}), b.Ints(-1, 4)})
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			model := func() *onnx.Model {
				b := enginetest.New(c.name, 3)
				b.Output(c.f(b, b.Input("x", -1, 4)), 2)
				return b.Model()
			}
			p, err := Compile(model(), Options{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			d, err := p.divide([]op.Arg{{Type: tensor.Float32, Shape: []int{6, 4}}})
			if err != nil {
				t.Fatal(err)
			}
			if apart := d.groups > 0; apart != c.apart {
				t.Errorf("run apart: %t, want %t", apart, c.apart)
			}
			in := map[string]Tensor{"x": randomTensor(9, 6, 4)}
			want := runModel(t, model(), Options{Reference: true, Threads: 1}, in)
			for name, got := range runModel(t, model(), Options{Threads: 2}, in) {
				if err := closeTo(got, want[name], floatTol); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestGroupSize(t *testing.T) {
	for _, c := range []struct{ each, bytes, want int }{
		{16, 1 << 10, 16}, {16, groupBytes / 4, 4}, {15, groupBytes / 4, 3}, {7, groupBytes / 4, 1}, {1, 1, 1}, {8, 2 * groupBytes, 1},
	} {
		if got := groupSize(c.each, c.bytes); got != c.want {
			t.Errorf("groupSize(%d, %d) = %d, want %d", c.each, c.bytes, got, c.want)
		}
	}
}

// Sessions of one program run at the same time, and stop when they are told to.
func TestSessions(t *testing.T) {
	p, err := Compile(enginetest.ResNet8(), Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]Tensor{"x": randomTensor(2, 5, 3, 32, 32)}
	want, err := p.NewSession().Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 3 {
		go func() {
			s := p.NewSession()
			for range 4 {
				got, err := s.Run(t.Context(), in)
				if err == nil {
					for name := range want {
						if !tensor.Equal(got[name], want[name]) {
							err = fmt.Errorf("output %q differs", name)
						}
					}
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- s.Close()
		}()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := p.NewSession()
	if _, err := s.Run(ctx, in); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled run: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Run(t.Context(), in); err == nil {
		t.Error("a closed session runs")
	}
}

// Inputs that do not fit are refused with their name.
func TestInputsRefused(t *testing.T) {
	s, err := New(enginetest.ResNet8(), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]map[string]Tensor{
		"none":       {},
		"other name": {"y": randomTensor(1, 1, 3, 32, 32)},
		"two":        {"x": randomTensor(1, 1, 3, 32, 32), "y": randomTensor(1, 1)},
		"rank":       {"x": randomTensor(1, 3, 32, 32)},
		"size":       {"x": randomTensor(1, 1, 3, 32, 33)},
		"type":       {"x": tensor.Must(tensor.Make(tensor.Float64, []int{1, 3, 32, 32}))},
	} {
		if _, err := s.Run(t.Context(), in); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			t.Log(err)
		}
	}
	if out, err := s.Run(t.Context(), map[string]Tensor{"x": randomTensor(1, 0, 3, 32, 32)}); err != nil {
		t.Errorf("no images: %v", err)
	} else {
		for name, v := range out {
			if v.Len() != 0 {
				t.Errorf("no images: output %q is %v", name, v)
			}
		}
	}
}

// A model that declares one image takes many if it is told to, and refuses
// them otherwise.
func TestFreeBatch(t *testing.T) {
	model := func(batch int64) *onnx.Model {
		b := enginetest.New("fixed", 3)
		y := b.Conv(b.Input("x", batch, 8, 5, 6), enginetest.ConvSpec{Out: 4, Kernel: 3})
		b.Output(b.Node("Softmax", []string{b.Node("Reshape", []string{y, b.Ints(batch, -1)})}), 2)
		return b.Model()
	}
	in := map[string]Tensor{"x": randomTensor(6, 6, 8, 5, 6)}
	want := runModel(t, model(6), Options{Threads: 1}, in)
	for _, fixed := range []int64{1, 2, 3} {
		if _, err := mustNew(t, model(fixed), Options{}).Run(t.Context(), in); err == nil {
			t.Errorf("a model for %d images took 6", fixed)
		}
		for name, got := range runModel(t, model(fixed), Options{Threads: 2, FreeBatch: true}, in) {
			if !tensor.Equal(got, want[name]) {
				t.Errorf("%d at a time: output %q differs", fixed, name)
			}
		}
	}
	if _, err := mustNew(t, model(4), Options{FreeBatch: true}).Run(t.Context(), in); err == nil {
		t.Error("a model for 4 images took 6")
	}
}

func mustNew(t *testing.T, m *onnx.Model, o Options) Session {
	t.Helper()
	s, err := New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Steps says what was joined and what no kernel covers.
func TestSteps(t *testing.T) {
	p, err := Compile(enginetest.ResNet8(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := p.Steps(map[string][]int{"x": {2, 3, 32, 32}})
	if err != nil {
		t.Fatal(err)
	}
	if ops := Definitions(steps); len(ops) > 0 {
		t.Errorf("run by their definition: %v", ops)
	}
	kernels := map[string]int{}
	nodes := 0
	for _, s := range steps {
		kernels[s.Kernel]++
		nodes += len(s.Nodes)
		t.Log(s)
	}
	if kernels["conv"] != 9 || kernels["product"] != 1 || nodes < 30 {
		t.Errorf("kernels %v for %d nodes", kernels, nodes)
	}
	b := enginetest.New("elu", 1)
	b.Output(b.Node("Elu", []string{b.Input("x", -1, 4)}), 2)
	if p, err = Compile(b.Model(), Options{}); err != nil {
		t.Fatal(err)
	}
	if steps, err = p.Steps(map[string][]int{"x": {1, 4}}); err != nil || fmt.Sprint(Definitions(steps)) != "[Elu]" {
		t.Errorf("definitions %v, %v", Definitions(steps), err)
	}
	if _, err := p.Steps(nil); err == nil {
		t.Error("no shape was missed")
	}
}

// Large fully connected layers run once for all images, what is before them
// image by image; a branch into them, or no such layers, leaves a graph whole.
func TestTail(t *testing.T) {
	for name, want := range map[string]bool{"fully-connected": true, "flatten": false, "residual": false, "attention": false} {
		i := slices.IndexFunc(enginetest.Graphs(), func(g enginetest.Graph) bool { return g.Name == name })
		p, err := Compile(enginetest.Graphs()[i].Make(), Options{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.divide([]op.Arg{{Type: tensor.Float32, Shape: []int{6, enginetest.GraphChannels, enginetest.GraphHeight, enginetest.GraphWidth}}})
		if err != nil {
			t.Fatal(err)
		}
		if cut := d.then != nil; cut != want || d.groups == 0 {
			t.Errorf("%s: cut %t, want %t; %d groups", name, cut, want, d.groups)
		}
	}
}

// Images of convolutional graphs can be shown not to depend on one another;
// those of graphs that quantize by the range of the whole batch, or take a mean
// over it, cannot.
func TestIndependent(t *testing.T) {
	overBatch := enginetest.New("mean over the batch", 3)
	overBatch.Output(overBatch.Node("Sub", []string{overBatch.Input("x", -1, 3, 8, 9),
		overBatch.Node("ReduceMean", []string{"x"}, onnx.IntsAttr("axes", 0))}), 4)
	for name, c := range map[string]struct {
		m    *onnx.Model
		in   map[string]Tensor
		want bool
	}{
		"resnet8":  {enginetest.ResNet8(), map[string]Tensor{"x": randomTensor(1, 2, 3, 32, 32)}, true},
		"dynamic":  {enginetest.Dynamic(false), graphInput(3, 41), false},
		"the mean": {overBatch.Model(), map[string]Tensor{"x": randomTensor(1, 4, 3, 8, 9)}, false},
	} {
		p, err := Compile(c.m, Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		shape := c.in["x"].Shape()
		if got, err := p.Independent(map[string][]int{"x": shape}); err != nil || got != c.want {
			t.Errorf("%s: independent %t, %v; want %t", name, got, err, c.want)
		}
		// What is said holds: the first image alone gives the first row, or not.
		s := p.NewSession()
		all, err := s.Run(t.Context(), c.in)
		if err != nil {
			t.Fatal(err)
		}
		one, err := s.Run(t.Context(), map[string]Tensor{"x": c.in["x"].Slice(0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		for out, v := range one {
			if same := tensor.Equal(v, all[out].Slice(0, 1)); same != c.want {
				t.Errorf("%s: output %q of the first image is the same alone: %t", name, out, same)
			}
		}
	}
	p, err := Compile(enginetest.ResNet8(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Independent(nil); err == nil {
		t.Error("no shapes were no error")
	}
}
