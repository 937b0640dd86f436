package text

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/reporttest"
)

func render(t testing.TB, spec reporttest.Spec, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Replay(bytes.NewReader(reporttest.Bytes(t, reporttest.Stream(spec))), New(&b, o)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	void, paper := reporttest.Tiny(), reporttest.Tiny()
	void.Void, paper.Paper = true, true
	all := DefaultOptions()
	all.All = true
	golden.Equal(t, "small.txt", []byte(render(t, reporttest.Small(), DefaultOptions())))
	golden.Equal(t, "tiny-all.txt", []byte(render(t, reporttest.Tiny(), all)))
	golden.Equal(t, "tiny-void.txt", []byte(render(t, void, DefaultOptions())))
	golden.Equal(t, "tiny-paper.txt", []byte(render(t, paper, DefaultOptions())))
}

// TestColorsAddNothing: with colors the text is the same, and without them there
// is no escape sequence even where a name holds one.
func TestColorsAddNothing(t *testing.T) {
	o := DefaultOptions()
	plain := render(t, reporttest.Small(), o)
	if strings.Contains(plain, "\x1b") {
		t.Error("an escape sequence without colors")
	}
	o.Color = true
	color := render(t, reporttest.Small(), o)
	if !strings.Contains(color, "\x1b[31m") {
		t.Error("no red with colors")
	}
	stripped := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(color, "")
	if line, a, b := golden.Difference([]byte(plain), []byte(stripped)); line > 0 {
		t.Errorf("colors change line %d:\n%s\n%s", line, a, b)
	}
}

// TestWidths: no line is wider than the terminal, down to widths where the
// columns that must stay no longer fit.
func TestWidths(t *testing.T) {
	o := DefaultOptions()
	for _, o.Width = range []int{72, 80, 100, 132, 200} {
		for line := range strings.Lines(render(t, reporttest.Small(), o)) {
			if w := texttab.Width(strings.TrimRight(line, "\n")); w > o.Width {
				t.Errorf("width %d: %d wide: %s", o.Width, w, line)
			}
		}
	}
}

// TestRows: at most 15 rows a table unless all are asked for, and a line that
// says how to see the others.
func TestRows(t *testing.T) {
	spec := reporttest.Tiny()
	spec.Classes = 40
	o := DefaultOptions()
	o.Dir = "audit"
	short := render(t, spec, o)
	if !strings.Contains(short, "… 25 more: lethe report audit --all\n") {
		t.Error("no hint at the 25 other classes")
	}
	o.All = true
	long := render(t, spec, o)
	if strings.Contains(long, "--all") || strings.Contains(long, "Also there") {
		t.Error("--all points at itself")
	}
	for c := range 40 {
		if name := fmt.Sprintf("class %04d ", c); c > 9 && !strings.Contains(long, name) {
			t.Errorf("--all leaves %s out", name)
		}
	}
}
