package audit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/lethe-audit/lethe/prediction"
)

// BlockSize is the number of examples that [View.Blocks] decodes at a time.
const BlockSize = 2048

// View is what checks see: the predictions, the settings, and counts made from
// them once. It is safe for concurrent use.
type View struct {
	Table   *prediction.Table
	Options Options

	sizes    []int     // examples per class
	pairings []Pairing // by variant; entry 0 is unused
	counts   []onceCounts
}

type onceCounts struct {
	once sync.Once
	c    *Counts
	err  error
}

// NewView checks that the table can be audited with the options.
func NewView(t *prediction.Table, o Options) (*View, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := auditable(t, o); err != nil {
		return nil, err
	}
	v := &View{Table: t, Options: o, sizes: make([]int, len(t.Classes)), counts: make([]onceCounts, len(t.Variants))}
	buf := make([]int32, BlockSize)
	for from := 0; from < t.Len(); from += BlockSize {
		for _, c := range buf[:t.Labels.Read(buf, from)] {
			v.sizes[c]++
		}
	}
	present := 0
	for _, n := range v.sizes {
		if n > 0 {
			present++
		}
	}
	if present < 2 {
		return nil, errors.New("audit: all examples have the same true class; recall by class needs two classes at least")
	}
	v.pairings = make([]Pairing, len(t.Variants))
	for i := 1; i < len(t.Variants); i++ {
		v.pairings[i] = pairingOf(&t.Variants[0], &t.Variants[i])
	}
	return v, nil
}

func auditable(t *prediction.Table, o Options) error {
	switch {
	case t.Len() == 0:
		return errors.New("audit: there are no examples")
	case len(t.Variants) < 2:
		return fmt.Errorf("audit: %d variant(s), want a baseline and at least one candidate", len(t.Variants))
	case o.Positive >= len(t.Classes):
		return fmt.Errorf("audit: positive class %d, there are classes 0 to %d", o.Positive, len(t.Classes)-1)
	}
	for _, v := range t.Variants {
		if len(v.Members) == 0 {
			return fmt.Errorf("audit: variant %s has no members", v.Name)
		}
		for _, m := range v.Members {
			if m.Predicted.Len() != t.Len() {
				return fmt.Errorf("audit: member %s of %s has %d predictions, there are %d examples", m.Name, v.Name, m.Predicted.Len(), t.Len())
			}
		}
	}
	return nil
}

// ClassSizes is the number of examples of each class.
func (v *View) ClassSizes() []int { return v.sizes }

// Pairing says how variant t (1 or higher) is compared with the baseline.
func (v *View) Pairing(t int) *Pairing { return &v.pairings[t] }

// Candidates are the numbers of the variants that are compared with the
// baseline, in order: all but the baseline and the restored ones.
func (v *View) Candidates() []int {
	out := make([]int, 0, len(v.Table.Variants)-1)
	for t := 1; t < len(v.Table.Variants); t++ {
		if v.Table.Variants[t].Kind != prediction.KindRestored {
			out = append(out, t)
		}
	}
	return out
}

// Restored are the numbers of the variants that are variant t with one layer put
// back to the baseline, in order.
func (v *View) Restored(t int) []int {
	var out []int
	for r := 1; r < len(v.Table.Variants); r++ {
		x := &v.Table.Variants[r]
		if x.Kind == prediction.KindRestored && x.Restored != nil && x.Restored.Of == v.Table.Variants[t].Name {
			out = append(out, r)
		}
	}
	return out
}

// Threads is the number of goroutines that counting may use.
func (v *View) Threads() int {
	if v.Options.Threads > 0 {
		return v.Options.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// Block is a run of consecutive examples with their predictions decoded. Its
// slices are reused after the callback returns.
type Block struct {
	Index  int         // number of the block; a reducer of floats keeps one result per index
	From   int         // first example
	N      int         // examples
	Labels []int32     // true classes, N
	Pred   [][][]int32 // Pred[j][k][i]: member k of the j-th requested variant
}

// NumBlocks is the number of blocks that Blocks calls back with.
func (v *View) NumBlocks() int { return (v.Table.Len() + BlockSize - 1) / BlockSize }

// Blocks decodes the predictions of the given variants block by block and calls
// fn from several goroutines, each with its own worker number below
// [View.Threads]. The order of blocks is not fixed: count in integers, or keep
// floats by Block.Index. The first error stops it.
func (v *View) Blocks(ctx context.Context, variants []int, fn func(worker int, b *Block) error) error {
	workers := min(v.Threads(), v.NumBlocks())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			b := v.newBlock(variants)
			for index := range next {
				v.fill(b, variants, index)
				if err := fn(w, b); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	func() {
		defer close(next)
		for i := range v.NumBlocks() {
			select {
			case next <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	wg.Wait()
	return context.Cause(ctx)
}

func (v *View) newBlock(variants []int) *Block {
	b := &Block{Labels: make([]int32, BlockSize), Pred: make([][][]int32, len(variants))}
	for j, t := range variants {
		b.Pred[j] = make([][]int32, len(v.Table.Variants[t].Members))
		for k := range b.Pred[j] {
			b.Pred[j][k] = make([]int32, BlockSize)
		}
	}
	return b
}

func (v *View) fill(b *Block, variants []int, index int) {
	b.Index, b.From = index, index*BlockSize
	b.Labels = b.Labels[:BlockSize]
	b.N = v.Table.Labels.Read(b.Labels, b.From)
	b.Labels = b.Labels[:b.N]
	for j, t := range variants {
		for k := range b.Pred[j] {
			b.Pred[j][k] = b.Pred[j][k][:BlockSize]
			v.Table.Variants[t].Members[k].Predicted.Read(b.Pred[j][k], b.From)
			b.Pred[j][k] = b.Pred[j][k][:b.N]
		}
	}
}
