package magnitude

import (
	"context"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// norm is a batch normalization whose statistics are estimated.
type norm struct {
	node           *onnx.Node
	mean, variance string // outputs of the measuring graph
	sums           [2][]float64
}

// recalibrate estimates the statistics of all normalizations of m and replaces
// them.
func recalibrate(ctx context.Context, m *onnx.Model, in compress.Input, r *compress.Result) error {
	if in.Calibration == nil || in.Calibration.Len() == 0 {
		return fmt.Errorf("recalibration: %w: there are none", compress.ErrCalibration)
	}
	probe, norms, err := measuring(m)
	if err != nil {
		return err
	}
	if len(norms) == 0 {
		r.Notes = append(r.Notes, "nothing to recalibrate: the model has no BatchNormalization; in many exported models it is folded into the convolutions")
		return nil
	}
	o := in.Engine
	o.KeepIntermediates, o.FreeBatch = false, false
	s, err := engine.New(probe, o)
	if err != nil {
		return fmt.Errorf("recalibration: %w", err)
	}
	defer s.Close()
	total := 0
	for i := range in.Calibration.Len() {
		x, ids, err := in.Calibration.Batch(ctx, i)
		if err != nil {
			return err
		}
		if err := fits(m, x, len(ids)); err != nil {
			return err
		}
		out, err := s.Run(ctx, map[string]tensor.Tensor{m.Graph.DataInputs()[0].Name: x})
		if err != nil {
			return fmt.Errorf("recalibration: %w", err)
		}
		for k := range norms {
			if err := norms[k].add(out, len(ids)); err != nil {
				return err
			}
		}
		total += len(ids)
		r.Calibration = append(r.Calibration, ids...)
		if in.Progress != nil {
			in.Progress(i+1, in.Calibration.Len())
		}
	}
	for k := range norms {
		if err := norms[k].replace(m.Graph, total); err != nil {
			return err
		}
	}
	m.Graph.Prune()
	r.Notes = append(r.Notes, fmt.Sprintf("statistics of %d batch normalizations were estimated anew on %d examples", len(norms), total))
	return nil
}

// fits checks a batch against the model's input.
func fits(m *onnx.Model, x engine.Tensor, ids int) error {
	inputs := m.Graph.DataInputs()
	if len(inputs) != 1 {
		return &onnx.Error{File: m.Path, Msg: fmt.Sprintf("recalibration: the model has %d inputs, want one", len(inputs)), Reason: compress.ErrCalibration}
	}
	shape := inputs[0].Type.Shape
	ok := x.Type() == tensor.Float32 && x.Rank() > 0 && x.Shape()[0] == ids && (!shape.Ranked() || len(shape) == x.Rank())
	for i := 1; ok && i < len(shape); i++ {
		n, fixed := shape[i].Size()
		ok = !fixed || int(n) == x.Shape()[i]
	}
	if !ok {
		return &onnx.Error{File: m.Path, Value: inputs[0].Name, Msg: fmt.Sprintf("recalibration: calibration examples are %v, the model wants %v", x, inputs[0].Type), Reason: compress.ErrCalibration}
	}
	return nil
}

func (n *norm) add(out map[string]tensor.Tensor, examples int) error {
	for i, name := range []string{n.mean, n.variance} {
		v, ok := out[name].Float32s()
		if !ok {
			return fmt.Errorf("recalibration: %s gives no moments", n.node.Name)
		}
		if n.sums[i] == nil {
			n.sums[i] = make([]float64, len(v))
		}
		for c, x := range v {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return fmt.Errorf("recalibration: %w: node %q: a moment of channel %d is %v", compress.ErrCalibration, n.node.Name, c, x)
			}
			n.sums[i][c] += float64(x) * float64(examples)
		}
	}
	return nil
}

// replace gives the normalization its new statistics, under new names: the old
// ones may be shared.
func (n *norm) replace(g *onnx.Graph, total int) error {
	names := g.Names()
	for i, sum := range n.sums {
		v := make([]float32, len(sum))
		for c, x := range sum {
			v[c] = float32(x / float64(total))
		}
		t, err := onnx.TensorOf(names.Fresh(n.node.Inputs[3+i]+"_recalibrated"), v, int64(len(v)))
		if err != nil {
			return err
		}
		if err := g.AddInitializer(t); err != nil {
			return err
		}
		n.node.Inputs[3+i] = t.Name
	}
	return nil
}

// measuring is the model with every batch normalization using the moments of its
// batch, and these as the only outputs. The nodes of norms are those of m.
func measuring(m *onnx.Model) (*onnx.Model, []norm, error) {
	types, err := onnx.Infer(m, nil)
	if err != nil {
		return nil, nil, err
	}
	probe := m.Clone()
	g := probe.Graph
	opset, _ := m.Opset("")
	b := builder{g: g, names: g.Names(), opset: opset}
	var norms []norm
	for i, n := range m.Graph.Nodes {
		if n.Op != "BatchNormalization" || n.Domain != "" {
			continue
		}
		t := types[n.Input(0)]
		if t.Elem != onnx.Float || !t.Shape.Ranked() || len(t.Shape) < 2 || n.Int("spatial", 1) == 0 {
			return nil, nil, &onnx.Error{File: m.Path, Node: n.Name, Op: n.Op, Msg: fmt.Sprintf("recalibration: its input is %v, want float32 with channels", t), Reason: onnx.ErrUnsupported}
		}
		x := norm{node: n}
		if x.mean, x.variance, err = b.moments(g.Nodes[b.at(i)], len(t.Shape)); err != nil {
			return nil, nil, err
		}
		norms = append(norms, x)
	}
	if len(norms) == 0 {
		return nil, nil, nil
	}
	g.Outputs, g.ValueInfo = nil, nil
	for _, n := range norms {
		for _, v := range []string{n.mean, n.variance} {
			g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: v, Type: onnx.TypeShape{Elem: onnx.Float}})
		}
	}
	freeBatch(g)
	g.Prune()
	return probe, norms, nil
}

// freeBatch lets the input take any number of images.
func freeBatch(g *onnx.Graph) {
	for i, v := range g.Inputs {
		if len(v.Type.Shape) > 0 {
			c := *v
			c.Type.Shape = v.Type.Shape.Clone()
			c.Type.Shape[0] = onnx.Symbol("N")
			g.Inputs[i] = &c
		}
	}
}
