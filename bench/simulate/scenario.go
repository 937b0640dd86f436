package main

import (
	"context"
	"math"
)

// scenario is one specification and what must hold for it.
type scenario struct {
	Name  string // stable: keys the state file
	Mode  string // "welch", "paired", "mcnemar", "pie", "robust" or "gate"
	About string // what is planted, in a few words
	Make  func() (experiment, error)
}

// experiment draws and audits tables of one scenario.
type experiment interface {
	// Run audits the table of one seed and returns numbers by name.
	Run(ctx context.Context, seed uint64) (values, error)
	// Criteria judges the numbers of all seeds.
	Criteria(t tally, b bounds) []criterion
}

// values are the numbers that one seed gives. A number that a seed cannot
// give is left out.
type values map[string]float64

// sum is what is kept of one number over many seeds.
type sum struct {
	N      int     `json:"n"`
	Sum    float64 `json:"sum"`
	Square float64 `json:"square"`
}

// tally holds the sums of all numbers of a scenario.
type tally map[string]sum

func (t tally) add(v values) {
	for name, x := range v {
		s := t[name]
		t[name] = sum{s.N + 1, s.Sum + x, s.Square + x*x}
	}
}

func (t tally) merge(o tally) {
	for name, x := range o {
		s := t[name]
		t[name] = sum{s.N + x.N, s.Sum + x.Sum, s.Square + x.Square}
	}
}

// mean is the mean of a number over the seeds, with its Monte Carlo standard
// error; a number that no seed gave has a standard error of infinity.
func (t tally) mean(name string) (mean, se float64) {
	s := t[name]
	if s.N < 2 {
		return 0, math.Inf(1)
	}
	n := float64(s.N)
	return s.Sum / n, t.sd(name) / math.Sqrt(n)
}

// sd is the standard deviation of a number over the seeds.
func (t tally) sd(name string) float64 {
	s := t[name]
	n := float64(s.N)
	return math.Sqrt(math.Max(0, s.Square-s.Sum*s.Sum/n) / (n - 1))
}

// criterion is one line of the study's table.
type criterion struct {
	Part  string // "(i)" to "(v)" of the method's section 3.11, "" for a number that is only shown
	What  string
	Rule  string // in words, "" for a number that is only shown
	Value float64
	SE    float64 // Monte Carlo standard error
	Pass  bool
}

// bounds turn the method's criteria into limits. The study uses them as they
// are written; the short version, with few seeds, widens them by more standard
// errors, so that it fails when something is broken and not by chance.
type bounds struct {
	Seeds int
	Wide  float64 // standard errors added to every limit of the text; 0 in the study
}

// shareSE is the standard error of a share near p.
func (b bounds) shareSE(p float64) float64 { return math.Sqrt(p * (1 - p) / float64(b.Seeds)) }

// atMost judges a value that the text bounds from above.
func (b bounds) atMost(part, what, rule string, value, se, limit float64) criterion {
	return criterion{part, what, rule, value, se, se < math.Inf(1) && value <= limit+b.Wide*se}
}

// atLeast judges a value that the text bounds from below.
func (b bounds) atLeast(part, what, rule string, value, se, limit float64) criterion {
	return criterion{part, what, rule, value, se, se < math.Inf(1) && value >= limit-b.Wide*se}
}

// within judges a value that must be near another.
func (b bounds) within(part, what, rule string, value, se, want, width float64) criterion {
	return criterion{part, what, rule, value, se, se < math.Inf(1) && math.Abs(value-want) <= width+b.Wide*se}
}

// shown is a number without a verdict.
func shown(what string, value, se float64) criterion {
	return criterion{What: what, Value: value, SE: se, Pass: true}
}
