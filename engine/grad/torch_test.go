package grad

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/zoo"
)

// The numbers of testdata/torch.csv are PyTorch 1.13.0 (Debian 12's
// python3-torch), float64, by
//
//	go test ./engine/grad -run TestTorchLive -update
//
// which runs testdata/torch_reference.py on graphs and weights that this file
// makes. Weights and images come from a formula, so that the numbers do not
// depend on how the zoo initializes.
var update = flag.Bool("update", false, "write testdata/torch.csv anew (needs python3-torch)")

// torchCase is a network to compare. Its seed is one without a ReLU (or a
// maximum) so close to its kink that float32 and float64 take different sides
// with an effect above the bounds.
type torchCase struct {
	name  string
	size  int
	batch int
	seed  uint64
}

func torchCases() []torchCase {
	return []torchCase{
		{"resnet8", 16, 8, 1},
		{"cnn-small", 16, 8, 1},
		{"resnet20", 12, 8, 1},
		{"wrn-16-2", 10, 8, 1},
		{"depthwise", 12, 8, 1},
	}
}

const (
	torchSteps     = 10
	torchRate      = 0.01
	torchMomentum  = 0.9
	torchDecay     = 5e-4
	torchSmoothing = 0.1
	torchClasses   = 10
)

// uniform is a number in [-1, 1) from a counter.
func uniform(seed, tensor, i uint64) float64 {
	return float64(mix(seed<<48^tensor<<32^i)>>11)/(1<<52) - 1
}

