package recall

import (
	"context"
	"sync"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// Grouping assigns each example to at most one group.
type Grouping struct {
	Name   string          // names the family of tests: "class", "Male", "Male x Young"
	Scopes []finding.Scope // by group number

	labels  *prediction.Column // group number is the true class, or
	codes   []int32            // group number by example, -1 for none
	sizes   []int
	mu      sync.Mutex
	counts  map[int][][]int64   // variant -> [member][group] right answers
	effects map[float64]float64 // degrees of freedom -> minimum detectable effect in standard errors
}

// ByClass groups the examples by their true class.
func ByClass(v *audit.View) *Grouping {
	g := &Grouping{Name: "class", labels: &v.Table.Labels, sizes: v.ClassSizes(), counts: map[int][][]int64{}}
	for c, name := range v.Table.Classes {
		g.Scopes = append(g.Scopes, finding.Scope{Kind: finding.Class, Class: finding.Int(c), Name: name})
	}
	return g
}

// ByCode groups the examples by code: codes[i] is the group of example i, an
// index into scopes, or -1 where it is in none.
func ByCode(name string, scopes []finding.Scope, codes []int32) *Grouping {
	g := &Grouping{Name: name, Scopes: scopes, codes: codes, sizes: make([]int, len(scopes)), counts: map[int][][]int64{}}
	for _, c := range codes {
		if c >= 0 {
			g.sizes[c]++
		}
	}
	return g
}

// Sizes is the number of examples in each group.
func (g *Grouping) Sizes() []int { return g.sizes }

// read decodes the group numbers of consecutive examples.
func (g *Grouping) read(dst []int32, from int) {
	if g.labels != nil {
		g.labels.Read(dst, from)
		return
	}
	copy(dst, g.codes[from:])
}

// partition reports whether the groups cover every example, and how many are
// not empty.
func (g *Grouping) partition(total int) (all bool, nonEmpty int) {
	sum := 0
	for _, n := range g.sizes {
		sum += n
		if n > 0 {
			nonEmpty++
		}
	}
	return sum == total, nonEmpty
}

// right counts the right answers per member and group of variant t, once.
func (g *Grouping) right(ctx context.Context, v *audit.View, t int) ([][]int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.counts[t]; c != nil {
		return c, nil
	}
	if g.labels != nil {
		c, err := v.Counts(ctx, t)
		if err != nil {
			return nil, err
		}
		g.counts[t] = c.Class
		return c.Class, nil
	}
	members, groups := len(v.Table.Variants[t].Members), len(g.Scopes)
	partial := make([][]int64, v.Threads())
	err := v.Blocks(ctx, []int{t}, func(worker int, b *audit.Block) error {
		if partial[worker] == nil {
			partial[worker] = make([]int64, members*groups)
		}
		codes := g.codes[b.From : b.From+b.N]
		for k, pred := range b.Pred[0] {
			right := partial[worker][k*groups : (k+1)*groups]
			for i, p := range pred {
				if p == b.Labels[i] && codes[i] >= 0 {
					right[codes[i]]++
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([][]int64, members)
	for k := range out {
		out[k] = make([]int64, groups)
		for _, p := range partial {
			if p == nil {
				continue
			}
			for j, n := range p[k*groups : (k+1)*groups] {
				out[k][j] += n
			}
		}
	}
	g.counts[t] = out
	return out, nil
}

// ByAttribute groups the examples by the values of attribute number a.
func ByAttribute(v *audit.View, a int) *Grouping {
	attr := &v.Table.Attributes[a]
	scopes := make([]finding.Scope, len(attr.Values))
	for i, value := range attr.Values {
		scopes[i] = finding.Scope{
			Kind: finding.Subgroup, Name: attr.Name + "=" + value,
			Groups: []finding.Group{{Attribute: attr.Name, Value: value}},
		}
	}
	return ByCode(attr.Name, scopes, attr.Codes)
}
