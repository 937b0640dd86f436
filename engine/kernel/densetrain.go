package kernel

import "fmt"

// DenseSpec is a fully connected layer y = x·op(W) + bias of Rows rows.
type DenseSpec struct {
	Rows, In, Out int
	// Transposed says that W is stored as Out by In (Gemm with transB, as PyTorch
	// exports it), else as In by Out.
	Transposed bool
	Bias       bool
}

// TrainDense is a fully connected layer that is being trained: the forward pass
// and the two gradients as matrix products, cut into tiles. What it packs is
// working memory; between Pack and the next Pack it is read-only.
type TrainDense struct {
	k       *Kernels
	s       DenseSpec
	packed  *Matrix
	forward *MatMul
	data    [2]*MatMul // dx =, dx +=
	weight  *MatMul
}

// PlanDense prepares a layer.
func (k *Kernels) PlanDense(s DenseSpec) (*TrainDense, error) {
	if s.Rows < 1 || s.In < 1 || s.Out < 1 {
		return nil, fmt.Errorf("kernel: dense layer: %w: %d rows of %d to %d", ErrShape, s.Rows, s.In, s.Out)
	}
	d := &TrainDense{k: k, s: s}
	var bias []float32
	if s.Bias {
		bias = make([]float32, s.Out)
	}
	var err error
	if d.packed, err = k.PackMatrix(make([]float32, s.In*s.Out), s.In, s.Out, s.Transposed, 1, bias); err != nil {
		return nil, err
	}
	if d.forward, err = k.PlanMatMul(DefaultMatMulSpec(s.Rows, s.Out, s.In), d.packed); err != nil {
		return nil, err
	}
	for i := range d.data {
		spec := DefaultMatMulSpec(s.Rows, s.In, s.Out)
		spec.TransB, spec.Beta = !s.Transposed, float32(i)
		if d.data[i], err = k.PlanMatMul(spec, nil); err != nil {
			return nil, err
		}
	}
	spec := DefaultMatMulSpec(s.In, s.Out, s.Rows)
	if s.Transposed {
		spec.M, spec.N = s.Out, s.In
	}
	spec.TransA = true
	d.weight, err = k.PlanMatMul(spec, nil)
	return d, err
}

// PackTiles is the number of pieces that Pack computes.
func (d *TrainDense) PackTiles() int { return len(d.packed.panels) }

// Pack packs one piece of the weights and, where there is one, the bias for
// Forward.
func (d *TrainDense) Pack(tile int, weights, bias []float32) {
	m, p := d.packed, d.packed.panels[tile]
	if len(weights) != d.s.In*d.s.Out || d.s.Bias != (bias != nil) {
		panic(fmt.Sprintf("kernel: dense layer %+v: %d weights and a bias of %d to pack", d.s, len(weights), len(bias)))
	}
	ld := d.s.Out
	if d.s.Transposed {
		ld = d.s.In
	}
	d.k.packPanel(m.data[p.data:], weights, p, d.s.In, ld, d.s.Transposed, 1)
	if bias != nil {
		copy(m.bias[p.bias:], bias[p.col:p.col+p.cols(d.k.lanes)])
	}
}

// ForwardTiles is the number of pieces that Forward computes.
func (d *TrainDense) ForwardTiles() int { return d.forward.Tiles() }

// Forward computes one tile of y with what was last packed.
func (d *TrainDense) Forward(tile int, x, y []float32, s *Scratch) {
	d.forward.Run(tile, x, nil, nil, y, s)
}

// DataTiles is the number of pieces that Data computes.
func (d *TrainDense) DataTiles() int { return d.data[0].Tiles() }

// Data computes one tile of dx, or with add of dx plus the gradient.
func (d *TrainDense) Data(tile int, dy, weights, dx []float32, add bool, s *Scratch) {
	m := d.data[0]
	if add {
		m = d.data[1]
	}
	m.Run(tile, dy, weights, nil, dx, s)
}

// WeightTiles is the number of pieces that Weight computes.
func (d *TrainDense) WeightTiles() int { return d.weight.Tiles() }

// Weight computes one tile of dw, which has the layout of the weights. The
// gradient of the bias is ColumnSums of dy.
func (d *TrainDense) Weight(tile int, x, dy, dw []float32, s *Scratch) {
	a, b := x, dy
	if d.s.Transposed {
		a, b = dy, x
	}
	d.weight.Run(tile, a, b, nil, dw, s)
}
