package triage

import (
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/modal"
)

// tally counts the votes on one example.
type tally struct {
	label []int32 // that have votes, ascending
	votes []int
	seen  []int32
}

// count counts the votes of a population on example i of a block.
func (t *tally) count(pred [][]int32, i int) {
	t.seen = t.seen[:0]
	for _, p := range pred {
		t.seen = append(t.seen, p[i])
	}
	slices.Sort(t.seen)
	t.label, t.votes = t.label[:0], t.votes[:0]
	for k, c := range t.seen {
		if k == 0 || c != t.seen[k-1] {
			t.label, t.votes = append(t.label, c), append(t.votes, 0)
		}
		t.votes[len(t.votes)-1]++
	}
}

// modal is the label with the most votes, by the audit's rule for ties.
func (t *tally) modal(ties modal.Ties) int32 {
	slot, _ := modal.Mode(t.votes, ties)
	return t.label[slot]
}

func tiesOf(o audit.Options) modal.Ties {
	if o.Ties == audit.HighestTie {
		return modal.Highest
	}
	return modal.Lowest
}
