package kernel

import (
	"fmt"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkMicro runs the micro-kernels on operands in the first-level cache.
func BenchmarkMicro(b *testing.B) {
	for _, l := range Levels() {
		k, _ := For(l)
		for vecs := 1; vecs <= k.maxVec; vecs++ {
			for _, rows := range []int{1, 2, 4, 6, 7, 8, 10, 12, 14, 16} {
				if rows > k.maxRows(vecs) {
					continue
				}
				const depth = 128
				a, bb, c := make([]float32, rows*depth), make([]float32, depth*vecs*k.lanes), make([]float32, rows*vecs*k.lanes)
				p := &microArgs{a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&bb[0]), c: unsafe.Pointer(&c[0]), n: [3]int{depth, 1, 1}}
				p.am, p.am2, p.ak[0], p.bk[0] = depth*4, (rows+1)/2*depth*4, 4, vecs*k.lanes*4
				p.cm = vecs * k.lanes * 4
				p.cm2 = (rows + 1) / 2 * p.cm
				p.setTail(k.lanes, k.lanes)
				f := k.micro[vecs-1][rows-1]
				b.Run(l.String()+"/v"+string(rune('0'+vecs))+"r"+string(rune('0'+rows/10))+string(rune('0'+rows%10)), func(b *testing.B) {
					for b.Loop() {
						f(p)
					}
					b.ReportMetric(2e-9*float64(rows*depth*vecs*k.lanes)*float64(b.N)/b.Elapsed().Seconds(), "GFLOP/s")
				})
			}
		}
	}
}

// convLayers are the shapes of the speed table.
var convLayers = []struct {
	name                string
	size, in, out, k, s int
	groups              int
}{
	{"resnet8-3x3-32x32-3-16", 32, 3, 16, 3, 1, 1},
	{"resnet8-3x3-32x32-16", 32, 16, 16, 3, 1, 1},
	{"resnet8-3x3s2-32x32-16-32", 32, 16, 32, 3, 2, 1},
	{"resnet8-3x3-16x16-32", 16, 32, 32, 3, 1, 1},
	{"resnet8-3x3-8x8-64", 8, 64, 64, 3, 1, 1},
	{"wrn164-3x3-32x32-64", 32, 64, 64, 3, 1, 1},
	{"wrn164-3x3-16x16-128", 16, 128, 128, 3, 1, 1},
	{"wrn164-3x3-8x8-256", 8, 256, 256, 3, 1, 1},
	{"resnet50-7x7s2-224-3-64", 224, 3, 64, 7, 2, 1},
	{"resnet50-1x1-56-64-256", 56, 64, 256, 1, 1, 1},
	{"resnet50-1x1-56-256-64", 56, 256, 64, 1, 1, 1},
	{"resnet50-3x3-56-64", 56, 64, 64, 3, 1, 1},
	{"resnet50-1x1-28-512-128", 28, 512, 128, 1, 1, 1},
	{"resnet50-3x3-28-128", 28, 128, 128, 3, 1, 1},
	{"resnet50-3x3s2-28-256", 28, 256, 256, 3, 2, 1},
	{"resnet50-1x1s2-28-512-1024", 28, 512, 1024, 1, 2, 1},
	{"resnet50-1x1-14-1024-256", 14, 1024, 256, 1, 1, 1},
	{"resnet50-3x3-14-256", 14, 256, 256, 3, 1, 1},
	{"resnet50-1x1-7-2048-512", 7, 2048, 512, 1, 1, 1},
	{"resnet50-3x3-7-512", 7, 512, 512, 3, 1, 1},
	{"resnext50-3x3-56-128-g32", 56, 128, 128, 3, 1, 32},
	{"mobilenet-dw-112-32", 112, 32, 32, 3, 1, 32},
	{"mobilenet-dw-s2-112-64", 112, 64, 64, 3, 2, 64},
	{"mobilenet-dw-28-256", 28, 256, 256, 3, 1, 256},
	{"mobilenet-dw-7-1024", 7, 1024, 1024, 3, 1, 1024},
}

// peakGFLOPS is the best of some short runs of nothing but multiply-adds.
func peakGFLOPS(k *Kernels) float64 {
	best := 0.0
	for range 20 {
		start := time.Now()
		flops := k.FMA(100_000)
		best = max(best, 1e-9*float64(flops)/time.Since(start).Seconds())
	}
	return best
}

// BenchmarkConv reports GFLOP/s on one core and the share of the peak of the
// same moment, for a batch of one and the rate of the best run: the machine
// may be shared.
func BenchmarkConv(b *testing.B) {
	all := Levels()
	for _, l := range all[1:] {
		k, err := For(l)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range convLayers {
			b.Run(fmt.Sprintf("%v/%s", l, c.name), func(b *testing.B) { benchConv(b, k, c.size, c.in, c.out, c.k, c.s, c.groups) })
		}
	}
}

func benchConv(b *testing.B, k *Kernels, size, in, out, kernel, stride, groups int) {
	spec := ConvSpec{In: in, Out: out, KH: kernel, KW: kernel, StrideH: stride, StrideW: stride, Groups: groups, Act: Relu()}
	pad := kernel / 2
	w, err := k.PackConv(spec, make([]float32, out*in/groups*kernel*kernel), make([]float32, out))
	if err != nil {
		b.Fatal(err)
	}
	plan, err := w.Plan(ConvShape{N: 1, H: size, W: size, PadTop: pad, PadLeft: pad, PadBottom: pad, PadRight: pad})
	if err != nil {
		b.Fatal(err)
	}
	oh, ow := plan.OutSize()
	x, y, s := Aligned(size*size*in), Aligned(oh*ow*out), &Scratch{}
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		for t := range plan.Tiles() {
			plan.Run(t, x, nil, y, s)
		}
		best = min(best, time.Since(start))
	}
	rate := 2e-9 * float64(plan.MACs()) / best.Seconds()
	b.ReportMetric(rate, "GFLOP/s")
	b.ReportMetric(100*rate/peakGFLOPS(k), "%peak")
	b.ReportMetric(float64(plan.Tiles()), "tiles")
}
