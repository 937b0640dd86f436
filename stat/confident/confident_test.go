package confident

import (
	"bufio"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

type example struct {
	given int
	want  Verdict
	p     []float64
}

// references are the data sets of testdata/reference.csv (numpy; testdata/gen.py).
func references(t *testing.T) [][]example {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "reference.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var sets [][]example
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		var n []float64
		for s := range strings.SplitSeq(lines.Text(), ",") {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			n = append(n, v)
		}
		if int(n[0]) == len(sets) {
			sets = append(sets, nil)
		}
		e := example{int(n[1]), Verdict{int(n[2]), n[3] == 1, n[4]}, n[5:]}
		sets[len(sets)-1] = append(sets[len(sets)-1], e)
	}
	if err := lines.Err(); err != nil || len(sets) != 4 {
		t.Fatalf("%d data sets, %v", len(sets), err)
	}
	return sets
}

func learn(t *testing.T, set []example) *Thresholds {
	t.Helper()
	l := NewLearner(len(set[0].p))
	for _, e := range set {
		l.Add(e.given, e.p[e.given])
	}
	out, err := l.Thresholds()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReference(t *testing.T) {
	for s, set := range references(t) {
		th := learn(t, set)
		for i, e := range set {
			if got := th.Judge(e.given, e.p); got.Suggested != e.want.Suggested || got.Issue != e.want.Issue || math.Abs(got.Score-e.want.Score) > 1e-12 {
				t.Errorf("set %d, example %d: %+v, numpy says %+v", s, i, got, e.want)
			}
		}
	}
}

// TestByHand is worked out on paper. Label 0 has mean self-confidence
// (.9+.7+.2)/3 = .6, label 1 (.8+.6)/2 = .7. The third example gives .8 to class
// 1, above .7, while labelled 0: an issue with score (1+.8-.2)/2 = .8. The last
// one reaches no threshold.
func TestByHand(t *testing.T) {
	l := NewLearner(2)
	given := []int{0, 0, 0, 1, 1}
	p := [][]float64{{.9, .1}, {.7, .3}, {.2, .8}, {.2, .8}, {.4, .6}}
	for i := range p {
		l.Add(given[i], p[i][given[i]])
	}
	th, err := l.Thresholds()
	if err != nil {
		t.Fatal(err)
	}
	for class, want := range []float64{.6, .7} {
		if v, ok := th.Of(class); !ok || math.Abs(v-want) > 1e-15 {
			t.Errorf("threshold of class %d is %v, want %v", class, v, want)
		}
	}
	for i, want := range []Verdict{{1, false, .1}, {1, false, .3}, {1, true, .8}, {0, false, .2}, {0, false, .4}} {
		if got := th.Judge(given[i], p[i]); got.Suggested != want.Suggested || got.Issue != want.Issue || math.Abs(got.Score-want.Score) > 1e-12 {
			t.Errorf("example %d: %+v, want %+v", i, got, want)
		}
	}
}

// TestProperties: renaming the classes renames the verdicts, parts merged in order
// give the same thresholds, an issue never has a score of ½ or less, and a class
// without examples is never an issue's.
func TestProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for s, set := range references(t) {
		c := len(set[0].p)
		th := learn(t, set)
		rename := r.Perm(c)
		other := make([]example, len(set))
		for i, e := range set {
			q := make([]float64, c)
			for j, v := range e.p {
				q[rename[j]] = v
			}
			other[i] = example{given: rename[e.given], p: q}
		}
		renamed := learn(t, other)
		parts := NewLearner(c)
		for from := 0; from < len(set); from += 7 {
			l := NewLearner(c)
			for _, e := range set[from:min(from+7, len(set))] {
				l.Add(e.given, e.p[e.given])
			}
			parts.Merge(l)
		}
		merged, err := parts.Thresholds()
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range set {
			got, again := th.Judge(e.given, e.p), renamed.Judge(other[i].given, other[i].p)
			if again.Suggested != rename[got.Suggested] || again.Issue != got.Issue || math.Abs(again.Score-got.Score) > 1e-12 {
				t.Errorf("set %d, example %d: %+v, renamed %+v", s, i, got, again)
			}
			if got.Issue && got.Score <= .5 {
				t.Errorf("set %d, example %d: an issue with score %v", s, i, got.Score)
			}
			if _, ok := th.Of(got.Suggested); got.Issue && !ok {
				t.Errorf("set %d, example %d: class %d, which no example carries, is an issue's", s, i, got.Suggested)
			}
		}
		for j := range c {
			a, ok := th.Of(j)
			b, ok2 := merged.Of(j)
			if ok != ok2 || math.Abs(a-b) > 1e-12 {
				t.Errorf("set %d: threshold of class %d is %v, merged %v", s, j, a, b)
			}
		}
	}
}

// TestUnanimousVotes: where all models agree on everything but one label, that
// label alone is an issue.
func TestUnanimousVotes(t *testing.T) {
	l := NewLearner(3)
	given := []int{0, 0, 1, 1, 2, 2, 0}
	truth := []int{0, 0, 1, 1, 2, 2, 2}
	one := func(c int) []float64 { p := make([]float64, 3); p[c] = 1; return p }
	for i, c := range truth {
		l.Add(given[i], one(c)[given[i]])
	}
	th, err := l.Thresholds()
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range truth {
		v := th.Judge(given[i], one(c))
		if v.Issue != (given[i] != c) || v.Issue && (v.Suggested != 2 || v.Score != 1) || !v.Issue && v.Score != 0 {
			t.Errorf("example %d: %+v", i, v)
		}
	}
}

func TestNothing(t *testing.T) {
	if _, err := NewLearner(4).Thresholds(); !errors.Is(err, ErrNoExamples) {
		t.Errorf("error %v, want ErrNoExamples", err)
	}
}
