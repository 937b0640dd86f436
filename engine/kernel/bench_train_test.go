package kernel

import (
	"fmt"
	"testing"
	"time"
)

// trainLayers are the convolutions of the networks that the training step's speed
// is measured on.
var trainLayers = []struct {
	name                string
	batch               int
	size, in, out, k, s int
}{
	{"cnn-32x32-3-32", 128, 32, 3, 32, 3, 1},
	{"cnn-16x16-32-64", 128, 16, 32, 64, 3, 1},
	{"cnn-8x8-64-128", 128, 8, 64, 128, 3, 1},
	{"resnet8-32x32-3-16", 128, 32, 3, 16, 3, 1},
	{"resnet8-32x32-16", 128, 32, 16, 16, 3, 1},
	{"resnet8-s2-32x32-16-32", 128, 32, 16, 32, 3, 2},
	{"resnet8-16x16-32", 128, 16, 32, 32, 3, 1},
	{"resnet8-s2-16x16-32-64", 128, 16, 32, 64, 3, 2},
	{"resnet8-8x8-64", 128, 8, 64, 64, 3, 1},
	{"resnet8-1x1s2-32x32-16-32", 128, 32, 16, 32, 1, 2},
	{"wrn164-32x32-16-64", 128, 32, 16, 64, 3, 1},
	{"wrn164-32x32-64", 128, 32, 64, 64, 3, 1},
	{"wrn164-s2-32x32-64-128", 128, 32, 64, 128, 3, 2},
	{"wrn164-16x16-128", 128, 16, 128, 128, 3, 1},
	{"wrn164-s2-16x16-128-256", 128, 16, 128, 256, 3, 2},
	{"wrn164-8x8-256", 128, 8, 256, 256, 3, 1},
	{"resnet18-7x7s2-224-3-64", 16, 224, 3, 64, 7, 2},
	{"resnet18-56x56-64", 16, 56, 64, 64, 3, 1},
	{"resnet18-s2-56x56-64-128", 16, 56, 64, 128, 3, 2},
	{"resnet18-28x28-128", 16, 28, 128, 128, 3, 1},
	{"resnet18-s2-28x28-128-256", 16, 28, 128, 256, 3, 2},
	{"resnet18-14x14-256", 16, 14, 256, 256, 3, 1},
	{"resnet18-s2-14x14-256-512", 16, 14, 256, 512, 3, 2},
	{"resnet18-7x7-512", 16, 7, 512, 512, 3, 1},
}

// cpuPeak is peakGFLOPS by processor time.
func cpuPeak(k *Kernels) float64 {
	best := 0.0
	for range 20 {
		start := cpuTime()
		flops := k.FMA(200_000)
		best = max(best, 1e-9*float64(flops)/(cpuTime()-start).Seconds())
	}
	return best
}

// BenchmarkTrainConv reports the forward pass and the two gradients of a layer as
// share of the peak of one core, in multiply-adds of the direct sum and processor
// time.
func BenchmarkTrainConv(b *testing.B) {
	for _, k := range vectorLevels(b) {
		peak := cpuPeak(k)
		for _, l := range trainLayers {
			b.Run(fmt.Sprintf("%v/%s", k.Level(), l.name), func(b *testing.B) {
				s := ConvSpec{In: l.in, Out: l.out, KH: l.k, KW: l.k, StrideH: l.s, StrideW: l.s, Winograd: true}
				pad := l.k / 2
				benchTrainConv(b, k, s, ConvShape{N: l.batch, H: l.size, W: l.size, PadTop: pad, PadLeft: pad, PadBottom: pad, PadRight: pad}, peak)
			})
		}
	}
}

