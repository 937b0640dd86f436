package planted

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
)

// The bound on |estimate − truth| in standard errors. With a fixed seed the
// tests are deterministic; the bound says how far chance may have gone.
const bound = 4.5

// spec is a table with every kind of effect, and none that makes members
// depend on each other across examples.
func spec() Spec {
	s := DefaultSpec(900, 5)
	s.Classes[1].Recall, s.Classes[4].Recall = 0.7, 0.95
	s.Attributes = []Attribute{
		{"light", []Value{{"day", 0.7, 900}, {"night", 0.3, 100}}},
		{"side", []Value{{"left", 0.5, 0}, {"middle", 0.2, 0}, {"right", 0.3, 0}}},
	}
	s.Variants = []Variant{
		{Name: "dense", Kind: prediction.KindDense, Members: 300, GroupLoss: []GroupLoss{{"light", "night", 0.05}}},
		{Name: "pruned", Kind: prediction.KindPruned, Members: 300, Loss: 0.01,
			ClassLoss: map[int]float64{1: 0.06, 2: -0.03}, GroupLoss: []GroupLoss{{"side", "middle", 0.04}}},
		{Name: "shuffled", Kind: prediction.KindPruned, Members: 300, Reshuffle: 0.3},
		{Name: "int8", Kind: prediction.KindQuantized, Members: 1, Paired: true, KeepShare: 0.9, ClassLoss: map[int]float64{3: 0.02}},
	}
	return s
}

func mustNew(t testing.TB, s Spec) (*prediction.Table, *Truth) {
	t.Helper()
	table, truth, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return table, truth
}

// recalls gives each member's share of right answers in a class.
func recalls(table *prediction.Table, t, class int) []float64 {
	out := make([]float64, len(table.Variants[t].Members))
	for k, m := range table.Variants[t].Members {
		n, right := 0, 0
		for i := range table.Len() {
			if c := table.Labels.At(i); class == All || c == class {
				n++
				if m.Predicted.At(i) == c {
					right++
				}
			}
		}
		out[k] = float64(right) / float64(n)
	}
	return out
}

func meanSD(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, math.Sqrt(sd)
}

// TestPlantedLosses: on examples with fixed eases the losses hold exactly.
func TestPlantedLosses(t *testing.T) {
	_, truth := mustNew(t, spec())
	middle, err := truth.GroupChange(1, "side", "middle")
	if err != nil {
		t.Fatal(err)
	}
	// By class: −0.01, its own loss, and 0.04 times its share of "middle".
	w := truth.w
	inMiddle := make([]float64, 5)
	classLossInMiddle, middles := 0.0, 0.0
	for i := range w.n {
		if w.valueOf(int(w.combo[i]), 1) == 1 {
			inMiddle[w.class[i]] += 1 / float64(w.spec.Classes[w.class[i]].Size)
			classLossInMiddle += w.spec.Variants[1].ClassLoss[int(w.class[i])]
			middles++
		}
	}
	for c := range 5 {
		want := -0.01 - w.spec.Variants[1].ClassLoss[c] - 0.04*inMiddle[c]
		if got := truth.Change(1, c); math.Abs(got-want) > 1e-10 {
			t.Errorf("class %d changes by %v, planted %v", c, got, want)
		}
		if got := truth.Change(2, c); math.Abs(got) > 1e-10 {
			t.Errorf("class %d of the shuffled variant changes by %v, planted 0", c, got)
		}
	}
	if want := -0.01 - 0.04 - classLossInMiddle/middles; math.Abs(middle-want) > 1e-10 {
		t.Errorf("group middle changes by %v, planted %v", middle, want)
	}
	if got, want := truth.Change(3, All), -0.02*180/900; math.Abs(got-want) > 1e-10 {
		t.Errorf("accuracy of int8 changes by %v, planted %v", got, want)
	}
	if got, want := truth.NormalizedChange(3, 3), -0.02+0.02*180/900; math.Abs(got-want) > 1e-10 {
		t.Errorf("normalized change %v, want %v", got, want)
	}
}

// TestRecallsMatchTruth compares members' recalls, their spread and the spread
// of paired differences with the truth.
func TestRecallsMatchTruth(t *testing.T) {
	table, truth := mustNew(t, spec())
	const k = 300
	base := make([][]float64, 5)
	for v := range table.Variants {
		for c := range 5 {
			r := recalls(table, v, c)
			mean, sd := meanSD(r)
			want, ok := truth.MemberSD(v, c, false)
			if !ok {
				t.Fatal("MemberSD is not known")
			}
			if d := (mean - truth.Recall(v, c)) / (want / math.Sqrt(k)); math.Abs(d) > bound {
				t.Errorf("variant %d class %d: recall %v, truth %v (%.1f standard errors)", v, c, mean, truth.Recall(v, c), d)
			}
			if ratio := sd / want; math.Abs(ratio-1) > bound/math.Sqrt(2*k) {
				t.Errorf("variant %d class %d: sd %v, truth %v", v, c, sd, want)
			}
			if v == 0 {
				base[c] = r
			}
			if v == 3 {
				for j := range r {
					r[j] -= base[c][j]
				}
				_, sd = meanSD(r)
				want, _ = truth.LineageSD(v, c, false)
				if ratio := sd / want; math.Abs(ratio-1) > bound/math.Sqrt(2*k) {
					t.Errorf("class %d: sd of paired differences %v, truth %v", c, sd, want)
				}
			}
		}
	}
}

