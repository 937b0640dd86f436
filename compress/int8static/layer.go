package int8static

import (
	"math"

	"github.com/lethe-audit/lethe/compress/calibrate"
	"github.com/lethe-audit/lethe/onnx"
)

// layer is a convolution or product to be quantized.
type layer struct {
	node *onnx.Node
	w    *onnx.Tensor
	v    []float32
	axis int // of w, over output channels
	bias []float64
}

func (p *plan) layer(n *onnx.Node) (*layer, error) {
	l := &layer{node: n, w: p.float(n.Inputs[1])}
	if n.Op == "MatMul" || n.Op == "Gemm" && n.Int("transB", 0) == 0 {
		l.axis = 1
	}
	var err error
	if l.v, err = l.w.Float32s(); err != nil {
		return nil, err
	}
	if n.Input(2) != "" {
		b, err := p.float(n.Inputs[2]).Float32s()
		if err != nil {
			return nil, err
		}
		l.bias = make([]float64, len(b))
		for i, x := range b {
			l.bias[i] = float64(x)
		}
	}
	return l, nil
}

func (l *layer) channels() int { return int(l.w.Dims[l.axis]) }

// rows is the weights of each output channel. Those of a matrix whose columns
// are the channels are copied.
func (l *layer) rows() [][]float32 {
	n := l.channels()
	each := len(l.v) / n
	rows := make([][]float32, n)
	for c := range rows {
		if l.axis == 0 {
			rows[c] = l.v[c*each : (c+1)*each]
			continue
		}
		rows[c] = make([]float32, each)
		for k := range rows[c] {
			rows[c][k] = l.v[k*n+c]
		}
	}
	return rows
}

// quantize makes integers of the layer, for an input of this scale. With the
// channel means of its input the bias is corrected; corrected is false if there
// is none to correct.
func (l *layer) quantize(x grid, perTensor bool, means []float64) (w intWeights, corrected bool) {
	rows := l.rows()
	w = weightRows(rows, l.bias, x.scale, perTensor)
	if means != nil && (l.bias != nil || l.node.Op != "MatMul") {
		if bias, ok := l.correct(rows, w, means); ok {
			l.bias = bias
			w = weightRows(rows, l.bias, x.scale, perTensor)
			corrected = true
		}
	}
	return w, corrected
}

// correct is the bias less the mean error that rounding the weights makes in the
// layer's result: sum over inputs of (rounded - exact weight)·E[input].
func (l *layer) correct(rows [][]float32, w intWeights, means []float64) ([]float64, bool) {
	group := int(l.node.Int("group", 1))
	size, in := 1, len(rows[0])
	if l.node.Op == "Conv" {
		in = int(l.w.Dims[1])
		size = len(rows[0]) / in
	}
	if len(means) != in*group || len(rows)%group != 0 {
		return nil, false
	}
	bias := make([]float64, len(rows))
	copy(bias, l.bias)
	for c, row := range rows {
		first := c / (len(rows) / group) * in
		for k, v := range row {
			rounded := float64(w.data[c*len(row)+k]) * float64(w.scale[c%len(w.scale)])
			bias[c] -= (rounded - float64(v)) * means[first+k/size]
		}
	}
	for _, b := range bias {
		if math.IsNaN(b) || math.IsInf(b, 0) {
			return nil, false
		}
	}
	return bias, true
}

// stored is the integers in the layout of the weights; transposed gives those of
// a matrix with the channels as columns, whatever layout the weights had.
func (l *layer) stored(w intWeights, columns bool) (data []int8, dims []int64, axis int64) {
	n := l.channels()
	each := len(w.data) / n
	if l.node.Op == "Conv" || l.axis == 0 && !columns {
		return w.data, l.w.Dims, int64(l.axis)
	}
	data = make([]int8, len(w.data))
	for c := range n {
		for k := range each {
			data[k*n+c] = w.data[c*each+k]
		}
	}
	return data, []int64{int64(each), int64(n)}, 1
}

// grids are the grids of the groups of values that share one: each holds the
// ranges of all of its values.
func (p *plan) grids(c *calibrate.Collected) ([]grid, error) {
	ranges := make([]*calibrate.Range, p.groups)
	for _, v := range p.Values {
		r, err := c.Values[v].Range(p.opts.Calibration)
		if err != nil {
			return nil, err
		}
		if old := ranges[p.group[v]]; old != nil {
			r = old.Union(r)
		}
		ranges[p.group[v]] = &r
	}
	out := make([]grid, p.groups)
	for i, r := range ranges {
		out[i] = gridOf(*r)
	}
	return out, nil
}
