package openmetrics

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
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
	golden.Equal(t, "small.txt", []byte(written(t, gatetest.Small(t), Options{Scopes: 3})))
}

// TestGrammar: every line follows OpenMetrics' text format: metadata once, before
// its samples, families not interleaved, no series twice, an end mark.
func TestGrammar(t *testing.T) {
	sample := regexp.MustCompile(`^([a-z_]+)(\{([a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*)\}) (-?[0-9.e+-]+)$`)
	for _, r := range []*gate.Result{gatetest.Small(t), gatetest.Void(t), gatetest.Large(t)} {
		s := written(t, r, DefaultOptions())
		lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
		if lines[len(lines)-1] != "# EOF" {
			t.Fatalf("the last line is %q", lines[len(lines)-1])
		}
		family, series, done := "", map[string]bool{}, map[string]bool{}
		for _, l := range lines[:len(lines)-1] {
			if name, ok := strings.CutPrefix(l, "# TYPE "); ok {
				name = strings.TrimSuffix(name, " gauge")
				if done[name] {
					t.Errorf("family %s twice", name)
				}
				family, done[name] = name, true
				continue
			}
			if strings.HasPrefix(l, "# ") {
				if !strings.HasPrefix(l, "# UNIT "+family+" ") && !strings.HasPrefix(l, "# HELP "+family+" ") {
					t.Errorf("%q in family %s", l, family)
				}
				continue
			}
			m := sample.FindStringSubmatch(l)
			if m == nil || m[1] != family || series[m[1]+m[2]] {
				t.Fatalf("%q in family %s", l, family)
			}
			series[m[1]+m[2]] = true
		}
		if n := len(series); n > 20*4*DefaultOptions().Scopes {
			t.Errorf("%d series", n)
		}
	}
}
