package components

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a variance cannot be stated. All but ErrSums are answers, to be
// reported as "not measurable".
var (
	ErrOneMember  = errors.New("components: one member has no member variance")
	ErrOneExample = errors.New("components: one example has no example variance")
	ErrNoSpread   = errors.New("components: no spread in the table")
	ErrSums       = errors.New("components: impossible sums")
)

// Covers says what is drawn anew in the replications that an interval is about.
type Covers uint8

const (
	Members  Covers = iota // other trainings, the same examples
	Examples               // other examples, the same members
	Both                   // other trainings and other examples
)

// String returns "members", "examples" or "members and examples".
func (c Covers) String() string {
	switch c {
	case Members:
		return "members"
	case Examples:
		return "examples"
	case Both:
		return "members and examples"
	}
	return fmt.Sprintf("Covers(%d)", uint8(c))
}

// Variance is the estimated variance of a mean and its degrees of freedom.
type Variance struct {
	V, DoF float64 // square of the unit of X; Satterthwaite's ν
}

// Components are the parts of the variance of one mean or difference of means.
// They come from the functions of this package only.
type Components struct {
	Mean    float64 // the estimate, in the unit of X
	A, B, E float64 // members, examples, interaction; each a variance of Mean

	members, examples, interaction []part // what A, B and E are sums of
}

// part is an independent mean square and its degrees of freedom. dof 0 marks
// a part that the table is too small to estimate.
type part struct{ v, dof float64 }

// Paired returns the components of the mean of one table: the differences
// between paired members, or the correctness of a single population.
func Paired(s Sums) (Components, error) {
	if err := s.check(); err != nil {
		return Components{}, err
	}
	return assemble(s.mean(), s.memberParts(), []part{s.examplePart(1)}, []part{s.interactionPart(1)}), nil
}

// Unpaired returns the components of the variant's mean minus the baseline's.
func Unpaired(p Pair) (Components, error) {
	if err := p.check(); err != nil {
		return Components{}, err
	}
	return assemble(p.Variant.mean()-p.Base.mean(),
		append(p.Base.memberParts(), p.Variant.memberParts()...),
		[]part{p.examplePart(1)},
		[]part{p.Base.interactionPart(1), p.Variant.interactionPart(1)}), nil
}

func assemble(mean float64, members, examples, interaction []part) Components {
	return Components{
		Mean: mean, A: sum(members), B: sum(examples), E: sum(interaction),
		members: members, examples: examples, interaction: interaction,
	}
}

func sum(parts []part) (v float64) {
	for _, p := range parts {
		v += p.v
	}
	return v
}

// memberParts returns A of the table's mean.
func (s Sums) memberParts() []part { return []part{memberPart(s.Rows, float64(s.N))} }

// memberPart returns the variance of the mean of rows[k]/unit over members.
func memberPart(rows []int64, unit float64) part {
	k := float64(len(rows))
	if k < 2 {
		return part{}
	}
	return part{v: value(spread(rows)) / (k * (k - 1)) / (unit * unit) / k, dof: k - 1}
}

// examplePart returns B times the square of the weight.
func (s Sums) examplePart(weight float64) part {
	k, n := float64(len(s.Rows)), float64(s.N)
	if n < 2 {
		return part{}
	}
	return part{v: weight * weight * value(s.betweenExamples()) / (n * (n - 1)) / (k * k) / n, dof: n - 1}
}

// examplePart returns B of the difference times the square of the weight.
func (p Pair) examplePart(weight float64) part {
	k, n := float64(p.Base.Members())*float64(p.Variant.Members()), float64(p.Base.N)
	if n < 2 {
		return part{}
	}
	return part{v: weight * weight * value(p.betweenExamples()) / (n * (n - 1)) / (k * k) / n, dof: n - 1}
}

// interactionPart returns E times the square of the weight.
func (s Sums) interactionPart(weight float64) part {
	k, n := float64(len(s.Rows)), float64(s.N)
	dof := (k - 1) * (n - 1)
	if dof == 0 {
		return part{}
	}
	return part{v: weight * weight * value(s.interaction()) / (n * k) / dof / (k * n), dof: dof}
}

// Members returns the variance over new members with the examples fixed.
func (c Components) Members() (Variance, error) {
	if unknown(c.members) {
		return Variance{}, ErrOneMember
	}
	return satterthwaite(c.A, c.members)
}

// Examples returns the variance over new examples with the members fixed.
func (c Components) Examples() (Variance, error) {
	if unknown(c.examples) {
		return Variance{}, ErrOneExample
	}
	return satterthwaite(c.B, c.examples)
}

// Both returns the variance over new members and new examples,
// max(A+B−E, A, B).
func (c Components) Both() (Variance, error) {
	switch {
	case unknown(c.members):
		return Variance{}, ErrOneMember
	case unknown(c.examples) || unknown(c.interaction):
		return Variance{}, ErrOneExample
	}
	return satterthwaite(max(c.A+c.B-c.E, c.A, c.B), c.members, c.examples, c.interaction)
}

// Variance returns the variance that covers what is asked for.
func (c Components) Variance(covers Covers) (Variance, error) {
	switch covers {
	case Members:
		return c.Members()
	case Examples:
		return c.Examples()
	case Both:
		return c.Both()
	}
	return Variance{}, fmt.Errorf("components: unknown coverage %v", covers)
}

// Interval returns the two-sided t interval of Mean. level is the confidence
// level, between 0 and 1.
func (c Components) Interval(level float64, covers Covers) (lo, hi float64, err error) {
	if !(level > 0 && level < 1) {
		return 0, 0, fmt.Errorf("components: confidence level %v is not between 0 and 1", level)
	}
	v, err := c.Variance(covers)
	if err != nil {
		return 0, 0, err
	}
	half := tail.StudentTQuantile((1-level)/2, v.DoF) * math.Sqrt(v.V)
	return c.Mean - half, c.Mean + half, nil
}

func unknown(parts []part) bool {
	for _, p := range parts {
		if p.dof == 0 {
			return true
		}
	}
	return false
}

// satterthwaite attaches degrees of freedom to the variance v that the parts
// of the given groups make up.
func satterthwaite(v float64, groups ...[]part) (Variance, error) {
	if v == 0 {
		return Variance{}, ErrNoSpread
	}
	var denominator float64
	fewest := math.Inf(1)
	for _, g := range groups {
		for _, p := range g {
			r := p.v / v // the ratio keeps tiny variances from underflowing
			denominator += r * r / p.dof
			fewest = min(fewest, p.dof)
		}
	}
	return Variance{V: v, DoF: max(1/denominator, fewest)}, nil
}
