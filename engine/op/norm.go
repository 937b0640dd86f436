package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// BatchNorm is y = (x − mean)/√(var + Epsilon)·scale + bias for each channel
// (axis 1), with operands x, scale, bias, mean, var. In Training, mean and
// variance of the batch itself are used, and outputs 1 and 2 are the given
// ones moved towards them: old·Momentum + batch·(1 − Momentum).
type BatchNorm struct {
	Epsilon, Momentum float32
	Training          bool
	Outputs           int // that the node has
}

// Infer checks the channel operands.
func (b BatchNorm) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 5, 5); err != nil {
		return nil, err
	}
	s := in[0].Shape
	if len(s) < 2 {
		return nil, fmt.Errorf("input has shape %v, want batch and channels", s)
	}
	for i := 1; i < 5; i++ {
		if len(in[i].Shape) != 1 || in[i].Shape[0] != s[1] {
			return nil, fmt.Errorf("input %d has shape %v, want [%d]", i, in[i].Shape, s[1])
		}
	}
	out := []Arg{{Type: in[0].Type, Shape: s}}
	if !b.Training {
		if b.Outputs > 1 {
			return nil, errors.New("has outputs that only training mode gives")
		}
		return out, nil
	}
	return append(out, Arg{Type: in[3].Type, Shape: in[3].Shape}, Arg{Type: in[4].Type, Shape: in[4].Shape}), nil
}

// Eval normalizes.
func (b BatchNorm) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return batchNorm[float32](b, in, out)
	case tensor.Float64:
		return batchNorm[float64](b, in, out)
	}
	return errType(in[0].Type())
}

func batchNorm[T float32 | float64](b BatchNorm, in, out []tensor.Tensor) error {
	var par [4][]T
	for i := range par {
		p, err := tensor.Of[T](in[i+1])
		if err != nil {
			return err
		}
		par[i] = p
	}
	x, y := tensor.Data[T](in[0]), tensor.Data[T](out[0])
	channels, size := in[0].Shape()[1], product(in[0].Shape()[2:])
	for c := range channels {
		mean, variance := float64(par[2][c]), float64(par[3][c])
		if b.Training {
			mean, variance = channelMoments(x, c, channels, size)
			m := float64(b.Momentum)
			setAt(out, 1, c, T(float64(par[2][c])*m+mean*(1-m)))
			setAt(out, 2, c, T(float64(par[3][c])*m+variance*(1-m)))
		}
		scale := float64(par[0][c]) / math.Sqrt(variance+float64(b.Epsilon))
		shift := float64(par[1][c]) - mean*scale
		for at := c * size; at < len(x); at += channels * size {
			for i, v := range x[at:][:size] {
				y[at+i] = T(float64(v)*scale + shift)
			}
		}
	}
	return nil
}

func setAt[T float32 | float64](out []tensor.Tensor, i, c int, v T) {
	if d := tensor.Data[T](got(out, i)); d != nil {
		d[c] = v
	}
}

// channelMoments is mean and variance (sum of squares over n) of a channel, in
// two passes.
func channelMoments[T float32 | float64](x []T, c, channels, size int) (mean, variance float64) {
	n := float64(len(x) / channels)
	for at := c * size; at < len(x); at += channels * size {
		for _, v := range x[at:][:size] {
			mean += float64(v)
		}
	}
	mean /= n
	for at := c * size; at < len(x); at += channels * size {
		for _, v := range x[at:][:size] {
			d := float64(v) - mean
			variance += d * d
		}
	}
	return mean, variance / n
}

// Affine is BatchNorm outside of training as y = x·scale + shift, computed in
// float64 from known operands 1 to 4; ok is false if one is not known.
func (b BatchNorm) Affine(in []Arg) (scale, shift []float64, ok bool) {
	if b.Training || len(in) < 5 {
		return nil, nil, false
	}
	var par [4][]float32
	for i := range par {
		v, isFloat := in[i+1].Value.Float32s()
		if !isFloat {
			return nil, nil, false
		}
		par[i] = v
	}
	scale, shift = make([]float64, len(par[0])), make([]float64, len(par[0]))
	for c := range scale {
		scale[c] = float64(par[0][c]) / math.Sqrt(float64(par[3][c])+float64(b.Epsilon))
		shift[c] = float64(par[1][c]) - float64(par[2][c])*scale[c]
	}
	return scale, shift, true
}

// LayerNorm normalizes over the axes from Axis on: (x − mean)/√(var +
// Epsilon)·scale + bias with operands x, scale and an optional bias. Outputs 1
// and 2 are the means and 1/√(var + Epsilon), in float32.
type LayerNorm struct {
	Axis    int
	Epsilon float32
	Outputs int
}

// Infer checks that scale and bias broadcast.
func (l LayerNorm) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	s := in[0].Shape
	axis, err := axisOf(l.Axis, len(s))
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(in); i++ {
		if !in[i].Present() {
			continue
		}
		if b, err := Broadcast(in[i].Shape, s[axis:]); err != nil || !slices.Equal(b, s[axis:]) {
			return nil, fmt.Errorf("input %d has shape %v, which does not broadcast to %v", i, in[i].Shape, s[axis:])
		}
	}
	if product(s[axis:]) == 0 {
		return nil, fmt.Errorf("nothing to normalize over in shape %v", s)
	}
	stat := Arg{Type: tensor.Float32, Shape: slices.Clone(s)}
	for i := axis; i < len(s); i++ {
		stat.Shape[i] = 1
	}
	return []Arg{{Type: in[0].Type, Shape: s}, stat, stat}[:max(1, min(l.Outputs, 3))], nil
}

