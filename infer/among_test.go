package infer

import (
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
)

func TestAmong(t *testing.T) {
	for _, c := range []struct {
		scores []float32
		kind   prediction.ScoreKind
		want   []float32
	}{
		{[]float32{0.5, 0.375, 0, 0.125}, prediction.Probabilities, []float32{0, 0.75, 0, 0.25}},
		{[]float32{1, 0, 0, 0}, prediction.Probabilities, []float32{0, 0.5, 0, 0.5}}, // nothing is known of the subset
		{[]float32{9, -1000, 7, -1000}, prediction.Logits, []float32{0, 0.5, 0, 0.5}},
		{[]float32{9, 300, 7, -300}, prediction.Logits, []float32{0, 1, 0, 0}},
	} {
		got := slices.Clone(c.scores)
		among(got, []int{1, 3}, c.kind)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %v become %v, want %v", c.kind, c.scores, got, c.want)
		}
	}
	if got := highest([]float32{2, 1, 2, 1}, []int{1, 3}); got != 1 {
		t.Errorf("of two equal ones class %d, want the lower", got)
	}
}
