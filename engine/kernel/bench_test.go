package kernel

import (
	"testing"
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
