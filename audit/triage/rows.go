package triage

import (
	"context"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// forgotten are the examples that one variant forgets: its modal label is not the
// baseline's.
type forgotten struct {
	t    int
	is   []bool
	size int
}

// forget finds them.
func (f *facts) forget(ctx context.Context, t int) (*forgotten, error) {
	l := &forgotten{t: t, is: make([]bool, len(f.holds))}
	tallies := make([]tally, f.view.Threads())
	ties := tiesOf(f.view.Options)
	err := f.view.Blocks(ctx, []int{t}, func(w int, b *audit.Block) error {
		x := &tallies[w]
		for i := range b.N {
			x.count(b.Pred[0], i)
			l.is[b.From+i] = x.modal(ties) != f.modal[b.From+i]
		}
		return nil
	})
	for i, is := range l.is {
		if is {
			l.size++
			f.forgot[i]++
		}
	}
	return l, err
}

// emitRows sends a row for each example that is forgotten or whose label is in
// doubt.
func (f *facts) emitRows(out audit.Sink) error {
	sink, ok := out.(audit.TriageSink)
	if !ok {
		return nil
	}
	for i := range f.holds {
		if f.forgot[i] == 0 && f.holds[i]&mislabelled == 0 && !f.doubted(i) {
			continue
		}
		if err := sink.Triage(f.row(i)); err != nil {
			return err
		}
	}
	return nil
}

// doubted reports whether another label is preferred to the given one, by
// people where they were asked, else by the models.
func (f *facts) doubted(i int) bool {
	if a, ok := f.asked(i); ok {
		return a.score > 0.5
	}
	return f.score != nil && f.score[i] > 0.5
}

// asked is what people say of example i.
func (f *facts) asked(i int) (asked, bool) {
	p := f.view.Table.People
	if p == nil {
		return asked{}, false
	}
	return ask(p.Votes[i], int32(f.view.Table.Labels.At(i)))
}

// row is all that is known of example i.
func (f *facts) row(i int) finding.TriageRow {
	t := f.view.Table
	label := t.Labels.At(i)
	var texts []string
	for _, g := range f.holds[i].guesses() {
		texts = append(texts, string(g))
	}
	r := finding.TriageRow{
		ID: string(t.ID(i)), Row: int64(i), Label: int32(label), Guess: f.holds[i].guess(),
		Reasons: strings.Join(texts, " "), Forgotten: f.forgot[i],
		Margin: at(f.margin, i), MarginRank: at(f.marginRank, i),
		Given: at(f.given, i), Other: at(f.other, i),
		Contrast: at(f.contrast.values, i), ContrastAll: at(f.contrast.all, i), ContrastClass: f.contrast.inClass(i, label),
		Sharpness: at(f.sharpness.values, i), SharpAll: at(f.sharpness.all, i), SharpClass: f.sharpness.inClass(i, label),
	}
	if f.first != nil {
		r.MarginP = finding.Float(f.marginP(i))
	}
	if f.suggested != nil {
		by := finding.ByModels
		r.Suggested, r.By, r.ModelLabel, r.Likely = &f.suggested[i], &by, &f.suggested[i], f.likely[i]
		r.LabelScore, r.ModelScore = &f.score[i], &f.score[i]
		if v, ok := f.thresholds.Of(int(f.suggested[i])); ok {
			r.Threshold = finding.Float(v)
		}
	}
	if a, ok := f.asked(i); ok {
		votes, by := prediction.FormatVotes(t.People.Votes[i]), finding.ByPeople
		r.People, r.PeopleShare = &votes, finding.Float(a.share)
		r.LabelScore, r.Suggested, r.By = finding.Float(a.score), nil, nil
		if a.suggested >= 0 {
			r.Suggested, r.By = &a.suggested, &by
		}
	}
	return r
}

// inClass is the rank in the class, nil where the class is too small.
func (l *looked) inClass(i, class int) *float64 {
	if l.class == nil || !l.ranked[class] {
		return nil
	}
	return at(l.class, i)
}

// at is entry i, nil where there are no entries: of the numbers that are the
// float32, the one with the fewest digits.
func at(values []float32, i int) *float64 {
	if values == nil {
		return nil
	}
	v, err := strconv.ParseFloat(strconv.FormatFloat(float64(values[i]), 'g', -1, 32), 64)
	if err != nil {
		v = float64(values[i])
	}
	return &v
}
