package kernel

import (
	"math"
	"unsafe"
)

// UnaryOp is a function of one value that Unary applies to a slice. For what a
// convolution can apply to its result, see Activation.
type UnaryOp int

// The functions, with the largest error of the vector levels in units of the
// last place of the exact result, measured over a dense grid and every power
// of two (unary_test.go). The scalar twins compute in float64 and round once.
const (
	OpAbs        UnaryOp = iota // |x|, exact
	OpSqrt                      // √x, correctly rounded; NaN for x < 0
	OpReciprocal                // 1/x, correctly rounded
	OpAffine                    // alpha·x + beta, one rounding
	OpExp                       // e^x, 1.1 ulp; subnormal results and overflow as in float64
	OpErf                       // error function, 2 ulp
	OpTanh                      // tanh x, 1.5 ulp
	OpSigmoid                   // 1/(1 + e^-x), 2.5 ulp
	opClip                      // the activations
	opLeaky
	opHardSigmoid
	opHardSwish
	opSiLU
	opGelu
	opGeluTanh
	unaryCount
)

// unaryFunc sets dst[i] = f(x[i]; a, b) for n > 0 values; dst may be x.
type unaryFunc func(dst, x *float32, n int, a, b float32)

// Unary sets dst[i] = op(x[i]) for all of x; dst may be x. Only OpAffine uses
// alpha and beta.
func (k *Kernels) Unary(op UnaryOp, dst, x []float32, alpha, beta float32) {
	if len(x) > 0 {
		dst = dst[:len(x)]
		k.unary[op](&dst[0], &x[0], len(x), alpha, beta)
	}
}

// Activate sets dst[i] = act(x[i]) for all of x; dst may be x.
func (k *Kernels) Activate(act Activation, dst, x []float32) {
	if len(x) == 0 {
		return
	}
	dst = dst[:len(x)]
	op, a, b := opClip, act.Alpha, act.Beta
	switch act.Kind {
	case ActNone:
		copy(dst, x)
		return
	case ActClip:
		a, b = act.Lo, act.Hi
	case ActLeaky:
		op = opLeaky
	case ActHardSwish:
		op = opHardSwish
	case ActHardSigmoid:
		op = opHardSigmoid
	case ActSigmoid:
		op = OpSigmoid
	case ActSiLU:
		op = opSiLU
	case ActTanh:
		op = OpTanh
	case ActGelu:
		op = opGelu
	case ActGeluTanh:
		op = opGeluTanh
	}
	k.unary[op](&dst[0], &x[0], len(x), a, b)
}

// activate is Activate in place.
func (k *Kernels) activate(act Activation, x []float32) { k.Activate(act, x, x) }

// Pow sets dst[i] = x[i]^exponent. Exponents ±1, 2, 3 and ±1/2 take a few
// vector instructions, others float64 arithmetic a value.
func (k *Kernels) Pow(dst, x []float32, exponent float32) {
	dst = dst[:len(x)]
	switch exponent {
	case 1:
		copy(dst, x)
	case 2:
		k.Binary(Mul, dst, x, x)
	case 3:
		for i, v := range x {
			dst[i] = v * v * v
		}
	case -1:
		k.Unary(OpReciprocal, dst, x, 0, 0)
	case 0.5:
		k.Unary(OpSqrt, dst, x, 0, 0)
	case -0.5:
		k.Unary(OpSqrt, dst, x, 0, 0)
		k.Unary(OpReciprocal, dst, dst, 0, 0)
	default:
		for i, v := range x {
			dst[i] = float32(math.Pow(float64(v), float64(exponent)))
		}
	}
}

// scalarUnary makes a scalar twin of a function.
func scalarUnary(f func(x, a, b float32) float32) unaryFunc {
	return func(dst, x *float32, n int, a, b float32) {
		d, s := unsafe.Slice(dst, n), unsafe.Slice(x, n)
		for i, v := range s {
			d[i] = f(v, a, b)
		}
	}
}

// in64 makes a scalar twin of a float64 function.
func in64(f func(float64) float64) unaryFunc {
	return scalarUnary(func(x, _, _ float32) float32 { return float32(f(float64(x))) })
}

func scalarUnaries(k *Kernels) {
	k.unary = [unaryCount]unaryFunc{
		OpAbs:        in64(math.Abs),
		OpSqrt:       in64(math.Sqrt),
		OpReciprocal: scalarUnary(func(x, _, _ float32) float32 { return 1 / x }),
		OpAffine: scalarUnary(func(x, a, b float32) float32 {
			return float32(math.FMA(float64(a), float64(x), float64(b)))
		}),
		OpExp:     in64(math.Exp),
		OpErf:     in64(math.Erf),
		OpTanh:    in64(math.Tanh),
		OpSigmoid: in64(sigmoid64),
		opClip:    scalarUnary(clip32),
		opLeaky: scalarUnary(func(x, a, _ float32) float32 {
			if x < 0 {
				return a * x
			}
			return x
		}),
		opHardSigmoid: scalarUnary(func(x, a, b float32) float32 { return clip32(a*x+b, 0, 1) }),
		opHardSwish:   scalarUnary(func(x, a, b float32) float32 { return x * clip32(a*x+b, 0, 1) }),
		opSiLU:        in64(func(x float64) float64 { return x * sigmoid64(x) }),
		opGelu:        in64(func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }),
		opGeluTanh: in64(func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}),
	}
}

// sigmoid64 loses nothing where the result is small.
func sigmoid64(x float64) float64 {
	e := math.Exp(-math.Abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}
