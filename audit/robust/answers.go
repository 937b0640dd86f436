package robust

import (
	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/prediction"
)

// grid is a members × examples table of whole numbers.
type grid [][]int32

// answers are the right answers to one data set, decoded when they are asked for.
type answers struct {
	table  *prediction.Table
	labels []int32
	right  map[string]grid // by variant
}

func newAnswers(t *prediction.Table) *answers {
	a := &answers{table: t, labels: make([]int32, t.Len()), right: map[string]grid{}}
	t.Labels.Read(a.labels, 0)
	return a
}

// of is 1 where a member of the variant is right and 0 where it is wrong.
func (a *answers) of(name string) grid {
	if g, ok := a.right[name]; ok {
		return g
	}
	v := variantOf(a.table, name)
	g := make(grid, len(v.Members))
	for k := range v.Members {
		row := make([]int32, len(a.labels))
		v.Members[k].Predicted.Read(row, 0)
		for i, p := range row {
			row[i] = 0
			if p == a.labels[i] {
				row[i] = 1
			}
		}
		g[k] = row
	}
	a.right[name] = g
	return g
}

// variantOf finds a variant by name; prediction.Table.AddShift saw to it that it
// is there.
func variantOf(t *prediction.Table, name string) *prediction.Variant {
	for i := range t.Variants {
		if t.Variants[i].Name == name {
			return &t.Variants[i]
		}
	}
	panic("robust: no variant " + name)
}

// term is a grid with a weight.
type term struct {
	grid   grid
	weight int32
}

// combine is the weighted sum of grids of the same shape.
func combine(terms ...term) grid {
	out := make(grid, len(terms[0].grid))
	for k := range out {
		row := make([]int32, len(terms[0].grid[k]))
		for _, t := range terms {
			for i, x := range t.grid[k] {
				row[i] += t.weight * x
			}
		}
		out[k] = row
	}
	return out
}

// least is the smallest entry of each place: right under every one of the shifts.
func least(grids []grid) grid {
	out := make(grid, len(grids[0]))
	for k := range out {
		row := append([]int32(nil), grids[0][k]...)
		for _, g := range grids[1:] {
			for i, x := range g[k] {
				row[i] = min(row[i], x)
			}
		}
		out[k] = row
	}
	return out
}

// only keeps the columns of idx; nil keeps all.
func (g grid) only(idx []int32) grid {
	if idx == nil {
		return g
	}
	out := make(grid, len(g))
	for k, row := range g {
		out[k] = make([]int32, len(idx))
		for j, i := range idx {
			out[k][j] = row[i]
		}
	}
	return out
}

// rows are the sums over the examples by member.
func (g grid) rows() []int64 {
	out := make([]int64, len(g))
	for k, row := range g {
		for _, x := range row {
			out[k] += int64(x)
		}
	}
	return out
}

func (g grid) examples() int {
	if len(g) == 0 {
		return 0
	}
	return len(g[0])
}

// modal are the labels that most members of a variant predict.
func modal(t *prediction.Table, name string, ties audit.Ties) []int32 {
	v := variantOf(t, name)
	block := make(grid, len(v.Members))
	for k := range block {
		block[k] = make([]int32, audit.BlockSize)
	}
	votes := make([]int, len(t.Classes))
	out := make([]int32, t.Len())
	for from := 0; from < len(out); from += audit.BlockSize {
		n := 0
		for k := range block {
			n = v.Members[k].Predicted.Read(block[k], from)
		}
		for i := range n {
			best := block[0][i]
			for k := range block {
				c := block[k][i]
				votes[c]++
				if votes[c] > votes[best] || votes[c] == votes[best] && (c < best) == (ties != audit.HighestTie) {
					best = c
				}
			}
			out[from+i] = best
			for k := range block {
				votes[block[k][i]] = 0
			}
		}
	}
	return out
}

// topFive is the mean share of examples whose true class is among the five highest
// scores; nil where a member's scores are not known or there are no more than five
// classes.
func topFive(a *answers, name string) *float64 {
	v := variantOf(a.table, name)
	if len(a.table.Classes) <= 5 || len(a.labels) == 0 {
		return nil
	}
	hits := 0
	for k := range v.Members {
		n, ok := memberTopFive(a, &v.Members[k])
		if !ok {
			return nil
		}
		hits += n
	}
	share := float64(hits) / float64(len(v.Members)) / float64(len(a.labels))
	return &share
}

func memberTopFive(a *answers, m *prediction.Member) (hits int, ok bool) {
	if len(m.TopK) >= 5 {
		for i, label := range a.labels {
			for _, c := range m.TopK[:5] {
				if c.At(i) == int(label) {
					hits++
					break
				}
			}
		}
		return hits, true
	}
	if m.Scores == nil {
		return 0, false
	}
	classes := len(a.table.Classes)
	buf := make([]float32, 256*classes)
	for from := 0; from < len(a.labels); from += 256 {
		n := min(256, len(a.labels)-from)
		if m.Scores.Rows(from, buf[:n*classes]) != nil {
			return 0, false // a damaged score file is found by lethe verify; top-5 is not known
		}
		for i := range n {
			row, label := buf[i*classes:(i+1)*classes], int(a.labels[from+i])
			above := 0
			for c, s := range row {
				if s > row[label] || s == row[label] && c < label {
					above++
				}
			}
			if above < 5 {
				hits++
			}
		}
	}
	return hits, true
}
