package pie

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/modal"
)

// maxTop is the number of examples in the table of the worst.
const maxTop = 100

// examples sends one row for every example, in order, and returns the table of
// those whose votes differ most. Workers fill the rows of whole blocks and
// send them in turn.
func (r *result) examples(ctx context.Context, out audit.Sink) (finding.Table, error) {
	queue := newTurn()
	writers := make([]*writer, r.view.Threads())
	readers := make([]reader, r.view.Threads())
	var worst []finding.ExampleRow
	err := r.view.Blocks(ctx, []int{0, r.t}, func(w int, b *audit.Block) error {
		if writers[w] == nil {
			writers[w] = newWriter(r)
		}
		rows := writers[w].block(&readers[w], b)
		return queue.take(b.Index, func() error {
			for i := range rows {
				if err := out.Example(rows[i]); err != nil {
					return err
				}
			}
			worst = keepWorst(worst, rows)
			return nil
		})
	})
	return r.topExamples(worst), err
}

// turn lets blocks through in the order of their numbers. Blocks are handed
// out in that order, so the next one is always being worked on.
type turn struct {
	mu     sync.Mutex
	wake   *sync.Cond
	next   int
	failed error
}

func newTurn() *turn {
	t := &turn{}
	t.wake = sync.NewCond(&t.mu)
	return t
}

// take runs fn when it is the turn of the block; after a failure nothing runs
// any more.
func (t *turn) take(block int, fn func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.next != block && t.failed == nil {
		t.wake.Wait()
	}
	if t.failed == nil {
		t.failed = fn()
	}
	t.next++
	t.wake.Broadcast()
	return t.failed
}

// writer makes the rows of one worker.
type writer struct {
	r      *result
	rows   []finding.ExampleRow
	agreed map[int32]string // votes of an example on which all members agree, by label
	buf    []byte
	order  []int
}

func newWriter(r *result) *writer {
	return &writer{r: r, agreed: map[int32]string{}}
}

func (w *writer) block(reader *reader, b *audit.Block) []finding.ExampleRow {
	w.rows = resize(w.rows, b.N)
	at := reader.split(b)
	for i := range b.N {
		row := &w.rows[i]
		*row = finding.ExampleRow{
			ID: string(w.r.view.Table.ID(b.From + i)), Row: int64(b.From + i), Variant: w.r.variant().Name,
			Label: b.Labels[i], BaseK: int32(w.r.k0), VariantK: int32(w.r.kt), Flip: finding.FlipNone,
		}
		if len(at) > 0 && at[0] == i {
			at = at[1:]
			reader.read(b, i)
			w.disagreed(row, &reader.ballot)
			w.judged(row)
		} else {
			w.unanimous(row, b.Pred[0][0][i])
		}
	}
	return w.rows
}

// unanimous fills the row of an example on which all members predict label.
func (w *writer) unanimous(row *finding.ExampleRow, label int32) {
	row.BaseModal, row.VariantModal = label, label
	row.BaseTop, row.VariantTop = row.BaseK, row.VariantK
	if label == row.Label {
		row.BaseVotes, row.VariantVotes = row.BaseK, row.VariantK
	}
	row.Margin = 1
	votes, ok := w.agreed[label]
	if !ok {
		l := strconv.Itoa(int(label))
		votes = l + ":" + strconv.Itoa(w.r.k0) + "|" + l + ":" + strconv.Itoa(w.r.kt)
		w.agreed[label] = votes
	}
	row.Votes = votes
}

// disagreed fills what the votes say.
func (w *writer) disagreed(row *finding.ExampleRow, v *ballot) {
	m0, tied0 := modal.Mode(v.base, w.r.ties)
	mt, tiedT := modal.Mode(v.variant, w.r.ties)
	row.BaseModal, row.VariantModal = v.label[m0], v.label[mt]
	row.BaseTop, row.VariantTop = int32(v.base[m0]), int32(v.variant[mt])
	row.Tie, row.PIE = tied0 || tiedT, m0 != mt
	if j := v.at(row.Label); j >= 0 {
		row.BaseVotes, row.VariantVotes = int32(v.base[j]), int32(v.variant[j])
	}
	if row.PIE {
		row.Flip = flip(row)
	}
	first, second := topTwo(v.base)
	row.Margin = float64(first-second) / float64(w.r.k0)
	var d int64
	for j, n := range v.base {
		d += int64(abs(n*w.r.kt - v.variant[j]*w.r.k0))
	}
	row.Taxicab = float64(d) / (float64(w.r.k0) * float64(w.r.kt))
	w.buf = w.votes(w.buf[:0], v, v.base)
	w.buf = append(w.buf, '|')
	w.buf = w.votes(w.buf, v, v.variant)
	row.Votes = string(w.buf)
}

func flip(row *finding.ExampleRow) finding.Flip {
	switch row.Label {
	case row.BaseModal:
		return finding.FlipRightToWrong
	case row.VariantModal:
		return finding.FlipWrongToRight
	}
	return finding.FlipWrongToWrong
}

// votes writes "class:members" of one population, most votes first.
func (w *writer) votes(buf []byte, v *ballot, votes []int) []byte {
	w.order = w.order[:0]
	for j, n := range votes {
		if n > 0 {
			w.order = append(w.order, j)
		}
	}
	slices.SortStableFunc(w.order, func(a, b int) int { return cmp.Compare(votes[b], votes[a]) })
	for i, j := range w.order {
		if i > 0 {
			buf = append(buf, ' ')
		}
		buf = strconv.AppendInt(buf, int64(v.label[j]), 10)
		buf = append(buf, ':')
		buf = strconv.AppendInt(buf, int64(votes[j]), 10)
	}
	return buf
}

// judged fills what the tests say; where the example could not have reached
// the level there is nothing to say.
func (w *writer) judged(row *finding.ExampleRow) {
	if w.r.verdicts == nil {
		return
	}
	x := &w.r.verdicts.list[w.r.tally.pattern[row.Row]-1]
	if !x.inFamily {
		return
	}
	row.P, row.Q, row.Changed = &x.p, &x.q, x.changed
	row.CertifiedP, row.CertifiedQ, row.Certified = &x.certified, &x.certifiedQ, x.certifiedFound
}

// keepWorst merges rows into the list of the rows that differ most: by taxicab
// distance, then by q, then in the order of the examples.
func keepWorst(worst, rows []finding.ExampleRow) []finding.ExampleRow {
	for i := range rows {
		row := &rows[i]
		if row.Taxicab == 0 || len(worst) == maxTop && compareRows(row, &worst[maxTop-1]) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(worst, row, func(a finding.ExampleRow, b *finding.ExampleRow) int { return compareRows(&a, b) })
		if len(worst) == maxTop {
			worst = worst[:maxTop-1]
		}
		worst = slices.Insert(worst, at, *row)
	}
	return worst
}

func compareRows(a, b *finding.ExampleRow) int {
	q := func(r *finding.ExampleRow) float64 {
		if r.Q == nil {
			return 2
		}
		return *r.Q
	}
	return cmp.Or(cmp.Compare(b.Taxicab, a.Taxicab), cmp.Compare(q(a), q(b)), cmp.Compare(a.Row, b.Row))
}
