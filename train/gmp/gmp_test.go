package gmp

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// imageNet is the paper's window for ResNet-50 (32,000 steps).
func imageNet(sparsity float64) Schedule { return Schedule{sparsity, 5000, 8000, 500} }

// Values by /usr/bin/python3 (Debian, 3.11) with the formula of the published
// pruning library, (initial - target) * (1 - p)**3 + target, initial 0:
//
//	for n in range(5000, 8001, 500): print((0-.9)*(1-(n-5000)/3000)**3+.9)
func TestValues(t *testing.T) {
	want := []float64{0, 0.37916666666666654, 0.6333333333333333, 0.7875, 0.8666666666666667, 0.8958333333333334, 0.9}
	i := 0
	for n, s := range imageNet(.9).Updates() {
		if n != 5000+500*i || math.Abs(s-want[i]) > 1e-15 {
			t.Errorf("update %d: step %d, sparsity %.17g, want %d, %.17g", i, n, s, 5000+500*i, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d updates, want %d", i, len(want))
	}
}

// The sparsity rises, is 0 at the start, exactly the final one from the end on,
// and Due agrees with Updates.
func TestProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		s := Schedule{r.Float64(), r.IntN(50), 0, 1 + r.IntN(20)}
		s.End = s.Begin + r.IntN(100)
		steps := s.End + 1 + r.IntN(5)
		if err := s.Check(steps); err != nil {
			t.Fatal(err)
		}
		updates := map[int]float64{}
		for n, v := range s.Updates() {
			updates[n] = v
		}
		last := 0.0
		for n := range steps {
			v := s.At(n)
			if v < last || v > s.Sparsity {
				t.Fatalf("%+v: sparsity %g at step %d after %g", s, v, n, last)
			}
			last = v
			if at, ok := updates[n]; ok != s.Due(n) || ok && at != v {
				t.Fatalf("%+v: step %d: due %v, update %v %g, sparsity %g", s, n, s.Due(n), ok, at, v)
			}
		}
		if s.At(0) != 0 && s.End > 0 || s.At(s.End) != s.Sparsity || !s.Due(s.End) {
			t.Fatalf("%+v: starts at %g, ends at %g", s, s.At(0), s.At(s.End))
		}
	}
}

func TestCheck(t *testing.T) {
	for _, s := range []Schedule{
		{1, 0, 10, 1}, {-.1, 0, 10, 1}, {math.NaN(), 0, 10, 1}, {.5, 0, 10, 0}, {.5, -1, 10, 1}, {.5, 10, 9, 1},
		{.5, 0, 100, 1}, // the last step is 99
	} {
		if err := s.Check(100); !errors.Is(err, ErrSchedule) {
			t.Errorf("%+v: %v, want ErrSchedule", s, err)
		}
	}
	if err := (Schedule{.5, 0, 99, 1}).Check(100); err != nil {
		t.Error(err)
	}
}
