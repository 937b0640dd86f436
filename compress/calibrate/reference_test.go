package calibrate

import (
	"encoding/csv"
	"math"
	"os"
	"strconv"
	"testing"
)

// draw is the generator of testdata/reference.py.
type draw uint64

func (d *draw) uniform() float64 {
	*d = *d*6364136223846793005 + 1442695040888963407
	return float64(*d>>11) * 0x1p-53
}

func (d *draw) normal() float64 {
	s := 0.0
	for range 12 {
		s += d.uniform()
	}
	return s - 6
}

// elements are those of testdata/reference.py.
func elements(kind string, n int) []float32 {
	d := draw(0)
	for _, b := range []byte(kind) {
		d += draw(b)
	}
	out := make([]float32, n)
	for i := range out {
		x := d.normal()
		switch kind {
		case "relu":
			x = max(x, 0)
		case "outliers":
			if i%500 == 0 {
				x *= 20
			}
		case "relu outliers":
			if i%1000 == 0 {
				x = math.Abs(x) * 30
			} else {
				x = max(x, 0)
			}
		case "skewed":
			x = x*x - 0.5
		case "negative":
			x = -math.Pow(math.Abs(x), 3)
		case "uniform":
			x = d.uniform()*2 - 1
		}
		out[i] = float32(x)
	}
	return out
}

// summarize is both passes over elements, in two pieces.
func summarize(v []float32) *Summary {
	s := NewSummary()
	s.see(v[:len(v)/3])
	s.see(v[len(v)/3:])
	s.bin()
	s.count(v[:len(v)/2])
	s.count(v[len(v)/2:])
	return s
}

// Thresholds and percentiles agree with those that NumPy and SciPy compute from
// the definitions (testdata/reference.py).
func TestReference(t *testing.T) {
	f, err := os.Open("testdata/reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		t.Run(row[0], func(t *testing.T) {
			num := func(i int) float64 {
				v, err := strconv.ParseFloat(row[i], 64)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			s := summarize(elements(row[0], int(num(1))))
			if got, want := s.threshold(), num(4); math.Abs(got-want) > 1e-9*want {
				t.Errorf("threshold %v (%v bins), want %v (%v bins)", got, got/s.width, want, num(3))
			}
			p, err := s.Range(Options{Method: Percentile, Percentile: 99.9})
			if err != nil {
				t.Fatal(err)
			}
			if low := num(6); p.Low > low || p.Low < low-2*s.width {
				t.Errorf("lower end %v, want %v or up to two bins (%v) less", p.Low, low, s.width)
			}
			if high := num(7); p.High < high || p.High > high+2*s.width {
				t.Errorf("upper end %v, want %v or up to two bins (%v) more", p.High, high, s.width)
			}
		})
	}
}
