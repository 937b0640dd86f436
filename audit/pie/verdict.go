package pie

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/fisher"
	"github.com/lethe-audit/lethe/stat/multiple"
	"github.com/lethe-audit/lethe/stat/tail"
)

// verdict is what the tests say about the examples of one pattern.
type verdict struct {
	p, minP    float64 // vote changed
	certified  float64 // p that the majority label changed
	untestable bool    // populations too large for the exact test
	inFamily   bool    // p could have reached the level

	q, certifiedQ           float64 // Benjamini-Hochberg in the family
	changed, certifiedFound bool    // at or below the level by the correction that decides
}

// verdicts are the verdicts of all patterns, and what they sum to.
type verdicts struct {
	list       []verdict // by pattern
	family     int       // examples in the family
	untestable int
	changed    found
	certified  found
}

// found counts examples that a correction finds.
type found struct{ decided, by int } // by the correction in force; by Benjamini-Yekutieli

// decide computes the p-values of every pattern and corrects them over the
// examples whose smallest attainable p is at most alpha.
func (c *comparison) decide(ctx context.Context, t *tally) (*verdicts, error) {
	v := &verdicts{list: make([]verdict, len(t.keys))}
	if err := c.testPatterns(ctx, t.keys, v.list); err != nil {
		return nil, err
	}
	alpha := c.view.Options.Alpha
	for i := range v.list {
		x := &v.list[i]
		x.inFamily = !x.untestable && x.minP <= alpha
		if x.inFamily {
			v.family += int(t.count[i])
		}
		if x.untestable {
			v.untestable += int(t.count[i])
		}
	}
	var err error
	v.changed, err = v.correct(t.count, c.view.Options, func(x *verdict) float64 { return x.p },
		func(x *verdict, q float64, yes bool) { x.q, x.changed = q, yes })
	if err != nil {
		return nil, err
	}
	v.certified, err = v.correct(t.count, c.view.Options, func(x *verdict) float64 { return x.certified },
		func(x *verdict, q float64, yes bool) { x.certifiedQ, x.certifiedFound = q, yes })
	return v, err
}

// testPatterns fills the p-values, in parallel: each is a function of its
// pattern alone.
func (c *comparison) testPatterns(ctx context.Context, keys []string, list []verdict) error {
	workers := max(1, min(c.view.Threads(), len(keys)))
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var tester fisher.Tester
			for i := w; i < len(keys) && ctx.Err() == nil; i += workers {
				if list[i], errs[w] = c.test(&tester, keys[i]); errs[w] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// test computes the p-values of one pattern.
func (c *comparison) test(tester *fisher.Tester, key string) (verdict, error) {
	p := decode(key)
	out := verdict{certified: certify(p.base, p.variant)}
	if p.moves != nil {
		rng := rand.New(rand.NewPCG(c.view.Options.Seed, hash(key)))
		out.p, out.minP = swapTest(p.moves, c.view.Options.Replicates, rng)
		return out, nil
	}
	var err error
	out.p, out.minP, _, err = tester.Votes(p.base, p.variant)
	if errors.Is(err, fisher.ErrTooLarge) {
		out.untestable = true
		return out, nil
	}
	if err != nil {
		return verdict{}, fmt.Errorf("votes of %d and %d members: %w", c.k0, c.kt, err)
	}
	return out, nil
}

// hash is FNV-1a of the key: the stream of random numbers that belongs to it.
func hash(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return h
}

// certify is the p-value of a changed majority: in each population a sign test
// of its first label against its second, twice the tail because the first was
// chosen by its votes; the larger of the two p-values, or 1 where both
// populations have the same first label. A tie gives 1.
func certify(base, variant []int) float64 {
	first0, p0 := majority(base)
	firstT, pT := majority(variant)
	if first0 == firstT {
		return 1
	}
	return max(p0, pT)
}

func majority(votes []int) (slot int, p float64) {
	first, second := topTwo(votes)
	for j, n := range votes {
		if n == first {
			slot = j
			break
		}
	}
	return slot, min(1, 2*tail.BinomialUpper(first, first+second, 0.5))
}

// correct corrects one kind of p-value over the family, and says how many
// examples it finds.
func (v *verdicts) correct(count []int64, o audit.Options, p func(*verdict) float64, set func(*verdict, float64, bool)) (found, error) {
	raw := make([]float64, 0, v.family)
	for i := range v.list {
		if x := &v.list[i]; x.inFamily {
			for range count[i] {
				raw = append(raw, p(x))
			}
		}
	}
	bh, err := multiple.BenjaminiHochberg(raw)
	if err != nil {
		return found{}, err
	}
	by, err := multiple.BenjaminiYekutieli(raw)
	if err != nil {
		return found{}, err
	}
	deciding, err := decidingBy(o.FDR, raw, bh, by)
	if err != nil {
		return found{}, err
	}
	var f found
	at := 0
	for i := range v.list {
		x := &v.list[i]
		if !x.inFamily {
			continue
		}
		n := int(count[i])
		yes := deciding[at] <= o.Alpha
		set(x, bh[at], yes)
		if yes {
			f.decided += n
		}
		if by[at] <= o.Alpha {
			f.by += n
		}
		at += n
	}
	return f, nil
}

func decidingBy(f audit.FDR, raw, bh, by []float64) ([]float64, error) {
	switch f {
	case audit.BY:
		return by, nil
	case audit.Holm:
		return multiple.Holm(raw)
	case audit.NoFDR:
		return raw, nil
	}
	return bh, nil
}
