package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/prediction"
)

// plantedCorruption is the one that can cost the variant more.
const plantedCorruption = "motion_blur"

// simulatedCorruptions are simulated at severities 1 to simulatedSeverities.
func simulatedCorruptions() []string { return []string{plantedCorruption, "fog", "gaussian_noise"} }

const (
	simulatedSeverities = 2
	simulatedClasses    = 10
)

// probabilities are those of the baseline's right answers, the same for every seed:
// between .55 and .90 on clean data, and up to .30 less on shifted data. They leave
// room for every loss and for the members' spread, so that a loss is exactly what
// is planted.
func (r robustDesign) probabilities() [][]float64 {
	rng := rand.New(rand.NewPCG(77, 6))
	clean := make([]float64, r.examples)
	for i := range clean {
		clean[i] = 0.55 + 0.35*rng.Float64()
	}
	out := [][]float64{clean}
	for range simulatedCorruptions() {
		for severity := range simulatedSeverities {
			most := 0.1 + 0.2*float64(severity)
			right := make([]float64, r.examples)
			for i, p := range clean {
				right[i] = p - most*rng.Float64()
			}
			out = append(out, right)
		}
	}
	return out
}

// draws are one member's random numbers for one data set. It is right on an
// example whose probability, with the member's shift, is above the ease.
type draws struct {
	ease  []float64 // uniform in [0, 1)
	shift float64   // of the member's accuracy
}

// Shares of draws that are taken over.
const (
	sameImage  = 0.7 // of a member's draws for a clean image, under a corruption
	sameSource = 0.7 // of a member's deviation from its lineage's mean, that of the baseline
)

// member draws one member: its answers to a shifted image go with those to the
// clean one, and with those of its lineage's baseline (nil: it has none).
func (r *robustTests) member(rng *rand.Rand, base []draws) []draws {
	shifts := r.shifts(rng, base)
	out := make([]draws, len(r.right))
	for j := range out {
		ease := make([]float64, r.examples)
		for i := range ease {
			switch {
			case base != nil && rng.Float64() < r.keep:
				ease[i] = base[j].ease[i]
			case j > 0 && rng.Float64() < sameImage:
				ease[i] = out[0].ease[i]
			default:
				ease[i] = rng.Float64()
			}
		}
		out[j] = draws{ease, shifts[j]}
	}
	return out
}

// shifts are a member's deviations in accuracy: its ability, on all data, and one
// of its own for each corruption.
func (r *robustTests) shifts(rng *rand.Rand, base []draws) []float64 {
	normal := func() float64 { return r.sd * max(-3, min(3, rng.NormFloat64())) }
	ability := normal()
	out := []float64{ability}
	for range simulatedCorruptions() {
		own := ability + normal()
		for range simulatedSeverities {
			out = append(out, own)
		}
	}
	for j := range out {
		if base != nil {
			out[j] = sameSource*base[j].shift + (1-sameSource)*out[j]
		}
	}
	return out
}

// table draws the predictions of one seed.
func (r *robustTests) table(rng *rand.Rand) (*prediction.Table, error) {
	sets := make([]*prediction.Table, len(r.right))
	for j := range sets {
		sets[j] = r.empty()
	}
	for k := range r.members {
		base := r.member(rng, nil)
		r.answer(sets, 0, k, base)
		if r.keep == 0 {
			base = nil
		}
		r.answer(sets, 1, k, r.member(rng, base))
	}
	j := 0
	for _, corruption := range simulatedCorruptions() {
		for severity := range simulatedSeverities {
			shift, err := prediction.ParseShift(fmt.Sprintf("%s:%d", corruption, severity+1))
			if err != nil {
				return nil, err
			}
			j++
			if err := sets[0].AddShift(sets[j], shift); err != nil {
				return nil, err
			}
		}
	}
	return sets[0], nil
}

// answer fills in what a member says about every data set. Blur comes first after
// the clean data.
func (r *robustTests) answer(sets []*prediction.Table, variant, member int, d []draws) {
	for j, right := range r.right {
		loss := 0.0
		if variant == 1 {
			loss = r.loss
			if j >= 1 && j <= simulatedSeverities {
				loss += r.blur
			}
		}
		column := sets[j].Variants[variant].Members[member].Predicted
		for i, p := range right {
			label := i % simulatedClasses
			if d[j].ease[i] >= p+d[j].shift-loss {
				label = (label + 1) % simulatedClasses
			}
			column.Set(i, label)
		}
	}
}

// empty is a table for one data set without answers.
func (r *robustTests) empty() *prediction.Table {
	t := &prediction.Table{Labels: prediction.NewColumn(r.examples, simulatedClasses)}
	for c := range simulatedClasses {
		t.Classes = append(t.Classes, fmt.Sprintf("class-%d", c))
	}
	for i := range r.examples {
		t.Labels.Set(i, i%simulatedClasses)
	}
	for _, name := range []string{"dense", "compressed"} {
		v := prediction.Variant{Name: name, Kind: prediction.KindOther}
		for k := range r.members {
			m := prediction.Member{Name: fmt.Sprintf("m%d", k), Predicted: prediction.NewColumn(r.examples, simulatedClasses)}
			if r.keep > 0 {
				m.Lineage = fmt.Sprintf("l%d", k)
			}
			v.Members = append(v.Members, m)
		}
		t.Variants = append(t.Variants, v)
	}
	return t
}
