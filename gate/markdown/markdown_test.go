package markdown

import (
	"bytes"
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
	golden.Equal(t, "small.md", []byte(written(t, gatetest.Small(t), DefaultOptions())))
	golden.Equal(t, "void.md", []byte(written(t, gatetest.Void(t), DefaultOptions())))
}

// TestLimits: a comment stays under 64 KiB and a summary under 1 MiB at 1,000
// classes, 20 subgroups and their crossings; what is cut is said, and the verdict
// stays however little room there is.
func TestLimits(t *testing.T) {
	r := gatetest.Large(t)
	for _, o := range []Options{DefaultOptions(), SummaryOptions(), {Bytes: 4000, Rows: 15}, {Bytes: 1200, Rows: 15}} {
		s := written(t, r, o)
		if len(s) > o.Bytes || !strings.HasPrefix(s, Mark+"\n## Gate: fail\n") || !strings.Contains(s, " more |") && o.Bytes > 4000 {
			t.Errorf("%d bytes of %d: %.80s", len(s), o.Bytes, s)
		}
		if o.Bytes >= 4000 && !strings.Contains(s, "every-slice") {
			t.Errorf("at %d bytes a rule is missing", o.Bytes)
		}
	}
	if DefaultOptions().Bytes >= 64<<10 || SummaryOptions().Bytes >= 1<<20 {
		t.Error("the limits are beyond GitHub's")
	}
	many := *r
	many.Rules = nil
	for range 400 {
		many.Rules = append(many.Rules, r.Rules...)
	}
	if s := written(t, &many, DefaultOptions()); len(s) > 63<<10 || !strings.Contains(s, " more") {
		t.Errorf("%d rules: %d bytes", len(many.Rules), len(s))
	}
	if err := Write(&bytes.Buffer{}, r, Options{Bytes: 50, Rows: 5}); err == nil {
		t.Error("50 bytes are enough")
	}
}

// TestEscape: no name is read as Markdown, HTML, a mention, or ends its row.
func TestEscape(t *testing.T) {
	s := written(t, gatetest.Small(t), DefaultOptions())
	for _, bad := range []string{"<b>", "@here", "`c`", "${{", "a|b", " #1", "\xff"} {
		if strings.Contains(s, bad) {
			t.Errorf("%q stands in the document", bad)
		}
	}
	for _, line := range strings.Split(s, "\n") {
		if strings.HasPrefix(line, "| ") && strings.Count(line, "|") != 6 && strings.Count(line, "|") != 8 {
			t.Errorf("a row has other cells: %s", line)
		}
	}
}
