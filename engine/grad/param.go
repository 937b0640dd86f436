package grad

import (
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/onnx"
)

// ParamKind says what a parameter does in its layer.
type ParamKind int

// The kinds. Weight decay and pruning are for weights.
const (
	ConvWeight  ParamKind = iota // filters of a convolution
	DenseWeight                  // the matrix of a fully connected layer
	Bias                         // added to a layer's result
	NormScale                    // multiplies a (normalized) value
	NormShift                    // added to a normalized value
)

// String names the kind.
func (k ParamKind) String() string {
	return [...]string{"conv weight", "dense weight", "bias", "norm scale", "norm shift"}[k]
}

// Param is a parameter. Its slices are live: an optimizer writes Value (and a
// pruner Mask), then calls [Network.Changed].
type Param struct {
	Name  string // of the initializer in the ONNX graph
	Node  string // the first node that reads it
	Kind  ParamKind
	Dims  []int     // as in ONNX
	Value []float32 // the dense weights in ONNX's order
	// Grad is the gradient of the mean loss of the last Step's batch in the
	// weights that were used: 0 where the mask is.
	Grad []float32
	// Mask is nil, or 1 for each weight that is used and 0 for each that is not:
	// both passes and Model use Value·Mask.
	Mask []float32

	used   []float32 // Value, or Value·Mask
	masked []float32 // memory of Value·Mask
}

// apply computes the weights that are used. A weight that is masked is +0.
func (p *Param) apply() {
	p.used = p.Value
	if p.Mask == nil {
		return
	}
	if p.masked == nil {
		p.masked = kernel.Aligned(len(p.Value))
	}
	p.used = p.masked
	for i, m := range p.Mask {
		p.used[i] = 0
		if m != 0 {
			p.used[i] = p.Value[i]
		}
	}
}

// maskGrad clears the gradient of weights that are not used.
func (p *Param) maskGrad() {
	for i, m := range p.Mask {
		if m == 0 {
			p.Grad[i] = 0
		}
	}
}

// Buffer is a running statistic of a batch normalization, by channel. Value is
// live.
type Buffer struct {
	Name  string // of the initializer in the ONNX graph
	Value []float32
}

// newParam makes a parameter of an initializer.
func newParam(t *onnx.Tensor, node string, kind ParamKind) (*Param, error) {
	data, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	p := &Param{Name: t.Name, Node: node, Kind: kind, Value: kernel.Aligned(len(data)), Grad: kernel.Aligned(len(data))}
	copy(p.Value, data)
	for _, d := range t.Dims {
		p.Dims = append(p.Dims, int(d))
	}
	p.apply()
	return p, nil
}
