package calibration

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

func rows(t *testing.T, file string) [][]float64 {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float64
	for _, rec := range records {
		var row []float64
		for _, s := range rec {
			if x, err := strconv.ParseFloat(s, 64); err == nil {
				row = append(row, x)
			}
		}
		if len(row) == len(rec) {
			out = append(out, row)
		}
	}
	return out
}

func TestMeanDeviation(t *testing.T) {
	for _, r := range rows(t, "testdata/mean_deviation.csv") {
		if got := meanDeviation(int64(r[0]), r[1]); math.Abs(got-r[2]) > 1e-9*r[2] {
			t.Errorf("n = %v, p = %v: %v, want %v", r[0], r[1], got, r[2])
		}
	}
	for _, p := range []float64{0, 1, 1 - 1e-17} {
		if got := meanDeviation(10, p); got != 0 {
			t.Errorf("p = %v: %v, want 0", p, got)
		}
	}
	if got := meanDeviation(3, math.Nextafter(1, 0)); !(got >= 0 && got < 1e-12) {
		t.Errorf("p just below 1: %v", got)
	}
}

// pairTable is a table of two variants with one member each, both with the
// given confidences and right answers.
func pairTable(conf []float32, right []bool) *prediction.Table {
	n := len(conf)
	table := &prediction.Table{Classes: []string{"a", "b"}, Labels: prediction.NewColumn(n, 2)}
	answer := prediction.NewColumn(n, 2)
	for i := range n {
		table.Labels.Set(i, i%2)
		answer.Set(i, i%2)
		if !right[i] {
			answer.Set(i, 1-i%2)
		}
	}
	for _, name := range []string{"dense", "int8"} {
		table.Variants = append(table.Variants, prediction.Variant{Name: name, Members: []prediction.Member{{Name: "m", Predicted: answer, Confidence: conf}}})
	}
	return table
}

func TestECEAgainstNumpy(t *testing.T) {
	data := rows(t, "testdata/ece.csv")
	var conf []float32
	var right []bool
	for _, r := range data[1:] {
		conf = append(conf, float32(r[0]))
		right = append(right, r[1] == 1)
	}
	got := audittest.Run(t, New(), pairTable(conf, right), audit.DefaultOptions())
	for question, want := range map[string]float64{"ece": data[0][0], "overconfidence": data[0][1]} {
		f := got.Find(t, "calibration/"+question+"/int8/overall")
		if math.Abs(*f.Value-want) > 1e-9 || *f.BaseValue != *f.Value || *f.Estimate != 0 {
			t.Errorf("%s: %v, want %v", question, *f.Value, want)
		}
	}
}

func TestReliabilityAddsUp(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 900, Classes: 4, Members: []int{4, 3}, Confidence: true, Seed: 8})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	for v, variant := range table.Variants {
		var n int64
		right, conf := 0.0, 0.0
		for _, r := range got.Get(t, "reliability", variant.Name).Rows {
			n += r[2].(int64)
			if r[2].(int64) > 0 {
				right += r[4].(float64) * float64(r[2].(int64))
				conf += r[3].(float64) * float64(r[2].(int64))
				if c := r[3].(float64); c < r[0].(float64) || c > r[1].(float64) {
					t.Errorf("mean confidence %v outside its bin %v to %v", c, r[0], r[1])
				}
			}
		}
		wantRight, wantConf := 0.0, 0.0
		for _, m := range variant.Members {
			for i := range table.Len() {
				if m.Predicted.At(i) == table.Labels.At(i) {
					wantRight++
				}
				wantConf += float64(m.Confidence[i])
			}
		}
		if n != int64(900*len(variant.Members)) || math.Abs(right-wantRight) > 1e-6 || math.Abs(conf-wantConf) > 1e-6 {
			t.Errorf("variant %d: n %d, right %v of %v, confidence %v of %v", v, n, right, wantRight, conf, wantConf)
		}
	}
}

// Bins of equal mass hold about as many examples each.
func TestEqualMass(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	n := 30000
	histogram := make([]int64, buckets)
	var conf []float32
	for range n {
		c := float32(1 - math.Pow(rng.Float64(), 6)*0.9) // crowded near 1
		conf = append(conf, c)
		histogram[bucket(c)]++
	}
	of := equalMass(histogram, int64(n))
	var count [bins]int
	lowest, highest := [bins]float32{}, [bins]float32{}
	for _, c := range conf {
		b := of[bucket(c)]
		if count[b] == 0 {
			lowest[b], highest[b] = c, c
		}
		count[b]++
		lowest[b], highest[b] = min(lowest[b], c), max(highest[b], c)
	}
	for b := range bins {
		if math.Abs(float64(count[b])-float64(n)/bins) > 0.05*float64(n)/bins {
			t.Errorf("bin %d holds %d of %d examples", b, count[b], n)
		}
		if b > 0 && lowest[b] <= highest[b-1] {
			t.Errorf("bins %d and %d overlap", b-1, b)
		}
	}
}

