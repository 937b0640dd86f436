package flip

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/divergence"
	"golang.org/x/sync/errgroup"
)

// rowsAtOnce is the number of examples whose scores are read at a time.
const rowsAtOnce = 512

// maxQuantileValues bounds the memory for quantiles: with more examples and
// pairs than that, every s-th example is kept.
const maxQuantileValues = 4 << 20

// distances are the output distances of pairs of members over the examples.
type distances struct {
	n         int64 // examples times pairs
	unbounded int64 // of them with an infinite KL, left out of its mean
	kl, js    float64
	loyalty   float64
	values    []float32 // KL of the kept examples, sorted
}

// distancesOf measures how far the outputs of variant t are from the
// baseline's, where all members recorded their scores.
func distancesOf(ctx context.Context, v *audit.View, t int) (d, ref *distances, err error) {
	for _, side := range []int{0, t} {
		for i := range v.Table.Variants[side].Members {
			if v.Table.Variants[side].Members[i].Scores == nil {
				return nil, nil, nil
			}
		}
	}
	pairs, reference := pairsOf(v, t)
	if d, err = measure(ctx, v, pairs); err != nil {
		return nil, nil, err
	}
	if len(reference) > 0 {
		if ref, err = measure(ctx, v, reference); err != nil {
			return nil, nil, err
		}
	}
	return d, ref, nil
}

type pair struct{ p, q *prediction.Member }

// pairsOf are the pairs that are compared: within lineages where they are
// shared, else member k with member k; and for independent populations the
// pairs of baseline members that show what no compression does.
func pairsOf(v *audit.View, t int) (pairs, reference []pair) {
	base, variant := v.Table.Variants[0].Members, v.Table.Variants[t].Members
	pairing := v.Pairing(t)
	if pairing.Design == audit.Paired {
		for _, l := range pairing.Lineages {
			for _, y := range l.Variant {
				pairs = append(pairs, pair{&base[l.Base[0]], &variant[y]})
			}
		}
		return pairs, nil
	}
	for k := range min(len(base), len(variant)) {
		pairs = append(pairs, pair{&base[k], &variant[k]})
	}
	if len(base) > 1 {
		for k := range base {
			reference = append(reference, pair{&base[k], &base[(k+1)%len(base)]})
		}
	}
	return pairs, reference
}

