package kernel

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var binaryDefinition = [binaryCount]func(a, b float32) float32{
	Add: func(a, b float32) float32 { return a + b },
	Sub: func(a, b float32) float32 { return a - b },
	Mul: func(a, b float32) float32 { return a * b },
	Div: func(a, b float32) float32 { return a / b },
	Min: func(a, b float32) float32 { return min(a, b) },
	Max: func(a, b float32) float32 { return max(a, b) },
}

// same says that two floats are equal, NaN being equal to NaN.
func same(a, b float32) bool { return a == b || a != a && b != b }

// withSpecials replaces some values by NaN, infinities and zeros.
func withSpecials(r *rand.Rand, x []float32) []float32 {
	special := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0}
	for i := range x {
		if r.IntN(9) == 0 {
			x[i] = special[r.IntN(len(special))]
		}
	}
	return x
}

// Broadcasting by ONNX's rules, every operation, exact to the last bit.
func TestBinaryBroadcast(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for i := range 1500 {
			op := BinaryOp(i % int(binaryCount))
			rank := 1 + r.IntN(4)
			a, b := make([]int, rank), make([]int, rank)
			for j := range rank {
				a[j] = []int{1, 2, 3, 7, 8, 16, 37}[r.IntN(7)]
				b[j] = a[j]
				switch r.IntN(4) {
				case 0:
					a[j] = 1
				case 1:
					b[j] = 1
				}
			}
			a, b = a[r.IntN(rank):], b[r.IntN(rank):]
			checkBinary(t, k, r, op, a, b)
		}
		for op := range binaryCount { // several tiles
			checkBinary(t, k, r, op, []int{100, 41, 19}, []int{19})
			checkBinary(t, k, r, op, []int{70001}, []int{70001})
			checkBinary(t, k, r, op, []int{1}, []int{40001})
			checkBinary(t, k, r, op, []int{3, 500, 1, 64}, []int{3, 1, 2, 64})
		}
	})
}

func checkBinary(t *testing.T, k *Kernels, r *rand.Rand, op BinaryOp, a, b []int) {
	t.Helper()
	p, err := k.PlanBinary(op, a, b)
	if errors.Is(err, ErrShape) {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	x, y := withSpecials(r, randoms(r, product(a))), withSpecials(r, randoms(r, product(b)))
	shape := p.Shape()
	dst := make([]float32, product(shape))
	for _, tile := range r.Perm(p.Tiles()) {
		p.Run(tile, dst, x, y)
	}
	index := func(s []int, i int) int {
		at, step := 0, 1
		for j := len(shape) - 1; j >= 0; j-- {
			pos := i % shape[j]
			i /= shape[j]
			if q := j - len(shape) + len(s); q >= 0 {
				if s[q] > 1 {
					at += pos * step
				}
				step *= s[q]
			}
		}
		return at
	}
	for i, got := range dst {
		if want := binaryDefinition[op](x[index(a, i)], y[index(b, i)]); !same(got, want) {
			t.Fatalf("op %d of %v and %v: [%d] = %g, want %g", op, a, b, i, got, want)
		}
	}
}

func TestBinaryShapes(t *testing.T) {
	k, _ := For(Scalar)
	for _, c := range []struct{ a, b, want []int }{
		{[]int{2, 3}, []int{3}, []int{2, 3}},
		{[]int{2, 1, 4}, []int{5, 1}, []int{2, 5, 4}},
		{[]int{}, []int{}, []int{}},
		{[]int{0, 3}, []int{1, 3}, []int{0, 3}},
		{[]int{2, 3}, []int{2}, nil},
	} {
		p, err := k.PlanBinary(Add, c.a, c.b)
		if c.want == nil {
			if !errors.Is(err, ErrShape) {
				t.Errorf("%v, %v: error %v", c.a, c.b, err)
			}
			continue
		}
		if err != nil || !slices.Equal(p.Shape(), c.want) {
			t.Errorf("%v, %v: %v, %v", c.a, c.b, p, err)
		} else if product(c.want) == 0 && p.Tiles() != 0 {
			t.Errorf("%v: %d tiles of nothing", c.want, p.Tiles())
		}
	}
}

// Slices of the same length, tails included, in place.
func TestBinaryTails(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for op := range binaryCount {
			for n := range 50 {
				a, b := randoms(r, n+1), randoms(r, n)
				before := slices.Clone(a)
				k.Binary(op, a, a[:n], b)
				for i := range n {
					if want := binaryDefinition[op](before[i], b[i]); a[i] != want {
						t.Fatalf("op %d, %d values: [%d] = %g, want %g", op, n, i, a[i], want)
					}
				}
				if a[n] != before[n] {
					t.Fatalf("op %d: wrote past %d values", op, n)
				}
			}
		}
	})
}
