package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// section is one scenario with its judged numbers.
type section struct {
	Scenario scenario
	Seeds    int
	Criteria []criterion
}

// failed counts the criteria that do not hold.
func failed(sections []section) int {
	n := 0
	for _, s := range sections {
		for _, c := range s.Criteria {
			if !c.Pass {
				n++
			}
		}
	}
	return n
}

// markdown writes one table for each mode.
func markdown(w io.Writer, sections []section) error {
	mode := ""
	for _, s := range sections {
		var b strings.Builder
		if s.Scenario.Mode != mode {
			mode = s.Scenario.Mode
			fmt.Fprintf(&b, "\n### %s\n\n| scenario | seeds | part | quantity | value | MC SE | criterion | |\n|---|---|---|---|---|---|---|---|\n", mode)
		}
		for i, c := range s.Criteria {
			name, seeds := "", ""
			if i == 0 {
				name = fmt.Sprintf("**%s**: %s", strings.TrimPrefix(s.Scenario.Name, mode+"/"), s.Scenario.About)
				seeds = fmt.Sprint(s.Seeds)
			}
			verdict := ""
			if c.Rule != "" {
				verdict = "holds"
				if !c.Pass {
					verdict = "**does not hold**"
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", name, seeds, c.Part, c.What, number(c.Value), number(c.SE), c.Rule, verdict)
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// The lines between which a document holds the tables.
const (
	beginMark = "<!-- simulate: begin -->"
	endMark   = "<!-- simulate: end -->"
)

// replaceTables puts the tables into a document, between its marks.
func replaceTables(doc, tables string) (string, error) {
	before, rest, ok := strings.Cut(doc, beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return "", fmt.Errorf("simulate: the document has no lines %q and %q for the tables", beginMark, endMark)
	}
	return before + beginMark + "\n" + tables + "\n" + endMark + after, nil
}

// number has four decimals, or three digits where it is smaller than .01.
func number(x float64) string {
	switch {
	case math.IsInf(x, 0):
		return "-"
	case x == 0:
		return "0"
	case math.Abs(x) < 0.01:
		return fmt.Sprintf("%.3g", x)
	}
	return fmt.Sprintf("%.4f", x)
}
