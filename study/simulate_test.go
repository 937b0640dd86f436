package study

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/interval"
)

// person is a simulated annotator: how often they see a property that is there,
// and how often one that is not.
type person struct{ sees, imagines float64 }

// scenario is a simulated study. truth[q][g] is how frequent property q is among
// PIEs (0) and among the others (1) of class 0; it rises with the class by slope
// in both groups.
type scenario struct {
	name           string
	pairs, overlap int
	people         []person
	truth          [][2]float64
	slope          float64
	match          Match
}

// rate is how frequent a property is in a class.
func (c *scenario) rate(q, group, class, classes int) float64 {
	return min(1, c.truth[q][group]+c.slope*float64(class)/float64(classes))
}

// answerOf simulates the whole study: images get their properties, people
// answer independently of each other about what they see.
func (c *scenario) answers(s *Study, k *Key, rng *rand.Rand, classes int) []Sheet {
	has := make([][]bool, len(s.Images))
	for _, p := range k.Pairs {
		for group, image := range []int{p.PIE, p.Other} {
			for q := range c.truth {
				has[image] = append(has[image], rng.Float64() < c.rate(q, group, p.Class, classes))
			}
		}
	}
	sheets := make([]Sheet, len(s.Annotators))
	for a, who := range c.people {
		sheets[a] = Sheet{}
		for _, image := range s.Annotators[a].Images {
			for q := range c.truth {
				chance := who.imagines
				if has[image][q] {
					chance = who.sees
				}
				v := No
				if rng.Float64() < chance {
					v = Yes
				}
				sheets[a].set(image, q, len(c.truth), v)
			}
		}
	}
	return sheets
}

// expected is the share of yes that a group has in the long run: over classes as
// PIEs have them, and over people.
func (c *scenario) expected(q, group int, rows []finding.ExampleRow, classes int) float64 {
	sum, n := 0.0, 0.0
	for _, r := range rows {
		if r.Variant != "int8" || !r.PIE {
			continue
		}
		p := c.rate(q, group, int(r.Label), classes)
		for _, who := range c.people {
			sum += p*who.sees + (1-p)*who.imagines
			n++
		}
	}
	return sum / n
}

// tally is what a scenario came to.
type tally struct {
	shares, diffs, answers float64   // share of intervals that cover
	findings, anyFinding   float64   // share of properties, of studies, with a finding
	half, spread           float64   // mean half-width of the difference's interval, over 1.96 sd of the difference
	falseShare             float64   // mean share of findings that are false: no difference, or one of the other sign
	mean                   []float64 // of the differences
}

// simulate runs the whole of plan, answers and unblinding once a seed.
func simulate(t *testing.T, c *scenario, seeds int) *tally {
	t.Helper()
	const classes = 10
	config, rows := audit(classes, 4000, 0.1, 5)
	q := PaperQuestions()
	q.Questions = q.Questions[:len(c.truth)]
	out := &tally{mean: make([]float64, len(c.truth))}
	squares := make([]float64, len(c.truth))
	o := options(c.pairs, len(c.people), c.overlap)
	o.Match = c.match
	for seed := range seeds {
		o.Seed = uint64(seed)
		s, k, err := Draw(config, each(rows), q, o)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(uint64(seed), 4242))
		r, err := Unblind(s, k, c.answers(s, k, rng, classes), false)
		if err != nil {
			t.Fatal(err)
		}
		found, wrong := 0.0, 0.0
		for i := range r.Properties {
			p := &r.Properties[i]
			pie, other := c.expected(i, 0, rows, classes), c.expected(i, 1, rows, classes)
			unit := 1 / float64(seeds*len(c.truth))
			for _, g := range []struct {
				Group
				want float64
			}{{p.PIE, pie}, {p.Other, other}} {
				if g.Interval.Contains(g.want) {
					out.shares += unit / 2
				}
				// What counting answers instead of images would say.
				flat, err := interval.Wilson(int(math.Round(g.Share*float64(g.Answers))), g.Answers, 0.95)
				if err != nil {
					t.Fatal(err)
				}
				if flat.Contains(g.want) {
					out.answers += unit / 2
				}
			}
			if p.Interval.Contains(pie - other) {
				out.diffs += unit
			}
			if p.Tested && p.BH <= 0.05 {
				out.findings += unit
				found++
				if p.Difference*(pie-other) <= 0 {
					wrong++
				}
			}
			out.half += p.Interval.Width() / 2 * unit
			out.mean[i] += p.Difference / float64(seeds)
			squares[i] += p.Difference * p.Difference / float64(seeds)
		}
		if found > 0 {
			out.anyFinding += 1 / float64(seeds)
			out.falseShare += wrong / found / float64(seeds)
		}
	}
	for i := range squares {
		out.spread += 1.96 * math.Sqrt(max(0, squares[i]-out.mean[i]*out.mean[i])) / float64(len(squares))
	}
	return out
}

// careful, hasty and suspicious are simulated people.
var (
	careful    = person{0.97, 0.02}
	hasty      = person{0.75, 0.05}
	suspicious = person{0.95, 0.25}
)

