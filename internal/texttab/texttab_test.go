package texttab

import (
	"strings"
	"testing"
)

func sample() *Table {
	return &Table{
		Columns: []Column{{Head: "class", Min: 6}, {Head: "n", Right: true, Drop: 1}, {Head: "change", Right: true}, {Head: "verdict", Drop: 2}},
		Rows: [][]string{
			{"cat", "1,000", "-3.2", "harmed"},
			{"日本語クラス名", "10", "0.0", "no difference detected"},
			{"é́clair", "7", "-12.0", "cannot say"},
		},
	}
}

func TestFormatWide(t *testing.T) {
	got, left := sample().Format("  ", 0)
	want := "" +
		"  class               n  change  verdict\n" +
		"  cat             1,000    -3.2  harmed\n" +
		"  日本語クラス名     10     0.0  no difference detected\n" +
		"  é́clair              7   -12.0  cannot say\n"
	if got != want || left != nil {
		t.Errorf("got\n%s left %v\nwant\n%s", got, left, want)
	}
}

// TestFormatFits: at every width no line is wider than it, down to where even
// the columns that must stay do not fit.
func TestFormatFits(t *testing.T) {
	for width := 16; width < 70; width++ {
		got, left := sample().Format("  ", width)
		for line := range strings.Lines(got) {
			if w := Width(strings.TrimRight(line, "\n")); w > width {
				t.Errorf("width %d: line is %d wide: %q", width, w, line)
			}
		}
		if width < 20 && strings.Join(left, ",") != "n,verdict" {
			t.Errorf("width %d: left out %v, want n and verdict", width, left)
		}
		if !strings.Contains(got, "-12.0") {
			t.Errorf("width %d: the column that must stay is gone", width)
		}
	}
}

// TestFormatBreaks: a text that is given too little room goes on in the next
// line; a word that is too long is cut.
func TestFormatBreaks(t *testing.T) {
	tab := &Table{
		Columns: []Column{{Head: "measure", Min: 10}, {Head: "value", Right: true}},
		Rows:    [][]string{{"share of changed answers", "2.00"}, {"unbreakableword", "1.00"}, {"a b c d e f g h i j k l m n o p q r s t u v w x y z", "0.00"}},
	}
	got, left := tab.Format("", 17)
	want := "" +
		"measure     value\n" +
		"share of     2.00\n" +
		"changed\n" +
		"answers\n" +
		"unbreakab…   1.00\n" +
		"a b c d e    0.00\n" +
		"f g h i j\n" +
		"k l m n o…\n"
	if got != want || left != nil {
		t.Errorf("got\n%s left %v\nwant\n%s", got, left, want)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[31mred": "\ufffd[31mred",
		"a\nb":        "a\ufffdb",
		"ok é 日":      "ok é 日",
		"\u202eevil":  "\ufffdevil",
		"bad\xff":     "bad\ufffd",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	got := Wrap("one two three four", "- ", "  ", 10)
	if want := "- one two\n  three\n  four\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Wrap("averyveryverylongword x", "", "", 5); got != "averyveryverylongword\nx\n" {
		t.Errorf("a word longer than the width stays whole, got %q", got)
	}
}
