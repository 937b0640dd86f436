package compression

import (
	"fmt"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// proof says whether the weights of variant t show compression, and the one
// that its files claim.
func proof(v *audit.View, t int) finding.Finding {
	base, variant := v.Table.Baseline(), &v.Table.Variants[t]
	f := newFinding(v, t, "proof", "size of the weights that are not zero, relative to the baseline", finding.Ratio)
	if b, c := mean(base.Members, bits), mean(variant.Members, bits); b != nil && c != nil && *b > 0 {
		f.Estimate = finding.Float(*c / *b)
	}
	failed := func(r finding.Reason, code, text string) finding.Finding {
		f.Outcome, f.Reason, f.Word = finding.Failed, r, ""
		f.Warnings = append(f.Warnings, finding.Warning{Code: code, Text: text})
		return f
	}
	switch v.Proof(t) {
	case audit.NoProof:
		f.Outcome, f.Reason, f.Word = finding.NotMeasurable, finding.NoModelFiles, finding.CannotSay
		return f
	case audit.SameWeights:
		a, b := twins(v, t)
		return failed(finding.SameWeights, "same-weights", fmt.Sprintf("%s (%s) and %s (%s) hold the same weights: nothing was compressed.", a, base.Name, b, variant.Name))
	case audit.Uncompressed:
		f.Word = finding.NotCompressed
	default:
		f.Word = finding.CompressionFound
	}
	for i := range variant.Members {
		m := &variant.Members[i]
		if m.Facts.Claim == nil {
			continue
		}
		for _, scheme := range m.Facts.Claim.Schemes {
			if why := missing(scheme, m.Facts); why != "" {
				return failed(finding.ClaimNotFound, "claim-not-found", fmt.Sprintf("%s (%s) claims %s, and its weights do not show it: %s.", m.Name, variant.Name, scheme, why))
			}
		}
	}
	if f.Word == finding.NotCompressed {
		f.Warnings = append(f.Warnings, finding.Warning{Code: "not-compressed", Text: fmt.Sprintf("The weights of %s that are not zero take as many bits as those of %s: if it was meant to be compressed, it was not.", variant.Name, base.Name)})
	}
	return f
}

// bits is the size of the weights that are not zero.
func bits(f *prediction.ModelFacts) *float64 {
	if b, ok := audit.WeightBits(f); ok {
		return &b
	}
	return nil
}

// twins are a baseline member and a variant's member with the same weights.
func twins(v *audit.View, t int) (base, variant string) {
	for _, a := range v.Table.Baseline().Members {
		for _, b := range v.Table.Variants[t].Members {
			if a.Facts.WeightsDigest == b.Facts.WeightsDigest {
				return a.Name, b.Name
			}
		}
	}
	return "", ""
}
