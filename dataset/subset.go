package dataset

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Select is the examples of d at the given places, in that order. Ids, labels
// and classes stay as they are; Close closes d.
func Select(d Dataset, index []int) Dataset { return &selection{Dataset: d, index: index} }

type selection struct {
	Dataset
	index []int
}

func (s *selection) Len() int              { return len(s.index) }
func (s *selection) Example(i int) Example { return s.Dataset.Example(s.index[i]) }
func (s *selection) Notes() []string       { return NotesOf(s.Dataset) }

// Corrupted is whether the pictures of the whole are.
func (s *selection) Corrupted() bool { return Corrupted(s.Dataset) }

func (s *selection) Image(ctx context.Context, i int) (*Image, error) {
	return s.Dataset.Image(ctx, s.index[i])
}

// Spread is limit places spread evenly over n: i n / limit. Sets that are
// sorted by class stay in proportion.
func Spread(n, limit int) []int {
	limit = min(limit, n)
	out := make([]int, limit)
	for i := range out {
		out[i] = int(int64(i) * int64(n) / int64(limit))
	}
	return out
}

// longTailSeed seeds the choice of [LongTail], so that every run and machine
// trains on the same examples.
const longTailSeed = 0x1e7e

// LongTail chooses an exponentially long-tailed part of d: class c of C keeps
// at most max * factor^(-c/(C-1)) examples, rounded down, where max is the
// count of the largest class and factor the ratio of the first class to the
// last (Cui et al. 2019, arXiv:1901.05555). Which ones is drawn by a fixed
// seed; they stay in the order of d. It fails where a class would keep none.
func LongTail(d Dataset, factor float64) ([]int, error) {
	if !(factor >= 1) || math.IsInf(factor, 0) {
		return nil, fmt.Errorf("dataset: imbalance %g, want a ratio from 1", factor)
	}
	classes := d.Classes()
	if len(classes) < 2 {
		return nil, fmt.Errorf("dataset: imbalance needs two classes, there are %d", len(classes))
	}
	members, largest := make([][]int, len(classes)), 0
	for i := range d.Len() {
		c := d.Example(i).Label
		members[c] = append(members[c], i)
		largest = max(largest, len(members[c]))
	}
	var out []int
	for c, m := range members {
		share := math.Pow(factor, -float64(c)/float64(len(classes)-1))
		// A hair above, so that 5000 * 100^-1 is 50 and not 49.
		keep := int(float64(largest)*share + 1e-9*float64(largest))
		if keep < 1 {
			return nil, fmt.Errorf("dataset: imbalance %g leaves no example of class %d (%s): its largest class has %d", factor, c, classes[c], largest)
		}
		r := rand.New(rand.NewPCG(longTailSeed, uint64(c)))
		r.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
		out = append(out, m[:min(keep, len(m))]...)
	}
	slices.Sort(out)
	return out, nil
}

// narrow applies imbalance, then limit.
func (o *Opened) narrow(s settings) error {
	if s.imbalance > 0 {
		if split := o.Dataset.Example(0).Split; split != SplitTrain && split != SplitUnknown {
			o.Notes = append(o.Notes, fmt.Sprintf("imbalance is for training data: the %s split is read whole", split))
		} else {
			index, err := LongTail(o.Dataset, s.imbalance)
			if err != nil {
				return err
			}
			o.Notes = append(o.Notes, fmt.Sprintf("imbalance %g: %d of %d examples", s.imbalance, len(index), o.Dataset.Len()))
			o.Dataset = Select(o.Dataset, index)
		}
	}
	if s.limit > 0 && s.limit < o.Dataset.Len() {
		o.Notes = append(o.Notes, fmt.Sprintf("limit: %d of %d examples, evenly spread", s.limit, o.Dataset.Len()))
		o.Dataset = Select(o.Dataset, Spread(o.Dataset.Len(), s.limit))
	}
	return nil
}
