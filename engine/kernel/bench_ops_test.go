package kernel

import (
	"fmt"
	"testing"
	"time"
)

// bestOf runs f for the benchmark's time and returns its shortest run.
func bestOf(b *testing.B, f func()) time.Duration {
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	return best
}

// vectorLevels are the levels faster than scalar.
func vectorLevels(b *testing.B) []*Kernels {
	var out []*Kernels
	for _, l := range Levels()[1:] {
		k, err := For(l)
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, k)
	}
	return out
}

// BenchmarkMatMul reports GFLOP/s on one core, and GB/s of B for a batch of
// one, which memory limits.
func BenchmarkMatMul(b *testing.B) {
	type product struct {
		name     string
		spec     MatMulSpec
		constant bool
	}
	attention := DefaultMatMulSpec(197, 197, 64)
	attention.TransB, attention.Batch = true, 12
	attention.StrideA, attention.StrideB, attention.StrideC = 197*64, 197*64, 197*197
	for _, k := range vectorLevels(b) {
		for _, p := range []product{
			{"packed-197x768x768", DefaultMatMulSpec(197, 768, 768), true},
			{"packed-512x512x512", DefaultMatMulSpec(512, 512, 512), true},
			{"given-512x512x512", DefaultMatMulSpec(512, 512, 512), false},
			{"attention-12x197x197x64", attention, false},
			{"fc-1x2048x1000", DefaultMatMulSpec(1, 1000, 2048), true},
			{"fc-1x4096x4096", DefaultMatMulSpec(1, 4096, 4096), true},
			{"fc-32x2048x1000", DefaultMatMulSpec(32, 1000, 2048), true},
		} {
			b.Run(fmt.Sprintf("%v/%s", k.Level(), p.name), func(b *testing.B) { benchMatMul(b, k, p.spec, p.constant) })
		}
	}
}

func benchMatMul(b *testing.B, k *Kernels, spec MatMulSpec, constant bool) {
	x, w, y := Aligned(spec.Batch*spec.M*spec.K), Aligned(spec.Batch*spec.K*spec.N), Aligned(spec.Batch*spec.M*spec.N)
	var packed *Matrix
	var err error
	if constant {
		if packed, err = k.PackMatrix(w, spec.K, spec.N, false, 1, nil); err != nil {
			b.Fatal(err)
		}
	}
	m, err := k.PlanMatMul(spec, packed)
	if err != nil {
		b.Fatal(err)
	}
	s := &Scratch{}
	best := bestOf(b, func() {
		for t := range m.Tiles() {
			m.Run(t, x, w, nil, y, s)
		}
	})
	rate := 2e-9 * float64(m.MACs()) / best.Seconds()
	b.ReportMetric(rate, "GFLOP/s")
	b.ReportMetric(100*rate/peakGFLOPS(k), "%peak")
	b.ReportMetric(4e-9*float64(spec.K*spec.N)/best.Seconds(), "GB/s-of-B")
	b.ReportMetric(float64(m.Tiles()), "tiles")
}

// BenchmarkVector reports nanoseconds a value for slices in the second-level
// cache.
func BenchmarkVector(b *testing.B) {
	const n = 1 << 15
	x, y := Aligned(n), Aligned(n)
	for i := range x {
		x[i] = float32(i%64)/8 - 4
	}
	half := make([]uint16, n)
	scale := Aligned(64)
	for _, k := range append([]*Kernels{scalarKernels()}, vectorLevels(b)...) {
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%v/%s", k.Level(), name), func(b *testing.B) {
				b.ReportMetric(float64(bestOf(b, f).Nanoseconds())/n, "ns/value")
			})
		}
		for _, u := range []struct {
			name string
			op   UnaryOp
		}{{"relu", opClip}, {"exp", OpExp}, {"erf", OpErf}, {"tanh", OpTanh}, {"sigmoid", OpSigmoid}, {"gelu", opGelu}} {
			run(u.name, func() { k.Unary(u.op, y, x, 0, 1) })
		}
		run("add", func() { k.Binary(Add, y, x, y) })
		run("batchnorm-64", func() { k.BatchNorm(y, x, scale, scale) })
		run("softmax-1024", func() { k.Softmax(y, x, 1024) })
		run("layernorm-1024", func() { k.LayerNorm(y, x, x[:1024], x[:1024], 1e-5) })
		run("tonhwc-64", func() { k.ToNHWC(y, x, 1, 64, n/64) })
		run("tonhwc-3", func() { k.ToNHWC(y[:n/3*3], x[:n/3*3], 1, 3, n/3) })
		run("half-to-float", func() { k.HalfToFloat(y, half) })
	}
}
