package op

import (
	"github.com/lethe-audit/lethe/engine/tensor"
)

// Half runs an operator whose float16 or bfloat16 operands are converted to
// float32 first, and whose float32 results are rounded to the operands' type.
type Half struct {
	Operator
	// Keep is the first output whose float32 is not rounded; 0 rounds all.
	Keep int
}

// halfOf is the half type among the operands, Undefined if there is none.
func halfOf(in []Arg) tensor.Type {
	for _, a := range in {
		if a.Type == tensor.F16 || a.Type == tensor.BF16 {
			return a.Type
		}
	}
	return tensor.Undefined
}

// Infer gives what the operator gives for float32, in the half type.
func (h Half) Infer(in []Arg) ([]Arg, error) {
	half := halfOf(in)
	if half == tensor.Undefined {
		return h.Operator.Infer(in)
	}
	wide := make([]Arg, len(in))
	for i, a := range in {
		wide[i] = a
		if a.Type == half {
			wide[i].Type = tensor.Float32
			wide[i].Value = widenHalf(a.Value)
		}
	}
	out, err := h.Operator.Infer(wide)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if h.rounds(i, out[i].Type) {
			out[i].Type = half
		}
	}
	return out, nil
}

func (h Half) rounds(i int, t tensor.Type) bool {
	return t == tensor.Float32 && (h.Keep == 0 || i < h.Keep)
}

// widenHalf is t in float32 if it has half floats, t itself otherwise.
func widenHalf(t tensor.Tensor) tensor.Tensor {
	if t.Type() != tensor.F16 && t.Type() != tensor.BF16 {
		return t
	}
	v, _ := t.Float32s()
	return tensor.Must(tensor.New(t.Shape(), v))
}

// Eval converts, runs and rounds.
func (h Half) Eval(env Env, in, out []tensor.Tensor) error {
	wide := make([]tensor.Tensor, len(in))
	for i, t := range in {
		wide[i] = widenHalf(t)
	}
	res := make([]tensor.Tensor, len(out))
	for i, t := range out {
		res[i] = t
		if t.Type() == tensor.F16 || t.Type() == tensor.BF16 {
			w, err := tensor.Make(tensor.Float32, t.Shape())
			if err != nil {
				return err
			}
			res[i] = w
		}
	}
	if err := h.Operator.Eval(env, wide, res); err != nil {
		return err
	}
	for i, t := range out {
		if t.Type() != res[i].Type() {
			if err := castFloat(t, tensor.Data[float32](res[i])); err != nil {
				return err
			}
		}
	}
	return nil
}
