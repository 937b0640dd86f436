package triage

import (
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// asked is what people say of one example.
type asked struct {
	share     float64 // of people who gave the label that most gave
	score     float64 // normalized margin, as of the models
	suggested int32   // label that most gave, of those that are not the given one; -1 for none
}

// ask sums the votes of people on an example; ok is false where nobody was
// asked.
func ask(votes []prediction.Vote, given int32) (a asked, ok bool) {
	total, own, other := int32(0), int32(0), int32(0)
	a.suggested = -1
	for _, v := range votes {
		total += v.People
		switch {
		case v.Class == given:
			own = v.People
		case v.People > other:
			other, a.suggested = v.People, v.Class
		}
	}
	if total == 0 {
		return a, false
	}
	a.share = float64(max(own, other)) / float64(total)
	a.score = tidy((1 + float64(other-own)/float64(total)) / 2)
	return a, true
}

// agree reports whether people agree on a label.
func (a asked) agree() bool { return a.share >= peopleAgree }

// people marks what people say. On an example that they were asked about their
// word stands over that of the models: where they do not agree it is ambiguous,
// where they agree on another label the given one is likely wrong, and where they
// agree on the given one it is not.
func (f *facts) people() {
	p := f.view.Table.People
	if p == nil {
		return
	}
	f.measured |= ambiguous
	for i, votes := range p.Votes {
		a, ok := ask(votes, int32(f.view.Table.Labels.At(i)))
		if !ok {
			continue
		}
		switch {
		case !a.agree():
			f.holds[i] |= ambiguous
		case a.score > 0.5:
			f.holds[i] |= mislabelled
		default:
			f.holds[i] &^= mislabelled
		}
	}
	f.measured |= mislabelled
}

// peopleText is what people say of an example with the names of classes, "cat 44,
// dog 6", as a cell.
func (f *facts) peopleText(i int) any {
	p := f.view.Table.People
	if p == nil || len(p.Votes[i]) == 0 {
		return nil
	}
	var texts []string
	for _, v := range p.Votes[i] {
		texts = append(texts, fmt.Sprintf("%s %d", f.view.Table.Classes[v.Class], v.People))
	}
	return strings.Join(texts, ", ")
}