func scenarios() (null, planted []scenario) {
	same := func(p ...float64) (out [][2]float64) {
		for _, v := range p {
			out = append(out, [2]float64{v, v})
		}
		return out
	}
	crowd := []person{careful, careful, hasty, suspicious, careful, hasty}
	effects := [][2]float64{{0.3, 0.1}, {0.2, 0.2}, {0.5, 0.3}, {0.05, 0.01}, {0.1, 0.1}, {0.2, 0.4}}
	null = []scenario{
		{"two people, both judge all", 100, 2, []person{careful, suspicious}, same(0.3, 0.2, 0.1, 0.05, 0.5, 0.02), 0.2, MatchClass},
		{"six people, three an image", 150, 3, crowd, same(0.3, 0.2, 0.1, 0.05, 0.5, 0.02), 0, MatchClass},
		{"one person", 60, 1, []person{careful}, same(0.3, 0.2, 0.1, 0.05, 0.5, 0.4), 0.2, MatchMargin},
	}
	planted = []scenario{
		{"two people, both judge all", 100, 2, []person{careful, suspicious}, effects, 0.2, MatchClass},
		{"six people, three an image", 150, 3, crowd, effects, 0, MatchClass},
		{"one person", 60, 1, []person{careful}, effects, 0.2, MatchMargin},
	}
	return null, planted
}

func seeds() int {
	if os.Getenv("LETHE_LONG") != "" {
		return 1000
	}
	return 200
}

// Criteria of the method, section 3.11: with no difference anywhere any finding
// in at most 6.4 % of studies; intervals that cover in at least 93.5 %, and are
// not uselessly wide (half-width at most 1.6 times 1.96 standard deviations).
// With fewer than 1,000 seeds the limits are four Monte Carlo standard errors
// wider than with so many.
func TestSimulation(t *testing.T) {
	n := seeds()
	wider := func(p float64, draws int) float64 {
		if n >= 1000 {
			return 0
		}
		return 4 * math.Sqrt(p*(1-p)/float64(draws))
	}
	null, planted := scenarios()
	for i, list := range [][]scenario{null, planted} {
		for _, c := range list {
			r := simulate(t, &c, n)
			kind := []string{"no difference", "planted"}[i]
			t.Logf("%-13s %-28s any finding %.3f, found %.3f, false %.3f, coverage: shares %.3f, differences %.3f (answers as units: %.3f), half-width %.2f of 1.96 sd",
				kind, c.name, r.anyFinding, r.findings, r.falseShare, r.shares, r.diffs, r.answers, r.half/r.spread)
			if i == 0 && r.anyFinding > 0.064+wider(0.064, n) {
				t.Errorf("%s, %s: any finding in %.3f of studies", kind, c.name, r.anyFinding)
			}
			limit := 0.935 - wider(0.935, n)
			if r.shares < limit || r.diffs < limit {
				t.Errorf("%s, %s: coverage %.3f of shares and %.3f of differences, want at least %.3f", kind, c.name, r.shares, r.diffs, limit)
			}
			if r.half > 1.6*r.spread {
				t.Errorf("%s, %s: half-width %.3f, 1.6 times 1.96 sd are %.3f", kind, c.name, r.half, 1.6*r.spread)
			}
			if i == 1 {
				recovers(t, &c, r, n)
			}
		}
	}
}

// recovers checks that differences are those that were planted, on average, and
// found where they are large.
func recovers(t *testing.T, c *scenario, r *tally, n int) {
	t.Helper()
	_, rows := audit(10, 4000, 0.1, 5)
	for q := range c.truth {
		want := c.expected(q, 0, rows, 10) - c.expected(q, 1, rows, 10)
		se := math.Sqrt(0.5 / float64(c.pairs) / float64(n)) // variance of a difference of two images is at most 1/2
		if math.Abs(r.mean[q]-want) > 4*se {
			t.Errorf("%s, property %d: mean difference %.4f, want %.4f", c.name, q, r.mean[q], want)
		}
	}
	if limit := 0.05 + 3*math.Sqrt(0.05*0.95/float64(n)); r.falseShare > limit {
		t.Errorf("%s: %.3f of findings are false, want at most %.3f", c.name, r.falseShare, limit)
	}
	if r.findings < 0.15 {
		t.Errorf("%s: only %.3f of properties found", c.name, r.findings)
	}
}

// Counting every answer as a unit of its own must fail the same criterion, or
// the simulation could not tell right from wrong.
func TestSimulationCanFail(t *testing.T) {
	careful := person{0.99, 0.01}
	c := scenario{"people who agree", 60, 4, []person{careful, careful, careful, careful}, [][2]float64{{0.3, 0.3}, {0.2, 0.2}}, 0, MatchClass}
	r := simulate(t, &c, 100)
	if r.answers > 0.85 {
		t.Errorf("answers as units cover in %.3f of cases: the criterion of .935 does not notice", r.answers)
	}
	if r.shares < 0.90 {
		t.Errorf("images as units cover in %.3f of cases", r.shares)
	}
}
