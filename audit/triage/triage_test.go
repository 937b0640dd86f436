package triage

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// spec is a table of random predictions with every way to be forgotten.
var spec = audittest.Spec{Examples: 3000, Classes: 5, Members: []int{9, 9, 7}, Accuracy: []float64{0.9, 0.85, 0.8}, Seed: 3}

// complete adds pictures and people to a table.
func complete(t *prediction.Table, seed uint64) *prediction.Table {
	r := rand.New(rand.NewPCG(seed, 5))
	for _, name := range []string{prediction.Contrast, prediction.Sharpness} {
		m := prediction.Measure{Name: name, Values: make([]float32, t.Len())}
		for i := range m.Values {
			m.Values[i] = float32(r.IntN(200)) / 200 // with equal values
		}
		t.Measures = append(t.Measures, m)
	}
	t.People = &prediction.People{Votes: make([][]prediction.Vote, t.Len())}
	for i := range t.People.Votes {
		if r.IntN(3) == 0 {
			continue
		}
		own := 1 + r.IntN(20)
		votes := []prediction.Vote{{Class: int32(t.Labels.At(i)), People: int32(own)}}
		if n := r.IntN(12); n > 0 {
			votes = append(votes, prediction.Vote{Class: int32((t.Labels.At(i) + 1) % len(t.Classes)), People: int32(n)})
		}
		prediction.SortVotes(votes)
		t.People.Votes[i] = votes
	}
	return t
}

// withScores gives every member scores in which its prediction is the highest.
func withScores(t *prediction.Table, kind prediction.ScoreKind) *prediction.Table {
	r := rand.New(rand.NewPCG(8, 8))
	classes := len(t.Classes)
	for v := range t.Variants {
		for k := range t.Variants[v].Members {
			m := &t.Variants[v].Members[k]
			d := &prediction.DenseScores{ScoreKind: kind, Classes: classes, Data: make([]float32, t.Len()*classes)}
			m.Confidence, m.TrueScore = make([]float32, t.Len()), make([]float32, t.Len())
			for i := range t.Len() {
				row, sum := d.Data[i*classes:(i+1)*classes], 0.0
				for c := range row {
					row[c] = r.Float32()
				}
				row[m.Predicted.At(i)] = 1 + r.Float32()
				for _, x := range row {
					sum += math.Exp(float64(x))
				}
				m.Confidence[i] = float32(math.Exp(float64(row[m.Predicted.At(i)])) / sum)
				m.TrueScore[i] = float32(math.Exp(float64(row[t.Labels.At(i)])) / sum)
				if kind == prediction.Probabilities {
					for c, x := range row {
						row[c] = float32(math.Exp(float64(x)) / sum)
					}
				}
			}
			m.Scores = d
		}
	}
	return t
}

// planted is 40 examples of each of two classes that ten members and the variant
// agree on, and what was planted among them.
func planted() *prediction.Table {
	t := &prediction.Table{Classes: []string{"cat", "dog"}, Labels: prediction.NewColumn(80, 2)}
	for i := range 80 {
		t.IDs = append(t.IDs, dataset.ExampleID(fmt.Sprintf("e%02d", i)))
		t.Labels.Set(i, i%2)
	}
	for _, v := range []string{"dense", "int8"} {
		x := prediction.Variant{Name: v}
		for k := range 10 {
			p := prediction.NewColumn(80, 2)
			for i := range 80 {
				p.Set(i, i%2)
			}
			x.Members = append(x.Members, prediction.Member{Name: fmt.Sprint(k), Predicted: p})
		}
		t.Variants = append(t.Variants, x)
	}
	vote := func(variant, example, class, members int) {
		for k := range members {
			t.Variants[variant].Members[k].Predicted.Set(example, class)
		}
	}
	vote(0, 10, 1, 10) // all say dog of a cat
	vote(0, 12, 1, 4)  // six to four, and the variant turns
	vote(1, 12, 1, 10)
	vote(1, 14, 1, 10) // low contrast, and the variant turns
	vote(1, 16, 1, 10) // blurred and low in contrast, and the variant turns
	vote(1, 18, 1, 10) // nothing the matter, and the variant turns
	vote(0, 20, 1, 10) // all say dog of a cat, and people say cat
	vote(1, 21, 0, 10) // people do not agree, and the variant turns
	contrast, sharpness := make([]float32, 80), make([]float32, 80)
	for i := range 80 {
		contrast[i], sharpness[i] = 0.2+float32(i)/1000, 0.1+float32(i)/1000
	}
	contrast[14], contrast[16], sharpness[16] = 0.01, 0.02, 0.003
	t.Measures = []prediction.Measure{{Name: prediction.Contrast, Values: contrast}, {Name: prediction.Sharpness, Values: sharpness}}
	t.People = &prediction.People{Votes: make([][]prediction.Vote, 80)}
	t.People.Votes[20] = []prediction.Vote{{Class: 0, People: 50}, {Class: 1, People: 1}}
	t.People.Votes[21] = []prediction.Vote{{Class: 1, People: 6}, {Class: 0, People: 4}}
	t.People.Votes[22] = []prediction.Vote{{Class: 1, People: 9}, {Class: 0, People: 1}}
	return t
}

