package markdown

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/reporttest"
)

func render(t testing.TB, spec reporttest.Spec, o Options) string {
	t.Helper()
	return renderBytes(t, reporttest.Stored(t, spec), o)
}

func renderBytes(t testing.TB, stored []byte, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Replay(bytes.NewReader(stored), New(&b, o)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	golden.Equal(t, "small.md", []byte(render(t, reporttest.Small(), DefaultOptions())))
}

// TestSize: the largest audit stays under the size, and where rows were left
// out the report says so.
func TestSize(t *testing.T) {
	large := reporttest.Stored(t, reporttest.Large())
	out := renderBytes(t, large, DefaultOptions())
	if len(out) >= 1<<20 {
		t.Errorf("%d bytes, want less than 1 MiB", len(out))
	}
	if !strings.Contains(out, "of 1,000 rows shown") {
		t.Error("the report does not say that rows are left out")
	}
	for _, limit := range []int{20_000, 60_000, 200_000} {
		o := DefaultOptions()
		o.MaxBytes = limit
		out := renderBytes(t, large, o)
		if len(out) >= limit {
			t.Errorf("%d bytes, want less than %d", len(out), limit)
		}
		if !strings.Contains(out, "Hardest hit") {
			t.Errorf("limit %d: the headline is gone", limit)
		}
		if limit < 60_000 && !strings.Contains(out, "Cut here to stay within the size") {
			t.Errorf("limit %d: cut without saying so", limit)
		}
	}
}

// TestTablesAreWhole: every table row has as many cells as its head, whatever
// the names hold, and details are closed.
func TestTablesAreWhole(t *testing.T) {
	out := render(t, reporttest.Small(), DefaultOptions())
	cells := 0
	for n, line := range strings.Split(out, "\n") {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		k := strings.Count(line, "|") - strings.Count(line, `\|`)
		if cells != 0 && k != cells {
			t.Errorf("line %d has %d bars, its table %d: %s", n+1, k, cells, line)
		}
		cells = k
	}
	if a, b := strings.Count(out, "<details>"), strings.Count(out, "</details>"); a != b || a == 0 {
		t.Errorf("%d details are opened and %d closed", a, b)
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"<script>":        "&lt;script&gt;",
		"a | b":           `a \| b`,
		"@octocat fix #1": "&#64;octocat fix &#35;1",
		"_x_ *y* `z`":     "\\_x\\_ \\*y\\* \\`z\\`",
		"a\nb":            "a\ufffdb",
		"[x](y)":          `\[x\](y)`,
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
	}
}
