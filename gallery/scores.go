package gallery

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/prediction"
)

// scoreTable are the stored scores of an example, baseline beside variant.
type scoreTable struct {
	Hint    string
	Columns []scoreColumn
	Rows    [][]scoreCell
}

type scoreColumn struct {
	Name  string
	Right bool
}

type scoreCell struct {
	Text        string
	Head, Right bool
}

// scores are those of the two populations, nil where none are stored.
func (s *server) scores(ctx context.Context, v *view, x index.Row, row int32) (*scoreTable, error) {
	if s.o.Table == nil {
		return nil, nil
	}
	t := s.o.Table()
	if t == nil || int(row) >= t.Len() {
		return nil, nil
	}
	base, now := t.Baseline(), variantOf(t, v.q.Variant)
	if now == nil {
		return nil, nil
	}
	one, err := s.o.Stored(ctx, int(row), base.Name, now.Name)
	if err != nil {
		return nil, err
	}
	out := &scoreTable{
		Hint:    "Mean over the members, with the least and the largest where there are several.",
		Columns: []scoreColumn{{Name: "score"}, {base.Name, true}, {now.Name, true}},
	}
	oneBase, oneNow := variantOf(one, base.Name), variantOf(one, now.Name)
	out.add("predicted class", spread(oneBase, confidence), spread(oneNow, confidence))
	out.add("true class, "+s.class(x.Truth), spread(oneBase, trueScore), spread(oneNow, trueScore))
	if err := out.classes(s, t, base, now, row); err != nil {
		return nil, err
	}
	if len(out.Rows) == 0 {
		return nil, nil
	}
	return out, nil
}

// variantOf is a table's variant by name, nil for none.
func variantOf(t *prediction.Table, name string) *prediction.Variant {
	for i := range t.Variants {
		if t.Variants[i].Name == name {
			return &t.Variants[i]
		}
	}
	return nil
}

func (t *scoreTable) add(name, base, now string) {
	if base == "" && now == "" {
		return
	}
	t.Rows = append(t.Rows, []scoreCell{{Text: name, Head: true}, {Text: cmp.Or(base, "not stored"), Right: true}, {Text: cmp.Or(now, "not stored"), Right: true}})
}

func confidence(m *prediction.Member) []float32 { return m.Confidence }
func trueScore(m *prediction.Member) []float32  { return m.TrueScore }

// spread is the mean of one example's score over the members that have it, and
// its ends.
func spread(v *prediction.Variant, of func(*prediction.Member) []float32) string {
	sum, n, low, high := 0.0, 0, math.Inf(1), math.Inf(-1)
	for i := range v.Members {
		if list := of(&v.Members[i]); list != nil {
			x := float64(list[0])
			sum, n, low, high = sum+x, n+1, min(low, x), max(high, x)
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return num.Fixed2(sum)
	default:
		return fmt.Sprintf("%s  (%s to %s)", num.Fixed2(sum/float64(n)), num.Fixed2(low), num.Fixed2(high))
	}
}

// classesShown is how many classes of full scores are listed.
const classesShown = 5

// classes adds the mean probability of the classes that have the most in either
// population, where all scores are stored.
func (t *scoreTable) classes(s *server, table *prediction.Table, base, now *prediction.Variant, row int32) error {
	n := len(table.Classes)
	b, err := meanProbabilities(base, row, n)
	if err != nil {
		return err
	}
	w, err := meanProbabilities(now, row, n)
	if err != nil || b == nil || w == nil {
		return err
	}
	order := make([]int, n)
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(max(b[j], w[j]), max(b[i], w[i])) })
	for _, c := range order[:min(n, classesShown)] {
		t.add("probability of "+s.class(c), num.Fixed2(b[c]), num.Fixed2(w[c]))
	}
	return nil
}

// meanProbabilities averages the scores of one example over the members; nil
// where a member has none.
func meanProbabilities(v *prediction.Variant, row int32, classes int) ([]float64, error) {
	out, scores := make([]float64, classes), make([]float32, classes)
	for i := range v.Members {
		all := v.Members[i].Scores
		if all == nil {
			return nil, nil
		}
		if err := all.Rows(int(row), scores); err != nil {
			return nil, fmt.Errorf("gallery: scores of %s: %w", v.Members[i].Name, err)
		}
		for c, p := range probabilities(scores, all.Kind()) {
			out[c] += p / float64(len(v.Members))
		}
	}
	return out, nil
}

// probabilities are scores as shares that sum to 1: logits go through softmax.
func probabilities(scores []float32, kind prediction.ScoreKind) []float64 {
	out := make([]float64, len(scores))
	top := math.Inf(-1)
	for _, x := range scores {
		top = max(top, float64(x))
	}
	sum := 0.0
	for c, x := range scores {
		out[c] = float64(x)
		if kind == prediction.Logits {
			out[c] = math.Exp(float64(x) - top)
		}
		sum += out[c]
	}
	if kind == prediction.Logits {
		for c := range out {
			out[c] /= sum
		}
	}
	return out
}