func TestPlanted(t *testing.T) {
	c := audittest.Run(t, New(), planted(), audit.DefaultOptions())
	rows := map[string]finding.TriageRow{}
	for _, r := range c.Triages {
		rows[r.ID] = r
	}
	for id, want := range map[string]struct {
		guess   finding.Guess
		reasons string
		forgot  int32
	}{
		"e10": {finding.GuessMislabelled, "mislabelled", 1}, // the variant says cat: forgotten, though it is right
		"e12": {finding.GuessNearBoundary, "near_boundary", 1},
		"e14": {finding.GuessLowContrast, "low_contrast", 1},
		"e16": {finding.GuessLowContrast, "low_contrast blurred", 1},
		"e18": {finding.GuessUnexplained, "", 1},
		"e20": {finding.GuessUnexplained, "", 1}, // people confirm the label
		"e21": {finding.GuessAmbiguous, "ambiguous", 1},
		"e22": {finding.GuessMislabelled, "mislabelled", 0},
	} {
		r, ok := rows[id]
		if !ok || r.Guess != want.guess || r.Reasons != want.reasons || r.Forgotten != want.forgot {
			t.Errorf("%s (row there: %v): guess %q for %q, forgotten by %d; want %q for %q, %d", id, ok, r.Guess, r.Reasons, r.Forgotten, want.guess, want.reasons, want.forgot)
		}
	}
	if len(rows) != 8 {
		t.Errorf("%d rows, want 8: %v", len(rows), rows)
	}
	// Every number by hand. Class cat has mean self-confidence (37 + 0 + 0 + .6)/40.
	r := rows["e10"]
	if *r.Margin != 1 || math.Abs(*r.MarginP-2.0/1024) > 1e-15 || *r.Suggested != 1 || *r.By != finding.ByModels || *r.LabelScore != 1 ||
		*r.Given != 0 || *r.Other != 1 || *r.Threshold != 1 || !r.Likely || r.MarginRank != nil || r.People != nil {
		t.Errorf("e10: %+v", r)
	}
	if r = rows["e12"]; math.Abs(*r.Margin-0.2) > 1e-9 || math.Abs(*r.MarginP-0.75390625) > 1e-12 || *r.LabelScore != 0.4 { // 2*P(Bin(10,.5) >= 6)
		t.Errorf("e12: margin %v, p %v, score %v", *r.Margin, *r.MarginP, *r.LabelScore)
	}
	if r = rows["e14"]; *r.ContrastClass != 0 || *r.ContrastAll != 0 || *r.Contrast != 0.01 || *r.SharpClass <= lowShare {
		t.Errorf("e14: %+v", r)
	}
	if r = rows["e20"]; *r.LabelScore > 0.02 || *r.By != finding.ByPeople || *r.ModelScore != 1 || !r.Likely || r.Queued() || *r.PeopleShare != 50.0/51 || *r.People != "0:50 1:1" {
		t.Errorf("e20: %+v", r)
	}
	if r = rows["e22"]; *r.LabelScore != 0.9 || *r.Suggested != 1 || *r.By != finding.ByPeople || !r.Queued() || *r.ModelScore != 0 {
		t.Errorf("e22: %+v", r)
	}
	if got := column(t, c.Get(t, "relabel", ""), "id"); !slices.Equal(got, []any{"e10", "e22"}) {
		t.Errorf("relabel queue %v", got)
	}
	if got := column(t, c.Get(t, "triage", "int8"), "id"); !slices.Equal(got, []any{"e10", "e21", "e14", "e16", "e12", "e18", "e20"}) {
		t.Errorf("forgotten examples in order %v", got)
	}
	if got := c.Get(t, "triage-guesses", "").Rows; !reflect.DeepEqual(got, [][]any{{"int8", 7, 1, 1, 2, 0, 1, 2}}) {
		t.Errorf("guesses %v", got)
	}
	// 5 % of 40 dogs are two, and none of them is forgotten.
	f := c.Find(t, "triage/low-contrast/int8/examples:forgotten")
	if *f.Estimate != 2.0/7 || f.N != 7 || *f.Reference != 2.0/73 || f.Interval.Covers != finding.ExamplesOnly {
		t.Errorf("low contrast among the forgotten: %v of %d, among the others %v", *f.Estimate, f.N, *f.Reference)
	}
	if f := c.Find(t, "triage/label-issues//overall"); *f.Estimate != 2 || f.Warnings[0].Code != "partial-scores" {
		t.Errorf("likely wrong labels: %+v", f)
	}
}

