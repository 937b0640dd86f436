package audit

import "context"

// Counts are the right answers of one variant.
type Counts struct {
	Class [][]int64 // [member][class] right answers
	Total []int64   // [member] right answers over all examples
	Votes []uint16  // [example] members that are right
}

// Counts counts the right answers of variant t once; later calls return the
// same counts.
func (v *View) Counts(ctx context.Context, t int) (*Counts, error) {
	o := &v.counts[t]
	o.once.Do(func() { o.c, o.err = v.count(ctx, t) })
	return o.c, o.err
}

func (v *View) count(ctx context.Context, t int) (*Counts, error) {
	members := len(v.Table.Variants[t].Members)
	classes := len(v.Table.Classes)
	partial := make([][]int64, v.Threads()) // [worker] members*classes
	c := &Counts{Votes: make([]uint16, v.Table.Len()), Total: make([]int64, members)}
	err := v.Blocks(ctx, []int{t}, func(worker int, b *Block) error {
		if partial[worker] == nil {
			partial[worker] = make([]int64, members*classes)
		}
		votes := c.Votes[b.From : b.From+b.N]
		for k, pred := range b.Pred[0] {
			right := partial[worker][k*classes : (k+1)*classes]
			for i, p := range pred {
				if p == b.Labels[i] {
					right[p]++
					votes[i]++
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.Class = make([][]int64, members)
	for k := range members {
		c.Class[k] = make([]int64, classes)
		for _, p := range partial {
			if p == nil {
				continue
			}
			for j, n := range p[k*classes : (k+1)*classes] {
				c.Class[k][j] += n
				c.Total[k] += n
			}
		}
	}
	return c, nil
}
