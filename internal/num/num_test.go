package num

import (
	"math"
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{PP(-0.032), "-3.2 pp"},
		{PP(0.00041), "0.04 pp"},
		{PP(-0.00001), "0.00 pp"},
		{PP(0), "0.0 pp"},
		{PP(-0.00095), "-0.1 pp"},
		{PPInterval(-0.032, -0.0412, -0.0228), "-3.2 pp [-4.1, -2.3]"},
		{PPInterval(-0.0012, -0.0020, -0.0004), "-0.12 pp [-0.20, -0.04]"},
		{PPInterval(0.0001, -0.01, 0.0102), "0.0 pp [-1.0, 1.0]"},
		{Share(0.871), "87.10 %"},
		{Share(1), "100.00 %"},
		{Share(0), "0.00 %"},
		{Share(0.99999), "> 99.99 %"},
		{Share(0.00001), "< 0.01 %"},
		{ShareBounds(0.0301, 0.0402), "[3.01, 4.02] %"},
		{P(0.4522), "p = 0.4522"},
		{P(1), "p = 1"},
		{P(0.99999), "p > 0.9999"},
		{P(2.36e-17), "p < 1e-15"},
		{P(1.25e-7), "p = 1.2e-7"},
		{Q(0.00031), "q = 0.00031"},
		{PValue(0), "< 1e-15"},
		{Count(10000), "10,000"},
		{Count(-1234567), "-1,234,567"},
		{Count(999), "999"},
		{Ratio(1.846), "1.85x"},
		{Number(0.012345), "0.0123"},
		{Number(12345.6), "12,346"},
		{Number(-3.14159), "-3.14"},
		{Number(2), "2"},
		{Number(0.0000123), "1.23e-5"},
		{Number(123.4), "123"},
		{Bounds(1.1, 5.3), "[1.10, 5.30]"},
		{Setting(0.05), "0.05"},
		{Setting(0.999 * 100), "99.9"},
		{Setting(8), "8"},
		{Bytes(512), "512 B"},
		{Bytes(1468006), "1.4 MiB"},
		{Bytes(5 << 40), "5.0 TiB"},
		{Plural(1, "class", "classes"), "1 class"},
		{Plural(1200, "class", "classes"), "1,200 classes"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestPValueMonotone: a smaller p never reads as a larger one, and only 0 and 1
// ever read as such.
func TestPValueMonotone(t *testing.T) {
	for e := -20.0; e < 0; e += 0.01 {
		p := math.Pow(10, e)
		s := PValue(p)
		if s == "0" || s == "1" || strings.HasPrefix(s, "0.0000 ") {
			t.Fatalf("p = %g reads as %q", p, s)
		}
		if p < SmallestP != (s == "< 1e-15") {
			t.Fatalf("p = %g reads as %q", p, s)
		}
	}
}

// TestShareEnds: only 0 and 1 read as 0 and 100 %.
func TestShareEnds(t *testing.T) {
	for _, v := range []float64{1e-9, 4.9e-5, 1 - 1e-9, 1 - 4.9e-5} {
		if s := Share(v); s == "0.00 %" || s == "100.00 %" {
			t.Errorf("%g reads as %q", v, s)
		}
	}
}
