package calibration

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"sync"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/prediction"
)

// maxGroups is the number of groups of examples that the jackknife leaves out
// one at a time.
const maxGroups = 100

// population is the calibration of the members of one variant.
type population struct {
	t        int
	members  []int         // those with scores
	leftOut  int           // those without
	measured []calibration // by position in members
}

// calibration is one member's examples in bins, by group of examples.
type calibration struct {
	width, mass   []partition // [group]
	allW, allMass partition
}

// groupsOf assigns examples to the groups of the jackknife by their id, so
// that the order of the rows does not matter.
func groupsOf(t *prediction.Table) []uint8 {
	n := uint64(min(maxGroups, t.Len()))
	groups := make([]uint8, t.Len())
	for i := range groups {
		h := fnv.New64a()
		h.Write([]byte(t.ID(i)))
		groups[i] = uint8(h.Sum64() % n)
	}
	return groups
}

// measure bins the answers of every member of variant t that has scores.
func measure(ctx context.Context, v *audit.View, t int, groups []uint8) (*population, error) {
	p := &population{t: t}
	all := v.Table.Variants[t].Members
	for k := range all {
		if all[k].Confidence != nil || all[k].Scores != nil {
			p.members = append(p.members, k)
		}
	}
	p.leftOut = len(all) - len(p.members)
	p.measured = make([]calibration, len(p.members))
	errs := make([]error, len(p.members))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(v.Threads(), len(p.members)) {
		wg.Go(func() {
			for j := range next {
				errs[j] = p.measured[j].measure(ctx, v.Table, &all[p.members[j]], groups)
			}
		})
	}
	for j := range p.members {
		next <- j
	}
	close(next)
	wg.Wait()
	for j, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("variant %s, member %s: %w", v.Table.Variants[t].Name, all[p.members[j]].Name, err)
		}
	}
	return p, nil
}

func (c *calibration) measure(ctx context.Context, t *prediction.Table, m *prediction.Member, groups []uint8) error {
	confidence, err := confidences(ctx, t, m)
	if err != nil {
		return err
	}
	histogram := make([]int64, buckets)
	for _, x := range confidence {
		histogram[bucket(x)]++
	}
	massBin := equalMass(histogram, int64(len(confidence)))
	n := min(maxGroups, t.Len())
	c.width, c.mass = make([]partition, n), make([]partition, n)
	var label, answer [audit.BlockSize]int32
	for from := 0; from < len(confidence); from += audit.BlockSize {
		size := t.Labels.Read(label[:], from)
		m.Predicted.Read(answer[:], from)
		for i, x := range confidence[from : from+size] {
			b := bin{n: 1, confidence: int64(math.Round(float64(x) * unit))}
			if label[i] == answer[i] {
				b.right = 1
			}
			g := groups[from+i]
			c.width[g][width(x)].add(b)
			c.mass[g][massBin[bucket(x)]].add(b)
		}
	}
	for g := range n {
		for b := range bins {
			c.allW[b].add(c.width[g][b])
			c.allMass[b].add(c.mass[g][b])
		}
	}
	return ctx.Err()
}

// confidences are the scores of the predicted classes, recorded or computed.
func confidences(ctx context.Context, t *prediction.Table, m *prediction.Member) ([]float32, error) {
	if m.Confidence != nil {
		for i, x := range m.Confidence {
			if !(x >= 0 && x <= 1) {
				return nil, fmt.Errorf("confidence of example %s is %v, want a number from 0 to 1", t.ID(i), x)
			}
		}
		return m.Confidence, nil
	}
	classes := len(t.Classes)
	out := make([]float32, t.Len())
	rows := make([]float32, audit.BlockSize*classes)
	var answer [audit.BlockSize]int32
	for from := 0; from < len(out); from += audit.BlockSize {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := m.Predicted.Read(answer[:], from)
		if err := m.Scores.Rows(from, rows[:n*classes]); err != nil {
			return nil, err
		}
		for i := range n {
			x, err := confidence(rows[i*classes:(i+1)*classes], int(answer[i]), m.Scores.Kind())
			if err != nil {
				return nil, fmt.Errorf("example %s: %w", t.ID(from+i), err)
			}
			out[from+i] = x
		}
	}
	return out, nil
}

// rounding is how far above 1 a probability of low precision may be.
const rounding = 1e-3

// confidence is the probability of class answer in one row of scores.
func confidence(row []float32, answer int, kind prediction.ScoreKind) (float32, error) {
	p := float64(row[answer])
	if kind == prediction.Logits {
		top := row[0]
		for _, x := range row {
			top = max(top, x)
		}
		sum := 0.0
		for _, x := range row {
			sum += math.Exp(float64(x) - float64(top))
		}
		p = math.Exp(p-float64(top)) / sum
	}
	if !(p >= 0 && p <= 1+rounding) {
		return 0, fmt.Errorf("the predicted class has probability %v, want a number from 0 to 1", p)
	}
	return float32(min(p, 1)), nil
}
