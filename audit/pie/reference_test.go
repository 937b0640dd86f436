package pie

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/stat/voteshift"
)

func refer(t *testing.T, c *comparison, counts *tally) *reference {
	t.Helper()
	r, err := c.refer(context.Background(), counts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pooledNaive gives the populations of every assignment of members to pools.
func pooledNaive(n naive) (all []naive) {
	members := append(append([][]int{}, n.pred[0]...), n.pred[1]...)
	for _, s := range subsets(upTo(len(members)), len(n.pred[0])) {
		x := n
		x.pred = [2][][]int{}
		in := map[int]bool{}
		for _, k := range s {
			in[k] = true
		}
		for k, m := range members {
			p := 1
			if in[k] {
				p = 0
			}
			x.pred[p] = append(x.pred[p], m)
		}
		all = append(all, x)
	}
	return all
}

// swappedNaive gives the populations of every choice of lineages to swap.
func swappedNaive(n naive) (all []naive) {
	for which := range 1 << len(n.pred[0]) {
		x := n
		x.pred = [2][][]int{}
		for l := range n.pred[0] {
			a, b := n.pred[0][l], n.pred[1][l]
			if which>>l&1 == 1 {
				a, b = b, a
			}
			x.pred[0], x.pred[1] = append(x.pred[0], a), append(x.pred[1], b)
		}
		all = append(all, x)
	}
	return all
}

// expect compares a reference with the naive rearrangements.
func expect(t *testing.T, table *prediction.Table, r *reference, all []naive) {
	t.Helper()
	total, class, group := 0.0, make([]float64, len(table.Classes)), make([]float64, len(table.Attributes[0].Values))
	for _, x := range all {
		for i, pie := range x.pies() {
			if pie {
				total++
				class[table.Labels.At(i)]++
				group[table.Attributes[0].Codes[i]]++
			}
		}
	}
	n := float64(len(all))
	if !r.exact || r.draws != len(all) || !close64(r.mean, total/n) {
		t.Errorf("mean of %d draws (all: %v) is %v, want %v of %d", r.draws, r.exact, r.mean, total/n, len(all))
	}
	for c := range class {
		if !close64(r.class[c], class[c]/n) {
			t.Errorf("class %d: %v, want %v", c, r.class[c], class[c]/n)
		}
	}
	for g := range group {
		if !close64(r.group[0][g], group[g]/n) {
			t.Errorf("group %d: %v, want %v", g, r.group[0][g], group[g]/n)
		}
	}
}

func TestPoolReference(t *testing.T) {
	for _, ties := range []audit.Ties{audit.LowestTie, audit.HighestTie} {
		table := random(11, 40, 4, 3)
		c, counts := counted(t, view(t, table, options(ties)), 1)
		expect(t, table, refer(t, c, counts), pooledNaive(naiveOf(table, 1, c.ties)))
	}
}

func paired(seed uint64, examples, lineages int) *prediction.Table {
	return audittest.Table(audittest.Spec{Examples: examples, Classes: 4, Members: []int{lineages, lineages}, Accuracy: []float64{0.6, 0.4}, Attributes: []int{3}, Lineage: true, Seed: seed})
}

func TestSwapReference(t *testing.T) {
	for _, ties := range []audit.Ties{audit.LowestTie, audit.HighestTie} {
		table := paired(12, 60, 6)
		v := view(t, table, options(ties))
		c, counts := counted(t, v, 1)
		r := refer(t, c, counts)
		all := swappedNaive(naiveOf(table, 1, c.ties))
		expect(t, table, r, all)
		observed, reach := number(all[0].pies()), 0
		for _, x := range all {
			if number(x.pies()) >= observed {
				reach++
			}
		}
		s, err := MeasureSwap(context.Background(), v, 1)
		if err != nil {
			t.Fatal(err)
		}
		if want := float64(reach) / float64(len(all)); s.P != want || !close64(s.PIE, float64(observed)/60) || observed == 0 {
			t.Errorf("%+v, want P %v and %d PIEs", s, want, observed)
		}
	}
}

// Lineages that differ on many examples go the way without a table; drawn
// swaps are near the listed ones.
func TestSwapReferenceWays(t *testing.T) {
	table := paired(2, 80, 12)
	v := view(t, table, options(audit.LowestTie))
	c, counts := counted(t, v, 1)
	a := c.swapSets()
	if a.draws != 4096 || !a.exact {
		t.Fatalf("%d swaps of 12 lineages", a.draws)
	}
	listed := newRearranger(c, &a)
	err := c.ballots(context.Background(), func(_ int, b *audit.Block, i int, x *ballot) { listed.example(x, b.Labels[i], b.From+i) })
	if err != nil {
		t.Fatal(err)
	}
	all := swappedNaive(naiveOf(table, 1, c.ties))
	var total, squares float64
	for _, x := range all {
		n := float64(number(x.pies()))
		total += n
		squares += n * n
	}
	mean := total / float64(len(all))
	sd := math.Sqrt(squares/float64(len(all)) - mean*mean)
	if got := listed.result(counts).mean; !close64(got, mean) {
		t.Errorf("listed: mean %v, want %v", got, mean)
	}

	more := paired(2, 80, 13) // drawn
	o := options(audit.LowestTie)
	o.Replicates = 2000
	s, err := MeasureSwap(context.Background(), view(t, more, o), 1)
	if err != nil || s.Exact || s.Draws != 2000 || s.P <= 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	total = 0
	all = swappedNaive(naiveOf(more, 1, c.ties))
	for _, x := range all {
		total += float64(number(x.pies()))
	}
	want := total / float64(len(all))
	if got := s.Reference * 80; math.Abs(got-want) > 5*sd/math.Sqrt(2000)*1.5 {
		t.Errorf("drawn: mean %v, listed %v", got, want)
	}
}

// A lineage with several members on a side counts as one vote between them:
// repeating every member of a side changes nothing.
func TestLineagesCountOnce(t *testing.T) {
	table := paired(5, 60, 6)
	v := view(t, table, options(audit.LowestTie))
	want, err := MeasureSwap(context.Background(), v, 1)
	if err != nil {
		t.Fatal(err)
	}
	c, counts := counted(t, v, 1)
	wantShift, _ := c.measureShift(counts, true)
	wantVerdicts, err := c.decide(context.Background(), counts)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []int{0, 2, 3} { // repeat some lineages' variant members, two or three times
		m := table.Variants[1].Members[l]
		for range 1 + l%3 {
			table.Variants[1].Members = append(table.Variants[1].Members, m)
		}
	}
	v = view(t, table, options(audit.LowestTie))
	got, err := MeasureSwap(context.Background(), v, 1)
	if err != nil || got != want {
		t.Errorf("with repeated members %+v, %v; without %+v", got, err, want)
	}
	c, counts = counted(t, v, 1)
	if c.units.single || c.units.weight < 2 {
		t.Fatalf("lineages %+v", c.units)
	}
	gotShift, _ := c.measureShift(counts, true)
	if !close64(gotShift.q, wantShift.q) || gotShift.p != wantShift.p {
		t.Errorf("vote shift %+v, without repeats %+v", gotShift, wantShift)
	}
	verdicts, err := c.decide(context.Background(), counts)
	if err != nil || verdicts.family != wantVerdicts.family || verdicts.changed != wantVerdicts.changed || verdicts.certified != wantVerdicts.certified {
		t.Errorf("verdicts %d %+v %+v, %v; without repeats %d %+v %+v", verdicts.family, verdicts.changed, verdicts.certified, err, wantVerdicts.family, wantVerdicts.changed, wantVerdicts.certified)
	}
}

func TestMeasureDesigns(t *testing.T) {
	if _, err := MeasureSwap(context.Background(), view(t, random(1, 30, 5, 5), options(audit.LowestTie)), 1); !errors.Is(err, ErrNotPaired) {
		t.Errorf("swaps without lineages: %v", err)
	}
	if _, err := Measure(context.Background(), view(t, paired(1, 30, 5), options(audit.LowestTie)), 1); !errors.Is(err, ErrSharedLineage) {
		t.Errorf("floor with lineages: %v", err)
	}
}

// The mean vote shift is the mean of stat/voteshift over the examples, its p
// that of listing the rearrangements, and the taxicab reference the mean over
// them.
func TestVoteShiftPools(t *testing.T) {
	table := random(21, 50, 4, 3)
	c, counts := counted(t, view(t, table, options(audit.LowestTie)), 1)
	got, ok := c.measureShift(counts, true)
	all := pooledNaive(naiveOf(table, 1, c.ties))
	mean := func(x naive, f func(a, b []int) float64) float64 {
		s := 0.0
		for i := range x.labels {
			s += f(x.votes(0, i, x.all(0)), x.votes(1, i, x.all(1)))
		}
		return s / float64(len(x.labels))
	}
	q, reach, taxi := mean(all[0], voteshift.Unpaired), 0, 0.0
	for _, x := range all {
		if mean(x, voteshift.Unpaired) >= q-1e-12 {
			reach++
		}
		taxi += mean(x, voteshift.Taxicab)
	}
	if !ok || !close64(got.q, q) || got.p != float64(reach)/float64(len(all)) {
		t.Errorf("%+v, want %v with p %v", got, q, float64(reach)/float64(len(all)))
	}
	value, reference, known := c.taxicab(counts)
	if !known || !close64(value, mean(all[0], voteshift.Taxicab)) || !close64(reference, taxi/float64(len(all))) {
		t.Errorf("taxicab %v beside %v, want %v beside %v", value, reference, mean(all[0], voteshift.Taxicab), taxi/float64(len(all)))
	}
}

func TestVoteShiftSwaps(t *testing.T) {
	const lineages = 6
	table := paired(22, 50, lineages)
	c, counts := counted(t, view(t, table, options(audit.LowestTie)), 1)
	got, ok := c.measureShift(counts, true)
	all := swappedNaive(naiveOf(table, 1, c.ties))
	mean := func(x naive) (q, taxi float64) {
		for i := range x.labels {
			agree := 0
			for l := range lineages {
				if x.pred[0][l][i] == x.pred[1][l][i] {
					agree++
				}
			}
			a, b := x.votes(0, i, x.all(0)), x.votes(1, i, x.all(1))
			s, err := voteshift.SharedLineage(a, b, agree, lineages)
			if err != nil {
				t.Fatal(err)
			}
			q += s
			taxi += voteshift.Taxicab(a, b)
		}
		return q / float64(len(x.labels)), taxi / float64(len(x.labels))
	}
	q, taxi := mean(all[0])
	reach, taxis := 0, 0.0
	for _, x := range all {
		a, b := mean(x)
		if a >= q-1e-12 {
			reach++
		}
		taxis += b
	}
	if !ok || !close64(got.q, q) || got.p != float64(reach)/float64(len(all)) {
		t.Errorf("%+v, want %v with p %v", got, q, float64(reach)/float64(len(all)))
	}
	value, reference, known := c.taxicab(counts)
	if !known || !close64(value, taxi) || !close64(reference, taxis/float64(len(all))) {
		t.Errorf("taxicab %v beside %v, want %v beside %v", value, reference, taxi, taxis/float64(len(all)))
	}
}
