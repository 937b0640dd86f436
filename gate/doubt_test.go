package gate

import (
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// lax is a policy that nothing but doubt can stop.
const lax = "  - {metric: accuracy, scope: overall, margin: 99pp, on_undecided: pass}\n"

func codes(r *Result) []string {
	var out []string
	for _, d := range r.Doubts {
		out = append(out, d.Code)
	}
	return out
}

// TestNeverVacuous: what makes an audit void stops the laxest policy.
func TestNeverVacuous(t *testing.T) {
	table := designs(t)["paired"]
	sound := auditOf(t, table, nil)
	if r := verdictOf(t, sound, lax); r.Verdict != Pass || len(r.Doubts) > 0 {
		t.Fatalf("a sound audit: %s, doubts %v", r.Verdict, codes(r))
	}
	same := *table
	same.Variants = slices.Clone(table.Variants)
	same.Variants[1].Members = nil
	for _, m := range table.Variants[0].Members {
		same.Variants[1].Members = append(same.Variants[1].Members, prediction.Member{Name: m.Name + "q", Lineage: m.Lineage, Predicted: m.Predicted})
	}
	identical := auditOf(t, &same, nil)
	for k, m := range table.Variants[0].Members {
		same.Variants[1].Members[k].Confidence = m.Confidence
	}
	scores := auditOf(t, &same, nil)
	chance := *table
	chance.Variants = slices.Clone(table.Variants)
	for v := range chance.Variants {
		chance.Variants[v].Members = slices.Clone(chance.Variants[v].Members)
		for k := range chance.Variants[v].Members {
			c := prediction.NewColumn(table.Len(), len(table.Classes))
			for i := range table.Len() {
				c.Set(i, (i*(7+4*v)+k)%len(table.Classes))
			}
			chance.Variants[v].Members[k].Predicted = c
		}
	}
	change := func(f func(c *finding.Config)) *audited {
		a := *sound.Audit
		c := *a.config
		c.Populations = slices.Clone(c.Populations)
		f(&c)
		a.config = &c
		return &audited{Audit: &a}
	}
	for _, c := range []struct {
		what  string
		a     *audited
		proof Proof
		code  string
		want  Verdict
	}{
		{"identical classes", identical, Unknown, "identical", Fail},
		{"identical classes, proven compressed", identical, Compressed, "", Pass},
		{"identical scores, proven compressed", scores, Compressed, "identical-scores", Fail},
		{"baseline at chance", auditOf(t, &chance, nil), Unknown, "baseline-at-chance", Fail},
		{"same weights", sound, sameWeights, "same-weights", Fail},
		{"not compressed", sound, Uncompressed, "not-compressed", Fail},
		{"pruned to 0", change(func(c *finding.Config) { c.Populations[1].Kind, c.Populations[1].Level = "pruned", finding.Float(0) }), Unknown, "not-compressed", Fail},
		{"few joined", change(func(c *finding.Config) { c.Join.Missing = c.Examples }), Unknown, "few-joined", Undecided},
		{"summary left out", change(func(c *finding.Config) { c.Checks = []string{"classimpact"} }), Unknown, "vacuity-unchecked", Undecided},
		{"all classes small", change(func(c *finding.Config) { c.ClassSizes = []int{9, 9, 9, 9, 9, 9} }), Unknown, "few-examples", Undecided},
		{"identical digests, summary left out", func() *audited {
			b := *identical.Audit
			b.void = nil
			return &audited{Audit: &b}
		}(), Unknown, "identical", Fail},
	} {
		r, err := Judge(policyOf(t, lax), proven(t, c.a.Audit, c.proof), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != c.want || strings.Join(codes(r), " ") != c.code {
			t.Errorf("%s: %s with doubts %v, want %s with %q", c.what, r.Verdict, codes(r), c.want, c.code)
		}
	}
}

// sameWeights stands for the check's failed finding.
const sameWeights = Proof(-1)

// proven is a copy of an audit whose check compression says p of int8.
func proven(t *testing.T, a *Audit, p Proof) *Audit {
	t.Helper()
	b := *a
	b.proof, b.void = map[string]Proof{}, slices.Clone(a.void)
	f := finding.Finding{Check: "compression", Question: "proof", Variant: "int8", Outcome: finding.Described}
	switch p {
	case Compressed:
		f.Word = finding.CompressionFound
	case Uncompressed:
		f.Word = finding.NotCompressed
	case sameWeights:
		f.Outcome, f.Reason = finding.Failed, finding.SameWeights
		f.Warnings = []finding.Warning{{Code: "same-weights", Text: "The same weights."}}
	default:
		return &b
	}
	if err := b.Finding(&f); err != nil {
		t.Fatal(err)
	}
	return &b
}

// TestMinJoined: the share that must join is the policy's.
func TestMinJoined(t *testing.T) {
	a := auditOf(t, designs(t)["pair"], nil)
	a.config.Join.Missing = 500 // of 9,500
	p := policyOf(t, lax)
	for _, c := range []struct {
		share float64
		want  Verdict
	}{{0.9, Pass}, {0.95, Undecided}} {
		p.MinJoined = c.share
		r, err := Judge(p, a.Audit, Options{})
		if err != nil || r.Verdict != c.want {
			t.Errorf("at %v: %v %v", c.share, r, err)
		}
	}
}

// TestFeasible: 50 examples a class cannot pass at 2 points, whatever is done;
// 1,500 can.
func TestFeasible(t *testing.T) {
	table := designs(t)["pair"]
	a := auditOf(t, table, nil)
	p, err := Pack("no-class-worse-than-2pp")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Feasible(p, a.Audit, Options{})
	if err != nil || len(h) != 0 {
		t.Errorf("1,500 examples a class: %+v (%v)", h, err)
	}
	small := prediction.Table{Classes: table.Classes, Labels: prediction.NewColumn(300, 6), Variants: slices.Clone(table.Variants)}
	var rows []int
	count := map[int]int{}
	for i := range table.Len() {
		if c := table.Labels.At(i); count[c] < 50 {
			count[c]++
			rows = append(rows, i)
		}
	}
	for j, i := range rows {
		small.Labels.Set(j, table.Labels.At(i))
	}
	for v := range small.Variants {
		small.Variants[v].Members = slices.Clone(small.Variants[v].Members)
		for k, m := range small.Variants[v].Members {
			c := prediction.NewColumn(300, 6)
			for j, i := range rows {
				c.Set(j, m.Predicted.At(i))
			}
			small.Variants[v].Members[k] = prediction.Member{Name: m.Name, Lineage: m.Lineage, Predicted: c}
		}
	}
	a = auditOf(t, &small, nil)
	h, err = Feasible(p, a.Audit, Options{})
	if err != nil || len(h) != 6 {
		t.Fatalf("50 examples a class: %+v (%v)", h, err)
	}
	for _, x := range h {
		if x.Power != 0 || x.Least <= 0.02 || x.Needed <= 50 || x.N != 50 {
			t.Errorf("%+v", x)
		}
	}
	if r, err := Judge(p, a.Audit, Options{}); err != nil || r.Verdict == Pass {
		t.Errorf("passes although it was said to be impossible (%v)", err)
	}
}
