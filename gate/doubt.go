package gate

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/finding"
)

// Proof is what the audit's check compression says of a variant's weights.
type Proof int

// The proofs. Where model files were not at hand, or the check did not run, it is
// Unknown. Weights that are the baseline's void the audit and are no proof.
const (
	Unknown      Proof = iota
	Compressed         // its weights are fewer or narrower than the baseline's
	Uncompressed       // its weights are as many and as wide as the baseline's
)

func proofOf(f *finding.Finding) Proof {
	switch f.Word {
	case finding.CompressionFound:
		return Compressed
	case finding.NotCompressed:
		return Uncompressed
	}
	return Unknown
}

// doubts are the reasons for which an audit cannot pass: always looked for, and no
// policy can turn them off.
func (a *Audit) doubts(p *Policy, variants []string) []Doubt {
	out := a.joinDoubts(p)
	out = append(out, a.sizeDoubts(p)...)
	if !a.ran("summary") {
		out = append(out, Doubt{"vacuity-unchecked", "", Undecided,
			"The audit left out its check summary, which looks for a baseline at chance and for a candidate that changed nothing; audit again with it."})
	}
	for _, f := range a.void {
		if f.Variant != "" && !slices.Contains(variants, f.Variant) {
			continue
		}
		d := Doubt{string(f.Reason), f.Variant, Fail, "The audit is void: " + string(f.Reason) + "."}
		if len(f.Warnings) > 0 {
			d.Code, d.Text = f.Warnings[0].Code, f.Warnings[0].Text
		}
		if d.Code == "identical" && a.proof[f.Variant] == Compressed {
			continue // the classes are equal and the weights are not: it was compressed, and changed no answer
		}
		out = append(out, d)
	}
	for _, v := range variants {
		out = append(out, a.variantDoubts(v, a.proof[v], out)...)
	}
	return out
}

// joinDoubts are about rows that did not find their example.
func (a *Audit) joinDoubts(p *Policy) []Doubt {
	j, joined := a.config.Join, a.config.Examples
	all := joined + j.Missing
	if all == 0 || float64(joined) >= p.MinJoined*float64(all) {
		return nil
	}
	return []Doubt{{"few-joined", "", Undecided, fmt.Sprintf(
		"Only %d of %d examples have a prediction of every model: what is missing may be what was forgotten. Give all predictions, or lower min_joined.", joined, all)}}
}

// sizeDoubts are about classes that all have too few examples.
func (a *Audit) sizeDoubts(p *Policy) []Doubt {
	least := p.Rules[0].MinN
	for _, r := range p.Rules {
		least = min(least, r.MinN)
	}
	least = max(least, a.config.Settings.MinN)
	for _, n := range a.config.ClassSizes {
		if n >= least {
			return nil
		}
	}
	return []Doubt{{"few-examples", "", Undecided, fmt.Sprintf("No class has the minimum of %d examples.", least)}}
}

// variantDoubts are about one candidate.
func (a *Audit) variantDoubts(variant string, proof Proof, have []Doubt) []Doubt {
	said := func(codes ...string) bool {
		return slices.ContainsFunc(have, func(d Doubt) bool { return d.Variant == variant && slices.Contains(codes, d.Code) })
	}
	base, p := &a.config.Populations[0], a.population(variant)
	var out []Doubt
	if proof != Compressed && !said("identical", "identical-scores") && samePredictions(base, p) {
		out = append(out, Doubt{"identical", variant, Fail, fmt.Sprintf(
			"Every member of %s predicts what a member of %s does on every example. Either nothing was compressed, or the wrong files were given.", variant, base.Name)})
	}
	switch {
	case proof == Uncompressed:
		out = append(out, Doubt{"not-compressed", variant, Fail, fmt.Sprintf("The model file of %s has as many non-zero weights, as wide, as that of %s: it was not compressed.", variant, base.Name)})
	case p.Kind == "pruned" && p.Level != nil && *p.Level == 0:
		out = append(out, Doubt{"not-compressed", variant, Fail, fmt.Sprintf("%s is said to be pruned to a sparsity of 0: it was not compressed.", variant)})
	}
	return out
}

func (a *Audit) population(variant string) *finding.Population {
	for i := range a.config.Populations {
		if p := &a.config.Populations[i]; p.Name == variant {
			return p
		}
	}
	return &finding.Population{Name: variant}
}

// samePredictions reports whether every member of p predicts exactly what some
// member of the baseline does, by the digests of their predictions.
func samePredictions(base, p *finding.Population) bool {
	digests := map[string]bool{}
	for _, m := range base.Members {
		digests[m.Digest] = m.Digest != ""
	}
	for _, m := range p.Members {
		if !digests[m.Digest] {
			return false
		}
	}
	return len(p.Members) > 0
}
