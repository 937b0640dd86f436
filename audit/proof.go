package audit

import "github.com/lethe-audit/lethe/prediction"

// Proof is what model files say about a variant: whether something was
// compressed at all.
type Proof int

// The proofs. Without the files of every member it is NoProof.
const (
	NoProof      Proof = iota
	Compressed         // every member's weights are fewer or narrower than any baseline member's
	Uncompressed       // some member's weights are as many and as wide as the baseline's
	SameWeights        // some member's weights are those of a baseline member
)

// Proof compares the weights of variant t with the baseline's.
func (v *View) Proof(t int) Proof {
	return ProofOf(v.Table.Baseline().Members, v.Table.Variants[t].Members)
}

// ProofOf compares the weights of compressed members with those of a baseline's.
func ProofOf(base, variant []prediction.Member) Proof {
	digests := map[string]bool{}
	smallest := 0.0
	for i := range base {
		bits, ok := WeightBits(base[i].Facts)
		if !ok {
			return NoProof
		}
		d := base[i].Facts.WeightsDigest
		if digests[d] = d != ""; i == 0 || bits < smallest {
			smallest = bits
		}
	}
	if len(base) == 0 || len(variant) == 0 {
		return NoProof
	}
	proof := Compressed
	for i := range variant {
		bits, ok := WeightBits(variant[i].Facts)
		switch {
		case !ok:
			return NoProof
		case digests[variant[i].Facts.WeightsDigest]:
			proof = SameWeights
		case proof == Compressed && bits >= smallest:
			proof = Uncompressed
		}
	}
	return proof
}

// WeightBits is the number of bits of the weights of all layers that are not
// zero; ok is false where that is not known.
func WeightBits(f *prediction.ModelFacts) (bits float64, ok bool) {
	if f == nil || len(f.Layers) == 0 {
		return 0, false
	}
	for _, l := range f.Layers {
		if l.Parameters == 0 {
			continue // its weights are computed, as in attention
		}
		if l.Bits == 0 {
			return 0, false
		}
		bits += float64(l.Parameters) * (1 - l.Sparsity) * float64(l.Bits)
	}
	return bits, true
}
