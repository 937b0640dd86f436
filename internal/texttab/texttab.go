// Package texttab lays out tables and paragraphs for terminals: columns line
// up by display width (wide and combining characters count as they are drawn),
// and a table that is too wide for the terminal first shortens its text
// columns, then leaves out its least important ones and says which.
package texttab

import (
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// Column is one column of a [Table].
type Column struct {
	Head  string
	Right bool // numbers line up on the right
	Min   int  // display width a text column may be shortened to; 0: never
	Drop  int  // columns with the highest Drop are left out first; 0: never
}

// Table is a table of texts. Rows have one cell a column.
type Table struct {
	Columns []Column
	Rows    [][]string
	// Style wraps the padded text of a cell in terminal colours; row is -1 in
	// the head. nil: no styles.
	Style func(row, col int, padded string) string
}

// gap is the number of spaces between columns.
const gap = 2

// Format lays the table out in at most width columns (0: as wide as it needs),
// each line after the indent. left names the columns that had to go.
func (t *Table) Format(indent string, width int) (text string, left []string) {
	room := 0
	if width > 0 {
		room = max(width-Width(indent), 1)
	}
	show, widths := t.fit(room)
	var b strings.Builder
	heads := make([]string, len(t.Columns))
	shown := make([]bool, len(t.Columns))
	for j, c := range t.Columns {
		heads[j] = c.Head
	}
	for _, j := range show {
		shown[j] = true
	}
	for j, c := range t.Columns {
		if !shown[j] {
			left = append(left, c.Head)
		}
	}
	t.line(&b, indent, -1, heads, show, widths)
	for i, row := range t.Rows {
		t.line(&b, indent, i, row, show, widths)
	}
	return b.String(), left
}

// fit chooses the columns to show and their widths.
func (t *Table) fit(room int) (show []int, widths []int) {
	widths = make([]int, len(t.Columns))
	for j, c := range t.Columns {
		widths[j] = Width(Clean(c.Head))
		for _, row := range t.Rows {
			widths[j] = max(widths[j], Width(Clean(row[j])))
		}
		show = append(show, j)
	}
	if room == 0 {
		return show, widths
	}
	for {
		over := total(show, widths) - room
		if over <= 0 {
			return show, widths
		}
		if t.slack(show, widths) >= over {
			t.shrink(show, widths, over)
			return show, widths
		}
		drop := t.leastImportant(show)
		if drop < 0 {
			t.shrink(show, widths, over)
			return show, widths
		}
		show = append(show[:drop:drop], show[drop+1:]...)
	}
}

func total(show, widths []int) int {
	n := -gap
	for _, j := range show {
		n += widths[j] + gap
	}
	return n
}

// least is the width that column j may be shortened to, 0 for never: its head
// is not cut.
func (t *Table) least(j int) int {
	c := t.Columns[j]
	if c.Min == 0 {
		return 0
	}
	return max(c.Min, Width(Clean(c.Head)))
}

func (t *Table) slack(show, widths []int) int {
	n := 0
	for _, j := range show {
		if m := t.least(j); m > 0 {
			n += max(widths[j]-m, 0)
		}
	}
	return n
}

// shrink takes over columns from the widest text columns.
func (t *Table) shrink(show, widths []int, over int) {
	for ; over > 0; over-- {
		widest := -1
		for _, j := range show {
			if m := t.least(j); m > 0 && widths[j] > m && (widest < 0 || widths[j] > widths[widest]) {
				widest = j
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// leastImportant is the position in show of the column to leave out, or -1.
func (t *Table) leastImportant(show []int) int {
	at, worst := -1, 0
	for i, j := range show {
		if d := t.Columns[j].Drop; d > 0 && d >= worst {
			at, worst = i, d
		}
	}
	return at
}

// maxLines is how many lines a text that was given too little room may take.
const maxLines = 3

// line writes one row, over several lines where a text column was shortened
// and has spaces to break at.
func (t *Table) line(b *strings.Builder, indent string, i int, cells []string, show, widths []int) {
	broken := make([][]string, len(show))
	height := 1
	for n, j := range show {
		broken[n] = breakText(Clean(cells[j]), widths[j])
		height = max(height, len(broken[n]))
	}
	for k := range height {
		var line strings.Builder
		line.WriteString(indent)
		for n, j := range show {
			if n > 0 {
				line.WriteString(strings.Repeat(" ", gap))
			}
			text := ""
			if k < len(broken[n]) {
				text = broken[n][k]
			}
			pad := strings.Repeat(" ", max(widths[j]-Width(text), 0))
			switch {
			case t.Columns[j].Right:
				text = pad + text
			case n < len(show)-1:
				text += pad
			}
			if t.Style != nil && strings.TrimSpace(text) != "" {
				text = t.Style(i, j, text)
			}
			line.WriteString(text)
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
}

// breakText breaks s at spaces into at most maxLines lines of width columns;
// what does not fit is cut and marked.
func breakText(s string, width int) []string {
	if Width(s) <= width {
		return []string{s}
	}
	lines := strings.Split(strings.TrimSuffix(Wrap(s, "", "", width), "\n"), "\n")
	if len(lines) > maxLines {
		lines = append(lines[:maxLines-1:maxLines-1], strings.Join(lines[maxLines-1:], " "))
	}
	for k, l := range lines {
		lines[k] = Truncate(l, width)
	}
	return lines
}

// condition measures characters of ambiguous width as narrow, whatever the
// user's locale says, so that output does not depend on it.
func condition() *runewidth.Condition { return &runewidth.Condition{} }

// Width is the number of terminal columns that s takes.
func Width(s string) int { return condition().StringWidth(s) }

// Truncate shortens s to width terminal columns and marks the cut with "…".
func Truncate(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	return condition().Truncate(s, width, "…")
}

// Clean replaces what would move the cursor or change the terminal: control
// and format characters and bytes that are no text.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d' {
			return '\ufffd'
		}
		return r
	}, s)
}

// Wrap breaks text into lines of at most width columns at spaces. The first
// line follows indent, the others rest.
func Wrap(text, indent, rest string, width int) string {
	var b strings.Builder
	line, at := indent, Width(indent)
	empty := true
	for _, word := range strings.Fields(text) {
		w := Width(word)
		if !empty && width > 0 && at+1+w > width {
			b.WriteString(line)
			b.WriteByte('\n')
			line, at, empty = rest, Width(rest), true
		}
		if !empty {
			line += " "
			at++
		}
		line += word
		at += w
		empty = false
	}
	b.WriteString(line)
	b.WriteByte('\n')
	return b.String()
}
