package gate

import (
	"math"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// correct are the right answers of every member of a variant on the examples of
// class c: [member][example] 0 or 1.
func correct(table *prediction.Table, variant, c int) [][]float64 {
	var out [][]float64
	for _, m := range table.Variants[variant].Members {
		var row []float64
		for i := range table.Len() {
			if table.Labels.At(i) == c {
				row = append(row, indicator(m.Predicted.At(i) == c))
			}
		}
		out = append(out, row)
	}
	return out
}

// spreadOf is mean and V(both) = A + B − E of a members × examples table
// (method: section 3.5), written out.
func spreadOf(x [][]float64) (mean, a, b, e float64) {
	k, n := len(x), len(x[0])
	rows, columns := make([]float64, k), make([]float64, n)
	for i := range x {
		for j, v := range x[i] {
			rows[i] += v / float64(n)
			columns[j] += v / float64(k)
			mean += v / float64(k*n)
		}
	}
	for i := range x {
		a += (rows[i] - mean) * (rows[i] - mean) / float64(k-1) / float64(k)
		for j, v := range x[i] {
			r := v - rows[i] - columns[j] + mean
			e += r * r / float64((k-1)*(n-1)) / float64(k*n)
		}
	}
	for j := range columns {
		b += (columns[j] - mean) * (columns[j] - mean) / float64(n-1) / float64(n)
	}
	return mean, a, b, e
}

// TestRelativeContrast: the contrast is (1−f)·b₀ − b_t, and its standard error is
// that of the whole table of answers or a little more, never less.
func TestRelativeContrast(t *testing.T) {
	const f = 0.02
	tables := designs(t)
	for _, name := range []string{"paired", "independent"} {
		table := tables[name]
		a := auditOf(t, table, nil)
		r := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 2%rel}\n")
		for c, class := range []string{"class-0", "class-1", "class-2"} {
			got := scopeOf(t, &r.Rules[0], class)
			base, variant := correct(table, 0, c), correct(table, 1, c)
			m0, a0, _, e0 := spreadOf(base)
			mt, at, _, et := spreadOf(variant)
			want := (1-f)*m0 - mt
			var v float64
			if name == "independent" {
				var d [][]float64 // one row: the contrast of the examples' shares
				d = append(d, make([]float64, len(base[0])))
				for j := range d[0] {
					for k := range base {
						d[0][j] += (1 - f) * base[k][j] / float64(len(base))
					}
					for k := range variant {
						d[0][j] -= variant[k][j] / float64(len(variant))
					}
				}
				b := 0.0
				for _, x := range d[0] {
					b += (x - want) * (x - want) / float64(len(d[0])-1) / float64(len(d[0]))
				}
				v = (1-f)*(1-f)*a0 + at + b - ((1-f)*(1-f)*e0 + et)
			} else {
				var d [][]float64 // lineages: one baseline member, two of the variant
				for l := range base {
					row := make([]float64, len(base[0]))
					for j := range row {
						row[j] = (1-f)*base[l][j] - (variant[2*l][j]+variant[2*l+1][j])/2
					}
					d = append(d, row)
				}
				_, a, b, e := spreadOf(d)
				v = math.Max(a+b-e, math.Max(a, b))
			}
			if math.Abs(got.Contrast.Value-want) > 1e-12 {
				t.Errorf("%s %s: contrast %v, want %v", name, class, got.Contrast.Value, want)
			}
			if math.Abs(*got.Loss-(m0-mt)/m0) > 1e-12 || math.Abs(*got.Base-m0) > 1e-12 {
				t.Errorf("%s %s: relative loss %v, want %v", name, class, *got.Loss, (m0-mt)/m0)
			}
			s := evidenceOf(t, a, "  - {metric: recall, scope: class, margin: 2%rel}\n", class).(spread)
			if ratio := s.se / math.Sqrt(v); ratio < 1-1e-9 || ratio > 1.3 {
				t.Errorf("%s %s: standard error %v, of the whole table %v", name, class, s.se, math.Sqrt(v))
			}
		}
	}
}

