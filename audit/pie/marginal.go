package pie

import (
	"encoding/binary"
	"sync"

	"github.com/lethe-audit/lethe/stat/modal"
)

// marginal is what small populations drawn from one population's votes on an
// example would say: a function of the counts alone, so it is computed once.
type marginal struct {
	modes   []float64   // Pr(c is the modal label of m members), by label with votes
	floor   float64     // Pr(two disjoint sets of m disagree); 0 where 2m members are too many
	without []*marginal // by label: the same with one of the label's votes left out
}

// shards of a memo: few enough to be small, many enough that workers rarely
// wait for each other.
const shards = 64

// memo holds the marginals met so far, by tie rule, m and counts. It is safe
// for concurrent use; what it returns does not depend on who asked first.
type memo struct {
	part [shards]struct {
		sync.RWMutex
		full    map[string]*marginal // with the without list
		reduced map[string]*marginal // without it
	}
}

// lookup is one worker's access to a memo.
type lookup struct {
	memo    *memo
	m       int
	ties    modal.Ties
	deleted bool // fill the without list

	scratch modal.Scratch
	near    map[string]*marginal // full marginals that this worker met
	votes   []int
	fewer   []int
	key     []byte

	pie, floor []float64 // of one example with a member left out, by label voted for
}

func (x *memo) lookup(m int, ties modal.Ties, deleted bool) *lookup {
	return &lookup{memo: x, m: m, ties: ties, deleted: deleted, near: map[string]*marginal{}}
}

// get returns the marginal of the labels with votes in counts, in their order.
func (l *lookup) get(counts []int) *marginal {
	l.votes = l.votes[:0]
	for _, n := range counts {
		if n > 0 {
			l.votes = append(l.votes, n)
		}
	}
	l.encode(l.votes)
	if g, ok := l.near[string(l.key)]; ok {
		return g
	}
	key := string(l.key)
	part := &l.memo.part[hash(key)%shards]
	part.RLock()
	g := part.full[key]
	part.RUnlock()
	if g == nil || l.deleted && g.without == nil {
		g = l.compute(l.votes)
		if l.deleted {
			l.deletions(g)
		}
		part.Lock()
		if part.full == nil {
			part.full = map[string]*marginal{}
		}
		part.full[key] = g
		part.Unlock()
	}
	l.near[key] = g
	return g
}

// deletions fills the without list of g, the marginal of l.votes.
func (l *lookup) deletions(g *marginal) {
	g.without = make([]*marginal, len(l.votes))
	for j := range l.votes {
		l.fewer = l.fewer[:0]
		for i, n := range l.votes {
			if i == j {
				n--
			}
			if n > 0 {
				l.fewer = append(l.fewer, n)
			}
		}
		g.without[j] = l.reduced()
	}
}

// reduced returns the marginal of l.fewer.
func (l *lookup) reduced() *marginal {
	l.encode(l.fewer)
	key := string(l.key)
	part := &l.memo.part[hash(key)%shards]
	part.RLock()
	g := part.reduced[key]
	part.RUnlock()
	if g == nil {
		g = l.compute(l.fewer)
		part.Lock()
		if part.reduced == nil {
			part.reduced = map[string]*marginal{}
		}
		part.reduced[key] = g
		part.Unlock()
	}
	return g
}

func (l *lookup) compute(votes []int) *marginal {
	total := 0
	for _, n := range votes {
		total += n
	}
	g := &marginal{modes: l.scratch.SubsetModes(votes, l.m, l.ties, nil)}
	if 2*l.m <= total {
		g.floor = l.scratch.DisjointDisagree(votes, l.m, l.ties)
	}
	return g
}

func (l *lookup) encode(votes []int) {
	l.key = append(l.key[:0], byte(l.ties))
	l.key = binary.AppendUvarint(l.key, uint64(l.m))
	for _, n := range votes {
		l.key = binary.AppendUvarint(l.key, uint64(n))
	}
}
