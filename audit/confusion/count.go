package confusion

import (
	"context"
	"slices"

	"github.com/lethe-audit/lethe/audit"
)

// cell is one cell of a confusion matrix that is not empty. Its key is
// true class * classes + predicted class.
type cell struct {
	key uint64
	n   int64
}

// denseCells is the size up to which a matrix is counted in an array, one per
// worker; larger ones (above 1,448 classes) are counted by sorting keys.
const denseCells = 1 << 21

// count counts the answers of all members of variant t; the result is sorted
// by key.
func count(ctx context.Context, v *audit.View, t int) ([]cell, error) {
	if n := len(v.Table.Classes); n*n <= denseCells {
		return countDense(ctx, v, t)
	}
	return countSparse(ctx, v, t)
}

func countDense(ctx context.Context, v *audit.View, t int) ([]cell, error) {
	classes := len(v.Table.Classes)
	partial := make([][]int64, v.Threads())
	err := v.Blocks(ctx, []int{t}, func(worker int, b *audit.Block) error {
		if partial[worker] == nil {
			partial[worker] = make([]int64, classes*classes)
		}
		m := partial[worker]
		for _, pred := range b.Pred[0] {
			for i, p := range pred {
				m[int(b.Labels[i])*classes+int(p)]++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []cell
	for key := range classes * classes {
		var n int64
		for _, m := range partial {
			if m != nil {
				n += m[key]
			}
		}
		if n > 0 {
			out = append(out, cell{uint64(key), n})
		}
	}
	return out, nil
}

// tally counts keys in memory that grows with the number of different keys,
// not of keys: a buffer is sorted and merged into the sorted counts when full.
type tally struct {
	diagonal []int64 // right answers by class, kept apart: most answers are right
	buffer   []uint64
	cells    []cell
}

const tallyBuffer = 1 << 18

func (a *tally) add(key uint64) {
	if len(a.buffer) >= max(tallyBuffer, len(a.cells)/4) {
		a.flush()
	}
	a.buffer = append(a.buffer, key)
}

func (a *tally) flush() {
	slices.Sort(a.buffer)
	var run []cell
	for _, k := range a.buffer {
		if n := len(run); n > 0 && run[n-1].key == k {
			run[n-1].n++
			continue
		}
		run = append(run, cell{k, 1})
	}
	a.buffer = a.buffer[:0]
	a.cells = merge(a.cells, run)
}

// merge adds two sorted lists of cells.
func merge(a, b []cell) []cell {
	if len(a) == 0 || len(b) == 0 {
		return append(a, b...)
	}
	out := make([]cell, 0, len(a)+len(b))
	walk(a, b, func(key uint64, x, y int64) { out = append(out, cell{key, x + y}) })
	return slices.Clip(out)
}

// walk calls fn for each key of either sorted list with its count in both.
func walk(a, b []cell, fn func(key uint64, x, y int64)) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || (len(a) > 0 && a[0].key < b[0].key):
			fn(a[0].key, a[0].n, 0)
			a = a[1:]
		case len(a) == 0 || b[0].key < a[0].key:
			fn(b[0].key, 0, b[0].n)
			b = b[1:]
		default:
			fn(a[0].key, a[0].n, b[0].n)
			a, b = a[1:], b[1:]
		}
	}
}

func countSparse(ctx context.Context, v *audit.View, t int) ([]cell, error) {
	classes := uint64(len(v.Table.Classes))
	partial := make([]tally, v.Threads())
	err := v.Blocks(ctx, []int{t}, func(worker int, b *audit.Block) error {
		a := &partial[worker]
		if a.diagonal == nil {
			a.diagonal = make([]int64, classes)
		}
		for _, pred := range b.Pred[0] {
			for i, p := range pred {
				if label := b.Labels[i]; p == label {
					a.diagonal[label]++
				} else {
					a.add(uint64(label)*classes + uint64(p))
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []cell
	for i := range partial {
		a := &partial[i]
		a.flush()
		out = merge(out, a.cells)
		var diagonal []cell
		for c, n := range a.diagonal {
			if n > 0 {
				diagonal = append(diagonal, cell{uint64(c)*classes + uint64(c), n})
			}
		}
		out = merge(out, diagonal)
		*a = tally{}
	}
	return out, nil
}