// model is the network with weights from the formula.
func (c torchCase) model(t *testing.T) *onnx.Model {
	m := c.graph(t)
	norms := map[string]int{} // which input of a normalization a weight is
	for _, n := range m.Graph.Nodes {
		for i, name := range n.Inputs {
			if n.Op == "BatchNormalization" {
				norms[name] = i
			}
		}
	}
	for k, w := range m.Graph.Initializers {
		if w.Type != onnx.Float || len(w.Dims) == 0 {
			continue
		}
		data := must(w.Float32s())(t)
		fan := len(data) / int(w.Dims[0])
		for i := range data {
			u := uniform(c.seed, uint64(k), uint64(i))
			switch {
			case len(w.Dims) > 1:
				data[i] = float32(u * math.Sqrt(6/float64(fan)))
			case norms[w.Name] == 1:
				data[i] = float32(1 + 0.2*u)
			case norms[w.Name] == 4:
				data[i] = 1
			default:
				data[i] = float32(0.2 * u)
			}
		}
		if err := m.Graph.ReplaceInitializer(must(onnx.TensorOf(w.Name, data, w.Dims...))(t)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (c torchCase) graph(t *testing.T) *onnx.Model {
	if c.name != "depthwise" {
		return must(zoo.Build(c.name, zoo.Config{Classes: torchClasses, Size: c.size, Channels: 3}))(t)
	}
	b := enginetest.New(c.name, 1)
	relu6 := func(x string) string {
		return b.Node("Clip", []string{x, b.Const([]float32{0}), b.Const([]float32{6})})
	}
	x := relu6(b.BatchNorm(b.Conv(b.Input("x", -1, 3, int64(c.size), int64(c.size)), convSpec{Out: 24, Kernel: 3, Stride: 2})))
	for _, k := range []int{3, 5} {
		y := b.Node("HardSwish", []string{b.BatchNorm(b.Conv(x, convSpec{Out: 40, Kernel: 1}))})
		y = relu6(b.BatchNorm(b.Conv(y, convSpec{Out: 40, Kernel: k, Groups: 40})))
		x = b.Add(x, b.BatchNorm(b.Conv(y, convSpec{Out: 24, Kernel: 1})))
	}
	x = relu6(b.BatchNorm(b.Conv(x, convSpec{Out: 24, Kernel: 3, Groups: 24, Stride: 2})))
	x = relu6(b.BatchNorm(b.Conv(x, convSpec{Out: 32, Kernel: 3, Groups: 4, Bias: true})))
	b.Output(b.Dense(x, torchClasses), 2)
	return b.Model()
}

func (c torchCase) images() (x []float32, labels []int32) {
	x = make([]float32, c.batch*3*c.size*c.size)
	for i := range x {
		x[i] = float32(1.7 * uniform(c.seed, 1<<14, uint64(i)))
	}
	for i := range c.batch {
		labels = append(labels, int32(i*7%torchClasses))
	}
	return x, labels
}

// numbers is what both sides compute.
type numbers struct {
	losses    []float64
	gradients [][]float64 // by parameter
	buffers   [][]float64
}

// train runs our side.
func (c torchCase) train(t *testing.T, n *Network) numbers {
	x, labels := c.images()
	var out numbers
	velocity := make([][]float32, len(n.Params()))
	for step := range torchSteps {
		r := must(n.Step(t.Context(), x, labels))(t)
		out.losses = append(out.losses, r.Loss)
		for i, p := range n.Params() {
			if step == 0 {
				out.gradients = append(out.gradients, doubles(p.Grad))
				velocity[i] = make([]float32, len(p.Value))
			}
			for k, g := range p.Grad {
				g += torchDecay * p.Value[k]
				velocity[i][k] = torchMomentum*velocity[i][k] + g
				p.Value[k] -= torchRate * (g + torchMomentum*velocity[i][k])
			}
		}
		if step == 0 {
			for _, b := range n.Buffers() {
				out.buffers = append(out.buffers, doubles(b.Value))
			}
		}
		n.Changed()
	}
	return out
}

// TestTorch compares with the kept numbers.
func TestTorch(t *testing.T) {
	want := map[string][][]string{}
	f := must(os.Open("testdata/torch.csv"))(t)
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	for _, row := range must(r.ReadAll())(t) {
		want[row[0]] = append(want[row[0]], row)
	}
	for _, c := range torchCases() {
		t.Run(c.name, func(t *testing.T) {
			if len(want[c.name]) == 0 {
				t.Fatal("no rows")
			}
			n := must(New(c.model(t), Options{Threads: 2, LabelSmoothing: torchSmoothing}))(t)
			got := c.train(t, n)
			for _, row := range want[c.name] {
				n.compareRow(t, got, row)
			}
		})
	}
}

// compareRow checks a row: network, what, tensor, index, value.
func (n *Network) compareRow(t *testing.T, got numbers, row []string) {
	t.Helper()
	i := must(strconv.Atoi(row[3]))(t)
	want := must(strconv.ParseFloat(row[4], 64))(t)
	switch row[1] {
	case "loss":
		compareLoss(t, i, got.losses[i], want)
		return
	case "buffer":
		for k, b := range n.Buffers() {
			if b.Name == row[2] && math.Abs(got.buffers[k][i]-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("%s[%d] is %.8g, want %.8g", b.Name, i, got.buffers[k][i], want)
			}
		}
		return
	}
	for k, p := range n.Params() {
		if p.Name != row[2] {
			continue
		}
		g, most := got.gradients[k], 0.0
		for _, v := range g {
			most = max(most, math.Abs(v))
		}
		have := g[i]
		if row[1] == "norm" {
			have = norm(g)
			most = have
		}
		if d := math.Abs(have - want); !(d <= 1e-4*n.scale(p, most)) {
			t.Errorf("%s of %s[%d] is %.8g, want %.8g: off by %.2g of the largest", row[1], p.Name, i, have, want, d/most)
		}
	}
}

// scale is what a gradient's error is measured by: the tensor's largest
// element. The gradient of a bias in front of a batch normalization is 0 but
// for rounding: there it is 1.
func (n *Network) scale(p *Param, most float64) float64 {
	if p.Kind == Bias && most < 1e-4 {
		return 1
	}
	return most
}

func norm(g []float64) float64 {
	s := 0.0
	for _, v := range g {
		s += v * v
	}
	return math.Sqrt(s)
}

// compareLoss allows 1e-5 for the first loss and 1e-3 for those after updates.
func compareLoss(t *testing.T, step int, got, want float64) {
	t.Helper()
	bound := 1e-3
	if step == 0 {
		bound = 1e-5
	}
	if math.Abs(got-want) > bound*math.Abs(want) {
		t.Errorf("loss %d is %.8g, want %.8g", step, got, want)
	}
}

// TestTorchLive compares every gradient with PyTorch where that is installed.
func TestTorchLive(t *testing.T) {
	const python = "/usr/bin/python3"
	if testing.Short() {
		t.Skip("PyTorch takes a minute in float64")
	}
	if exec.Command(python, "-c", "import torch").Run() != nil {
		t.Skip("no python3-torch")
	}
	var rows bytes.Buffer
	for _, c := range torchCases() {
		t.Run(c.name, func(t *testing.T) {
			n := must(New(c.model(t), Options{Threads: 2, LabelSmoothing: torchSmoothing}))(t)
			dir := t.TempDir()
			c.write(t, n, dir)
			args := []string{"testdata/torch_reference.py", dir}
			if *update {
				args = append(args, "--rows")
			}
			cmd := exec.Command(python, args...)
			cmd.Stderr = os.Stderr
			text := must(cmd.Output())(t)
			if *update {
				rows.Write(text)
				return
			}
			got := c.train(t, n)
			n.compareAll(t, got, must(os.ReadFile(filepath.Join(dir, "out.bin")))(t))
		})
	}
	if *update {
		head := "# PyTorch 1.13.0 (Debian 12 python3-torch), float64: go test ./engine/grad -run TestTorchLive -update\n# network, what, tensor, index or step, value\n"
		if err := os.WriteFile("testdata/torch.csv", append([]byte(head), rows.Bytes()...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// compareAll checks every number; they come in the order in which the script
// computes them.
func (n *Network) compareAll(t *testing.T, got numbers, out []byte) {
	next := func() float64 {
		v := math.Float64frombits(binary.LittleEndian.Uint64(out))
		out = out[8:]
		return v
	}
	compareLoss(t, 0, got.losses[0], next())
	for k, p := range n.Params() {
		most, off := 0.0, 0.0
		for _, g := range got.gradients[k] {
			w := next()
			most, off = max(most, math.Abs(w)), max(off, math.Abs(g-w))
		}
		t.Logf("%-40s off by %.2g of %.2g", p.Name, off, most)
		if !(off <= 1e-4*n.scale(p, most)) {
			t.Errorf("gradient of %s is off by %.2g of the largest, %.2g", p.Name, off/most, most)
		}
	}
	for k, b := range n.Buffers() {
		for i, v := range got.buffers[k] {
			if w := next(); math.Abs(v-w) > 1e-5*(1+math.Abs(w)) {
				t.Errorf("%s[%d] is %.8g, want %.8g", b.Name, i, v, w)
			}
		}
	}
	for i := range torchSteps - 1 {
		compareLoss(t, i+1, got.losses[i+1], next())
	}
	if len(out) != 0 {
		t.Errorf("%d bytes are left", len(out))
	}
}

// write hands the case to the script.
func (c torchCase) write(t *testing.T, n *Network, dir string) {
	var data bytes.Buffer
	trained, buffers := map[string]bool{}, map[string]bool{}
	for _, p := range n.Params() {
		trained[p.Name] = true
	}
	for _, b := range n.Buffers() {
		buffers[b.Name] = true
	}
	var weights, ints, nodes []any
	for _, w := range n.model.Graph.Initializers {
		if w.Type == onnx.Int64 {
			ints = append(ints, map[string]any{"name": w.Name, "values": must(w.Int64s())(t)})
			continue
		}
		v := must(w.Float32s())(t)
		dims := w.Dims
		if dims == nil {
			dims = []int64{}
		}
		weights = append(weights, map[string]any{"name": w.Name, "dims": dims, "trained": trained[w.Name], "buffer": buffers[w.Name]})
		_ = binary.Write(&data, binary.LittleEndian, v) // a buffer takes all
	}
	for _, node := range n.model.Graph.Nodes {
		attrs := map[string]any{}
		for _, a := range node.Attrs {
			switch a.Type {
			case onnx.AttrInt:
				attrs[a.Name] = a.I
			case onnx.AttrInts:
				attrs[a.Name] = a.Ints
			case onnx.AttrFloat:
				attrs[a.Name] = a.F
			default:
				t.Fatalf("attribute %s of %s", a.Name, node.Name)
			}
		}
		nodes = append(nodes, map[string]any{"op": node.Op, "inputs": node.Inputs, "output": node.Outputs[0], "attrs": attrs})
	}
	x, labels := c.images()
	_ = binary.Write(&data, binary.LittleEndian, x)
	text := must(json.Marshal(map[string]any{"name": c.name, "nodes": nodes, "weights": weights, "ints": ints, "labels": labels,
		"input": n.model.Graph.DataInputs()[0].Name, "output": n.model.Graph.Outputs[0].Name, "input_dims": []int{c.batch, 3, c.size, c.size},
		"steps": torchSteps, "rate": torchRate, "momentum": torchMomentum, "decay": torchDecay, "smoothing": torchSmoothing}))(t)
	for name, b := range map[string][]byte{"graph.json": text, "data.bin": data.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(fmt.Errorf("%s: %w", name, err))
		}
	}
}
