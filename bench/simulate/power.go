package main

import (
	"github.com/lethe-audit/lethe/audit/recall"
	"github.com/lethe-audit/lethe/stat/power"
)

// welchPower predicts the power of Welch's test from the members' true standard
// deviations. Where they are not known in closed form (members with abilities)
// nothing is predicted.
func welchPower(c *classTests) func(string, int) (float64, bool) {
	return func(question string, class int) (float64, bool) {
		normalized := question == recall.DisproportionQuestion
		sd0, ok0 := c.truth.MemberSD(0, class, normalized)
		sd1, ok1 := c.truth.MemberSD(1, class, normalized)
		d := power.Welch{SD0: sd0, SD1: sd1, N0: c.spec.Variants[0].Members, N1: c.spec.Variants[1].Members}
		return predicted(d, c.effect(question, class), c.options.Alpha, ok0 && ok1)
	}
}

// pairedPower predicts the power of the paired test over lineages with one
// member on each side.
func pairedPower(c *classTests) func(string, int) (float64, bool) {
	return func(question string, class int) (float64, bool) {
		sd, ok := c.truth.LineageSD(1, class, question == recall.DisproportionQuestion)
		d := power.Paired{SD: sd, N: c.spec.Variants[0].Members}
		return predicted(d, c.effect(question, class), c.options.Alpha, ok && c.spec.Variants[1].Members == 1)
	}
}

// mcnemarPower predicts the power of the exact test from the true share of
// discordant examples; stat predicts none for the contrast.
func mcnemarPower(c *classTests) func(string, int) (float64, bool) {
	return func(question string, class int) (float64, bool) {
		if question != recall.HarmQuestion {
			return 0, false
		}
		lost, gained, ok := c.truth.Changed(1, class)
		d := power.McNemar{N: c.spec.Classes[class].Size, Discordance: lost + gained}
		return predicted(d, gained-lost, c.options.Alpha, ok)
	}
}

func predicted(d power.Design, effect, alpha float64, known bool) (float64, bool) {
	if !known || effect == 0 {
		return 0, false
	}
	p, err := d.Power(effect, alpha)
	return p, err == nil
}