// simulate gives one member confidences and answers that are right with
// probability confidence − shift.
func simulate(rng *rand.Rand, n int, shift float64) (conf []float32, right []bool) {
	for range n {
		c := 1 - 0.7*rng.Float64()*rng.Float64()
		conf = append(conf, float32(c))
		right = append(right, rng.Float64() < c-shift)
	}
	return conf, right
}

// With perfect calibration the mean ECE is the reference.
func TestReferenceUnderPerfectCalibration(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	const runs = 400
	var ece, square, expected [2]float64
	for range runs {
		conf, right := simulate(rng, 500, 0)
		v, err := audit.NewView(pairTable(conf, right), audit.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		p, err := measure(t.Context(), v, 0, groupsOf(v.Table))
		if err != nil {
			t.Fatal(err)
		}
		for j, q := range []*partition{&p.measured[0].allW, &p.measured[0].allMass} {
			ece[j] += q.ece() / runs
			square[j] += q.ece() * q.ece() / runs
			expected[j] += q.expected() / runs
		}
	}
	for j := range ece {
		se := math.Sqrt((square[j] - ece[j]*ece[j]) / runs)
		if math.Abs(ece[j]-expected[j]) > 3*se || ece[j] < 0.01 {
			t.Errorf("bins %d: mean ECE %v with standard error %v, reference %v", j, ece[j], se, expected[j])
		}
	}
}

// The interval over examples must cover a planted difference about as often as
// it says. 300 runs at 95 %: the standard error of the coverage is 1.3 %.
func TestIntervalOverExamplesCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	const runs = 300
	covered := 0
	for range runs {
		conf, right := simulate(rng, 600, 0.05)
		table := pairTable(conf, right)
		conf2, right2 := simulate(rng, 600, 0.15)
		other := pairTable(conf2, right2)
		// the same labels, other answers
		table.Variants[1] = other.Variants[1]
		f := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "calibration/overconfidence/int8/overall")
		if f.Interval.Covers != finding.ExamplesOnly {
			t.Fatal(f.Interval)
		}
		if f.Interval.Low <= 0.10 && 0.10 <= f.Interval.High {
			covered++
		}
	}
	if c := float64(covered) / runs; c < 0.91 || c > 0.99 {
		t.Errorf("coverage %v, want about 0.95", c)
	}
}

func TestLogitsGiveTheSameConfidence(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	const n, classes = 5000, 6
	table := &prediction.Table{Labels: prediction.NewColumn(n, classes), Classes: []string{"a", "b", "c", "d", "e", "f"}}
	answer := prediction.NewColumn(n, classes)
	logits := &prediction.DenseScores{ScoreKind: prediction.Logits, Classes: classes, Data: make([]float32, n*classes)}
	probs := &prediction.DenseScores{ScoreKind: prediction.Probabilities, Classes: classes, Data: make([]float32, n*classes)}
	conf := make([]float32, n)
	for i := range n {
		table.Labels.Set(i, rng.IntN(classes))
		row := logits.Data[i*classes : (i+1)*classes]
		sum, best := 0.0, 0
		for c := range row {
			row[c] = float32(100 + 3*rng.NormFloat64()) // would overflow without the shift if squared: exp(100)
			sum += math.Exp(float64(row[c]))
			if row[c] > row[best] {
				best = c
			}
		}
		for c := range row {
			probs.Data[i*classes+c] = float32(math.Exp(float64(row[c])) / sum)
		}
		answer.Set(i, best)
		conf[i] = probs.Data[i*classes+best]
	}
	members := func(m prediction.Member) []prediction.Member {
		m.Name, m.Predicted = "m", answer
		return []prediction.Member{m}
	}
	table.Variants = []prediction.Variant{
		{Name: "recorded", Members: members(prediction.Member{Confidence: conf})},
		{Name: "logits", Members: members(prediction.Member{Scores: logits})},
		{Name: "probabilities", Members: members(prediction.Member{Scores: probs})},
	}
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	for _, v := range []string{"logits", "probabilities"} {
		if f := got.Find(t, "calibration/ece/"+v+"/overall"); math.Abs(*f.Estimate) > 1e-6 || *f.Value < 0.1 {
			t.Errorf("%s: ECE %v, recorded %v", v, *f.Value, *f.BaseValue)
		}
	}
}

