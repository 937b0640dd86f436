package planted

import (
	"math"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
)

// TestModesBruteForce enumerates all 3^m answers.
func TestModesBruteForce(t *testing.T) {
	w := &world{spec: DefaultSpec(10, 5)}
	w.spec.RunnerShare = 0.7
	for _, m := range []int{1, 2, 3, 4, 7} {
		for _, rank := range [][3]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
			for _, highest := range []bool{false, true} {
				p := [3]float64{0.6, 0.4 * 0.7, 0.4 * 0.3}
				var want [3]float64
				for code := range int(math.Pow(3, float64(m))) {
					var n [3]int
					weight := 1.0
					for range m {
						n[code%3]++
						weight *= p[code%3]
						code /= 3
					}
					want[plurality(n, rank, highest)] += weight
				}
				got := w.modes(map[voteKey][3]float64{}, 0.6, rank, m, highest)
				for j := range got {
					if math.Abs(got[j]-want[j]) > 1e-12 {
						t.Errorf("m %d, ranks %v, highest %v: %v, want %v", m, rank, highest, got, want)
					}
				}
			}
		}
	}
}

// plurality goes through the labels in the order in which they win ties.
func plurality(n, rank [3]int, highest bool) int {
	win := -1
	for r := range 3 {
		if highest {
			r = 2 - r
		}
		for j := range 3 {
			if rank[j] == r && (win < 0 || n[j] > n[win]) {
				win = j
			}
		}
	}
	return win
}

// modalLabel is the label with the most votes of members from to from+m, the
// lowest of those that tie.
func modalLabel(members []prediction.Member, from, m, i, classes int) int {
	votes := make([]int, classes)
	best := 0
	for _, member := range members[from : from+m] {
		votes[member.Predicted.At(i)]++
	}
	for c, n := range votes {
		if n > votes[best] {
			best = c
		}
	}
	return best
}

// TestVotesMatchTruth compares modal labels of disjoint sets of members with
// the truth, where members' errors are independent across examples and where
// they are not.
func TestVotesMatchTruth(t *testing.T) {
	for _, correlated := range []bool{false, true} {
		s := spec()
		s.Clusters = 4
		if correlated {
			for v := range s.Variants {
				s.Variants[v].AccuracySD, s.Variants[v].Correlation = 0.02, 0.5
			}
		}
		table, truth := mustNew(t, s)
		for _, m := range []int{1, 3} {
			for _, v := range []int{1, 2} {
				want := truth.Votes(v, m, false)
				pie, floor, own := observedVotes(table, v, m)
				near(t, "PIE share", pie, want.PIE)
				near(t, "floor", floor, want.Floor)
				near(t, "the variant's floor", own, want.VariantFloor)
			}
		}
	}
}

// observedVotes compares set g of m members with set g of the other
// population, or with set g+1 of its own.
func observedVotes(table *prediction.Table, v, m int) (pie, floor, own []float64) {
	base, variant := table.Variants[0].Members, table.Variants[v].Members
	classes := len(table.Classes)
	for from := 0; from+2*m <= len(base); from += 2 * m {
		var p, f, o float64
		for i := range table.Len() {
			b0, b1 := modalLabel(base, from, m, i, classes), modalLabel(base, from+m, m, i, classes)
			v0, v1 := modalLabel(variant, from, m, i, classes), modalLabel(variant, from+m, m, i, classes)
			p += differ(b0, v0)
			f += differ(b0, b1)
			o += differ(v0, v1)
		}
		n := float64(table.Len())
		pie, floor, own = append(pie, p/n), append(floor, f/n), append(own, o/n)
	}
	return pie, floor, own
}

func differ(a, b int) float64 {
	if a != b {
		return 1
	}
	return 0
}

func near(t *testing.T, what string, x []float64, want float64) {
	t.Helper()
	mean, sd := meanSD(x)
	if d := (mean - want) / (sd / math.Sqrt(float64(len(x)))); math.Abs(d) > bound {
		t.Errorf("%s: %v, truth %v (%.1f standard errors)", what, mean, want, d)
	}
}

// TestPopulation: the truth of drawn examples is on average that of their
// population.
func TestPopulation(t *testing.T) {
	s := spec()
	s.Sampling = Drawn
	s.Attributes = s.Attributes[:1]
	s.Variants = s.Variants[:3]
	s.Variants[1].GroupLoss = nil
	s.Levels = 24
	for v := range s.Variants {
		s.Variants[v].Members = 1
	}
	var population *Truth
	var change, shuffled, excess, floor []float64
	for seed := range uint64(150) {
		s.Seed = seed
		_, truth := mustNew(t, s)
		population = truth.Population()
		change = append(change, truth.Change(1, 1))
		shuffled = append(shuffled, truth.Change(2, All))
		excess = append(excess, truth.Votes(2, 3, false).Excess())
		floor = append(floor, truth.Votes(2, 3, false).Floor)
	}
	if got := population.Change(1, 1); math.Abs(got+0.07) > 1e-10 {
		t.Errorf("class 1 changes by %v in the population, planted -0.07", got)
	}
	near(t, "recall change", change, -0.07)
	near(t, "accuracy change of the shuffled variant", shuffled, 0)
	near(t, "excess", excess, population.Votes(2, 3, false).Excess())
	near(t, "floor", floor, population.Votes(2, 3, false).Floor)
	if _, ok := population.MemberSD(1, 0, false); ok {
		t.Error("a population of examples has a member sd")
	}
}

