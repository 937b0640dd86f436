package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// eps32 is the distance from 1 to the next float32.
const eps32 = 1.0 / (1 << 23)

func newRand(t testing.TB) *rand.Rand {
	h := uint64(1469598103934665603)
	for _, c := range t.Name() {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(h, 1))
}

// randoms are n values in [-1, 1).
func randoms(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 2*r.Float32() - 1
	}
	return out
}

// eachLevel runs a test for every level of this processor.
func eachLevel(t *testing.T, f func(t *testing.T, k *Kernels)) {
	for _, l := range Levels() {
		k, err := For(l)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(l.String(), func(t *testing.T) { f(t, k) })
	}
}

// tile is one random call of a micro-kernel with all its memory.
type tile struct {
	args    microArgs
	a, b, c []float32
	res     []float32
	bias    []float32
	rows    int
	cols    int
}

// offset of row r in a buffer with strides s (within a group) and g.
func (x *tile) offset(r, s, g int) int {
	if first := (x.rows + 1) / 2; r >= first {
		return g + (r-first)*s
	}
	return r * s
}

// newTile draws a tile for a kernel of rows and vecs; strides are such that
// nothing overlaps by accident and gaps are left everywhere.
func newTile(r *rand.Rand, rows, vecs, lanes int) *tile {
	x := &tile{rows: rows}
	p := &x.args
	tail := 1 + r.IntN(lanes)
	x.cols = (vecs-1)*lanes + tail
	width := vecs * lanes
	for i := range p.n {
		p.n[i] = 1 + r.IntN(4)
	}
	stride := func(n int) int { return 4 * (n + r.IntN(5)) }
	p.am = stride(1)
	p.am2 = stride(rows * p.am / 4)
	p.ak = [3]int{stride(1), stride(3), stride(7)}
	p.bk = [3]int{stride(width), stride(4 * width), stride(8 * width)}
	p.cm, p.rm = stride(x.cols), stride(x.cols)
	p.cm2, p.rm2 = stride(rows*p.cm/4), stride(rows*p.rm/4)
	total := func(strides [3]int) int {
		n := 0
		for i, s := range strides {
			n += (p.n[i] - 1) * s / 4
		}
		return n
	}
	x.a = randoms(r, total(p.ak)+(p.am2+rows*p.am)/4+1)
	x.b = randoms(r, total(p.bk)+width)
	x.c = randoms(r, (p.cm2+rows*p.cm)/4)
	p.a, p.b, p.c = unsafe.Pointer(&x.a[0]), unsafe.Pointer(&x.b[0]), unsafe.Pointer(&x.c[0])
	p.acc = r.IntN(2)
	if r.IntN(2) == 0 {
		x.bias = randoms(r, width)
		p.bias = unsafe.Pointer(&x.bias[0])
	}
	if r.IntN(2) == 0 {
		x.res = randoms(r, (p.rm2+rows*p.rm)/4)
		p.res = unsafe.Pointer(&x.res[0])
	}
	p.setActivation([]Activation{{}, Relu(), Clip(-.5, .5), {Kind: ActLeaky, Alpha: .1}, HardSwish()}[r.IntN(5)])
	p.setTail(tail, lanes)
	return x
}

// want computes the tile in float64 and the bound of its rounding error.
func (x *tile) want(row, col int) (value, bound float64) {
	p := &x.args
	if p.acc != 0 {
		value = float64(x.c[x.offset(row, p.cm, p.cm2)/4+col])
	}
	mag := math.Abs(value)
	for i2 := range p.n[2] {
		for i1 := range p.n[1] {
			for i0 := range p.n[0] {
				a := x.a[(x.offset(row, p.am, p.am2)+i0*p.ak[0]+i1*p.ak[1]+i2*p.ak[2])/4]
				b := x.b[(i0*p.bk[0]+i1*p.bk[1]+i2*p.bk[2])/4+col]
				value += float64(a) * float64(b)
				mag += math.Abs(float64(a) * float64(b))
			}
		}
	}
	if x.bias != nil {
		value += float64(x.bias[col])
		mag++
	}
	if x.res != nil {
		value += float64(x.res[x.offset(row, p.rm, p.rm2)/4+col])
		mag++
	}
	terms := float64(p.n[0]*p.n[1]*p.n[2] + 3)
	act := p.activation()
	return activate64(act, value), 2 * terms * eps32 * (mag + 1e-6)
}

