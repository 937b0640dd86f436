package flip_test

import (
	"math"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/flip"
	"github.com/lethe-audit/lethe/prediction"
)

// shares are the changed answers of one pair of members, counted one by one.
type shares struct{ churn, lost, won float64 }

func compare(t *prediction.Table, a, b *prediction.Member) (s shares) {
	n := float64(t.Len())
	for i := range t.Len() {
		p, q, y := a.Predicted.At(i), b.Predicted.At(i), t.Labels.At(i)
		if p != q {
			s.churn += 1 / n
		}
		if p == y && q != y {
			s.lost += 1 / n
		}
		if p != y && q == y {
			s.won += 1 / n
		}
	}
	return s
}

func (s *shares) add(o shares, pairs int) {
	s.churn += o.churn / float64(pairs)
	s.lost += o.lost / float64(pairs)
	s.won += o.won / float64(pairs)
}

func members(t *prediction.Table) (base, variant []*prediction.Member) {
	for k := range t.Variants[0].Members {
		base = append(base, &t.Variants[0].Members[k])
	}
	for k := range t.Variants[1].Members {
		variant = append(variant, &t.Variants[1].Members[k])
	}
	return base, variant
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-12 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Independent populations: every pair of members, and the mean over all
// ordered pairs of the pool as the reference.
func TestIndependent(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 300, Classes: 4, Members: []int{3, 4}, Accuracy: []float64{0.8, 0.7}, Seed: 1})
	c := audittest.Run(t, flip.New(), table, audit.DefaultOptions())
	base, variant := members(table)
	var want, pool shares
	for _, a := range base {
		for _, b := range variant {
			want.add(compare(table, a, b), len(base)*len(variant))
		}
	}
	all := append(base, variant...)
	for i, a := range all {
		for j, b := range all {
			if i != j {
				pool.add(compare(table, a, b), len(all)*(len(all)-1))
			}
		}
	}
	for _, x := range []struct {
		question   string
		value, ref float64
	}{
		{"churn", want.churn, pool.churn},
		{"flips", want.lost + want.won, pool.lost + pool.won},
		{"negative-flip-rate", want.lost, pool.lost},
		{"positive-flip-rate", want.won, pool.won},
		{"loyalty", 1 - want.churn, 1 - pool.churn},
	} {
		f := c.Find(t, "flip/"+x.question+"/pruned-1/overall")
		near(t, x.question, f.Estimate, x.value)
		near(t, x.question+" reference", f.Reference, x.ref)
	}
}

// Shared lineages: only pairs of one lineage count, and churn has no
// reference, because trading places changes nothing.
func TestLineages(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 300, Classes: 4, Members: []int{4, 4}, Lineage: true, Seed: 2})
	c := audittest.Run(t, flip.New(), table, audit.DefaultOptions())
	base, variant := members(table)
	var want shares
	for k := range base {
		want.add(compare(table, base[k], variant[k]), len(base))
	}
	churn := c.Find(t, "flip/churn/pruned-1/overall")
	near(t, "churn", churn.Estimate, want.churn)
	if churn.Reference != nil {
		t.Errorf("churn within lineages has a reference: %v", *churn.Reference)
	}
	near(t, "negative flip rate", c.Find(t, "flip/negative-flip-rate/pruned-1/overall").Reference, (want.lost+want.won)/2)
}

// One pair of models: McNemar overall, by class and by attribute, each in a
// family of its own.
func TestSinglePair(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 600, Classes: 3, Members: []int{1, 1}, Accuracy: []float64{0.8, 0.7}, Attributes: []int{2}, Seed: 3})
	c := audittest.Run(t, flip.New(), table, audit.DefaultOptions())
	want := compare(table, &table.Variants[0].Members[0], &table.Variants[1].Members[0])
	overall := c.Find(t, "flip/mcnemar/pruned-1/overall")
	near(t, "difference", overall.Estimate, want.won-want.lost)
	if overall.Test.Name != "exact McNemar" || overall.Test.Family.Size != 1 {
		t.Errorf("overall test %+v", overall.Test)
	}
	if f := c.Find(t, "flip/mcnemar/pruned-1/class:c1"); f.Test.Family.Size != 3 {
		t.Errorf("family of classes %+v", f.Test.Family)
	}
	if f := c.Find(t, "flip/mcnemar/pruned-1/subgroup:a0=v1"); f.Test.Family.Size != 2 {
		t.Errorf("family of the attribute %+v", f.Test.Family)
	}
	churn := c.Find(t, "flip/churn/pruned-1/overall")
	if p := churn.Evidence.Pairs; p.N() != 600 || float64(p.OnlyBase)/600 != want.lost*600/600 && math.Abs(float64(p.OnlyBase)/600-want.lost) > 1e-12 {
		t.Errorf("cells %+v", p)
	}
}

func scored(kind prediction.ScoreKind, rows ...[]float32) *prediction.DenseScores {
	s := &prediction.DenseScores{ScoreKind: kind, Classes: len(rows[0])}
	for _, r := range rows {
		s.Data = append(s.Data, r...)
	}
	return s
}

// Divergences by hand: KL((.5,.5)||(.75,.25)) = ½ln(4/3), an unbounded row
// that is left out and counted, and logits that mean the same probabilities.
func TestDivergence(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 3, Classes: 2, Members: []int{1, 1}, Seed: 4})
	table.Variants[0].Members[0].Scores = scored(prediction.Probabilities, []float32{0.5, 0.5}, []float32{0.5, 0.5}, []float32{0.25, 0.75})
	ln3 := float32(math.Log(3))
	table.Variants[1].Members[0].Scores = scored(prediction.Logits, []float32{ln3, 0}, []float32{float32(math.Inf(-1)), 0}, []float32{0, ln3})
	o := audit.DefaultOptions()
	o.MinN = 1
	c := audittest.Run(t, flip.New(), table, o)
	kl := c.Find(t, "flip/kl/pruned-1/overall")
	if want := 0.5 * math.Log(4.0/3) / 2; math.Abs(*kl.Estimate-want) > 1e-7 {
		t.Errorf("KL %v, want %v", *kl.Estimate, want)
	}
	if len(kl.Warnings) != 1 || kl.Warnings[0].Code != "unbounded-kl" {
		t.Errorf("warnings %v", kl.Warnings)
	}
	q := c.Get(t, "kl-quantiles", "pruned-1")
	if last := q.Rows[len(q.Rows)-1]; last[1] != nil {
		t.Errorf("the largest KL is %v, want null for infinite", last[1])
	}
}

func TestSwapMirrors(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 300, Classes: 4, Members: []int{3, 4}, Seed: 5})
	a := audittest.Run(t, flip.New(), table, audit.DefaultOptions())
	b := audittest.Run(t, flip.New(), audittest.Swapped(table), audit.DefaultOptions())
	near(t, "churn", a.Find(t, "flip/churn/pruned-1/overall").Estimate, *b.Find(t, "flip/churn/pruned-1/overall").Estimate)
	near(t, "flips trade places", a.Find(t, "flip/negative-flip-rate/pruned-1/overall").Estimate, *b.Find(t, "flip/positive-flip-rate/pruned-1/overall").Estimate)
}

func TestSameAtAnyThreads(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 9000, Classes: 4, Members: []int{3, 3}, Seed: 6})
	audittest.SameAtAnyThreads(t, flip.New, table, audit.DefaultOptions())
}