func column(t *testing.T, x finding.Table, name string) (out []any) {
	t.Helper()
	j := slices.IndexFunc(x.Columns, func(c finding.Column) bool { return c.Name == name })
	for _, row := range x.Rows {
		out = append(out, row[j])
	}
	return out
}

// TestForgottenArePIEs: what is forgotten is what the check pie calls so, with
// either rule for ties.
func TestForgottenArePIEs(t *testing.T) {
	for _, ties := range []audit.Ties{audit.LowestTie, audit.HighestTie} {
		s := spec
		s.Members = []int{6, 6, 1} // with ties
		table := audittest.Table(s)
		o := audit.DefaultOptions()
		o.Ties, o.Resample = ties, false
		forgot := make([]int32, table.Len())
		for _, r := range audittest.Run(t, pie.New(), table, o).Examples {
			if r.PIE {
				forgot[r.Row]++
			}
		}
		got := make([]int32, table.Len())
		for _, r := range audittest.Run(t, New(), table, o).Triages {
			got[r.Row] = r.Forgotten
		}
		if !slices.Equal(got, forgot) {
			t.Errorf("ties to the %s: not the examples that pie finds", ties)
		}
	}
}

// TestRank is held against counting.
func TestRank(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	values, to := make([]float32, 300), make([]float32, 300)
	var some []int
	for i := range values {
		values[i] = float32(r.IntN(40))
		if r.IntN(2) == 0 {
			some = append(some, i)
		}
	}
	rank(to, values, some)
	for _, i := range some {
		lower, equal := 0, 0
		for _, j := range some {
			lower += int(bit(values[j] < values[i]))
			equal += int(bit(values[j] == values[i]))
		}
		want := (float64(lower) + float64(equal-1)/2) / float64(len(some))
		if math.Abs(float64(to[i])-want) > 1e-6 {
			t.Errorf("example %d has rank %v, want %v", i, to[i], want)
		}
	}
}

// TestSameHowever: threads, and the order of the rows, change nothing but the
// order.
func TestSameHowever(t *testing.T) {
	for name, table := range map[string]*prediction.Table{
		"votes":         complete(audittest.Table(spec), 1),
		"probabilities": withScores(complete(audittest.Table(spec), 2), prediction.Logits),
	} {
		audittest.SameAtAnyThreads(t, New, table, audit.DefaultOptions())
		before := byID(t, table)
		r := rand.New(rand.NewPCG(6, 6))
		after := byID(t, permuted(table, r.Perm(table.Len())))
		if len(before) < 100 || len(before) != len(after) {
			t.Fatalf("%s: %d and %d rows", name, len(before), len(after))
		}
		for id, a := range before {
			b := after[id]
			a.Row, b.Row = 0, 0
			if a.Threshold != nil && math.Abs(*a.Threshold-*b.Threshold) < 1e-12 {
				b.Threshold = a.Threshold // summed in another order
			}
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("%s: %s is %+v, in another order of rows %+v", name, id, a, b)
			}
		}
	}
}

func byID(t *testing.T, table *prediction.Table) map[string]finding.TriageRow {
	t.Helper()
	out := map[string]finding.TriageRow{}
	for _, r := range audittest.Run(t, New(), table, audit.DefaultOptions()).Triages {
		out[r.ID] = r
	}
	return out
}

// permuted has row order[i] at i; scores too.
func permuted(t *prediction.Table, order []int) *prediction.Table {
	pick := func(c prediction.Column) prediction.Column {
		out := prediction.NewColumn(len(order), len(t.Classes))
		for i, j := range order {
			out.Set(i, c.At(j))
		}
		return out
	}
	out := *t
	out.IDs, out.Labels, out.Measures, out.Variants = nil, pick(t.Labels), nil, nil
	out.People = &prediction.People{}
	for _, j := range order {
		out.IDs = append(out.IDs, t.ID(j))
		out.People.Votes = append(out.People.Votes, t.People.Votes[j])
	}
	for _, m := range t.Measures {
		x := prediction.Measure{Name: m.Name}
		for _, j := range order {
			x.Values = append(x.Values, m.Values[j])
		}
		out.Measures = append(out.Measures, x)
	}
	for _, v := range t.Variants {
		members := v.Members
		v.Members = nil
		for _, m := range members {
			m.Predicted = pick(m.Predicted)
			if d, ok := m.Scores.(*prediction.DenseScores); ok {
				x := &prediction.DenseScores{ScoreKind: d.ScoreKind, Classes: d.Classes}
				for _, j := range order {
					x.Data = append(x.Data, d.Data[j*d.Classes:(j+1)*d.Classes]...)
				}
				m.Scores, m.Confidence, m.TrueScore = x, nil, nil
			}
			v.Members = append(v.Members, m)
		}
		out.Variants = append(out.Variants, v)
	}
	return &out
}

