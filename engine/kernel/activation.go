package kernel

import (
	"fmt"
	"math"
)

// ActKind names the function that a convolution or matrix product applies to
// its result.
type ActKind int

// The activations. Those up to ActHardSwish are computed while the result is
// in registers, the others in a second pass over rows that are still in cache.
const (
	ActNone        ActKind = iota
	ActClip                // min(max(x, Lo), Hi): Relu, Relu6, Clip
	ActLeaky               // x < 0 ? Alpha·x : x
	ActHardSwish           // x · min(max(Alpha·x + Beta, 0), 1)
	ActHardSigmoid         // min(max(Alpha·x + Beta, 0), 1)
	ActSigmoid             // 1 / (1 + e^-x)
	ActSiLU                // x / (1 + e^-x)
	ActTanh                // tanh x
	ActGelu                // x/2 · (1 + erf(x/√2))
	ActGeluTanh            // x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³)))
	actCount
)

// Activation is an activation with its parameters; fields that Kind does not
// name are ignored. The zero value is the identity. NaN stays NaN.
type Activation struct {
	Kind        ActKind
	Lo, Hi      float32 // bounds of ActClip, Lo ≤ Hi
	Alpha, Beta float32 // slope and offset of ActLeaky, ActHardSwish, ActHardSigmoid
}

// Relu is max(x, 0).
func Relu() Activation { return Activation{Kind: ActClip, Hi: float32(math.Inf(1))} }

// Clip is min(max(x, lo), hi).
func Clip(lo, hi float32) Activation { return Activation{Kind: ActClip, Lo: lo, Hi: hi} }

// HardSwish is x·min(max(x/6 + 1/2, 0), 1), as ONNX defines it.
func HardSwish() Activation { return Activation{Kind: ActHardSwish, Alpha: 1.0 / 6, Beta: 0.5} }

// valid reports parameters that mean nothing.
func (a Activation) valid() error {
	if a.Kind < ActNone || a.Kind >= actCount {
		return fmt.Errorf("unknown activation %d", int(a.Kind))
	}
	if a.Kind == ActClip && !(a.Lo <= a.Hi) {
		return fmt.Errorf("clip to [%g, %g]: bounds out of order", a.Lo, a.Hi)
	}
	return nil
}

// fused says that the micro-kernels apply a themselves.
func (a Activation) fused() bool { return a.Kind <= ActHardSwish }

// scalar applies a fused activation to one value; the operand order of the
// comparisons keeps NaN, as the vector instructions do.
func (a *Activation) scalar(x float32) float32 {
	switch a.Kind {
	case ActClip:
		return clip32(x, a.Lo, a.Hi)
	case ActLeaky:
		if x < 0 {
			return a.Alpha * x
		}
	case ActHardSwish:
		return x * clip32(a.Alpha*x+a.Beta, 0, 1)
	}
	return x
}

func clip32(x, lo, hi float32) float32 {
	if lo > x {
		x = lo
	}
	if hi < x {
		x = hi
	}
	return x
}
