package prune

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// weights draws n weights with many ties and zeros of both signs among them.
func weights(rng *rand.Rand, n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(rng.NormFloat64())
		switch rng.IntN(4) {
		case 0:
			w[i] = float32(math.Round(float64(w[i])*2) / 2)
		case 1:
			w[i] = -w[i] * 1e-30
		}
	}
	return w
}

// sorted is the definition: positions by magnitude, the earlier first among
// equals.
func sorted(w []float32) []int {
	at := make([]int, len(w))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(a, b int) int {
		x, y := math.Abs(float64(w[a])), math.Abs(float64(w[b]))
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return at
}

func definition(w []float32, k int) Mask {
	m := make(Mask, len(w))
	for _, i := range sorted(w)[:k] {
		m[i] = true
	}
	return m
}

func TestLayerIsItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		w := weights(rng, 1+rng.IntN(200))
		s := rng.Float64()
		k := Keep(len(w), s)
		m := Layer(w, s)
		if !slices.Equal(m, definition(w, k)) {
			t.Fatalf("sparsity %v of %v: %v", s, w, m)
		}
		if m.Kept() != k {
			t.Fatalf("%d of %d weights kept, want %d", m.Kept(), len(w), k)
		}
		want := float32(math.Abs(float64(w[sorted(w)[k-1]])))
		if got := KthLargest(k, w); got != want {
			t.Fatalf("the %d-th largest is %v, want %v", k, got, want)
		}
	}
}

func TestLayerIsIdempotent(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for range 200 {
		w := weights(rng, 1+rng.IntN(100))
		s := rng.Float64()
		Layer(w, s).Apply(w)
		again := slices.Clone(w)
		Layer(again, s).Apply(again)
		if !slices.Equal(w, again) {
			t.Fatal("pruning pruned weights changes them")
		}
	}
}

func TestSparserKeepsLess(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for range 200 {
		w := weights(rng, 1+rng.IntN(100))
		a, b := rng.Float64(), rng.Float64()
		if a > b {
			a, b = b, a
		}
		less, more := Layer(w, a), Layer(w, b)
		for i := range w {
			if more[i] && !less[i] {
				t.Fatalf("weight %d is kept at sparsity %v and not at %v", i, b, a)
			}
		}
	}
}

func TestGlobalIsOneLayer(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for range 200 {
		var layers [][]float32
		var all []float32
		for range 1 + rng.IntN(5) {
			w := weights(rng, rng.IntN(40))
			layers, all = append(layers, w), append(all, w...)
		}
		s := rng.Float64()
		var got Mask
		for _, m := range Global(layers, s) {
			got = append(got, m...)
		}
		if !slices.Equal(got, Layer(all, s)) {
			t.Fatalf("sparsity %v: layers together differ from one layer", s)
		}
	}
}

func TestKeep(t *testing.T) {
	for _, c := range []struct {
		size int
		s    float64
		want int
	}{
		{0, 0.5, 0}, {1, 0.99, 1}, {10, 0, 10}, {10, 0.7, 3}, {432, 0.5, 216},
		{3, 0.5, 2}, {5, 0.5, 2}, {7, 0.5, 4}, // 1.5, 2.5, 3.5 to even
		{4608, 0.9, 461}, // 460.8
	} {
		if got := Keep(c.size, c.s); got != c.want {
			t.Errorf("Keep(%d, %v) = %d, want %d", c.size, c.s, got, c.want)
		}
	}
	for _, s := range []float64{-0.1, 1, 1.5, math.NaN(), math.Inf(1)} {
		if Check(s) == nil {
			t.Errorf("sparsity %v is accepted", s)
		}
	}
}

func TestNofM(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for range 300 {
		dims := []int{1 + rng.IntN(4), 1 + rng.IntN(11), 1 + rng.IntN(3), 1 + rng.IntN(3)}
		axis := rng.IntN(4)
		size, inner := 1, 1
		for i, d := range dims {
			size *= d
			if i > axis {
				inner *= d
			}
		}
		w := weights(rng, size)
		m := NofM(w, dims, axis, 2, 4)
		groups := map[[3]int][]int{}
		for i := range w {
			along := i / inner % dims[axis]
			key := [3]int{i / (inner * dims[axis]), i % inner, along / 4}
			groups[key] = append(groups[key], i)
		}
		for _, at := range groups {
			var part []float32
			var got Mask
			for _, i := range at {
				part, got = append(part, w[i]), append(got, m[i])
			}
			if !slices.Equal(got, definition(part, min(2, len(part)))) {
				t.Fatalf("of %v are kept %v", part, got)
			}
		}
	}
}

// TestRandomIsUniform draws 1 of 4 many times; each count is binomial.
func TestRandomIsUniform(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	var count [4]int
	const draws = 40000
	for range draws {
		m := Random(4, 0.75, rng)
		if m.Kept() != 1 {
			t.Fatalf("%d kept, want 1", m.Kept())
		}
		count[slices.Index(m, true)]++
	}
	sd := math.Sqrt(draws * 0.25 * 0.75)
	for i, n := range count {
		if math.Abs(float64(n)-draws/4) > 4*sd {
			t.Errorf("weight %d was kept %d times of %d, more than 4 standard deviations from a quarter", i, n, draws)
		}
	}
}

func FuzzLayer(f *testing.F) {
	f.Add([]byte{0, 0, 128, 63, 0, 0, 0, 128, 0, 0, 192, 127}, 0.5)
	f.Fuzz(func(t *testing.T, b []byte, s float64) {
		if Check(s) != nil {
			return
		}
		w := make([]float32, len(b)/4)
		for i := range w {
			w[i] = math.Float32frombits(uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24)
		}
		if m := Layer(w, s); m.Kept() != Keep(len(w), s) {
			t.Fatalf("%d of %d kept at %v", m.Kept(), len(w), s)
		}
	})
}

func BenchmarkLayer(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 1))
	w := make([]float32, 1<<22)
	for i := range w {
		w[i] = float32(rng.NormFloat64())
	}
	m := make(Mask, len(w))
	b.SetBytes(4 << 22)
	for b.Loop() {
		Update(m, w, 0.7)
	}
}
