package power

import (
	"encoding/csv"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/lethe-audit/lethe/stat/tail"
)

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Abs(b) }

func numbers(t *testing.T, s string) []float64 {
	t.Helper()
	var x []float64
	for _, f := range strings.Fields(s) {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			t.Fatal(err)
		}
		x = append(x, v)
	}
	return x
}

func design(t *testing.T, name string, p []float64) Design {
	t.Helper()
	switch name {
	case "paired":
		return Paired{SD: p[0], N: int(p[1])}
	case "welch":
		return Welch{SD0: p[0], N0: int(p[1]), SD1: p[2], N1: int(p[3])}
	case "mcnemar":
		return McNemar{N: int(p[0]), Discordance: p[1]}
	}
	t.Fatalf("unknown design %q", name)
	return nil
}

// TestReference compares with scipy 1.10.1 and statsmodels 0.13.5; testdata/gen.py
// writes the file.
func TestReference(t *testing.T) {
	f, err := os.Open("testdata/reference.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		d := design(t, row[0], numbers(t, row[1]))
		v := numbers(t, strings.Join(row[2:], " "))
		got, err := d.Power(v[0], v[1])
		if err != nil || !near(got, v[2], 1e-9) {
			t.Errorf("%+v: power of %v at %v = %.17g, %v; want %v", d, v[0], v[1], got, err, v[2])
		}
		if negative, err := d.Power(-v[0], v[1]); err != nil || negative != got {
			t.Errorf("%+v: power of the opposite effect %v, %v; want %v", d, negative, err, got)
		}
		if len(v) > 3 {
			if n, err := d.SizeFor(v[0], v[1], 0.8); err != nil || n != int(v[3]) {
				t.Errorf("%+v: size %d, %v; want %v", d, n, err, v[3])
			}
		}
	}
}

// Power is alpha at no effect (below it for the exact test), grows with the effect,
// and the minimum detectable effect has exactly the power asked for.
func TestInverse(t *testing.T) {
	for _, d := range []Design{
		Paired{1, 2}, Paired{0.003, 30}, Welch{1, 1, 5, 5}, Welch{0.02, 0.004, 30, 3},
		McNemar{60, 0.3}, McNemar{10_000, 0.02}, McNemar{1_000_000, 0.01},
	} {
		_, exact := d.(McNemar)
		if p, err := d.Power(0, 0.05); err != nil || p > 0.05+1e-12 || !exact && !near(p, 0.05, 1e-9) {
			t.Errorf("%+v: power %v without an effect, %v", d, p, err)
		}
		previous := 0.0
		for _, target := range []float64{0.2, 0.5, 0.8, 0.99} {
			e, err := d.MinimumDetectableEffect(0.05, target)
			if err != nil || e <= previous {
				t.Fatalf("%+v: effect %v after %v for power %v, %v", d, e, previous, target, err)
			}
			previous = e
			if p, err := d.Power(e, 0.05); err != nil || !near(p, target, 1e-9) {
				t.Errorf("%+v: power at the detectable effect %v, %v; want %v", d, p, err, target)
			}
		}
	}
}

