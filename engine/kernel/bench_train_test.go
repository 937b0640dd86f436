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

// BenchmarkTrainConv reports the forward pass and the two gradients of a layer as
// share of the peak of one core, in multiply-adds of the direct sum.
func BenchmarkTrainConv(b *testing.B) {
	for _, k := range vectorLevels(b) {
		peak := peakGFLOPS(k)
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
		start := time.Now()
		for tile := range tiles {
			f(tile)
		}
		d := time.Since(start)
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
}
