package kernel

import (
	"math"
	"testing"
)

func TestBatchNorm(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for _, c := range []int{1, 3, 8, 16, 17, 50} {
			x, scale, shift := randoms(r, 7*c), randoms(r, c), randoms(r, c)
			y := make([]float32, len(x))
			k.BatchNorm(y, x, scale, shift)
			for i := range y {
				if u := ulps(y[i], math.FMA(float64(x[i]), float64(scale[i%c]), float64(shift[i%c]))); u > .5001 {
					t.Fatalf("%d channels: [%d] is off by %g ulp", c, i, u)
				}
			}
		}
	})
}

func TestLayerNorm(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for _, n := range []int{1, 2, 7, 8, 16, 33, 300} {
			x, gamma, beta := randoms(r, 5*n), randoms(r, n), randoms(r, n)
			for i := range x {
				x[i] += 100 // the one-pass formula would lose 4 digits
			}
			y := make([]float32, len(x))
			const eps = 1e-5
			k.LayerNorm(y, x, gamma, beta, eps)
			for row := range 5 {
				v := x[row*n : (row+1)*n]
				var mean, variance float64
				for _, f := range v {
					mean += float64(f) / float64(n)
				}
				for _, f := range v {
					variance += (float64(f) - mean) * (float64(f) - mean) / float64(n)
				}
				for i, f := range v {
					want := (float64(f)-mean)/math.Sqrt(variance+eps)*float64(gamma[i]) + float64(beta[i])
					// the mean is rounded to float32: 4e-6 at 100, relative to the deviation
					tol := 3e-5 / math.Sqrt(variance+eps)
					if d := math.Abs(float64(y[row*n+i]) - want); d > tol {
						t.Fatalf("%d values: [%d] = %g, want %g", n, i, y[row*n+i], want)
					}
				}
			}
		}
	})
}

func TestSoftmax(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for _, n := range []int{1, 2, 7, 8, 10, 16, 17, 33, 1000} {
			x := randoms(r, 3*n)
			for i := range x {
				x[i] = 40*x[i] - 300 // e^x alone would be 0
			}
			y, l := make([]float32, len(x)), make([]float32, len(x))
			k.Softmax(y, x, n)
			k.LogSoftmax(l, x, n)
			for row := range 3 {
				v := x[row*n : (row+1)*n]
				most, sum := math.Inf(-1), 0.0
				for _, f := range v {
					most = max(most, float64(f))
				}
				for _, f := range v {
					sum += math.Exp(float64(f) - most)
				}
				for i, f := range v {
					want := math.Exp(float64(f)-most) / sum
					if d := math.Abs(float64(y[row*n+i]) - want); d > 4e-7*want+1e-45 {
						t.Fatalf("softmax of %d: [%d] = %g, want %g", n, i, y[row*n+i], want)
					}
					logWant := float64(f) - most - math.Log(sum)
					if d := math.Abs(float64(l[row*n+i]) - logWant); d > 2e-7*(1+math.Abs(logWant)) {
						t.Fatalf("log softmax of %d: [%d] = %g, want %g", n, i, l[row*n+i], logWant)
					}
				}
			}
		}
	})
}

func TestSum(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for n := range 70 {
			x, want := randoms(r, n), 0.0
			for _, v := range x {
				want += float64(v)
			}
			if got := k.Sum(x); math.Abs(float64(got)-want) > 2e-6 {
				t.Fatalf("sum of %d values: %g, want %g", n, got, want)
			}
		}
	})
}
