package pie

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/lethe-audit/lethe/stat/modal"
)

// marginal is what small populations drawn from one population's votes on an
// example would say: a function of the counts alone, so it is computed once.
// The last two are there only where leaving out members was asked for.
type marginal struct {
	modes   []float64   // Pr(c is the modal label of m members), by label with votes
	floor   float64     // Pr(two disjoint sets of m disagree)
	without [][]float64 // modes without one vote for a label, by the label left out
	floors  []float64   // floor without one vote for a label
}

// shards of a memo: few enough to be small, many enough that workers rarely
// wait for each other.
const shards = 64

// memoBudget bounds the numbers that a memo keeps (64 MiB); marginals met
// after that are computed each time.
const memoBudget = 8 << 20

// memo holds the marginals met so far, by tie rule, m and counts. It is safe
// for concurrent use; what it returns does not depend on who asked first.
type memo struct {
	held atomic.Int64
	part [shards]struct {
		sync.RWMutex
		known map[string]*marginal
	}
}

// lookup is one worker's access to a memo.
type lookup struct {
	memo    *memo
	m       int
	ties    modal.Ties
	deleted bool // leave out members too

	scratch modal.Scratch
	near    map[string]*marginal // of the memo's, those that this worker met
	votes   []int
	key     []byte

	pie, floor []float64 // of one example with a member left out, by label voted for
}

func (x *memo) lookup(m int, ties modal.Ties, deleted bool) *lookup {
	return &lookup{memo: x, m: m, ties: ties, deleted: deleted, near: map[string]*marginal{}}
}

// get returns the marginal of the labels with votes in counts, in their order.
func (l *lookup) get(counts []int) *marginal {
	l.votes = l.votes[:0]
	l.key = append(l.key[:0], byte(l.ties))
	l.key = binary.AppendUvarint(l.key, uint64(l.m))
	for _, n := range counts {
		if n > 0 {
			l.votes = append(l.votes, n)
			l.key = binary.AppendUvarint(l.key, uint64(n))
		}
	}
	if g, ok := l.near[string(l.key)]; ok {
		return g
	}
	key := string(l.key)
	part := &l.memo.part[hash(key)%shards]
	part.RLock()
	g := part.known[key]
	part.RUnlock()
	if g == nil || l.deleted && g.without == nil {
		g = l.compute()
		if l.memo.held.Add(g.numbers()) > memoBudget {
			return g
		}
		part.Lock()
		if part.known == nil {
			part.known = map[string]*marginal{}
		}
		part.known[key] = g
		part.Unlock()
	}
	l.near[key] = g
	return g
}

// compute returns the marginal of l.votes.
func (l *lookup) compute() *marginal {
	members := 0
	for _, n := range l.votes {
		members += n
	}
	g := &marginal{modes: l.scratch.SubsetModes(l.votes, l.m, l.ties, nil)}
	if !l.deleted {
		if 2*l.m <= members {
			g.floor = l.scratch.DisjointDisagree(l.votes, l.m, l.ties)
		}
		return g
	}
	g.floor, g.floors = l.scratch.DisjointDisagreeWithout(l.votes, l.m, l.ties, nil)
	for j := range l.votes {
		l.votes[j]--
		g.without = append(g.without, l.scratch.SubsetModes(l.votes, l.m, l.ties, nil))
		l.votes[j]++
	}
	return g
}

// numbers is about how many 8-byte numbers the marginal takes.
func (g *marginal) numbers() int64 {
	n := int64(len(g.modes))
	return 16 + 2*n + int64(len(g.without))*(n+3)
}
