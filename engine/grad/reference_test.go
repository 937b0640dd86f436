package grad

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// reference runs a model in float64 by the definitions of package op, batch
// normalizations in training mode.
type reference struct {
	t       *testing.T
	m       *onnx.Model
	weights map[string][]float64
}

func newReference(t *testing.T, m *onnx.Model) *reference {
	r := &reference{t, m.Clone(), map[string][]float64{}}
	for _, n := range r.m.Graph.Nodes {
		if n.Op == "BatchNormalization" {
			n.SetAttr(onnx.IntAttr("training_mode", 1))
		}
	}
	for _, i := range m.Graph.Initializers {
		if i.Type == onnx.Float {
			r.weights[i.Name] = doubles(must(i.Float32s())(t))
		}
	}
	return r
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func doubles(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// loss is the mean cross-entropy of a batch.
func (r *reference) loss(x []float64, labels []int32, smoothing float64) float64 {
	t := r.t
	t.Helper()
	in := r.m.Graph.DataInputs()[0]
	shape := []int{len(labels)}
	for _, d := range in.Type.Shape[1:] {
		n, _ := d.Size()
		shape = append(shape, int(n))
	}
	values := map[string]tensor.Tensor{in.Name: must(tensor.New(shape, x))(t)}
	for _, i := range r.m.Graph.Initializers {
		k := must(op.FromONNX(i))(t)
		if w := r.weights[i.Name]; w != nil {
			k = must(tensor.New(k.Shape(), w))(t)
		}
		values[i.Name] = k
	}
	for _, n := range r.m.Graph.Nodes {
		r.node(n, values)
	}
	return crossEntropy(tensor.Data[float64](values[r.m.Graph.Outputs[0].Name]), labels, smoothing)
}

func (r *reference) node(n *onnx.Node, values map[string]tensor.Tensor) {
	t := r.t
	t.Helper()
	opset, _ := r.m.Opset("")
	o := must(op.New(n, int(opset)))(t)
	var args []op.Arg
	var in []tensor.Tensor
	for _, name := range n.Inputs {
		v := values[name]
		in = append(in, v)
		args = append(args, op.ArgOf(v))
		if name == "" {
			args[len(args)-1] = op.Arg{}
		}
	}
	var out []tensor.Tensor
	for i, a := range must(o.Infer(args))(t) {
		out = append(out, tensor.Tensor{})
		if i == 0 || n.Op == "BatchNormalization" {
			out[i] = must(tensor.Make(a.Type, a.Shape))(t)
		}
	}
	if err := o.Eval(op.Env{}, in, out); err != nil {
		t.Fatalf("node %s: %v", n.Name, err)
	}
	values[n.Outputs[0]] = out[0]
}

func crossEntropy(logits []float64, labels []int32, smoothing float64) float64 {
	classes, total := len(logits)/len(labels), 0.0
	for i, l := range labels {
		row := logits[i*classes:][:classes]
		sum, mean := 0.0, 0.0
		for _, v := range row {
			sum += math.Exp(v - row[0])
			mean += (v - row[0]) / float64(classes)
		}
		total += math.Log(sum) - (1-smoothing)*(row[l]-row[0]) - smoothing*mean
	}
	return total / float64(len(labels))
}

// batch draws images and labels.
func batch(seed uint64, images, size, classes int) (x []float32, labels []int32) {
	rng := rand.New(rand.NewPCG(seed, 1))
	x = make([]float32, images*size)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	labels = make([]int32, images)
	for i := range labels {
		labels[i] = rng.Int32N(int32(classes))
	}
	return x, labels
}

// checkGradients compares the loss and gradients of one step with the
// reference's loss and central differences of it. At most so many elements of
// each parameter are tried.
func checkGradients(t *testing.T, m *onnx.Model, o Options, images, tries int) *Network {
	t.Helper()
	n := must(New(m, o))(t)
	size := n.shape[0] * n.shape[1] * n.shape[2]
	x, labels := batch(11, images, size, n.Classes())
	got := must(n.Step(t.Context(), x, labels))(t)
	r := newReference(t, n.trained())
	xs, smoothing := doubles(x), float64(o.LabelSmoothing)
	if want := r.loss(xs, labels, smoothing); math.Abs(got.Loss-want) > 1e-5*(1+math.Abs(want)) {
		t.Errorf("loss %.9g, want %.9g", got.Loss, want)
	}
	for _, p := range n.Params() {
		w := r.weights[p.Name]
		scale := 0.0
		for _, g := range p.Grad {
			scale = max(scale, math.Abs(float64(g)))
		}
		bad := 0
		for k := range min(tries, len(w)) {
			i := k * len(w) / min(tries, len(w))
			if p.Mask != nil && p.Mask[i] == 0 {
				continue
			}
			keep, h := w[i], 1e-5
			w[i] = keep + h
			up := r.loss(xs, labels, smoothing)
			w[i] = keep - h
			down := r.loss(xs, labels, smoothing)
			w[i] = keep
			want := (up - down) / (2 * h)
			if d := math.Abs(want - float64(p.Grad[i])); !(d <= 1e-4*(scale+1e-2)) && bad < 3 {
				t.Errorf("%s (%v) of %s: gradient %d is %.8g, want %.8g (largest %.3g)", p.Name, p.Kind, p.Node, i, p.Grad[i], want, scale)
				bad++
			}
		}
	}
	return n
}

// trained is the model as the loss sees it: without a softmax at the end.
func (n *Network) trained() *onnx.Model {
	r := &recorder{Network: n}
	r.graph = n.model.Graph.Clone()
	r.cutSoftmax()
	m := n.model.Clone()
	m.Graph = r.graph
	return m
}