// TestExample: the examples' shares average to the recalls.
func TestExample(t *testing.T) {
	table, truth := mustNew(t, spec())
	for v := range table.Variants {
		var base, variant float64
		for i := range table.Len() {
			b, x := truth.Example(v, i)
			base, variant = base+b/900, variant+x/900
		}
		if math.Abs(base-truth.Recall(0, All)) > 1e-12 || math.Abs(variant-truth.Recall(v, All)) > 1e-12 {
			t.Errorf("variant %d: mean shares %v and %v, want %v and %v", v, base, variant, truth.Recall(0, All), truth.Recall(v, All))
		}
	}
}

// TestNormalizedSD checks the spread of recall minus accuracy.
func TestNormalizedSD(t *testing.T) {
	table, truth := mustNew(t, spec())
	for c := range 5 {
		r, all := recalls(table, 1, c), recalls(table, 1, All)
		for k := range r {
			r[k] -= all[k]
		}
		_, sd := meanSD(r)
		want, _ := truth.MemberSD(1, c, true)
		if ratio := sd / want; math.Abs(ratio-1) > bound/math.Sqrt(2*300) {
			t.Errorf("class %d: sd %v, truth %v", c, sd, want)
		}
	}
}

// TestChanged compares the shares of flips within lineages, and between
// independent members, with the truth.
func TestChanged(t *testing.T) {
	table, truth := mustNew(t, spec())
	for _, v := range []int{1, 3} {
		lost, gained := flips(table, v)
		rw, wr, ok := truth.Changed(v, All)
		if !ok {
			t.Fatal("Changed is not known")
		}
		for what, x := range map[string]struct {
			got  []float64
			want float64
		}{"right to wrong": {lost, rw}, "wrong to right": {gained, wr}} {
			mean, sd := meanSD(x.got)
			if d := (mean - x.want) / (sd / math.Sqrt(300)); math.Abs(d) > bound {
				t.Errorf("variant %d %s: %v, truth %v (%.1f standard errors)", v, what, mean, x.want, d)
			}
		}
	}
}

// flips gives the share of examples that member k of variant v loses and gains
// against baseline member k.
func flips(table *prediction.Table, v int) (lost, gained []float64) {
	n := float64(table.Len())
	for k, m := range table.Variants[v].Members {
		l, g := 0, 0
		for i := range table.Len() {
			c := table.Labels.At(i)
			before, after := table.Variants[0].Members[k].Predicted.At(i) == c, m.Predicted.At(i) == c
			if before && !after {
				l++
			}
			if after && !before {
				g++
			}
		}
		lost, gained = append(lost, float64(l)/n), append(gained, float64(g)/n)
	}
	return lost, gained
}

// TestDeterministic: the same bytes at any number of threads, others with
// another seed.
func TestDeterministic(t *testing.T) {
	s := spec()
	for v := range s.Variants {
		s.Variants[v].Members = min(s.Variants[v].Members, 7)
		s.Variants[v].AccuracySD, s.Variants[v].Correlation = 0.01, 0.2
	}
	s.Clusters = 3
	s.Scores = AllScores
	print := func(seed uint64) []byte {
		s.Seed = seed
		table, _ := mustNew(t, s)
		var b bytes.Buffer
		for _, v := range table.Variants {
			for _, m := range v.Members {
				for i := range table.Len() {
					b.WriteByte(byte(m.Predicted.At(i)))
				}
				for _, c := range m.Confidence {
					b.WriteByte(byte(math.Float32bits(c)))
				}
			}
		}
		return b.Bytes()
	}
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	one := print(1)
	runtime.GOMAXPROCS(4)
	if !bytes.Equal(one, print(1)) {
		t.Error("tables differ with the number of threads")
	}
	if bytes.Equal(one, print(2)) {
		t.Error("tables do not depend on the seed")
	}
}

// TestScores: the answer has the highest score, and a row sums to one.
func TestScores(t *testing.T) {
	s := spec()
	s.Scores = AllScores
	s.Variants = s.Variants[:1]
	s.Variants[0].Members = 3
	for _, classes := range []int{5, 2} {
		s.Classes = Balanced(300, classes, 0.8)
		table, _ := mustNew(t, s)
		for _, m := range table.Variants[0].Members {
			row := make([]float32, classes)
			for i := range table.Len() {
				if err := m.Scores.Rows(i, row); err != nil {
					t.Fatal(err)
				}
				sum, best := 0.0, 0
				for c, v := range row {
					sum += float64(v)
					if v > row[best] {
						best = c
					}
				}
				if best != m.Predicted.At(i) || math.Abs(sum-1) > 1e-6 || row[best] != m.Confidence[i] || row[table.Labels.At(i)] != m.TrueScore[i] {
					t.Fatalf("example %d: row %v (label %d, answer %d, confidence %v, true score %v)",
						i, row, table.Labels.At(i), m.Predicted.At(i), m.Confidence[i], m.TrueScore[i])
				}
			}
		}
	}
}

