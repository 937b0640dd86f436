package golden

import "testing"

func TestDifference(t *testing.T) {
	for _, c := range []struct {
		want, got string
		line      int
		a, b      string
	}{
		{"a\nb\n", "a\nb\n", 0, "", ""},
		{"a\nb\n", "a\nc\n", 2, "b", "c"},
		{"a\nb", "a", 2, "b", "(end)"},
		{"", "x", 1, "", "x"},
		{"a\n", "a", 2, "", "(end)"},
	} {
		line, a, b := Difference([]byte(c.want), []byte(c.got))
		if line != c.line || a != c.a || b != c.b {
			t.Errorf("Difference(%q, %q) = %d %q %q, want %d %q %q", c.want, c.got, line, a, b, c.line, c.a, c.b)
		}
	}
}