// evidenceOf is what one rule has in hand about a scope.
func evidenceOf(t *testing.T, a *audited, rules, name string) evidence {
	t.Helper()
	r := policyOf(t, rules).Rules[0]
	m, _ := metricNamed(r.Metric)
	found, _, err := a.of(&r, &m, "int8")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if scopeName(&f.Scope) == name {
			s, err := newSample(&r, &m, f, facts{all: a.pairCells("int8")})
			if err != nil {
				t.Fatal(err)
			}
			return s.evidence
		}
	}
	t.Fatalf("no scope %s", name)
	return nil
}

// TestRelativeOfOnePair: one pair's relative margin is Newcombe's contrast.
func TestRelativeOfOnePair(t *testing.T) {
	a := auditOf(t, designs(t)["pair"], nil)
	e := evidenceOf(t, a, "  - {metric: recall, scope: class, margin: 2%rel}\n", "class-2").(pair)
	if math.Abs(e.keep-0.98) > 1e-15 || e.cells.N() != 1500 {
		t.Errorf("%+v", e)
	}
}

// TestNothingToLose: a margin relative to a recall of 0 is refused, and so is the
// gate; leaving the class out by name helps.
func TestNothingToLose(t *testing.T) {
	table := designs(t)["paired"]
	for v := range table.Variants {
		for k, m := range table.Variants[v].Members {
			c := prediction.NewColumn(table.Len(), len(table.Classes))
			for i := range table.Len() {
				if p := m.Predicted.At(i); table.Labels.At(i) != 3 || p != 3 {
					c.Set(i, p)
				}
			}
			table.Variants[v].Members[k].Predicted = c
		}
	}
	a := auditOf(t, table, nil)
	_, err := Judge(policyOf(t, "  - {metric: recall, scope: class, margin: 5%rel}\n"), a.Audit, Options{})
	if err == nil || !strings.Contains(err.Error(), "the baseline's value for class-3 is 0") {
		t.Errorf("%v", err)
	}
	r := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 5%rel, except: [class-3]}\n")
	if r.Verdict != Fail {
		t.Errorf("without class-3: %s", r.Verdict)
	}
}

// TestFloor: the candidate's own recall against the least that is asked for.
func TestFloor(t *testing.T) {
	for name, table := range designs(t) {
		a := auditOf(t, table, nil)
		low := verdictOf(t, a, "  - {metric: recall, scope: class, floor: 60%}\n")
		if low.Verdict != Pass {
			t.Errorf("%s: a floor of 60 %% gives %s", name, low.Verdict)
		}
		high := verdictOf(t, a, "  - {metric: recall, scope: class, floor: 86%}\n")
		s := high.Rules[0].Scopes[0]
		if high.Verdict != Fail || s.Name() != "class-0" || math.Abs(*s.Loss-(0.86-*s.Value)) > 1e-12 {
			t.Errorf("%s: a floor of 86 %% gives %s, worst %s at %v of %v", name, high.Verdict, s.Name(), *s.Loss, *s.Value)
		}
	}
}

// TestNoSpread: where nothing varies the number of examples alone decides: no
// change at all passes with enough of them, and a class that is lost whole fails.
func TestNoSpread(t *testing.T) {
	e := func(n int, base, variant int64) *finding.Finding {
		return &finding.Finding{Scope: finding.Scope{Kind: finding.Class, Name: "c"}, N: n, KBase: 3, K: 3,
			Estimate: finding.Float(float64(variant-base) / float64(n)),
			Evidence: &finding.Evidence{Examples: n, BaseCorrect: []int64{base, base, base}, Correct: []int64{variant, variant, variant}}}
	}
	r := rules(NonInferiority, 0.02)
	m, _ := metricNamed("recall")
	for _, c := range []struct {
		what string
		f    *finding.Finding
		want Verdict
	}{
		{"unchanged, enough examples", e(149, 149, 149), Pass},
		{"unchanged, one too few", e(148, 148, 148), Undecided},
		{"unchanged at a recall of .8", e(1000, 800, 800), Pass},
		{"lost whole", e(20, 20, 0), Fail},
		{"gained whole", e(20, 0, 20), Pass},
		{"half lost by all alike", e(20, 20, 10), Undecided},
	} {
		s, err := newSample(&r, &m, c.f, facts{})
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := decide(&r, []sample{s})
		if err != nil || out[0].Verdict != c.want {
			t.Errorf("%s: %s, want %s (%v)", c.what, out[0].Verdict, c.want, err)
		}
	}
}

