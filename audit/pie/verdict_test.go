package pie

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/stat/tail"
)

// listSwaps is the exact swap test by listing all 2^d assignments of sides.
func listSwaps(moves [][]int) (p, minP float64) {
	d := len(moves)
	if d == 0 {
		return 1, 1
	}
	stats := make([]int, 1<<d)
	for which := range stats {
		sum := make([]int, len(moves[0]))
		for i, m := range moves {
			for j, x := range m {
				if which>>i&1 == 1 {
					x = -x
				}
				sum[j] += x
			}
		}
		stats[which] = norm(sum)
	}
	most, beyond, top := slices.Max(stats), 0, 0
	for _, s := range stats {
		if s >= stats[0] {
			beyond++
		}
		if s == most {
			top++
		}
	}
	return float64(beyond) / float64(len(stats)), float64(top) / float64(len(stats))
}

func randomMoves(rng *rand.Rand, lineages, labels, votes int) (moves [][]int) {
	for range lineages {
		m := make([]int, labels)
		for range votes {
			m[rng.IntN(labels)]++
			m[rng.IntN(labels)]--
		}
		if norm(m) > 0 {
			moves = append(moves, m)
		}
	}
	return moves
}

func TestSwapTestListsAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 400 {
		moves := randomMoves(rng, 1+rng.IntN(10), 2+rng.IntN(3), 1+rng.IntN(3))
		p, minP := swapTest(moves, 999, rng)
		if wantP, wantMin := listSwaps(moves); !close64(p, wantP) || !close64(minP, wantMin) {
			t.Fatalf("%v: p %v least %v, want %v and %v", moves, p, minP, wantP, wantMin)
		}
	}
}

// Two labels: the sign test. 9 lineages move one way and 1 the other:
// scipy 1.10.1, binomtest(9, 10, .5).pvalue = 0.021484375.
func TestSwapTestIsSignTest(t *testing.T) {
	var moves [][]int
	for i := range 10 {
		m := []int{1, -1}
		if i == 3 {
			m = []int{-1, 1}
		}
		moves = append(moves, m)
	}
	if p, minP := swapTest(moves, 999, nil); !close64(p, 0.021484375) || !close64(minP, math.Exp2(-9)) {
		t.Errorf("p %v least %v", p, minP)
	}
}

// Beyond the limit swaps are drawn: near the exact answer, and never 0.
func TestSwapTestDraws(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for range 20 {
		moves := randomMoves(rng, 14, 6, 2)
		g := groupMoves(moves)
		want, _ := listSwaps(moves)
		const draws = 4000
		p, _ := g.sample(taxicabOf(moves), draws, rng)
		if se := math.Sqrt(want*(1-want)/draws) + 1.0/draws; math.Abs(p-want) > 5*se || p <= 0 {
			t.Errorf("drawn p %v, exact %v", p, want)
		}
	}
}

// shuffled is the p-value of the taxicab distance when the votes of one
// example are dealt to the populations in every order.
func shuffled(base, variant []int) float64 {
	var votes []int
	for _, pop := range [][]int{base, variant} {
		for c, n := range pop {
			for range n {
				votes = append(votes, c)
			}
		}
	}
	k0 := len(votes) - sumInts(variant)
	distance := func(first []int) (d float64) {
		x := make([]int, len(base))
		for _, k := range first {
			x[votes[k]]++
		}
		for c := range base {
			y := base[c] + variant[c] - x[c]
			d += math.Abs(float64(x[c])/float64(k0) - float64(y)/float64(len(votes)-k0))
		}
		return d
	}
	observed := distance(upTo(k0))
	sets := subsets(upTo(len(votes)), k0)
	beyond := 0
	for _, s := range sets {
		if distance(s) >= observed-1e-12 {
			beyond++
		}
	}
	return float64(beyond) / float64(len(sets))
}

func sumInts(x []int) (s int) {
	for _, v := range x {
		s += v
	}
	return s
}

// Each example's p is that of its own votes, and adjusted p-values are those
// of the family of examples that could reach the level.
func TestDecide(t *testing.T) {
	table := random(5, 60, 5, 6)
	o := options(audit.LowestTie)
	c, counts := counted(t, view(t, table, o), 1)
	v, err := c.decide(context.Background(), counts)
	if err != nil {
		t.Fatal(err)
	}
	n := naiveOf(table, 1, c.ties)
	var family []float64
	for i := range table.Len() {
		p := shuffled(n.votes(0, i, n.all(0)), n.votes(1, i, n.all(1)))
		if counts.pattern[i] == 0 {
			if p != 1 {
				t.Fatalf("example %d is taken for unanimous and has p %v", i, p)
			}
			continue
		}
		x := v.list[counts.pattern[i]-1]
		if !close64(x.p, p) {
			t.Fatalf("example %d: p %v, want %v", i, x.p, p)
		}
		if x.inFamily {
			family = append(family, p)
		} else if p <= o.Alpha {
			t.Fatalf("example %d has p %v and is not in the family", i, p)
		}
	}
	if len(family) != v.family || v.family == 0 {
		t.Fatalf("family of %d, want %d", v.family, len(family))
	}
	slices.Sort(family)
	for _, x := range v.list {
		if !x.inFamily {
			continue
		}
		want := 1.0
		for r, p := range family {
			if p >= x.p-1e-12 {
				want = min(want, p*float64(len(family))/float64(r+1))
			}
		}
		if !close64(x.q, want) || x.q < x.p || x.changed != (x.q <= o.Alpha) {
			t.Errorf("q of p %v is %v, want %v", x.p, x.q, want)
		}
	}
}

