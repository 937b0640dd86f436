package kernel

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// randomMatMul draws a product that is often batched, transposed and with gaps.
func randomMatMul(r *rand.Rand) MatMulSpec {
	sizes := []int{1, 2, 5, 14, 16, 33, 64}
	pick := func() int { return sizes[r.IntN(len(sizes))] }
	s := DefaultMatMulSpec(pick(), pick(), 1+r.IntN(80))
	if r.IntN(8) == 0 {
		s.K = 512 // rows of A that alias
	}
	s.TransA, s.TransB = r.IntN(2) == 0, r.IntN(2) == 0
	if r.IntN(2) == 0 {
		s.Alpha, s.Beta = []float32{1, .5}[r.IntN(2)], []float32{0, 1, -.5}[r.IntN(3)]
	}
	if r.IntN(2) == 0 {
		s.LDA, s.LDB, s.LDC = max(s.M, s.K)+r.IntN(3), max(s.N, s.K)+r.IntN(3), s.N+r.IntN(3)
	}
	if r.IntN(3) == 0 {
		s.Batch = 1 + r.IntN(4)
		s.StrideA, s.StrideB, s.StrideC = r.IntN(2)*200, r.IntN(2)*300, s.M*max(s.LDC, s.N)+r.IntN(9)
	}
	s.Act = []Activation{{}, Relu(), {Kind: ActTanh}}[r.IntN(3)]
	return s
}

func at64(m []float32, base, ld int, trans bool, i, j int) float64 {
	if trans {
		i, j = j, i
	}
	return float64(m[base+i*ld+j])
}

// checkMatMul runs a product, with a constant B where possible, and compares
// it with its definition in float64.
func checkMatMul(t *testing.T, k *Kernels, r *rand.Rand, s MatMulSpec) {
	t.Helper()
	full, err := s.normalized(nil)
	if err != nil {
		t.Fatal(err)
	}
	length := func(rows, cols, ld, stride int, trans bool) int {
		if trans {
			rows, cols = cols, rows
		}
		return (full.Batch-1)*stride + (rows-1)*ld + cols
	}
	a := randoms(r, length(s.M, s.K, full.LDA, s.StrideA, s.TransA))
	b := randoms(r, length(s.K, s.N, full.LDB, s.StrideB, s.TransB))
	c := randoms(r, length(s.M, s.N, full.LDC, s.StrideC, false))
	var res, bias []float32
	if r.IntN(2) == 0 {
		res = randoms(r, len(c))
	}
	var packed *Matrix
	plan := s
	if s.StrideB == 0 && s.LDB == 0 && r.IntN(2) == 0 {
		if r.IntN(2) == 0 {
			bias = randoms(r, s.N)
		}
		if packed, err = k.PackMatrix(b, s.K, s.N, s.TransB, s.Alpha, bias); err != nil {
			t.Fatal(err)
		}
		plan.Alpha = 1
	}
	m, err := k.PlanMatMul(plan, packed)
	if err != nil {
		t.Fatal(err)
	}
	start := append([]float32(nil), c...)
	scratch := &Scratch{}
	for _, tile := range r.Perm(m.Tiles()) {
		m.Run(tile, a, b, res, c, scratch)
	}
	seen := make([]bool, len(c))
	for n := range full.Batch {
		for i := range s.M {
			for j := range s.N {
				var sum, mag float64
				for l := range s.K {
					v := at64(a, n*s.StrideA, full.LDA, s.TransA, i, l) * at64(b, n*s.StrideB, full.LDB, s.TransB, l, j)
					sum, mag = sum+v, mag+math.Abs(v)
				}
				at := n*s.StrideC + i*full.LDC + j
				seen[at] = true
				sum = float64(s.Alpha)*sum + float64(s.Beta)*float64(start[at])
				if bias != nil {
					sum += float64(bias[j])
				}
				if res != nil {
					sum += float64(res[at])
				}
				want, bound := activate64(s.Act, sum), float64(s.K+6)*eps32*(mag+3)
				if d := math.Abs(float64(c[at]) - want); !(d <= bound) {
					t.Fatalf("%+v: c[%d,%d,%d] = %g, want %g (allowed %g)", s, n, i, j, c[at], want, bound)
				}
			}
		}
	}
	for i, done := range seen {
		if !done && c[i] != start[i] {
			t.Fatalf("%+v: wrote c[%d] between rows", s, i)
		}
	}
}

// A product of any shape is what its definition says.
func TestMatMulDefinition(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for range 250 {
			checkMatMul(t, k, r, randomMatMul(r))
		}
		for _, s := range []MatMulSpec{DefaultMatMulSpec(1, 1000, 512), DefaultMatMulSpec(130, 300, 256), DefaultMatMulSpec(7, 3000, 70)} {
			checkMatMul(t, k, r, s)
		}
	})
}

func FuzzMatMul(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	all := Levels()
	k, err := For(all[len(all)-1])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		checkMatMul(t, k, r, randomMatMul(r))
	})
}

func TestMatMulErrors(t *testing.T) {
	k, _ := For(Scalar)
	if _, err := k.PackMatrix(make([]float32, 5), 2, 3, false, 1, nil); !errors.Is(err, ErrShape) {
		t.Errorf("too few values: %v", err)
	}
	b, err := k.PackMatrix(make([]float32, 6), 2, 3, false, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]MatMulSpec{
		"K":      DefaultMatMulSpec(1, 3, 4),
		"alpha":  {M: 1, N: 3, K: 2, Alpha: 2},
		"ld":     {M: 1, N: 3, K: 2, Alpha: 1, LDC: 2},
		"stride": {M: 1, N: 3, K: 2, Alpha: 1, Batch: 2},
		"size":   {M: 0, N: 3, K: 2, Alpha: 1},
	} {
		if _, err := k.PlanMatMul(s, b); !errors.Is(err, ErrShape) {
			t.Errorf("%s: error %v", what, err)
		}
	}
}