// TestCoverage: covers: members is Welch's or the paired t-test of the audit, on
// either question; one pair has no members.
func TestCoverage(t *testing.T) {
	tables := designs(t)
	for _, name := range []string{"paired", "independent"} {
		for _, shift := range []audit.Shift{audit.MemberShift, audit.PopulationShift} {
			a := auditOf(t, tables[name], func(o *audit.Options) { o.Shift = shift })
			for _, c := range []struct{ rules, question string }{
				{"  - {metric: recall, scope: class, test: difference, covers: members}\n", "harm"},
				{"  - {metric: disparity, scope: class, test: difference, covers: members}\n", "disproportion"},
			} {
				r := verdictOf(t, a, c.rules).Rules[0]
				for _, f := range a.findings {
					if f.Check != "classimpact" || f.Question != c.question || f.Test == nil || f.Test.Statistic == nil {
						continue
					}
					s := scopeOf(t, &r, f.Scope.Name)
					one := math.Min(*s.PWithin, *s.PBeyond)
					if s.Covers != finding.Members || math.Abs(2*one-*f.Test.P) > 1e-9*(*f.Test.P) {
						t.Errorf("%s %s %s: one-sided P %v, the audit's two-sided %v", name, shift, f.ID, one, *f.Test.P)
					}
				}
			}
		}
	}
	a := auditOf(t, tables["pair"], nil)
	s := verdictOf(t, a, "  - {metric: recall, scope: class, margin: 2pp, covers: members}\n").Rules[0].Scopes[0]
	if s.Reason != finding.TooFewMembers || s.Verdict != Undecided {
		t.Errorf("one pair: %+v", s)
	}
	s = verdictOf(t, auditOf(t, tables["independent"], nil), "  - {metric: recall, scope: class, margin: 2pp, covers: examples}\n").Rules[0].Scopes[0]
	if s.Covers != finding.ExamplesOnly || s.PWithin == nil {
		t.Errorf("examples only: %+v", s)
	}
}

// TestDisparity: few changed answers of one pair are not enough for its normal
// test; a class at its limit has no disparity.
func TestDisparity(t *testing.T) {
	a := auditOf(t, designs(t)["pair"], nil)
	r := verdictOf(t, a, "  - {metric: disparity, scope: class, test: difference}\n").Rules[0]
	if r.Verdict != Fail || r.Scopes[0].Name() != "class-0" {
		t.Errorf("%s, worst %s", r.Verdict, r.Scopes[0].Name())
	}
	f := *a.findings[0].Evidence
	f.Pairs = &finding.PairedCells{Both: 100, OnlyBase: 10, OnlyVariant: 9, Neither: 10}
	few := finding.Finding{N: 129, Estimate: finding.Float(-0.1), Evidence: &f}
	s := sample{found: &few, n: 129}
	s.disparity(&Rule{})
	if s.reason != finding.TooFewDiscordant {
		t.Errorf("19 changed answers: %q", s.reason)
	}
	top := finding.Finding{N: 10, Estimate: finding.Float(0.01), Evidence: &finding.Evidence{BaseCorrect: []int64{10, 10}, Correct: []int64{10, 10}}}
	s = sample{found: &top, n: 10}
	s.disparity(&Rule{})
	if s.reason != finding.Ceiling {
		t.Errorf("at the limit: %q", s.reason)
	}
}