// SizeFor is the least size: one less falls short.
func TestSizeIsLeast(t *testing.T) {
	for _, effect := range []float64{0.05, 0.3, 1, 4, 1000} {
		n, err := Paired{SD: 1}.SizeFor(effect, 0.05, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := (Paired{1, n}).Power(effect, 0.05); err != nil || p < 0.9 {
			t.Errorf("effect %v: power %v with %d, %v", effect, p, n, err)
		}
		if n > 2 {
			if p, err := (Paired{1, n - 1}).Power(effect, 0.05); err != nil || p >= 0.9 {
				t.Errorf("effect %v: power %v with %d already, %v", effect, p, n-1, err)
			}
		}
		m, err := Welch{SD0: 1, SD1: 2}.SizeFor(effect, 0.05, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := (Welch{1, 2, m, m}).Power(effect, 0.05); err != nil || p < 0.9 {
			t.Errorf("effect %v: power %v with %d each, %v", effect, p, m, err)
		}
	}
	n, err := McNemar{Discordance: 0.02}.SizeFor(0.01, 0.05, 0.8)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := (McNemar{n, 0.02}).Power(0.01, 0.05); err != nil || p < 0.8 || p > 0.81 {
		t.Errorf("McNemar: power %v with %d, %v", p, n, err)
	}
}

// The power that is predicted is the share of simulated tests that reject.
func TestSimulation(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	const trials = 4000
	limit := func(p float64) float64 { return 3.5*math.Sqrt(p*(1-p)/trials) + 0.01 }

	w := Welch{SD0: 1, SD1: 2, N0: 10, N1: 6}
	found := 0
	for range trials {
		x, y := make([]float64, w.N0), make([]float64, w.N1)
		for i := range x {
			x[i] = w.SD0 * rng.NormFloat64()
		}
		for i := range y {
			y[i] = 2 + w.SD1*rng.NormFloat64()
		}
		m1, v1 := stat.MeanVariance(x, nil)
		m2, v2 := stat.MeanVariance(y, nil)
		a, b := v1/float64(w.N0), v2/float64(w.N1)
		dof := (a + b) * (a + b) / (a*a/float64(w.N0-1) + b*b/float64(w.N1-1))
		if tail.TwoSidedT((m1-m2)/math.Sqrt(a+b), dof) <= 0.05 {
			found++
		}
	}
	if p, err := w.Power(2, 0.05); err != nil || math.Abs(float64(found)/trials-p) > limit(p) {
		t.Errorf("Welch: found %d of %d, predicted %v, %v", found, trials, p, err)
	}

	m := McNemar{N: 300, Discordance: 0.15}
	found = 0
	for range trials {
		only := [2]int{}
		for range m.N {
			switch u := rng.Float64(); {
			case u < 0.105:
				only[0]++
			case u < 0.15:
				only[1]++
			}
		}
		if 2*tail.BinomialUpper(max(only[0], only[1]), only[0]+only[1], 0.5) <= 0.05 {
			found++
		}
	}
	if p, err := m.Power(0.06, 0.05); err != nil || math.Abs(float64(found)/trials-p) > limit(p) {
		t.Errorf("McNemar: found %d of %d, predicted %v, %v", found, trials, p, err)
	}
}

// Where discordant counts are sampled, the power stays on the curve of the normal
// approximation (Connor 1987), which is good at such sizes.
func TestMcNemarSampled(t *testing.T) {
	for _, n := range []int{1_000_000, 100_000_000, 1_000_000_000} {
		const psi = 0.4
		effect := 2.8 * math.Sqrt(psi/float64(n))
		p, err := McNemar{n, psi}.Power(effect, 0.05)
		want := tail.Normal((tail.NormalQuantile(0.025)*math.Sqrt(psi) - effect*math.Sqrt(float64(n))) / math.Sqrt(psi-effect*effect))
		if err != nil || math.Abs(p-want) > 5/math.Sqrt(psi*float64(n)) {
			t.Errorf("n = %d: power %v, %v; normal %v", n, p, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	power := func(d Design, e, a float64) error { _, err := d.Power(e, a); return err }
	effect := func(d Design, a, p float64) error { _, err := d.MinimumDetectableEffect(a, p); return err }
	size := func(d Design, e, a, p float64) error { _, err := d.SizeFor(e, a, p); return err }
	for _, tc := range []struct {
		name string
		got  error
		want error
	}{
		{"one member", power(Paired{1, 1}, 1, 0.05), ErrTooFew},
		{"no spread", power(Paired{0, 5}, 1, 0.05), ErrNoSpread},
		{"NaN spread", power(Paired{math.NaN(), 5}, 1, 0.05), ErrNoSpread},
		{"no spread at all", power(Welch{0, 0, 5, 5}, 1, 0.05), ErrNoSpread},
		{"negative spread", power(Welch{-1, 1, 5, 5}, 1, 0.05), ErrNoSpread},
		{"one of two", power(Welch{1, 1, 5, 1}, 1, 0.05), ErrTooFew},
		{"NaN effect", power(Paired{1, 5}, math.NaN(), 0.05), ErrArgument},
		{"alpha", power(Paired{1, 5}, 1, 0), ErrArgument},
		{"power below alpha", effect(Paired{1, 5}, 0.05, 0.01), ErrArgument},
		{"power of one", effect(Welch{1, 1, 5, 5}, 0.05, 1), ErrArgument},
		{"no effect", size(Paired{1, 5}, 0, 0.05, 0.8), ErrUnreachable},
		{"tiny effect", size(Paired{1, 5}, 1e-9, 0.05, 0.8), ErrUnreachable},
		{"no examples", power(McNemar{0, 0.1}, 0, 0.05), ErrArgument},
		{"discordance", power(McNemar{5, 0}, 0, 0.05), ErrArgument},
		{"effect beyond discordance", power(McNemar{5, 0.1}, 0.2, 0.05), ErrArgument},
		{"five discordant", effect(McNemar{5, 1}, 0.05, 0.8), ErrUnreachable},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, tc.got, tc.want)
		}
	}
}

// Extremes end, and stay probabilities.
func FuzzPaired(f *testing.F) {
	f.Add(1.0, uint8(2), 1.0, 0.05)
	f.Add(1e-300, uint8(30), 1e300, 1e-12)
	f.Add(1e12, uint8(3), 1e-12, 0.999)
	f.Fuzz(func(t *testing.T, sd float64, n uint8, effect, alpha float64) {
		p, err := Paired{sd, int(n)}.Power(effect, alpha)
		if err == nil && !(p >= 0 && p <= 1) {
			t.Fatalf("sd %v, n %d, effect %v, alpha %v: power %v", sd, n, effect, alpha, p)
		}
	})
}

func BenchmarkMcNemarEffect(b *testing.B) {
	for b.Loop() {
		if _, err := (McNemar{10_000, 0.03}).MinimumDetectableEffect(0.05, 0.8); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWelchEffect(b *testing.B) {
	for b.Loop() {
		if _, err := (Welch{1, 2, 30, 30}).MinimumDetectableEffect(0.05, 0.8); err != nil {
			b.Fatal(err)
		}
	}
}