func TestCertify(t *testing.T) {
	half := func(k, n int) float64 { return min(1, 2*tail.BinomialUpper(k, n, 0.5)) }
	for _, tc := range []struct {
		base, variant []int
		want          float64
	}{
		{[]int{10, 0}, []int{0, 10}, 2 * math.Exp2(-10)},
		{[]int{10, 0}, []int{3, 7}, half(7, 10)},
		{[]int{9, 1}, []int{8, 2}, 1},                // same winner
		{[]int{5, 5}, []int{0, 10}, 1},               // no winner
		{[]int{8, 1, 1}, []int{0, 9, 1}, half(8, 9)}, // labels beyond the second do not count
	} {
		if got := certify(tc.base, tc.variant); !close64(got, tc.want) {
			t.Errorf("%v against %v: %v, want %v", tc.base, tc.variant, got, tc.want)
		}
		if got, swapped := certify(tc.base, tc.variant), certify(tc.variant, tc.base); got != swapped {
			t.Errorf("%v against %v: %v, swapped %v", tc.base, tc.variant, got, swapped)
		}
	}
	// scipy 1.10.1: 2*binom.sf(29, 30, .5) = 1.862645149230957e-09
	if got := certify([]int{30, 0}, []int{0, 30}); math.Abs(got-1.862645149230957e-09) > 1e-20 {
		t.Errorf("30 to 0 and 0 to 30: %v", got)
	}
}

// A planted change of the majority is found, everywhere else almost nothing.
func TestPlantedChange(t *testing.T) {
	table := planting{examples: 1500, classes: 10, members: []int{12, 12}, hard: 0.2, seed: 3}.table()
	planted := map[int]bool{}
	for i := 0; i < 1500; i += 100 {
		planted[i] = true
		for k := range table.Variants[1].Members {
			table.Variants[0].Members[k].Predicted.Set(i, table.Labels.At(i))
			table.Variants[1].Members[k].Predicted.Set(i, (table.Labels.At(i)+1)%10)
		}
	}
	c, counts := counted(t, view(t, table, options(audit.LowestTie)), 1)
	v, err := c.decide(context.Background(), counts)
	if err != nil {
		t.Fatal(err)
	}
	missed, falsely := 0, 0
	for i, p := range counts.pattern {
		found := p > 0 && v.list[p-1].certifiedFound
		if planted[i] && !found {
			missed++
		}
		if !planted[i] && found {
			falsely++
		}
	}
	if missed > 0 || falsely > 1 || v.certified.decided != len(planted)+falsely {
		t.Errorf("%d of %d planted examples missed, %d found falsely, %d counted", missed, len(planted), falsely, v.certified.decided)
	}
}

// Every correction finds at most as many examples as raw p, and each at most
// what its adjusted values say.
func TestCorrections(t *testing.T) {
	table := planting{examples: 3000, classes: 10, members: []int{20, 20}, hard: 0.5, shift: 1.5, seed: 3}.table()
	found := map[audit.FDR]int{}
	for _, f := range []audit.FDR{audit.NoFDR, audit.BH, audit.BY, audit.Holm} {
		o := options(audit.LowestTie)
		o.FDR = f
		c, counts := counted(t, view(t, table, o), 1)
		v, err := c.decide(context.Background(), counts)
		if err != nil {
			t.Fatal(err)
		}
		found[f] = v.changed.decided
		if f == audit.BY && v.changed.by != v.changed.decided {
			t.Errorf("%d by Benjamini-Yekutieli where it decides, %d beside", v.changed.decided, v.changed.by)
		}
	}
	if !(found[audit.NoFDR] > found[audit.BH] && found[audit.BH] > found[audit.BY] && found[audit.BH] > found[audit.Holm] && min(found[audit.BY], found[audit.Holm]) > 0) {
		t.Errorf("found by correction: %v", found)
	}
}

// Keys are read back as they were written.
func TestPatternKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var c coder
	for range 300 {
		v := &ballot{}
		for j := range 1 + rng.IntN(5) {
			v.label = append(v.label, int32(j*3))
			v.base = append(v.base, rng.IntN(300))
			v.variant = append(v.variant, 1+rng.IntN(300))
		}
		p := decode(string(c.unpaired(v)))
		got, want := map[string]int{}, map[string]int{}
		for j := range v.base {
			want[fmt.Sprint(v.base[j], v.variant[j])]++
			got[fmt.Sprint(p.base[j], p.variant[j])]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || p.moves != nil || !slices.IsSortedFunc(p.base, func(a, b int) int { return b - a }) {
			t.Fatalf("%v against %v read as %+v", v.base, v.variant, p)
		}
	}
}