// TestBases: probabilities and logits of them say the same; the scores of two
// classes give the same belief in the given label and no more in others.
func TestBases(t *testing.T) {
	view := func(table *prediction.Table) *facts {
		v, err := audit.NewView(table, audit.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		f, err := gather(context.Background(), v)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	s := spec
	s.Members = []int{3, 3}
	logits := view(withScores(audittest.Table(s), prediction.Logits))
	probs := view(withScores(audittest.Table(s), prediction.Probabilities))
	table := withScores(audittest.Table(s), prediction.Logits)
	for k := range table.Variants[0].Members {
		table.Variants[0].Members[k].Scores = nil
	}
	two := view(table)
	if logits.basis != byAll || probs.basis != byAll || two.basis != byTwo {
		t.Fatalf("bases %v, %v, %v", logits.basis, probs.basis, two.basis)
	}
	for i := range logits.score {
		if math.Abs(logits.score[i]-probs.score[i]) > 1e-6 || logits.suggested[i] != probs.suggested[i] {
			t.Fatalf("example %d: %v by logits, %v by probabilities", i, logits.score[i], probs.score[i])
		}
		if math.Abs(float64(two.given[i]-logits.given[i])) > 1e-6 || two.score[i] > logits.score[i]+1e-6 {
			t.Fatalf("example %d: given label %v and score %v by two classes, %v and %v by all", i, two.given[i], two.score[i], logits.given[i], logits.score[i])
		}
	}
	if logits.marginRank == nil || logits.first != nil {
		t.Error("three members decide the boundary by votes")
	}
}

// TestNotMeasurable: what is missing is said once, with what would help, and what
// can be said without it is.
func TestNotMeasurable(t *testing.T) {
	s := spec
	s.Members = []int{1, 1}
	c := audittest.Run(t, New(), audittest.Table(s), audit.DefaultOptions())
	for id, want := range map[string]struct {
		reason finding.Reason
		needed string
	}{
		"triage/label-issues//overall":  {finding.TooFewMembers, "6 baseline members"},
		"triage/near-boundary//overall": {finding.TooFewMembers, "scores of the baseline"},
		"triage/pictures//overall":      {finding.NoImages, "the images"},
		"triage/ambiguous//overall":     {finding.NoHumanLabels, "--human-labels"},
	} {
		if f := c.Find(t, id); f.Outcome != finding.NotMeasurable || f.Reason != want.reason || !strings.Contains(f.Needed, want.needed) {
			t.Errorf("%s: %s, %s, needed %q", id, f.Outcome, f.Reason, f.Needed)
		}
	}
	if f := c.Find(t, "triage/unexplained/pruned-1/examples:forgotten"); *f.Estimate != 1 {
		t.Errorf("unexplained: %v, want all", *f.Estimate)
	}
	for _, r := range c.Triages {
		if r.Guess != finding.GuessUnexplained || r.Suggested != nil || r.Margin != nil || r.Contrast != nil || r.Forgotten != 1 {
			t.Fatalf("row %+v", r)
		}
	}
	small := planted()
	small.People = nil
	audittest.Run(t, New(), small, audit.DefaultOptions())
	train := complete(audittest.Table(spec), 1)
	train.Splits = &prediction.Attribute{Name: "split", Values: []string{"train"}, Codes: make([]int32, train.Len())}
	if f := audittest.Run(t, New(), train, audit.DefaultOptions()).Find(t, "triage/label-issues//overall"); !slices.ContainsFunc(f.Warnings, func(w finding.Warning) bool { return w.Code == "in-sample" }) {
		t.Errorf("no warning about training examples: %+v", f.Warnings)
	}
	same := planted()
	same.Variants[1].Members = same.Variants[0].Members
	c = audittest.Run(t, New(), same, audit.DefaultOptions())
	if got := c.Get(t, "triage-guesses", "").Rows; !reflect.DeepEqual(got[0][:2], []any{"int8", 0}) {
		t.Errorf("nothing is forgotten: %v", got)
	}
}

// TestBadScores: scores that are no probabilities stop the audit with their
// place.
func TestBadScores(t *testing.T) {
	table := withScores(audittest.Table(spec), prediction.Probabilities)
	d := table.Variants[0].Members[2].Scores.(*prediction.DenseScores)
	clear(d.Data[100*5 : 101*5])
	v, err := audit.NewView(table, audit.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := New().Run(context.Background(), v, &audittest.Collector{}); err == nil || !strings.Contains(err.Error(), "scores of m2: example 100") {
		t.Errorf("error %v", err)
	}
}
