package corrupt_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
)

// scenery is a picture with slopes, edges and texture, the one that
// testdata/reference.py makes.
func scenery(w, h int) *dataset.Image {
	im := dataset.NewImage(w, h, 3)
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			base := 0.5 + 0.3*math.Sin(2*math.Pi*(2*u+v)) + 0.15*math.Sin(2*math.Pi*(9*u-7*v))
			if (u-0.6)*(u-0.6)+(v-0.4)*(v-0.4) < 0.04 {
				base = 1 - base
			}
			for c := range 3 {
				value := base*(0.55+0.2*float64(c)) + 0.1*v*float64(2-c)
				im.Pix[(y*w+x)*3+c] = uint8(math.Floor(255*min(max(value, 0), 1) + 0.5))
			}
		}
	}
	return im
}

// BenchmarkCorruptions corrupts one image of 224 pixels by each of the 19
// corruptions at each of the 5 severities; ms/image is the mean over the 95.
//
//	go test -bench Corruptions -benchtime 5x -cpu 1 ./dataset/corrupt
func BenchmarkCorruptions(b *testing.B) {
	for _, side := range []int{224, 32} {
		im := scenery(side, side)
		b.Run(fmt.Sprint(side), func(b *testing.B) {
			all := every(b)
			for i := range b.N + 1 {
				if i == 1 {
					b.ResetTimer() // the first round makes tables
				}
				for _, c := range all {
					if _, err := c.Apply(dataset.ExampleID(fmt.Sprint(i)), im); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*len(all)), "ms/image")
		})
	}
}

// BenchmarkEach is the time of each corruption, mean over severities.
func BenchmarkEach(b *testing.B) {
	im := scenery(224, 224)
	for _, name := range corrupt.Names() {
		b.Run(name, func(b *testing.B) {
			for i := range b.N {
				for _, c := range severities(b, name) {
					for range 2 {
						if _, err := c.Apply(dataset.ExampleID(fmt.Sprint(i)), im); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*10), "ms/image")
		})
	}
}

func every(t testing.TB) []*corrupt.Corruption {
	var out []*corrupt.Corruption
	for _, name := range corrupt.Names() {
		out = append(out, severities(t, name)...)
	}
	return out
}

func severities(t testing.TB, name string) []*corrupt.Corruption {
	t.Helper()
	var out []*corrupt.Corruption
	for s := 1; s <= corrupt.Severities; s++ {
		c, err := corrupt.New(corrupt.Options{Name: name, Severity: s, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}