// Eval normalizes.
func (l LayerNorm) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return layerNorm[float32](l, in, out)
	case tensor.Float64:
		return layerNorm[float64](l, in, out)
	}
	return errType(in[0].Type())
}

func layerNorm[T float32 | float64](l LayerNorm, in, out []tensor.Tensor) error {
	axis, err := axisOf(l.Axis, in[0].Rank())
	if err != nil {
		return err
	}
	inner := in[0].Shape()[axis:]
	n := product(inner)
	scale, err := repeat[T](in[1], inner)
	if err != nil {
		return err
	}
	bias := make([]T, n)
	if b := got(in, 2); b.Present() {
		if bias, err = repeat[T](b, inner); err != nil {
			return err
		}
	}
	x, y := tensor.Data[T](in[0]), tensor.Data[T](out[0])
	for r := 0; r*n < len(x); r++ {
		row := x[r*n:][:n]
		mean, variance := channelMoments(row, 0, 1, n)
		inv := 1 / math.Sqrt(variance+float64(l.Epsilon))
		for i, v := range row {
			y[r*n+i] = T((float64(v)-mean)*inv)*scale[i] + bias[i]
		}
		setAt(out, 1, r, float32(mean))
		setAt(out, 2, r, float32(inv))
	}
	return nil
}

// repeat is the elements of t broadcast to shape.
func repeat[T tensor.Element](t tensor.Tensor, shape []int) ([]T, error) {
	src, err := tensor.Of[T](t)
	if err != nil {
		return nil, err
	}
	dst := make([]T, product(shape))
	st := strides(t.Shape(), shape)
	width, s := 1, 0
	if r := len(shape); r > 0 {
		width, s = shape[r-1], st[r-1]
	}
	rows(shape, [][]int{st}, func(o int, at []int) {
		for k := range width {
			dst[o+k] = src[at[0]+k*s]
		}
	})
	return dst, nil
}

// LRN is local response normalization across Size channels around each one:
// y = x / (Bias + Alpha/Size·Σ x²)^Beta.
type LRN struct {
	Size              int
	Alpha, Beta, Bias float32
}

// Infer gives the operand's type and shape.
func (l LRN) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if len(in[0].Shape) < 2 || l.Size < 1 {
		return nil, fmt.Errorf("input %v and size %d do not fit", in[0].Shape, l.Size)
	}
	return []Arg{{Type: in[0].Type, Shape: in[0].Shape}}, nil
}

// Eval normalizes.
func (l LRN) Eval(env Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		lrn[float32](env, l, in[0], out[0])
	case tensor.Float64:
		lrn[float64](env, l, in[0], out[0])
	default:
		return errType(in[0].Type())
	}
	return nil
}

func lrn[T float32 | float64](env Env, l LRN, in, out tensor.Tensor) {
	x, y := tensor.Data[T](in), tensor.Data[T](out)
	channels, size := in.Shape()[1], product(in.Shape()[2:])
	alpha := float64(l.Alpha) / float64(l.Size)
	env.For(in.Shape()[0]*channels, func(plane int) {
		c := plane % channels
		first := plane - c
		lo := max(0, c-(l.Size-1)/2)
		hi := min(channels-1, c+l.Size/2)
		for i := range size {
			var sum float64
			for k := lo; k <= hi; k++ {
				v := float64(x[(first+k)*size+i])
				sum += v * v
			}
			y[plane*size+i] = T(float64(x[plane*size+i]) / math.Pow(float64(l.Bias)+alpha*sum, float64(l.Beta)))
		}
	})
}

// Softmax is e^x over its sum along an axis, or with Log the logarithm of
// that. Before opset 13 (Coerced) the sum runs over all axes from Axis on.
type Softmax struct {
	Axis    int
	Coerced bool
	Log     bool
}

// Infer gives the operand's type and shape.
func (s Softmax) Infer(in []Arg) ([]Arg, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if _, _, _, err := s.Split(in[0].Shape); err != nil {
		return nil, err
	}
	return []Arg{{Type: in[0].Type, Shape: in[0].Shape}}, nil
}

// Split cuts a shape into outer axes, those that the sum runs over, and inner.
func (s Softmax) Split(shape []int) (outer, n, inner int, err error) {
	if s.Coerced && s.Axis == len(shape) { // allowed then: every element alone
		return product(shape), 1, 1, nil
	}
	axis, err := axisOf(s.Axis, len(shape))
	if err != nil {
		return 0, 0, 0, err
	}
	if s.Coerced {
		return product(shape[:axis]), product(shape[axis:]), 1, nil
	}
	return product(shape[:axis]), shape[axis], product(shape[axis+1:]), nil
}

// Eval computes in float64.
func (s Softmax) Eval(_ Env, in, out []tensor.Tensor) error {
	switch in[0].Type() {
	case tensor.Float32:
		return softmax[float32](s, in[0], out[0])
	case tensor.Float64:
		return softmax[float64](s, in[0], out[0])
	}
	return errType(in[0].Type())
}

func softmax[T float32 | float64](s Softmax, in, out tensor.Tensor) error {
	outer, n, inner, err := s.Split(in.Shape())
	if err != nil {
		return err
	}
	x, y := tensor.Data[T](in), tensor.Data[T](out)
	for o := range outer {
		for i := range inner {
			at := o*n*inner + i
			top, sum := math.Inf(-1), 0.0
			for k := range n {
				top = max(top, float64(x[at+k*inner]))
			}
			for k := range n {
				sum += math.Exp(float64(x[at+k*inner]) - top)
			}
			for k := range n {
				d := float64(x[at+k*inner]) - top
				if s.Log {
					y[at+k*inner] = T(d - math.Log(sum))
				} else {
					y[at+k*inner] = T(math.Exp(d) / sum)
				}
			}
		}
	}
	return nil
}
