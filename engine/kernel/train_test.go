package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// closeTo compares with a reference to a number of units of rounding of scale.
func closeTo(t *testing.T, what string, got []float32, want []float64, units, scale float64) {
	t.Helper()
	for i, v := range got {
		if d := math.Abs(float64(v) - want[i]); !(d <= units*eps32*(math.Abs(want[i])+scale)) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, v, want[i])
		}
	}
}

// sameBits compares two levels.
func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("%s: value %d is %g (%#x), want %g (%#x)", what, i, v, math.Float32bits(v), want[i], math.Float32bits(want[i]))
		}
	}
}

// slope is the derivative of f at x by finite differences in float64.
func slope(f func(x float64) float64, x float64) float64 {
	h := 1e-4
	d := func(h float64) float64 { return (f(x+h) - f(x-h)) / (2 * h) }
	return (4*d(h/2) - d(h)) / 3
}

// The gradients of the activations are the slopes of the functions, and all levels
// agree with the scalar twins; lengths include tails.
func TestActivateGrad(t *testing.T) {
	acts := map[string]Activation{"relu": Relu(), "relu6": Clip(0, 6), "leaky": {Kind: ActLeaky, Alpha: .2}, "hardswish": HardSwish(),
		"hardsigmoid": {Kind: ActHardSigmoid, Alpha: .2, Beta: .5}, "sigmoid": {Kind: ActSigmoid}, "silu": {Kind: ActSiLU},
		"tanh": {Kind: ActTanh}, "gelu": {Kind: ActGelu}, "gelu-tanh": {Kind: ActGeluTanh}, "none": {}}
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for name, act := range acts {
			for n := range 70 {
				x, dy := randoms(r, n), randoms(r, n)
				want := make([]float64, n)
				for i := range x {
					x[i] *= 5
					want[i] = float64(dy[i]) * slope(func(v float64) float64 { return activateAny(act, v) }, float64(x[i]))
					if act.Kind < ActSigmoid && kinked(act, float64(x[i])) {
						dy[i], want[i] = 0, 0
					}
				}
				v := slices.Clone(x)
				if act.GradReadsResult() {
					k.Activate(act, v, x)
				}
				dx := slices.Clone(dy)
				k.ActivateGrad(act, dx, dx, v)
				closeTo(t, name, dx, want, 24, 1)
			}
		}
	})
}

// activateAny is activate64 with the activations of a second pass.
func activateAny(a Activation, x float64) float64 {
	switch a.Kind {
	case ActHardSigmoid:
		return min(max(float64(a.Alpha)*x+float64(a.Beta), 0), 1)
	case ActSigmoid:
		return sigmoid64(x)
	case ActSiLU:
		return x * sigmoid64(x)
	case ActTanh:
		return math.Tanh(x)
	case ActGelu:
		return x / 2 * (1 + math.Erf(x/math.Sqrt2))
	case ActGeluTanh:
		return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	return activate64(a, x)
}

// kinked says that finite differences at x would step over a kink.
func kinked(a Activation, x float64) bool {
	at := []float64{0}
	switch a.Kind {
	case ActClip:
		at = []float64{float64(a.Lo), float64(a.Hi)}
	case ActHardSwish, ActHardSigmoid:
		at = []float64{-float64(a.Beta) / float64(a.Alpha), (1 - float64(a.Beta)) / float64(a.Alpha)}
	}
	return slices.ContainsFunc(at, func(k float64) bool { return math.Abs(x-k) < 1e-3 })
}

// At a kink the slope is that of PyTorch: a clip's is 0 at its bounds.
func TestActivateGradAtKinks(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		v, dy, dx := make([]float32, 40), make([]float32, 40), make([]float32, 40)
		for i := range v {
			v[i], dy[i] = []float32{0, 6, 3, float32(math.Copysign(0, -1))}[i%4], 2
		}
		k.ActivateGrad(Clip(0, 6), dx, dy, v)
		for i, got := range dx {
			if want := []float32{0, 0, 2, 0}[i%4]; got != want {
				t.Fatalf("slope at %g is %g, want %g", v[i], got/2, want/2)
			}
		}
	})
}

