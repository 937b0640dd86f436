// Package power plans an audit: how many members and examples per class are needed
// to detect a loss, and to show that there is none beyond a margin, before anything
// is run.
//
// # Statistic
//
// Detection is a two-sided test of no loss: the paired t-test over K lineages with
// members, the exact McNemar test with one model on each side. Passing is the
// one-sided test that the loss is below the margin, at a true loss of 0. The members'
// differences in a class of n examples have the standard deviation
//
//	√(member² + ψ/n)
//
// where ψ is the share of answers that change between right and wrong, and member is
// the spread that no number of examples removes.
//
// # Assumes
//
// The churn ψ and the member spread stay as given. Both are guesses before a candidate
// exists: from two baseline members ψ is what two trainings alone change, which is
// more than a good quantization changes and so cautious. Each lineage changes other
// answers: where all of them change the same ones, more members help little, and only
// more examples do.
//
// # Units
//
// Shares: a loss of 0.02 is 2 percentage points. Power and alpha are probabilities.
//
// # Not measurable
//
// A size that no number reaches is nil, with the reason beside it.
package power

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/power"
	"github.com/lethe-audit/lethe/stat/tail"
)

// MaxMembers and MaxExamples bound what is looked for.
const (
	MaxMembers  = 10_000
	MaxExamples = 100_000_000
)

// Options say what a plan is for.
type Options struct {
	Drop         float64 // loss to detect, a share in (0, 1)
	Margin       float64 // loss that must be excluded to pass, a share in (0, 1)
	Alpha        float64 // two-sided for detection, one-sided for passing, in (0, 0.5)
	Power        float64 // above Alpha, below 1
	Members      int     // of each population; 1: one model on each side
	Churn        float64 // share of answers that change between right and wrong, in (0, 1]
	MemberSpread float64 // standard deviation of a lineage's true loss, a share, at least 0; unused with one member
}

// DefaultOptions detect and exclude 2 percentage points at 5 % with a power of 80 %
// where 5 % of the answers change, and members differ by half a point.
func DefaultOptions() Options {
	return Options{Drop: 0.02, Margin: 0.02, Alpha: 0.05, Power: 0.8, Members: 1, Churn: 0.05, MemberSpread: 0.005}
}

// Validate says which option is out of range.
func (o Options) Validate() error {
	switch {
	case !(o.Drop > 0 && o.Drop < 1):
		return fmt.Errorf("power: drop %v, want a share between 0 and 1 (0.02 is 2 percentage points)", o.Drop)
	case !(o.Margin > 0 && o.Margin < 1):
		return fmt.Errorf("power: margin %v, want a share between 0 and 1", o.Margin)
	case !(o.Alpha > 0 && o.Alpha < 0.5):
		return fmt.Errorf("power: alpha %v, want a level between 0 and 0.5", o.Alpha)
	case !(o.Power > o.Alpha && o.Power < 1):
		return fmt.Errorf("power: power %v, want a probability between alpha and 1", o.Power)
	case o.Members < 1 || o.Members > MaxMembers:
		return fmt.Errorf("power: %d members, want 1 to %d", o.Members, MaxMembers)
	case !(o.Churn > 0 && o.Churn <= 1):
		return fmt.Errorf("power: churn %v, want a share in (0, 1]", o.Churn)
	case !(o.MemberSpread >= 0 && o.MemberSpread < 1):
		return fmt.Errorf("power: spread of members %v, want a share from 0", o.MemberSpread)
	}
	return nil
}

// Group is a class or all examples together.
type Group struct {
	Name  string
	N     int
	Churn *float64 // its own churn, nil for that of the options
}

// Need is how much would do; a nil Members or Examples is out of reach.
type Need struct {
	Members  *int `json:"members"`  // of each population, at the group's examples
	Examples *int `json:"examples"` // of the group, at the members of the plan
}