func TestBadScores(t *testing.T) {
	for _, bad := range []float32{-0.1, 1.1, float32(math.NaN())} {
		table := pairTable([]float32{0.5, 0.5, bad, 0.5}, make([]bool, 4))
		o := audit.DefaultOptions()
		v, err := audit.NewView(table, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := New().Run(t.Context(), v, &audittest.Collector{}); err == nil {
			t.Errorf("confidence %v was accepted", bad)
		}
	}
}

func TestNoScores(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 50, Classes: 2, Members: []int{2, 2}, Seed: 1})
	got := audittest.Run(t, New(), table, audit.DefaultOptions())
	if f := got.Find(t, "calibration/ece/pruned-1/overall"); f.Reason != finding.NoScores || len(got.Tables) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestMembersWithoutScoresAreCounted(t *testing.T) {
	table := audittest.Table(audittest.Spec{Examples: 400, Classes: 3, Members: []int{4, 5}, Confidence: true, Seed: 1})
	table.Variants[1].Members[2].Confidence = nil
	f := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "calibration/ece/pruned-1/overall")
	if f.K != 4 || f.KBase != 4 || f.Warnings[len(f.Warnings)-1].Code != "members-without-scores" {
		t.Errorf("K %d, warnings %v", f.K, f.Warnings)
	}
}

func TestIntervalFollowsTheDesign(t *testing.T) {
	for _, tc := range []struct {
		members []int
		lineage bool
		covers  finding.Covers
		method  string
	}{
		{[]int{5, 4}, false, finding.Members, "Welch t over members"},
		{[]int{5, 5}, true, finding.Members, "t over differences within lineages"},
		{[]int{2, 5}, false, finding.ExamplesOnly, "jackknife over 100 groups of examples"},
		{[]int{1, 1}, false, finding.ExamplesOnly, "jackknife over 100 groups of examples"},
		{[]int{2, 2}, true, finding.ExamplesOnly, "jackknife over 100 groups of examples"},
	} {
		table := audittest.Table(audittest.Spec{Examples: 2000, Classes: 3, Members: tc.members, Lineage: tc.lineage, Confidence: true, Seed: 3})
		f := audittest.Run(t, New(), table, audit.DefaultOptions()).Find(t, "calibration/ece/pruned-1/overall")
		if f.Interval == nil || f.Interval.Covers != tc.covers || f.Interval.Method != tc.method {
			t.Errorf("%v, lineage %v: %+v", tc.members, tc.lineage, f.Interval)
			continue
		}
		if !(f.Interval.Low < *f.Estimate && *f.Estimate < f.Interval.High) {
			t.Errorf("%v: estimate %v outside %+v", tc.members, *f.Estimate, f.Interval)
		}
	}
}

func TestSwappingNegates(t *testing.T) {
	for _, members := range [][]int{{5, 4}, {1, 1}} {
		table := audittest.Table(audittest.Spec{Examples: 800, Classes: 3, Members: members, Accuracy: []float64{0.9, 0.7}, Confidence: true, Seed: 3})
		a := audittest.Run(t, New(), table, audit.DefaultOptions())
		b := audittest.Run(t, New(), audittest.Swapped(table), audit.DefaultOptions())
		for _, f := range a.Findings {
			g := b.Find(t, f.ID)
			if *f.Estimate != -*g.Estimate || math.Abs(f.Interval.Low+g.Interval.High) > 1e-12 {
				t.Errorf("%s: %v %+v and %v %+v", f.ID, *f.Estimate, f.Interval, *g.Estimate, g.Interval)
			}
		}
	}
}

func TestRowOrderAndThreadsDoNotMatter(t *testing.T) {
	for _, members := range [][]int{{5, 4}, {1, 1}} {
		table := audittest.Table(audittest.Spec{Examples: 5000, Classes: 3, Members: members, Confidence: true, Seed: 3})
		for i := range table.Len() {
			table.IDs = append(table.IDs, dataset.ExampleID(fmt.Sprint("x", i)))
		}
		audittest.SameAtAnyThreads(t, New, table, audit.DefaultOptions())
		order := rand.New(rand.NewPCG(1, 2)).Perm(table.Len())
		a := audittest.Run(t, New(), table, audit.DefaultOptions()).JSON(t)
		b := audittest.Run(t, New(), audittest.Permuted(table, order), audit.DefaultOptions()).JSON(t)
		if a != b {
			t.Error("another order of the rows gives other findings")
		}
	}
}