// TestTable checks what is beside the answers.
func TestTable(t *testing.T) {
	table, truth := mustNew(t, Demo(1))
	if table.Len() != 5000 || len(table.Classes) != 10 || len(table.IDs) != 5000 || table.Join.ByPosition {
		t.Errorf("table of %d examples, %d classes, %d ids", table.Len(), len(table.Classes), len(table.IDs))
	}
	if got := table.Training.Attributes["light"]["night"]; got != 2400 || table.Training.Classes[5] != 450 {
		t.Errorf("training counts %+v", table.Training)
	}
	int8 := table.Variants[4]
	for k, m := range int8.Members {
		if m.Lineage != table.Variants[0].Members[k].Lineage {
			t.Errorf("member %d of int8 has lineage %s", k, m.Lineage)
		}
	}
	if table.Variants[1].Members[0].Lineage == table.Variants[0].Members[0].Lineage {
		t.Error("pruned members share a lineage with the baseline")
	}
	if len(table.Notes) != 1 || !strings.Contains(table.Notes[0], "simulated") {
		t.Errorf("notes %q do not say that predictions are simulated", table.Notes)
	}
	if e := truth.Planted(); len(e) != 6 || e[3] != (Effect{"pruned-90", "class", "chair", 0.05}) {
		t.Errorf("planted effects %v", e)
	}
	// Realistic votes: most examples are unanimous.
	unanimous := 0
	for i := range table.Len() {
		same := true
		for _, m := range table.Variants[0].Members[1:] {
			same = same && m.Predicted.At(i) == table.Variants[0].Members[0].Predicted.At(i)
		}
		if same {
			unanimous++
		}
	}
	if unanimous < 3000 || unanimous > 4700 {
		t.Errorf("%d of 5000 examples have unanimous votes, want most of them", unanimous)
	}
}

// TestRefused: bad specifications are refused with a message that names them.
func TestRefused(t *testing.T) {
	for want, change := range map[string]func(*Spec){
		"1 classes":           func(s *Spec) { s.Classes = s.Classes[:1] },
		"no variants":         func(s *Spec) { s.Variants = nil },
		"spread":              func(s *Spec) { s.Spread = 0 },
		"levels":              func(s *Spec) { s.Levels = 0 },
		"clusters":            func(s *Spec) { s.Clusters = 0 },
		"runner-up share":     func(s *Spec) { s.RunnerShare = math.NaN() },
		"class 0 (class-0)":   func(s *Spec) { s.Classes[0].Recall = 1 },
		"shares sum to":       func(s *Spec) { s.Attributes[0].Values[0].Share = 0.5 },
		"has share":           func(s *Spec) { s.Attributes[0].Values[0].Share = 0 },
		"members":             func(s *Spec) { s.Variants[1].Members = 0 },
		"paired with itself":  func(s *Spec) { s.Variants[0].Paired = true },
		"keeps the share":     func(s *Spec) { s.Variants[3].KeepShare = 2 },
		"accuracy sd -1":      func(s *Spec) { s.Variants[1].AccuracySD = -1 },
		"correlation 1":       func(s *Spec) { s.Variants[1].Correlation = 1 },
		"reshuffles":          func(s *Spec) { s.Variants[0].Reshuffle = 0.1 },
		"loss for class 9":    func(s *Spec) { s.Variants[1].ClassLoss[9] = 0.1 },
		"no group light = up": func(s *Spec) { s.Variants[1].GroupLoss[0] = GroupLoss{"light", "up", 0.1} },
		"outside (0, 1)":      func(s *Spec) { s.Variants[1].Loss = 0.95 },
		"cannot be had":       func(s *Spec) { s.Variants[1].AccuracySD = 0.6 },
		"no independent":      func(s *Spec) { s.Variants[1].AccuracySD, s.Variants[1].Correlation = 0.05, 0.995 },
		"kinds of examples":   func(s *Spec) { s.Levels, s.Clusters = 1<<15, 1<<15 },
	} {
		s := spec()
		change(&s)
		if _, _, err := New(s); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "planted: ") {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	_, truth := mustNew(t, spec())
	if _, err := truth.GroupChange(1, "light", "up"); err == nil {
		t.Error("a group that there is not has a change")
	}
}

func BenchmarkLarge(b *testing.B) {
	for b.Loop() {
		if _, _, err := New(Large(100_000, 1000, 10)); err != nil {
			b.Fatal(err)
		}
	}
}