// measure reads the scores of every pair block by block, in parallel; sums are
// kept by block and added in order.
func measure(ctx context.Context, v *audit.View, pairs []pair) (*distances, error) {
	n := v.Table.Len()
	blocks := (n + rowsAtOnce - 1) / rowsAtOnce
	stride := 1 + n*len(pairs)/maxQuantileValues
	parts := make([]distances, blocks*len(pairs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(v.Threads())
	for j, p := range pairs {
		for b := range blocks {
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				from := b * rowsAtOnce
				return parts[j*blocks+b].add(p, from, min(rowsAtOnce, n-from), len(v.Table.Classes), stride)
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var sum distances
	for i := range parts {
		sum.n += parts[i].n
		sum.unbounded += parts[i].unbounded
		sum.kl += parts[i].kl
		sum.js += parts[i].js
		sum.loyalty += parts[i].loyalty
		sum.values = append(sum.values, parts[i].values...)
	}
	slices.Sort(sum.values)
	return &sum, nil
}

func (d *distances) add(p pair, from, n, classes, stride int) error {
	x, err := probabilities(p.p.Scores, from, n, classes)
	if err != nil {
		return fmt.Errorf("scores of %s: %w", p.p.Name, err)
	}
	y, err := probabilities(p.q.Scores, from, n, classes)
	if err != nil {
		return fmt.Errorf("scores of %s: %w", p.q.Name, err)
	}
	for i := range n {
		a, b := x[i*classes:(i+1)*classes], y[i*classes:(i+1)*classes]
		js, err := divergence.JS(a, b)
		if err != nil {
			return fmt.Errorf("example %d: %w", from+i, err)
		}
		d.n++
		d.js += js
		loyalty, err := divergence.Loyalty(a, b)
		if err != nil {
			return fmt.Errorf("example %d: %w", from+i, err)
		}
		d.loyalty += loyalty
		kl, err := divergence.KL(a, b)
		if errors.Is(err, divergence.ErrUnbounded) {
			d.unbounded++
			kl = math.Inf(1)
		} else if err != nil {
			return fmt.Errorf("example %d: %w", from+i, err)
		} else {
			d.kl += kl
		}
		if (from+i)%stride == 0 {
			d.values = append(d.values, float32(kl))
		}
	}
	return nil
}

// probabilities reads scores as probabilities that sum to 1.
func probabilities(s prediction.Scores, from, n, classes int) ([]float64, error) {
	raw := make([]float32, n*classes)
	if err := s.Rows(from, raw); err != nil {
		return nil, err
	}
	out := make([]float64, len(raw))
	for i := range n {
		row, to := raw[i*classes:(i+1)*classes], out[i*classes:(i+1)*classes]
		shift := 0.0
		if s.Kind() == prediction.Logits {
			shift = float64(slices.Max(row))
		}
		sum := 0.0
		for c, x := range row {
			if s.Kind() == prediction.Logits {
				to[c] = math.Exp(float64(x) - shift)
			} else {
				to[c] = float64(x)
			}
			sum += to[c]
		}
		for c := range to {
			to[c] /= sum // float32 probabilities sum to 1 only nearly
		}
	}
	return out, nil
}

// emitDivergence emits the output distances of variant t.
func emitDivergence(ctx context.Context, v *audit.View, t int, out audit.Sink) error {
	d, ref, err := distancesOf(ctx, v, t)
	if err != nil || d == nil {
		return err
	}
	reference := func(of func(*distances) float64) *float64 {
		if ref == nil {
			return nil
		}
		return finding.Float(of(ref))
	}
	finite := func(d *distances) float64 { return d.kl / float64(max(1, d.n-d.unbounded)) }
	js := func(d *distances) float64 { return d.js / float64(d.n) }
	loyalty := func(d *distances) float64 { return d.loyalty / float64(d.n) }

	kl := described(v, t, "kl", "KL(baseline || variant), mean over examples", finding.Nats, finite(d))
	kl.Reference = reference(finite)
	if d.unbounded > 0 {
		kl.Warnings = append(kl.Warnings, finding.Warning{Code: "unbounded-kl", Text: fmt.Sprintf("%d of %d output pairs have an infinite KL (a class of probability 0 in the variant) and are left out of its mean.", d.unbounded, d.n)})
	}
	jensen := described(v, t, "js", "Jensen-Shannon divergence, mean over examples", finding.Nats, js(d))
	jensen.Reference = reference(js)
	loyal := described(v, t, "probability-loyalty", "probability loyalty: 1 - sqrt(JS in bits), mean over examples", finding.Share, loyalty(d))
	loyal.Reference = reference(loyalty)
	for _, f := range []finding.Finding{kl, jensen, loyal} {
		if err := out.Finding(f); err != nil {
			return err
		}
	}
	return out.Table(quantiles(v, t, d))
}

// quantiles is the table of quantiles of KL over the examples.
func quantiles(v *audit.View, t int, d *distances) finding.Table {
	name := v.Table.Variants[t].Name
	table := finding.Table{
		Name: "kl-quantiles", Check: Name, Variant: name, Title: "KL(baseline || variant) over examples, " + name,
		Columns: []finding.Column{{Name: "quantile", Unit: finding.Share}, {Name: "kl", Unit: finding.Nats, Doc: "null where infinite"}},
	}
	for _, q := range []float64{0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1} {
		x := float64(d.values[int(math.Ceil(q*float64(len(d.values))))-1])
		row := []any{q, x}
		if math.IsInf(x, 0) {
			row[1] = nil
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}
