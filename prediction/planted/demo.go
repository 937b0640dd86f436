package planted

import (
	"math"

	"github.com/lethe-audit/lethe/prediction"
)

// Effect is one planted effect in words that need no specification.
type Effect struct {
	Variant string
	Scope   string  // "overall", "class" or "subgroup"
	Name    string  // class name, or "attribute=value"; "" overall
	Loss    float64 // planted loss of expected recall or accuracy, a share
}

// Planted lists the losses that were planted in the variants, in order; a
// variant without any is not in the list.
func (tr *Truth) Planted() []Effect {
	var out []Effect
	for t, v := range tr.w.spec.Variants {
		if t == 0 {
			continue
		}
		if v.Loss != 0 {
			out = append(out, Effect{v.Name, "overall", "", v.Loss})
		}
		for c, class := range tr.w.spec.Classes {
			if loss := v.ClassLoss[c]; loss != 0 {
				out = append(out, Effect{v.Name, "class", class.Name, loss})
			}
		}
		for _, g := range v.GroupLoss {
			out = append(out, Effect{v.Name, "subgroup", g.Attribute + "=" + g.Value, g.Loss})
		}
	}
	return out
}

// Demo is the table of the demonstration: 5,000 examples of ten classes with
// two attributes; ten dense members, three populations of ten pruned members
// trained independently, and the dense members quantized. Planted, beside a
// small loss of every pruned model: two harmed classes at 90 % sparsity, and
// one harmed subgroup. Quantization changes answers but harms nothing.
func Demo(seed uint64) Spec {
	s := DefaultSpec(5000, 10)
	s.Seed = seed
	s.Scores = AllScores
	names := []string{"apple", "bottle", "chair", "drum", "engine", "fern", "glove", "harp", "kettle", "lantern"}
	recalls := []float64{0.93, 0.91, 0.88, 0.92, 0.94, 0.85, 0.90, 0.89, 0.92, 0.87}
	for c := range s.Classes {
		s.Classes[c].Name, s.Classes[c].Recall = names[c], recalls[c]
		s.Classes[c].Train = int64(5000 * math.Pow(0.8, float64(c)))
	}
	s.Classes[5].Train = 450
	s.Attributes = []Attribute{
		{Name: "light", Values: []Value{{"day", 0.8, 18000}, {"night", 0.2, 2400}}},
		{Name: "device", Values: []Value{{"camera", 0.6, 12000}, {"phone", 0.4, 8400}}},
	}
	level := func(v float64) *float64 { return &v }
	s.Variants = []Variant{
		{Name: "dense", Kind: prediction.KindDense, Level: level(0), Members: 10, AccuracySD: 0.003,
			GroupLoss: []GroupLoss{{"light", "night", 0.03}}},
		{Name: "pruned-50", Kind: prediction.KindPruned, Level: level(0.5), Members: 10, AccuracySD: 0.003, Loss: 0.002, Sharpness: 1.05},
		{Name: "pruned-70", Kind: prediction.KindPruned, Level: level(0.7), Members: 10, AccuracySD: 0.003, Loss: 0.006, Sharpness: 1.1},
		{Name: "pruned-90", Kind: prediction.KindPruned, Level: level(0.9), Members: 10, AccuracySD: 0.003, Loss: 0.015, Sharpness: 1.2,
			ClassLoss: map[int]float64{2: 0.05, 5: 0.09}, GroupLoss: []GroupLoss{{"light", "night", 0.06}}},
		{Name: "int8", Kind: prediction.KindQuantized, Level: level(8), Members: 1, Paired: true, KeepShare: 0.97, AccuracySD: 0.003, Sharpness: 0.95},
	}
	return s
}

// Large is a table for measuring speed: a baseline and five variants of
// members models each, with losses that grow, class sizes and recalls with a
// long tail, and no ids. Sixty models are Large(n, classes, 10).
func Large(n, classes, members int) Spec {
	s := DefaultSpec(n, classes)
	s.Classes = LongTail(n, classes, 10, 0.95, 0.75)
	s.NoIDs, s.Spread = true, 3
	s.Variants = []Variant{{Name: "dense", Kind: prediction.KindDense, Members: members}}
	for j, name := range []string{"pruned-30", "pruned-50", "pruned-70", "pruned-90", "pruned-95"} {
		sparsity := []float64{0.3, 0.5, 0.7, 0.9, 0.95}[j]
		s.Variants = append(s.Variants, Variant{
			Name: name, Kind: prediction.KindPruned, Level: &sparsity, Members: members,
			Loss: 0.002 * float64(j), ClassLoss: map[int]float64{classes - 1: 0.01 * float64(j+1)},
		})
	}
	return s
}

// LongTail returns classes whose sizes fall geometrically from the first to
// the last, which is ratio times smaller, and add up to n; the baseline's
// recall falls with them in equal steps from head to tail. Training sizes are
// ten times the sizes.
func LongTail(n, classes int, ratio, head, tail float64) []Class {
	out := Balanced(n, classes, head)
	weight := func(c int) float64 { return math.Pow(ratio, -float64(c)/float64(max(1, classes-1))) }
	total := 0.0
	for c := range out {
		total += weight(c)
	}
	before, seen := 0, 0.0
	for c := range out {
		seen += weight(c)
		upTo := int(math.Round(float64(n) * seen / total))
		if c == classes-1 {
			upTo = n
		}
		out[c].Size = upTo - before
		out[c].Recall = head + (tail-head)*float64(c)/float64(max(1, classes-1))
		out[c].Train = int64(10 * out[c].Size)
		before = upTo
	}
	return out
}
