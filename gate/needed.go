package gate

import (
	"math"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/stat/tail"
)

// The most that is told: beyond it a number is no plan.
const (
	mostMembers  = 1000
	mostExamples = 1_000_000_000
	mostTimes    = 1_000_000.0 // times the examples at hand
)

// needed is how many members or examples would decide the sample if what was seen
// stays so: towards a pass at level alpha where the loss is below the margin, else
// towards a fail at level alphaFail. Nil where nothing is known to do.
func (s *sample) needed(r *Rule, alphaFail float64) *Needed {
	switch s.reason {
	case finding.TooFewExamples:
		return &Needed{Examples: max(r.MinN, s.n+1)}
	case finding.TooFewMembers:
		return &Needed{Members: 5}
	}
	if s.evidence == nil {
		return nil
	}
	alpha := r.Alpha
	if s.evidence.loss() > s.margin {
		alpha = alphaFail
	}
	var out Needed
	switch e := s.evidence.(type) {
	case unchanged:
		if s.margin > 0 && s.margin < 1 {
			out.Examples = examples(math.Log(alpha) / math.Log1p(-s.margin))
		}
	case pair:
		out.Examples = s.growPair(e, alpha)
	case spread:
		s.growSpread(e, alpha, &out)
	case skewed:
		s.growSpread(spread{e.Value, e.StdErr, e.DoF}, alpha, &out)
	case share:
		out.Examples = s.growNormal(e.loss(), clamp(e.floor)*(1-clamp(e.floor)), alpha)
	}
	if out.Members == 0 && out.Examples == 0 {
		return nil
	}
	return &out
}

// examples rounds a number of examples up to two significant digits; 0 where it is
// too many to plan.
func examples(n float64) int {
	if !(n > 0) || n > mostExamples {
		return 0
	}
	unit := math.Pow(10, math.Max(0, math.Floor(math.Log10(n))-1))
	return int(math.Ceil(n/unit-1e-9) * unit)
}

// growNormal is the number of examples at which a mean of the given variance is
// told from the margin.
func (s *sample) growNormal(loss, variance, alpha float64) int {
	gap := math.Abs(s.margin - loss)
	if gap == 0 {
		return 0
	}
	z := tail.NormalQuantile(alpha)
	return examples(variance * z * z / (gap * gap))
}

// growPair multiplies the cells until the bound decides.
func (s *sample) growPair(p pair, alpha float64) int {
	decided := func(times float64) bool {
		big := pair{finding.PairedCells{
			Both: grown(p.cells.Both, times), OnlyBase: grown(p.cells.OnlyBase, times),
			OnlyVariant: grown(p.cells.OnlyVariant, times), Neither: grown(p.cells.Neither, times),
		}, p.keep}
		low, high := big.limits(alpha)
		return high <= s.margin || low >= s.margin
	}
	lo, hi := 0.0, math.Log(math.Min(mostTimes, mostExamples/float64(s.n)))
	if hi <= 0 || !decided(math.Exp(hi)) {
		return 0
	}
	for range 20 { // two digits are told
		mid := (lo + hi) / 2
		if decided(math.Exp(mid)) {
			hi = mid
		} else {
			lo = mid
		}
	}
	n := examples(math.Exp(hi) * float64(s.n))
	for n > 0 && !decided(float64(n)/float64(s.n)) { // cells are whole: near the edge they jump
		n = examples(float64(n) + 1)
	}
	return n
}

func grown(count int64, times float64) int64 { return int64(math.Round(float64(count) * times)) }

// growSpread shrinks the part of the variance that more members, or more examples,
// would shrink.
func (s *sample) growSpread(e spread, alpha float64, out *Needed) {
	gap := math.Abs(s.margin - e.value)
	if gap == 0 {
		return
	}
	z := tail.NormalQuantile(alpha)
	target := gap / z * gap / z
	f, ev := s.found, s.found.Evidence
	shrinkMembers, shrinkExamples := 0.0, e.se*e.se
	switch {
	case s.covers == finding.Members:
		shrinkMembers, shrinkExamples = e.se*e.se, 0
	case s.covers == finding.Both && ev.VarMembers != nil && ev.VarExamples != nil:
		shrinkMembers, shrinkExamples = *ev.VarMembers, *ev.VarExamples
		if ev.VarResidual != nil { // counted in both
			shrinkMembers = math.Max(0, shrinkMembers-*ev.VarResidual)
		}
	}
	if times, ok := shrink(shrinkMembers, e.se*e.se-shrinkMembers, target); ok {
		if n := math.Ceil(times * float64(max(2, min(f.KBase, f.K)))); n <= mostMembers {
			out.Members = int(n)
		}
	}
	if times, ok := shrink(shrinkExamples, e.se*e.se-shrinkExamples, target); ok && times <= mostTimes {
		out.Examples = examples(times * float64(s.n))
	}
}

// shrink is by how much a part of the variance must be divided so that, with the
// part that stays, it meets the target.
func shrink(part, stays, target float64) (times float64, ok bool) {
	stays = math.Max(0, stays)
	if part <= 0 || target <= stays {
		return 0, false
	}
	return math.Max(1, part/(target-stays)), true
}
