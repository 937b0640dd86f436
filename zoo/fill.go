package zoo

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// filler sets the initial values of a tensor.
type filler func(r *rand.Rand, dims []int64, data []float32)

// stream is a tensor's own random numbers.
func stream(seed uint64, name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// fan counts the terms that a He or Glorot initialization divides by.
type fan func(dims []int64) float64

// window is the number of taps of a convolution's window, 1 for a matrix.
func window(dims []int64) float64 {
	n := 1.0
	for _, d := range dims[2:] {
		n *= float64(d)
	}
	return n
}

// fanIn is the number of inputs of an output: a [out, in/groups, ...] weight.
func fanIn(dims []int64) float64 { return float64(dims[1]) * window(dims) }

// fanOut is the number of outputs times the window, as PyTorch counts it.
func fanOut(dims []int64) float64 { return float64(dims[0]) * window(dims) }

func constant(v float32) filler {
	return func(_ *rand.Rand, _ []int64, data []float32) {
		for i := range data {
			data[i] = v
		}
	}
}

// normal draws from a normal distribution of mean 0.
func normal(sd func(dims []int64) float64) filler {
	return func(r *rand.Rand, dims []int64, data []float32) {
		s := sd(dims)
		for i := range data {
			data[i] = float32(s * r.NormFloat64())
		}
	}
}

// heNormal is He et al. 2015 (arXiv:1502.01852): variance 2/fan.
func heNormal(f fan) filler {
	return normal(func(dims []int64) float64 { return math.Sqrt(2 / f(dims)) })
}

// truncation is the standard deviation of a standard normal variate that is
// kept inside two standard deviations: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
const truncation = 0.87962566103423978

// heTruncated is Keras' he_normal: variance 2/fan-in, drawn from a normal
// distribution cut off at two standard deviations.
func heTruncated(r *rand.Rand, dims []int64, data []float32) {
	s := math.Sqrt(2/fanIn(dims)) / truncation
	for i := range data {
		v := r.NormFloat64()
		for math.Abs(v) > 2 {
			v = r.NormFloat64()
		}
		data[i] = float32(s * v)
	}
}

// uniformFanIn is the default of a fully connected layer in Torch and PyTorch:
// uniform between -1/sqrt(fan-in) and 1/sqrt(fan-in).
func uniformFanIn(r *rand.Rand, dims []int64, data []float32) {
	bound := 1 / math.Sqrt(fanIn(dims))
	for i := range data {
		data[i] = float32(bound * (2*r.Float64() - 1))
	}
}

// unitNormal keeps the variance of a layer that no activation follows: He et
// al. 2015, section 2.2, with slope 1: variance 1/fan-in.
func unitNormal(r *rand.Rand, dims []int64, data []float32) {
	normal(func(dims []int64) float64 { return math.Sqrt(1 / fanIn(dims)) })(r, dims, data)
}
