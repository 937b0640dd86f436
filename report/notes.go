package report

import (
	"sort"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// maxNotes is how many different footnotes a report has; more are counted.
const maxNotes = 60

// notes numbers warnings in the order in which they are first referred to;
// equal texts share a number.
type notes struct {
	numbers map[string]int
	list    []Note
	over    map[string]bool // texts without a number
}

func newNotes() *notes { return &notes{numbers: map[string]int{}, over: map[string]bool{}} }

// refer is the numbers of the warnings, ascending.
func (n *notes) refer(warnings []finding.Warning) []int {
	var out []int
	for _, w := range warnings {
		if w.Text == "" {
			continue
		}
		number, ok := n.numbers[w.Text]
		if !ok {
			if len(n.list) == maxNotes {
				n.over[w.Text] = true
				continue
			}
			number = len(n.list) + 1
			n.numbers[w.Text] = number
			n.list = append(n.list, Note{Number: number, Text: sentence(w.Text)})
		}
		out = append(out, number)
	}
	sort.Ints(out)
	return compact(out)
}

func compact(sorted []int) []int {
	out := sorted[:0]
	for i, v := range sorted {
		if i == 0 || v != sorted[i-1] {
			out = append(out, v)
		}
	}
	return out
}

// all are the footnotes, with a last one that counts those left out.
func (n *notes) all() []Note {
	if len(n.over) == 0 {
		return n.list
	}
	return append(n.list, Note{Number: len(n.list) + 1, Text: num.Plural(len(n.over), "more warning is", "more warnings are") + " in findings.jsonl."})
}
