package int8static

import (
	"math"

	"github.com/lethe-audit/lethe/compress/calibrate"
)

// grid is how a value's real numbers lie on bytes: real = (byte - zero)·scale.
type grid struct {
	scale float32
	zero  uint8
}

// leastScale keeps quotients by a scale finite in float32.
const leastScale = 1e-30

// gridOf lays a range, widened so that it holds 0, over the 256 bytes. 0 is a
// byte exactly.
func gridOf(r calibrate.Range) grid {
	lo, hi := min(r.Low, 0), max(r.High, 0)
	scale := float32((hi - lo) / math.MaxUint8)
	if !(scale >= leastScale) {
		return grid{1, 0} // 0 everywhere
	}
	zero := math.RoundToEven(-lo / float64(scale))
	return grid{scale, uint8(min(max(zero, 0), math.MaxUint8))}
}

// high is the largest number that a byte stands for.
func (g grid) high() float64 { return float64(math.MaxUint8-int(g.zero)) * float64(g.scale) }

// intWeights is a layer's weights and bias as integers.
type intWeights struct {
	data  []int8
	scale []float32 // one, or one for each output channel
	bias  []int32   // nil if there is none; units of x scale · scale
}

// mostBias is the largest bias: half of int32, so that the sum of the products
// has the other half. 2^30 products' worth at the least; 65,000 elements of
// 127·255 fit.
const mostBias = 1 << 30

// weightRows quantizes weights whose channel c is rows[c]. A channel's scale is
// its largest magnitude over 127; larger where its bias would not fit otherwise.
func weightRows(rows [][]float32, bias []float64, x float32, perTensor bool) intWeights {
	w := intWeights{scale: make([]float32, len(rows))}
	for c, row := range rows {
		most := 0.0
		for _, v := range row {
			most = max(most, math.Abs(float64(v)))
		}
		s := most / math.MaxInt8
		if bias != nil {
			s = max(s, math.Abs(bias[c])/(float64(x)*mostBias))
		}
		if w.scale[c] = float32(s); w.scale[c] < leastScale {
			w.scale[c] = 1 // all zero
		}
	}
	if perTensor {
		w.scale = []float32{oneScale(rows, w.scale)}
	}
	for c, row := range rows {
		s := float64(w.scale[c%len(w.scale)])
		for _, v := range row {
			w.data = append(w.data, int8(min(max(math.RoundToEven(float64(v)/s), -math.MaxInt8), math.MaxInt8)))
		}
	}
	if bias == nil {
		return w
	}
	w.bias = make([]int32, len(bias))
	for c, b := range bias {
		unit := float64(x * w.scale[c%len(w.scale)])
		w.bias[c] = int32(min(max(math.RoundToEven(b/unit), -mostBias), mostBias))
	}
	return w
}

// oneScale is the largest scale of the channels that have weights.
func oneScale(rows [][]float32, scales []float32) float32 {
	var one float32
	for c, s := range scales {
		if s != 1 || largest(rows[c]) > 0 {
			one = max(one, s)
		}
	}
	if one == 0 {
		return 1
	}
	return one
}

func largest(v []float32) float32 {
	var m float32
	for _, x := range v {
		m = max(m, x, -x)
	}
	return m
}