// TestAccuracySD: members' accuracies vary as planted, beyond the spread that
// independent answers give.
func TestAccuracySD(t *testing.T) {
	s := DefaultSpec(2000, 4)
	s.Variants = []Variant{{Name: "even", Members: 400}, {Name: "uneven", Members: 400, AccuracySD: 0.03}}
	table, truth := mustNew(t, s)
	_, even := meanSD(recalls(table, 0, All))
	mean, uneven := meanSD(recalls(table, 1, All))
	// Var = E Var(accuracy | ability) + sd²; the first is near that of the
	// even members.
	if want := math.Sqrt(even*even + 0.03*0.03); math.Abs(uneven/want-1) > bound/math.Sqrt(2*400) {
		t.Errorf("sd of accuracy %v, want about %v", uneven, want)
	}
	if math.Abs(mean-truth.Recall(1, All)) > bound*uneven/math.Sqrt(400) {
		t.Errorf("accuracy %v, truth %v", mean, truth.Recall(1, All))
	}
	if _, ok := truth.MemberSD(1, 0, false); ok {
		t.Error("MemberSD does not know about ability")
	}
}

// TestCorrelation: at recall 1/2 two answers of one member in a cluster are
// both right with probability 1/4 + asin(ρ)/(2π) (the orthant probability of a
// bivariate normal; Sheppard 1899), and those of two clusters with 1/4.
func TestCorrelation(t *testing.T) {
	s := DefaultSpec(400, 2)
	s.Classes = Balanced(400, 2, 0.5)
	s.Spread, s.Levels, s.Clusters = 1e-9, 1, 2
	s.Variants = []Variant{{Name: "clustered", Members: 4000, Correlation: 0.5}}
	table, truth := mustNew(t, s)
	first := map[int32][]int{} // two examples of each cluster
	for i := range table.Len() {
		f := truth.w.class[i]*2 + int32(truth.w.cluster[i])
		if len(first[f]) < 2 {
			first[f] = append(first[f], i)
		}
	}
	both := func(i, j int) float64 {
		n := 0.0
		for _, m := range table.Variants[0].Members {
			if m.Predicted.At(i) == table.Labels.At(i) && m.Predicted.At(j) == table.Labels.At(j) {
				n++
			}
		}
		return n / 4000
	}
	se := math.Sqrt(0.25 * 0.75 / 4000)
	if got, want := both(first[0][0], first[0][1]), 0.25+math.Asin(0.5)/(2*math.Pi); math.Abs(got-want) > bound*se {
		t.Errorf("both right in a cluster: %v, want %v", got, want)
	}
	for _, other := range []int32{1, 2} {
		if got := both(first[0][0], first[other][0]); math.Abs(got-0.25) > bound*se {
			t.Errorf("both right in two clusters: %v, want 0.25", got)
		}
	}
}

// TestPairedFactors: a paired member shares its lineage's ability.
func TestPairedFactors(t *testing.T) {
	s := DefaultSpec(3000, 3)
	s.Variants = []Variant{
		{Name: "dense", Members: 200, AccuracySD: 0.04},
		{Name: "kept", Members: 1, Paired: true, KeepShare: 1, AccuracySD: 0.04},
		{Name: "half", Members: 1, Paired: true, KeepShare: 0.5, AccuracySD: 0.04},
		{Name: "own", Members: 200, AccuracySD: 0.04},
	}
	table, _ := mustNew(t, s)
	base := recalls(table, 0, All)
	for v, want := range map[int]float64{1: 1, 2: 0.5, 3: 0} {
		// Fisher's z has standard deviation 1/√197; at 1 the tables are equal.
		r := correlation(base, recalls(table, v, All))
		if math.Abs(r-want) > bound/math.Sqrt(197)*(1-want*want)+1e-12 {
			t.Errorf("%s: correlation of accuracies %v, want about %v", s.Variants[v].Name, r, want)
		}
	}
	for k, m := range table.Variants[1].Members {
		if !m.Predicted.Equal(table.Variants[0].Members[k].Predicted) {
			t.Fatal("a member that keeps all draws answers differently")
		}
	}
}

func correlation(x, y []float64) float64 {
	mx, sx := meanSD(x)
	my, sy := meanSD(y)
	sum := 0.0
	for i := range x {
		sum += (x[i] - mx) * (y[i] - my)
	}
	return sum / float64(len(x)-1) / (sx * sy)
}

// TestLongTail: sizes fall, add up, and end near the ratio.
func TestLongTail(t *testing.T) {
	c := LongTail(100_000, 50, 10, 0.95, 0.75)
	total := 0
	for i := range c {
		total += c[i].Size
		if i > 0 && c[i].Size > c[i-1].Size+1 {
			t.Errorf("class %d has %d examples after %d", i, c[i].Size, c[i-1].Size)
		}
	}
	if ratio := float64(c[0].Size) / float64(c[49].Size); total != 100_000 || math.Abs(ratio-10) > 0.2 {
		t.Errorf("%d examples, ratio %v", total, ratio)
	}
	if c[0].Recall != 0.95 || math.Abs(c[49].Recall-0.75) > 1e-12 {
		t.Errorf("recalls from %v to %v", c[0].Recall, c[49].Recall)
	}
}
