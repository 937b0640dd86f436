package study

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/lethe-audit/lethe/finding"
)

// candidate is an example that may be drawn.
type candidate struct {
	id     string
	class  int32
	margin float64
}

// pool are all examples that may be drawn.
type pool struct {
	pies    []candidate
	byClass map[int32][]candidate // non-PIEs
	others  int
	equal   bool // all margins are the same
}

// gather sorts the rows of one variant into the two groups. Examples that are
// PIEs but not of the kind that is asked for (not certified, say) are in
// neither.
func gather(rows iter.Seq2[*finding.ExampleRow, error], o *Options) (*pool, error) {
	match, err := finding.ExampleFilter(o.Kind, o.Variant)
	if err != nil {
		return nil, err
	}
	p := &pool{byClass: map[int32][]candidate{}, equal: true}
	first, seen := 0.0, false
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		if r.Variant != o.Variant {
			continue
		}
		if !seen {
			first, seen = r.Margin, true
		}
		p.equal = p.equal && r.Margin == first
		c := candidate{id: r.ID, class: r.Label, margin: r.Margin}
		switch {
		case match(r):
			p.pies = append(p.pies, c)
		case !r.PIE:
			p.byClass[r.Label] = append(p.byClass[r.Label], c)
			p.others++
		}
	}
	if !seen {
		return nil, fmt.Errorf("study: the table of examples has no rows of %q", o.Variant)
	}
	return p, nil
}

// drawn are pairs, the PIE first.
type drawn struct {
	list    [][2]candidate
	skipped int
}

// errMargins says why there is nothing to match by.
var errMargins = errors.New("study: every margin is the same, as with one baseline model, where there is no vote: match by class only")

// pairs draws PIEs at random and gives each an unused partner, until there are
// enough. A PIE without one is passed over.
func (p *pool) pairs(rng *rand.Rand, o *Options, classes []string) (*drawn, error) {
	if o.Match == MatchMargin && p.equal {
		return nil, errMargins
	}
	pies := slices.Clone(p.pies)
	rng.Shuffle(len(pies), func(i, j int) { pies[i], pies[j] = pies[j], pies[i] })
	shelves := map[int32]*shelf{}
	out := &drawn{}
	wanted, lacked := map[int32]int{}, map[int32]int{}
	for _, pie := range pies {
		if len(out.list) == o.Pairs {
			break
		}
		s := shelves[pie.class]
		if s == nil {
			s = newShelf(p.byClass[pie.class], o.Match == MatchMargin, rng)
			shelves[pie.class] = s
		}
		wanted[pie.class]++
		other, ok := s.take(pie.margin, o.Caliper)
		if !ok {
			out.skipped++
			lacked[pie.class]++
			continue
		}
		out.list = append(out.list, [2]candidate{pie, other})
	}
	if len(out.list) < o.Pairs {
		e := &TooFewError{Want: o.Pairs, Have: len(out.list), PIEs: len(p.pies), Kind: o.Kind, Variant: o.Variant, Match: o.Match}
		e.Short = shortOf(wanted, lacked, classes)
		return nil, e
	}
	return out, nil
}

// shortOf names the classes with the most PIEs that found no partner.
func shortOf(wanted, lacked map[int32]int, classes []string) []string {
	var list []int32
	for c := range lacked {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b int32) int {
		if d := lacked[b] - lacked[a]; d != 0 {
			return d
		}
		return int(a - b)
	})
	var out []string
	for i, c := range list {
		if i == 5 {
			return append(out, fmt.Sprintf("%d more classes", len(list)-i))
		}
		name := fmt.Sprintf("class %d", c)
		if c >= 0 && int(c) < len(classes) {
			name = classes[c]
		}
		out = append(out, fmt.Sprintf("%s (%d of %d)", name, lacked[c], wanted[c]))
	}
	return out
}

// shelf holds the unused non-PIEs of one class by margin, those of one margin in
// random order.
type shelf struct {
	margins []float64 // ascending, where the margin matters; else one entry
	lists   [][]candidate
	matter  bool
}

func newShelf(list []candidate, matter bool, rng *rand.Rand) *shelf {
	list = slices.Clone(list)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if !matter {
		return &shelf{margins: []float64{0}, lists: [][]candidate{list}}
	}
	s := &shelf{matter: true}
	slices.SortStableFunc(list, func(a, b candidate) int {
		switch {
		case a.margin < b.margin:
			return -1
		case a.margin > b.margin:
			return 1
		}
		return 0
	})
	for i, c := range list {
		if i == 0 || c.margin != list[i-1].margin {
			s.margins, s.lists = append(s.margins, c.margin), append(s.lists, nil)
		}
		s.lists[len(s.lists)-1] = append(s.lists[len(s.lists)-1], c)
	}
	return s
}

// take removes the unused example whose margin is nearest, the larger margin
// where two are as near; without one within the caliper ok is false. What is
// taken from an empty list is removed with its margin.
func (s *shelf) take(margin, caliper float64) (c candidate, ok bool) {
	at := 0
	if s.matter {
		up, found := slices.BinarySearch(s.margins, margin)
		at = up
		if !found && up > 0 && (up == len(s.margins) || margin-s.margins[up-1] < s.margins[up]-margin) {
			at = up - 1
		}
	}
	if at >= len(s.lists) || len(s.lists[at]) == 0 {
		return candidate{}, false
	}
	const rounding = 1e-9 // margins are differences of shares
	if d := s.margins[at] - margin; s.matter && (d > caliper+rounding || -d > caliper+rounding) {
		return candidate{}, false
	}
	list := s.lists[at]
	c, s.lists[at] = list[len(list)-1], list[:len(list)-1]
	if len(s.lists[at]) == 0 && s.matter {
		s.lists, s.margins = slices.Delete(s.lists, at, at+1), slices.Delete(s.margins, at, at+1)
	}
	return c, true
}
