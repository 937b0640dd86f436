package power

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/tail"
)

// Reasons a power, effect or size cannot be given.
var (
	ErrTooFew      = errors.New("power: fewer than 2 members in a group")
	ErrNoSpread    = errors.New("power: standard deviation is not positive")
	ErrArgument    = errors.New("power: argument out of range")
	ErrUnreachable = errors.New("power: cannot be reached")
)

// MaxSize bounds the search for a size.
const MaxSize = 1_000_000_000

// Design is a planned test. Alpha is two-sided and power a probability; both lie in
// (0, 1), power above alpha.
type Design interface {
	// Power is the probability of P ≤ alpha at a true effect of either sign.
	Power(effect, alpha float64) (float64, error)
	// MinimumDetectableEffect is the smallest effect > 0 with at least this power.
	MinimumDetectableEffect(alpha, power float64) (float64, error)
	// SizeFor is a size at which the effect has at least this power, keeping all of
	// the design but its size: members (lineages) of each population, or examples.
	SizeFor(effect, alpha, power float64) (int, error)
}

// Paired is a paired (or one-sample) t-test.
type Paired struct {
	SD float64 // of the differences within a lineage, > 0, in the unit of the effect
	N  int     // lineages, ≥ 2
}

// Power is the power of the paired t-test.
func (d Paired) Power(effect, alpha float64) (float64, error) {
	if err := errors.Join(checkSD(d.SD), checkN(d.N), checkEffect(effect), checkAlpha(alpha)); err != nil {
		return 0, err
	}
	n := float64(d.N)
	return twoSided(effect/d.SD*math.Sqrt(n), n-1, alpha), nil
}

// MinimumDetectableEffect is in the unit of SD.
func (d Paired) MinimumDetectableEffect(alpha, power float64) (float64, error) {
	if err := errors.Join(checkSD(d.SD), checkN(d.N), checkTarget(alpha, power)); err != nil {
		return 0, err
	}
	n := float64(d.N)
	return noncentrality(n-1, alpha, power) * d.SD / math.Sqrt(n), nil
}

// SizeFor is the smallest number of lineages.
func (d Paired) SizeFor(effect, alpha, power float64) (int, error) {
	if err := checkSD(d.SD); err != nil {
		return 0, err
	}
	return smallest(2, effect, alpha, power, func(n int) (float64, error) {
		return Paired{d.SD, n}.Power(effect, alpha)
	})
}

// Welch is Welch's t-test of two independent populations.
type Welch struct {
	SD0, SD1 float64 // of the members, ≥ 0 and one of them > 0, in the unit of the effect
	N0, N1   int     // members, ≥ 2
}

func (d Welch) check() error {
	if d.SD0 < 0 || d.SD1 < 0 {
		return ErrNoSpread
	}
	return errors.Join(checkSD(math.Hypot(d.SD0, d.SD1)), checkN(min(d.N0, d.N1)))
}

// standardError returns the standard error of the difference and ν.
func (d Welch) standardError() (se, dof float64) {
	top := max(d.SD0, d.SD1)
	u, v := d.SD0/top*(d.SD0/top)/float64(d.N0), d.SD1/top*(d.SD1/top)/float64(d.N1)
	return top * math.Sqrt(u+v), (u + v) * (u + v) / (u*u/float64(d.N0-1) + v*v/float64(d.N1-1))
}

// Power is the power of Welch's test.
func (d Welch) Power(effect, alpha float64) (float64, error) {
	if err := errors.Join(d.check(), checkEffect(effect), checkAlpha(alpha)); err != nil {
		return 0, err
	}
	se, dof := d.standardError()
	return twoSided(effect/se, dof, alpha), nil
}

// MinimumDetectableEffect is in the unit of SD0 and SD1.
func (d Welch) MinimumDetectableEffect(alpha, power float64) (float64, error) {
	if err := errors.Join(d.check(), checkTarget(alpha, power)); err != nil {
		return 0, err
	}
	se, dof := d.standardError()
	return noncentrality(dof, alpha, power) * se, nil
}

// SizeFor is the smallest number of members that each of two populations of equal size
// needs; N0 and N1 do not matter.
func (d Welch) SizeFor(effect, alpha, power float64) (int, error) {
	d.N0, d.N1 = 2, 2
	if err := d.check(); err != nil {
		return 0, err
	}
	return smallest(2, effect, alpha, power, func(n int) (float64, error) {
		return Welch{d.SD0, d.SD1, n, n}.Power(effect, alpha)
	})
}

// twoSided is Pr(|T'| > c) at the two-sided critical value c of alpha.
func twoSided(ncp, dof, alpha float64) float64 {
	return beyond(tail.StudentTQuantile(alpha/2, dof), ncp, dof)
}

// beyond is Pr(|T'| > c).
func beyond(c, ncp, dof float64) float64 {
	if math.IsInf(c, 1) {
		return 0
	}
	ncp = math.Abs(ncp)
	if math.IsInf(ncp, 1) {
		return 1
	}
	return min(1, tail.NoncentralT(c, dof, ncp)+tail.NoncentralT(c, dof, -ncp))
}

// noncentrality is the ncp at which the two-sided test reaches the power.
func noncentrality(dof, alpha, power float64) float64 {
	c := tail.StudentTQuantile(alpha/2, dof)
	f := func(ncp float64) float64 { return beyond(c, ncp, dof) - power }
	// Were the variance known, the answer would be c + z: bracket from there.
	guess := max(0.1, c+tail.NormalQuantile(1-power))
	lo, hi := guess*0.9, guess*1.1
	for f(lo) > 0 {
		lo /= 2
	}
	for f(hi) < 0 {
		hi *= 2
	}
	return tail.Root(f, lo, hi)
}

// smallest is the smallest n ≥ least at which a power that grows with n reaches the
// target.
func smallest(least int, effect, alpha, power float64, at func(n int) (float64, error)) (int, error) {
	if err := errors.Join(checkEffect(effect), checkTarget(alpha, power)); err != nil {
		return 0, err
	}
	if effect == 0 {
		return 0, fmt.Errorf("%w: no size shows an effect of 0", ErrUnreachable)
	}
	lo, hi := least-1, least // power at lo is below the target, or lo is too small
	for {
		p, err := at(hi)
		if err != nil {
			return 0, err
		}
		if p >= power {
			break
		}
		if hi == MaxSize {
			return 0, fmt.Errorf("%w: needs more than %d", ErrUnreachable, MaxSize)
		}
		lo, hi = hi, min(2*hi, MaxSize)
	}
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		p, err := at(mid)
		if err != nil {
			return 0, err
		}
		if p >= power {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi, nil
}

func checkSD(sd float64) error {
	if !(sd > 0) || math.IsInf(sd, 1) {
		return ErrNoSpread
	}
	return nil
}

func checkN(n int) error {
	if n < 2 {
		return ErrTooFew
	}
	return nil
}

func checkEffect(effect float64) error {
	if math.IsNaN(effect) || math.IsInf(effect, 0) {
		return fmt.Errorf("%w: effect %v", ErrArgument, effect)
	}
	return nil
}

func checkAlpha(alpha float64) error {
	if !(alpha > 0 && alpha < 1) {
		return fmt.Errorf("%w: alpha %v outside (0, 1)", ErrArgument, alpha)
	}
	return nil
}

func checkTarget(alpha, power float64) error {
	if err := checkAlpha(alpha); err != nil {
		return err
	}
	if !(power > alpha && power < 1) {
		return fmt.Errorf("%w: power %v outside (alpha, 1)", ErrArgument, power)
	}
	return nil
}
