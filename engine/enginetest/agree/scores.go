package agree

import (
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/engine/tensor"
)

// scores is a row of scores for each image.
type scores struct {
	rows, classes int
	v             []float32
}

func newScores(t tensor.Tensor, images int) (*scores, error) {
	if !t.Present() || t.Rank() < 2 || t.Shape()[0] < images {
		return nil, fmt.Errorf("agree: output is %v, want a row of scores for each of %d images", t, images)
	}
	v, ok := t.Float32s()
	if !ok {
		return nil, fmt.Errorf("agree: output is %v, want floats", t)
	}
	return &scores{images, t.Len() / t.Shape()[0], v}, nil
}

func (s *scores) row(i int) []float32 { return s.v[i*s.classes : (i+1)*s.classes] }

// top is the class with the highest score, the first among equals.
func (s *scores) top(i int) Top {
	row := s.row(i)
	best := 0
	for c, v := range row {
		if v > row[best] {
			best = c
		}
	}
	second := math.Inf(-1)
	for c, v := range row {
		if c != best {
			second = max(second, float64(v))
		}
	}
	return Top{best, float64(row[best]) - second}
}

// compare counts where two runtimes differ.
func compare(im *Images, a, b *scores) Result {
	r := Result{Images: a.rows, Scores: a.rows * a.classes}
	for i := range a.rows {
		other := b.row(i)
		for c, v := range a.row(i) {
			if v != other[c] {
				r.ScoresDiffering++
				r.Largest = max(r.Largest, math.Abs(float64(v)-float64(other[c])))
			}
		}
		x, y := a.top(i), b.top(i)
		if x.Class == y.Class {
			r.Agreeing++
			continue
		}
		r.Differences = append(r.Differences, Difference{Index: i, ID: im.IDs[i], Label: im.Labels[i], Go: x, ORT: y})
	}
	return r
}