func benchTrainConv(b *testing.B, k *Kernels, spec ConvSpec, shape ConvShape, peak float64) {
	w, err := k.NewTrainWeights(spec, false)
	if err != nil {
		b.Fatal(err)
	}
	plan, err := w.Plan(shape)
	if err != nil {
		b.Fatal(err)
	}
	oh, ow := plan.OutSize()
	r := newRand(b)
	x, dx := Aligned(shape.N*shape.H*shape.W*spec.In), Aligned(shape.N*shape.H*shape.W*spec.In)
	y, dy := Aligned(shape.N*oh*ow*spec.Out), Aligned(shape.N*oh*ow*spec.Out)
	copy(x, randoms(r, len(x)))
	copy(dy, randoms(r, len(dy)))
	weights, dw, partials := randoms(r, spec.Out*spec.In*spec.KH*spec.KW), make([]float32, spec.Out*spec.In*spec.KH*spec.KW), Aligned(plan.WeightPartials())
	scratch := &Scratch{}
	times := map[string]time.Duration{}
	timed := func(name string, tiles int, f func(tile int)) {
		start := cpuTime()
		for tile := range tiles {
			f(tile)
		}
		d := cpuTime() - start
		if old, ok := times[name]; !ok || d < old {
			times[name] = d
		}
	}
	for b.Loop() {
		timed("pack", w.PackTiles(), func(tile int) { w.Pack(tile, weights, nil) })
		timed("y", plan.Forward().Tiles(), func(tile int) { plan.Forward().Run(tile, x, nil, y, scratch) })
		timed("dx", plan.DataTiles(), func(tile int) { plan.Data(tile, dy, dx, false, scratch) })
		timed("dw", plan.WeightTiles(), func(tile int) { plan.Weight(tile, x, dy, partials, scratch) })
		timed("sum", plan.WeightSumTiles(), func(tile int) { plan.WeightSum(tile, partials, dw) })
	}
	times["dw"] += times["sum"]
	flops := 2e-9 * float64(plan.MACs())
	for _, name := range []string{"y", "dx", "dw"} {
		b.ReportMetric(100*flops/times[name].Seconds()/peak, name+"-%peak")
	}
	all := times["y"] + times["dx"] + times["dw"] + times["pack"]
	b.ReportMetric(1e3*all.Seconds(), "ms")
	b.ReportMetric(1e3*(times["pack"]+times["sum"]).Seconds(), "ms-pack-sum")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(peak, "GFLOP/s-peak")
}

// BenchmarkTrainPass reports GB/s of what each pass over a tensor reads and writes,
// in processor time, for tensors larger than the caches and one that fits; "copy"
// is the machine's own limit.
func BenchmarkTrainPass(b *testing.B) {
	for _, k := range vectorLevels(b) {
		for _, spec := range []NormSpec{
			{Pixels: 128 * 32 * 32, Channels: 32, Act: Relu()},
			{Pixels: 128 * 32 * 32, Channels: 16, Act: Relu(), Residual: true},
			{Pixels: 8 * 8 * 8, Channels: 128, Act: Relu()},
		} {
			b.Run(fmt.Sprintf("%v/%dx%d", k.Level(), spec.Pixels, spec.Channels), func(b *testing.B) { benchPasses(b, k, spec) })
		}
	}
}

func benchPasses(b *testing.B, k *Kernels, spec NormSpec) {
	n, err := k.PlanNorm(spec)
	if err != nil {
		b.Fatal(err)
	}
	size := spec.Pixels * spec.Channels
	t := func() []float32 { return Aligned(size) }
	x, y, res, dy, dx := t(), t(), t(), t(), t()
	copy(x, randoms(newRand(b), size))
	copy(dy, randoms(newRand(b), size))
	st, part := NewNormState(spec.Channels), make([]float64, n.Partials())
	gamma := make([]float32, spec.Channels)
	for i := range gamma {
		gamma[i] = 1
	}
	s := &Scratch{}
	extra := map[string]int{"copy": 2, "stats": 1, "forward": 2, "reduce": 2, "backward": 3}
	if spec.Residual {
		extra = map[string]int{"copy": 2, "stats": 1, "forward": 3, "reduce": 4, "backward": 3}
	}
	times := map[string]time.Duration{}
	pass := func(name string, f func(tile int)) {
		start := cpuTime()
		for tile := range n.Tiles() {
			f(tile)
		}
		times[name] += cpuTime() - start
	}
	rounds := 0
	for b.Loop() {
		rounds++
		pass("copy", func(tile int) {
			if tile == 0 {
				copy(y, x)
			}
		})
		pass("stats", func(tile int) { n.Stats(tile, x, part, s) })
		n.StatsFinish(part, gamma, gamma, 1e-5, st)
		pass("forward", func(tile int) { n.Forward(tile, x, res, y, st, s) })
		pass("reduce", func(tile int) { n.Reduce(tile, x, y, dy, part, st, s) })
		n.ReduceFinish(part, st, make([]float32, spec.Channels), make([]float32, spec.Channels))
		pass("backward", func(tile int) { n.Backward(tile, x, dy, dx, false, st, s) })
	}
	for name, streams := range extra {
		b.ReportMetric(4e-9*float64(streams*size*rounds)/times[name].Seconds(), name+"-GB/s")
	}
	b.ReportMetric(0, "ns/op")
}