// activate64 is the definition of an activation in float64.
func activate64(a Activation, x float64) float64 {
	alpha, beta := float64(a.Alpha), float64(a.Beta)
	switch a.Kind {
	case ActClip:
		return min(max(x, float64(a.Lo)), float64(a.Hi))
	case ActLeaky:
		if x < 0 {
			return alpha * x
		}
	case ActHardSwish:
		return x * min(max(alpha*x+beta, 0), 1)
	case ActHardSigmoid:
		return min(max(alpha*x+beta, 0), 1)
	case ActSigmoid:
		return 1 / (1 + math.Exp(-x))
	case ActSiLU:
		return x / (1 + math.Exp(-x))
	case ActTanh:
		return math.Tanh(x)
	case ActGelu:
		return x / 2 * math.Erfc(-x/math.Sqrt2)
	case ActGeluTanh:
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	return x
}

// Every micro-kernel computes its definition and writes nothing else.
func TestMicroKernels(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for vecs := 1; vecs <= k.maxVec; vecs++ {
			for rows := 1; rows <= k.maxRows(vecs); rows++ {
				for range 60 {
					x := newTile(r, rows, vecs, k.lanes)
					checkTile(t, x, func(p *microArgs) {
						s := &Scratch{micro: *p}
						k.invoke(s, vecs, rows)
					}, fmt.Sprintf("%d rows, %d vectors", rows, vecs))
				}
			}
		}
	})
}

func checkTile(t *testing.T, x *tile, f microFunc, what string) {
	t.Helper()
	p := &x.args
	want, bound := make([]float64, len(x.c)), make([]float64, len(x.c))
	for i, v := range x.c {
		want[i] = float64(v)
	}
	for row := range x.rows {
		for col := range x.cols {
			i := x.offset(row, p.cm, p.cm2)/4 + col
			want[i], bound[i] = x.want(row, col)
		}
	}
	f(p)
	for i, v := range x.c {
		if d := math.Abs(float64(v) - want[i]); !(d <= bound[i]) {
			t.Fatalf("%s: c[%d] = %g, want %g (difference %g, allowed %g)\nargs %+v", what, i, v, want[i], d, bound[i], *p)
		}
	}
}

// The levels with fused multiply-add agree to the last bit.
func TestMicroKernelsSameBits(t *testing.T) {
	var fused []*Kernels
	for _, l := range Levels() {
		if l != Scalar {
			k, err := For(l)
			if err != nil {
				t.Fatal(err)
			}
			fused = append(fused, k)
		}
	}
	if len(fused) < 2 {
		t.Skip("one vector level on this processor: nothing to compare")
	}
	r := newRand(t)
	for range 200 {
		rows := 1 + r.IntN(6)
		x := newTile(r, rows, 1, 8)
		// B and bias are read in vectors of the widest level.
		x.b = append(x.b, make([]float32, 16)...)
		x.args.b = unsafe.Pointer(&x.b[0])
		if x.bias != nil {
			x.bias = append(x.bias, make([]float32, 16)...)
			x.args.bias = unsafe.Pointer(&x.bias[0])
		}
		start := append([]float32(nil), x.c...)
		var first []float32
		for _, k := range fused {
			copy(x.c, start)
			tail := x.args.tail
			x.args.tail = 0
			x.args.setTail(tail, k.lanes)
			k.micro[0][rows-1](&x.args)
			if first == nil {
				first = append([]float32(nil), x.c...)
			}
			for i := range first {
				if math.Float32bits(first[i]) != math.Float32bits(x.c[i]) {
					t.Fatalf("%v: c[%d] = %x, %v has %x", k.level, i, x.c[i], fused[0].level, first[i])
				}
			}
		}
	}
}
