package planted

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/prediction"
)

// Simulator draws tables of one specification. With [Quota] the examples and
// the truth stay the same from table to table and only the members are new;
// with [Drawn] the examples stay too: use [New] with another seed for others.
type Simulator struct {
	w *world
}

// NewSimulator makes the examples of a specification.
func NewSimulator(spec Spec) (*Simulator, error) {
	w, err := newWorld(spec)
	if err != nil {
		return nil, err
	}
	return &Simulator{w: w}, nil
}

// New makes the table of a specification and says what is true of it.
func New(spec Spec) (*prediction.Table, *Truth, error) {
	s, err := NewSimulator(spec)
	if err != nil {
		return nil, nil, err
	}
	return s.Table(spec.Seed), s.Truth(), nil
}

// Truth says what is true of the examples of every table.
func (s *Simulator) Truth() *Truth { return newTruth(s.w, false) }

// Table draws the members anew from a seed. The tables of one simulator share
// their labels, ids and attributes, which must not be changed.
func (s *Simulator) Table(seed uint64) *prediction.Table {
	w := s.w
	t := &prediction.Table{
		Labels: prediction.NewColumn(w.n, len(w.spec.Classes)),
		Join:   prediction.JoinReport{ByPosition: w.spec.NoIDs, Examples: w.n},
		Notes:  []string{fmt.Sprintf("these predictions were simulated with planted effects (seed %d); no model made them", seed)},
	}
	for _, c := range w.spec.Classes {
		t.Classes = append(t.Classes, c.Name)
	}
	for i, c := range w.class {
		t.Labels.Set(i, int(c))
	}
	if !w.spec.NoIDs {
		t.IDs = make([]dataset.ExampleID, w.n)
		for i := range t.IDs {
			t.IDs[i] = dataset.ExampleID(fmt.Sprintf("planted-%07d", i))
		}
	}
	t.Attributes = w.attributes()
	t.Training = w.training()
	t.Variants = w.variants(seed)
	return t
}

func (w *world) attributes() []prediction.Attribute {
	out := make([]prediction.Attribute, len(w.spec.Attributes))
	for a, spec := range w.spec.Attributes {
		out[a] = prediction.Attribute{Name: spec.Name, Codes: make([]int32, w.n)}
		for _, v := range spec.Values {
			out[a].Values = append(out[a].Values, v.Name)
		}
		for i, g := range w.combo {
			out[a].Codes[i] = int32(w.valueOf(int(g), a))
		}
	}
	return out
}

// training gives the counts of the training set, nil where none are given.
func (w *world) training() *prediction.TrainCounts {
	out := &prediction.TrainCounts{Source: "planted", Attributes: map[string]map[string]int64{}}
	known := false
	for _, c := range w.spec.Classes {
		out.Classes = append(out.Classes, c.Train)
		known = known || c.Train > 0
	}
	for _, a := range w.spec.Attributes {
		counts := map[string]int64{}
		for _, v := range a.Values {
			if v.Train > 0 {
				counts[v.Name] = v.Train
			}
		}
		if len(counts) > 0 {
			out.Attributes[a.Name] = counts
			known = true
		}
	}
	if !known {
		return nil
	}
	return out
}

// variants draws all members, in parallel; each has streams of its own.
func (w *world) variants(seed uint64) []prediction.Variant {
	type job struct{ t, k int }
	var jobs []job
	kinds := make([]*kinds, len(w.spec.Variants))
	out := make([]prediction.Variant, len(w.spec.Variants))
	for t, v := range w.spec.Variants {
		out[t] = prediction.Variant{Name: v.Name, Kind: v.Kind, Level: v.Level, Members: make([]prediction.Member, w.spec.members(t))}
		kinds[t] = w.kindsOf(t)
		for k := range out[t].Members {
			jobs = append(jobs, job{t, k})
		}
	}
	next := make(chan job)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		wg.Go(func() {
			for j := range next {
				out[j.t].Members[j.k] = w.member(seed, j.t, j.k, kinds[j.t])
			}
		})
	}
	for _, j := range jobs {
		next <- j
	}
	close(next)
	wg.Wait()
	return out
}
