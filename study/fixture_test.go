package study

import (
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/lethe-audit/lethe/finding"
)

// audit is a made-up audit: classes with different numbers of PIEs.
func audit(classes, examples int, pieShare float64, seed uint64) (*finding.Config, []finding.ExampleRow) {
	rng := rand.New(rand.NewPCG(seed, 77))
	c := &finding.Config{
		Protocol: 1, Tool: "lethe test", Mode: "default", Examples: examples,
		Settings:    finding.Settings{Alpha: 0.05, FDR: "bh", Margin: 0.02, Level: 0.95, Ties: "lowest"},
		Populations: []finding.Population{{Name: "dense", Kind: "dense", Members: make([]finding.MemberInfo, 10)}, {Name: "int8", Kind: "quantized", Members: make([]finding.MemberInfo, 10)}, {Name: "pruned", Kind: "pruned", Members: make([]finding.MemberInfo, 10)}},
	}
	for i := range classes {
		c.Classes = append(c.Classes, fmt.Sprintf("class %d", i))
	}
	var rows []finding.ExampleRow
	for _, variant := range []string{"int8", "pruned"} {
		for i := range examples {
			class := rng.IntN(classes)
			// PIEs come from the first classes more often, and from small margins.
			pie := rng.Float64() < pieShare*2*float64(classes-class)/float64(classes+1)
			margin := float64(rng.IntN(11)) / 10
			if pie {
				margin = float64(rng.IntN(5)) / 10
			}
			r := finding.ExampleRow{ID: fmt.Sprintf("img/%05d", i), Row: int64(i), Variant: variant, Label: int32(class), PIE: pie, Margin: margin, BaseK: 10, VariantK: 10, Flip: finding.FlipNone}
			if pie {
				r.Flip, r.Certified = finding.FlipRightToWrong, rng.IntN(3) == 0
			}
			rows = append(rows, r)
		}
	}
	return c, rows
}

func each(rows []finding.ExampleRow) iter.Seq2[*finding.ExampleRow, error] {
	return func(yield func(*finding.ExampleRow, error) bool) {
		for i := range rows {
			if !yield(&rows[i], nil) {
				return
			}
		}
	}
}

func options(pairs, annotators, overlap int) Options {
	o := DefaultOptions()
	o.Variant, o.Pairs, o.Overlap = "int8", pairs, overlap
	for i := range annotators {
		o.Annotators = append(o.Annotators, fmt.Sprintf("person-%d", i))
	}
	return o
}
