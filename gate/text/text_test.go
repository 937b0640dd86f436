package text

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/internal/texttab"
)

func written(t *testing.T, r *gate.Result, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	golden.Equal(t, "small.txt", []byte(written(t, gatetest.Small(t), DefaultOptions())))
	golden.Equal(t, "narrow.txt", []byte(written(t, gatetest.Small(t), Options{Width: 60, Rows: 3, Color: true})))
	golden.Equal(t, "ratchet.txt", []byte(written(t, gatetest.Ratcheted(t), DefaultOptions())))
	golden.Equal(t, "void.txt", []byte(written(t, gatetest.Void(t), DefaultOptions())))
}

// TestFits: no line is wider than the terminal, no table longer than asked, and
// --all shows every scope.
func TestFits(t *testing.T) {
	r := gatetest.Large(t)
	s := written(t, r, DefaultOptions())
	for _, l := range strings.Split(s, "\n") {
		if texttab.Width(l) > 100 {
			t.Errorf("%d columns: %s", texttab.Width(l), l)
		}
	}
	if n := strings.Count(s, "\n"); n > 400 || !strings.Contains(s, "and 985 more (--all shows them)") {
		t.Errorf("%d lines", n)
	}
	if all := written(t, r, Options{}); strings.Contains(all, " more (") || !strings.Contains(all, "class-999") {
		t.Error("--all leaves scopes out")
	}
}
