package annotations

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
)

func written(t *testing.T, r *gate.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, DefaultOptions()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	golden.Equal(t, "small.txt", []byte(written(t, gatetest.Small(t))))
	golden.Equal(t, "void.txt", []byte(written(t, gatetest.Void(t))))
	if s := written(t, gatetest.Passing(t)); s != "" {
		t.Errorf("a pass writes %q", s)
	}
}

// TestTen: ten commands at most, each one line that begins a command and holds no
// other, errors first.
func TestTen(t *testing.T) {
	for _, r := range []*gate.Result{gatetest.Small(t), gatetest.Large(t)} {
		s := written(t, r)
		lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
		if len(lines) != 10 || !strings.Contains(lines[9], "and ") || !strings.Contains(lines[9], " more. Fail: ") {
			t.Errorf("%d commands, the last %q", len(lines), lines[len(lines)-1])
		}
		last := 0
		for _, l := range lines[:9] {
			kind := map[bool]int{strings.HasPrefix(l, "::error "): 1, strings.HasPrefix(l, "::warning "): 2, strings.HasPrefix(l, "::notice "): 3}[true]
			if kind == 0 || kind < last {
				t.Errorf("%q after kind %d", l, last)
			}
			last = kind
			if _, after, _ := strings.Cut(l[2:], "::"); strings.ContainsAny(after, "\r\n") {
				t.Errorf("%q", l)
			}
		}
	}
}

func TestEscape(t *testing.T) {
	c := command{"error", gate.Location{File: "a,b:c%.yaml", Line: 3}, "x\ny", "100 %\r\n::warning::z"}
	if got, want := c.String(), "::error file=a%2Cb%3Ac%25.yaml,line=3,title=x%0Ay::100 %25%0D%0A::warning::z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
