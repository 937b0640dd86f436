package report

import (
	"math"

	"github.com/lethe-audit/lethe/report/chart"
)

// training shows how members were trained, where the tables named "training"
// tell.
func (b *builder) training() *Section {
	p := Part{ID: "training-all"}
	loss := Figure{ID: "training-loss", Title: "Training loss", Layout: Multiples,
		Caption: "Mean loss of each epoch, a line for each member. All panels share one scale."}
	trained := Figure{ID: "training-accuracy", Title: "Training accuracy", Layout: Multiples,
		Caption: "Accuracy in percent on the images of each epoch, as they were augmented, while the weights changed."}
	accuracy := Figure{ID: "training-validation", Title: "Validation accuracy", Layout: Multiples,
		Caption: "Accuracy in percent on images that are neither trained on nor tested, after each epoch. All panels share one scale."}
	for _, pop := range b.c.config.Populations {
		t := b.c.table("training", pop.Name)
		g := read(t, "member", "epoch", "loss", "accuracy", "validation_accuracy")
		if g == nil || g.len() == 0 {
			continue
		}
		numbers := b.raw(t)
		numbers.Numbers = true
		p.Blocks = append(p.Blocks, numbers)
		addPanel(&loss, pop.Name, &chart.Training{Name: "Training loss, " + pop.Name, Lines: memberLines(g, "loss")})
		addPanel(&trained, pop.Name, &chart.Training{Name: "Training accuracy, " + pop.Name, Lines: memberLines(g, "accuracy"), Percent: true})
		addPanel(&accuracy, pop.Name, &chart.Training{Name: "Validation accuracy, " + pop.Name, Lines: memberLines(g, "validation_accuracy"), Percent: true})
	}
	if len(p.Blocks) == 0 {
		return nil
	}
	for _, f := range []*Figure{&accuracy, &trained, &loss} {
		if len(f.Panels) > 0 {
			shareRange(f)
			p.Blocks = append([]Block{f}, p.Blocks...)
		}
	}
	if t := b.c.table("members", ""); t != nil {
		p.Blocks = append(p.Blocks, b.raw(t))
	}
	return &Section{ID: "training", Title: "Training", Ask: "Did the members train as they should?", Parts: []Part{p}}
}

// addPanel adds a panel that has something to draw.
func addPanel(f *Figure, title string, t *chart.Training) {
	if len(t.Lines) > 0 {
		f.Panels = append(f.Panels, Panel{Title: title, Draw: t})
	}
}

// memberLines are the lines of a column, by member in the order of the table.
func memberLines(g *grid, column string) []chart.TrainingLine {
	var out []chart.TrainingLine
	at := map[string]int{}
	for i := range g.len() {
		y, epoch := g.number(i, column), g.number(i, "epoch")
		if y == nil || epoch == nil {
			continue
		}
		name := g.text(i, "member")
		k, seen := at[name]
		if !seen {
			k = len(out)
			at[name] = k
			out = append(out, chart.TrainingLine{Member: name})
		}
		out[k].Epoch, out[k].Y = append(out[k].Epoch, *epoch), append(out[k].Y, *y)
	}
	return out
}

// shareRange gives all panels of a figure one vertical range.
func shareRange(f *Figure) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, p := range f.Panels {
		for _, l := range p.Draw.(*chart.Training).Lines {
			for _, v := range l.Y {
				lo, hi = math.Min(lo, v), math.Max(hi, v)
			}
		}
	}
	pad := math.Max((hi-lo)*0.06, 0.005)
	for _, p := range f.Panels {
		t := p.Draw.(*chart.Training)
		t.Lo, t.Hi = lo-pad, hi+pad
		if t.Percent {
			t.Lo, t.Hi = math.Max(0, t.Lo), math.Min(1, t.Hi)
		}
	}
}