// The gradient of the loss is its slope, and its rows sum to 0.
func TestCrossEntropy(t *testing.T) {
	r := newRand(t)
	for _, classes := range []int{1, 2, 10, 100} {
		for _, smoothing := range []float64{0, .1} {
			const rows = 5
			logits, grad := randoms(r, rows*classes), make([]float32, rows*classes)
			labels := make([]int32, rows)
			for i := range labels {
				labels[i] = int32(r.IntN(classes))
			}
			loss, correct := CrossEntropy(grad, logits, labels, float32(smoothing), 1./rows)
			total, right := 0.0, 0
			for i, label := range labels {
				row := make([]float64, classes)
				best := 0
				for c := range row {
					if row[c] = float64(logits[i*classes+c]); row[c] > row[best] {
						best = c
					}
				}
				if best == int(label) {
					right++
				}
				total += loss64(row, int(label), smoothing)
				for c := range row {
					want := slope(func(x float64) float64 {
						moved := slices.Clone(row)
						moved[c] = x
						return loss64(moved, int(label), smoothing)
					}, row[c]) / rows
					if d := math.Abs(float64(grad[i*classes+c]) - want); d > 1e-7 {
						t.Fatalf("%d classes: gradient %g, want %g", classes, grad[i*classes+c], want)
					}
				}
			}
			if math.Abs(loss-total) > 1e-6*(1+total) || correct != right {
				t.Errorf("%d classes: loss %g, %d correct, want %g, %d", classes, loss, correct, total, right)
			}
		}
	}
}

// loss64 is -Σ target·log softmax.
func loss64(row []float64, label int, smoothing float64) float64 {
	sum := 0.0
	for _, v := range row {
		sum += math.Exp(v)
	}
	loss := 0.0
	for c, v := range row {
		target := smoothing / float64(len(row))
		if c == label {
			target += 1 - smoothing
		}
		loss -= target * (v - math.Log(sum))
	}
	return loss
}

// Large logits neither overflow nor lose the loss; PyTorch gives 2000 and 0 for
// cross_entropy([[1000, -1000]], [1]) and [0].
func TestCrossEntropyOfLargeLogits(t *testing.T) {
	for label, want := range []float64{0, 2000} {
		loss, _ := CrossEntropy(nil, []float32{1000, -1000}, []int32{int32(label)}, 0, 1)
		if loss != want {
			t.Errorf("label %d: loss %g, want %g", label, loss, want)
		}
	}
}

// The gradients of a dense layer are the products of its definition.
func TestDenseGradients(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		r := newRand(t)
		for range 40 {
			checkDense(t, k, r, DenseSpec{Rows: 1 + r.IntN(40), In: 1 + r.IntN(70), Out: 1 + r.IntN(70), Transposed: r.IntN(2) == 0, Bias: r.IntN(2) == 0})
		}
	})
}

func checkDense(t *testing.T, k *Kernels, r *rand.Rand, s DenseSpec) {
	t.Helper()
	d, err := k.PlanDense(s)
	if err != nil {
		t.Fatal(err)
	}
	x, w, dy := randoms(r, s.Rows*s.In), randoms(r, s.In*s.Out), randoms(r, s.Rows*s.Out)
	var bias []float32
	if s.Bias {
		bias = randoms(r, s.Out)
	}
	y, dx, dw := make([]float32, len(dy)), slices.Clone(x), make([]float32, len(w))
	wantY, wantX, wantW := make([]float64, len(y)), make([]float64, len(x)), make([]float64, len(w))
	at := func(i, o int) int {
		if s.Transposed {
			return o*s.In + i
		}
		return i*s.Out + o
	}
	for n := range s.Rows {
		for o := range s.Out {
			g := float64(dy[n*s.Out+o])
			for i := range s.In {
				wantY[n*s.Out+o] += float64(x[n*s.In+i]) * float64(w[at(i, o)])
				wantX[n*s.In+i] += g * float64(w[at(i, o)])
				wantW[at(i, o)] += g * float64(x[n*s.In+i])
			}
			if bias != nil {
				wantY[n*s.Out+o] += float64(bias[o])
			}
		}
	}
	for i, v := range x {
		wantX[i] += float64(v) // added
	}
	each := inRandomOrder(r)
	each(d.PackTiles(), func(tile int, _ *Scratch) { d.Pack(tile, w, bias) })
	each(d.ForwardTiles(), func(tile int, s *Scratch) { d.Forward(tile, x, y, s) })
	each(d.DataTiles(), func(tile int, s *Scratch) { d.Data(tile, dy, w, dx, true, s) })
	each(d.WeightTiles(), func(tile int, s *Scratch) { d.Weight(tile, x, dy, dw, s) })
	closeTo(t, "y", y, wantY, float64(s.In+4), 10)
	closeTo(t, "dx", dx, wantX, float64(s.Out+4), 10)
	closeTo(t, "dw", dw, wantW, float64(s.Rows+4), 10)
}
