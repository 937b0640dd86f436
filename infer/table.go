package infer

import (
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/prediction"
)

// skeleton is the table of the examples whose image could be had, without any
// variant yet.
func skeleton(d dataset.Dataset, bad []badImage) *prediction.Table {
	left := map[dataset.ExampleID]bool{}
	for _, b := range bad {
		left[dataset.ExampleID(b.ID)] = true
	}
	var keep []int
	for i := range d.Len() {
		if !left[d.Example(i).ID] {
			keep = append(keep, i)
		}
	}
	t := &prediction.Table{
		Classes: slices.Clone(d.Classes()),
		IDs:     make([]dataset.ExampleID, len(keep)),
		Labels:  prediction.NewColumn(len(keep), len(d.Classes())),
		Join:    prediction.JoinReport{Examples: len(keep), Missing: d.Len() - len(keep)},
	}
	t.Subset = subsetOf(d)
	for _, a := range d.Attributes() {
		t.Attributes = append(t.Attributes, prediction.Attribute{Name: a.Name, Values: slices.Clone(a.Values), Codes: make([]int32, len(keep))})
	}
	splits := prediction.Attribute{Name: "split", Codes: make([]int32, len(keep))}
	for row, i := range keep {
		e := d.Example(i)
		t.IDs[row] = e.ID
		t.Labels.Set(row, int(e.Label))
		for a := range t.Attributes {
			t.Attributes[a].Codes[row] = e.Attributes[a]
		}
		code := slices.Index(splits.Values, string(e.Split))
		if code < 0 {
			code = len(splits.Values)
			splits.Values = append(splits.Values, string(e.Split))
		}
		splits.Codes[row] = int32(code)
	}
	t.Splits = &splits
	for _, b := range bad {
		t.Notes = append(t.Notes, fmt.Sprintf("left out: %s", b.Error))
	}
	return t
}

// member reads a finished model's scores: class, confidence, score of the true
// class; the scores themselves stay in their file, which closer closes.
func member(t *prediction.Table, name, work, key string, f *finished) (prediction.Member, *os.File, error) {
	m := prediction.Member{
		Name:       name,
		Predicted:  prediction.NewColumn(f.Rows, f.Classes),
		Confidence: make([]float32, f.Rows),
		TrueScore:  make([]float32, f.Rows),
	}
	file, err := os.Open(scoresFile(work, key))
	if err != nil {
		return m, nil, fmt.Errorf("infer: %w", err)
	}
	scores, kind := &fileScores{file: file, kind: f.Kind, classes: f.Classes}, f.Kind
	m.Scores = scores
	if t.Subset != nil {
		m.Scores, kind = &subsetScores{scores, f.Classes, t.Subset}, prediction.Probabilities
		all := prediction.NewColumn(f.Rows, f.Classes)
		m.Unmasked = &all
	}
	const rows = 512
	buf := make([]float32, rows*f.Classes)
	p := make([]float64, f.Classes)
	for from := 0; from < f.Rows; from += rows {
		n := min(rows, f.Rows-from)
		if err := scores.Rows(from, buf[:n*f.Classes]); err != nil {
			file.Close()
			return m, nil, err
		}
		for i := range n {
			row := buf[i*f.Classes : (i+1)*f.Classes]
			if t.Subset != nil {
				m.Unmasked.Set(from+i, highest(row, nil))
				among(row, t.Subset, f.Kind)
			}
			best := highest(row, t.Subset) // by the scores that the table has, rounded
			probabilities(p, row, kind)
			m.Predicted.Set(from+i, best)
			m.Confidence[from+i] = float32(p[best])
			m.TrueScore[from+i] = float32(p[t.Labels.At(from+i)])
		}
	}
	return m, file, nil
}

// probabilities fills p from scores.
func probabilities(p []float64, scores []float32, kind prediction.ScoreKind) {
	if kind == prediction.Probabilities {
		for c, v := range scores {
			p[c] = min(1, float64(v))
		}
		return
	}
	best, sum := highest(scores, nil), 0.0
	for c, v := range scores {
		p[c] = math.Exp(float64(v) - float64(scores[best]))
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
}