// Row is the plan for one group.
type Row struct {
	Name        string   `json:"name"`
	N           int      `json:"n"`
	Churn       float64  `json:"churn"`
	DetectPower *float64 `json:"detect_power"` // probability of detecting Drop; nil where it cannot be computed
	MDE         *float64 `json:"mde"`          // smallest loss detected with the power; nil where none is
	Detect      Need     `json:"detect"`
	PassPower   float64  `json:"pass_power"` // probability of passing at the margin when nothing was lost
	CanPass     bool     `json:"can_pass"`   // PassPower reaches the power asked for
	Pass        Need     `json:"pass"`
	Why         string   `json:"why,omitempty"` // why something is out of reach
}

// Plan makes the rows of the groups, in order.
func Plan(groups []Group, o Options) ([]Row, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	rows := make([]Row, 0, len(groups))
	for _, g := range groups {
		if g.N < 1 {
			return nil, fmt.Errorf("power: %s has %d examples, want at least 1", g.Name, g.N)
		}
		psi := o.Churn
		if g.Churn != nil {
			psi = *g.Churn
		}
		if !(psi > 0 && psi <= 1) {
			return nil, fmt.Errorf("power: %s has churn %v, want a share in (0, 1]", g.Name, psi)
		}
		r := row{o: o, psi: psi, n: g.N}
		rows = append(rows, r.plan(g.Name))
	}
	return rows, nil
}

// row is one group under the options.
type row struct {
	o   Options
	psi float64
	n   int
}

func (r row) plan(name string) Row {
	out := Row{Name: name, N: r.n, Churn: r.psi}
	if p, err := r.detect(r.o.Members, r.n); err == nil {
		out.DetectPower = &p
	}
	if r.o.Drop > r.psi {
		out.Why = fmt.Sprintf("a loss of %.3g needs more churn than %.3g", r.o.Drop, r.psi)
	}
	if m, err := r.design(r.o.Members, r.n).MinimumDetectableEffect(r.o.Alpha, r.o.Power); err == nil && m <= r.psi {
		out.MDE = &m
	}
	out.Detect.Examples = least(1, MaxExamples, func(n int) bool { p, err := r.detect(r.o.Members, n); return err == nil && p >= r.o.Power })
	out.Detect.Members = least(2, MaxMembers, func(k int) bool { p, err := r.detect(k, r.n); return err == nil && p >= r.o.Power })
	out.PassPower = r.pass(r.o.Members, r.n)
	out.CanPass = out.PassPower >= r.o.Power
	out.Pass.Examples = least(1, MaxExamples, func(n int) bool { return r.pass(r.o.Members, n) >= r.o.Power })
	out.Pass.Members = least(2, MaxMembers, func(k int) bool { return r.pass(k, r.n) >= r.o.Power })
	return out
}

// sd is the standard deviation of a lineage's loss in n examples.
func (r row) sd(n int) float64 {
	return math.Sqrt(r.o.MemberSpread*r.o.MemberSpread + r.psi/float64(n))
}

func (r row) design(members, n int) power.Design {
	if members == 1 {
		return power.McNemar{N: n, Discordance: r.psi}
	}
	return power.Paired{SD: r.sd(n), N: members}
}

// detect is the probability of detecting the drop.
func (r row) detect(members, n int) (float64, error) {
	if r.o.Drop > r.psi {
		return 0, errors.New("power: more is lost than changes")
	}
	return r.design(members, n).Power(r.o.Drop, r.o.Alpha)
}

// pass is the probability of showing that the loss is below the margin when it is 0:
// of the one-sided test at alpha, with members a t-test over lineages, with one model
// on each side the normal bound over examples.
func (r row) pass(members, n int) float64 {
	if members == 1 {
		se := math.Sqrt(r.psi / float64(n))
		return tail.Normal(tail.NormalQuantile(r.o.Alpha) - r.o.Margin/se)
	}
	dof := float64(members - 1)
	ncp := r.o.Margin / (r.sd(n) / math.Sqrt(float64(members)))
	return tail.NoncentralT(tail.StudentTQuantile(r.o.Alpha, dof), dof, ncp)
}

// least is the smallest number in [from, most] at which a condition that stays true
// once it is holds, nil if none is.
func least(from, most int, ok func(int) bool) *int {
	lo, hi := from-1, from
	for !ok(hi) {
		if hi == most {
			return nil
		}
		lo, hi = hi, min(2*hi, most)
	}
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; ok(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return &hi
}
