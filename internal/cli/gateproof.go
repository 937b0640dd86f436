package cli

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/prediction"
)

// proofs say, by variant, whether the model files of an audit show that something
// was compressed. Without model files there are none.
func (a *app) proofs(dir string) (map[string]gate.Proof, error) {
	if dir == "" {
		return nil, nil
	}
	facts, err := prediction.ReadFacts(filepath.Join(dir, predictionsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a stream alone, or an audit without a copy of its predictions
	}
	if err != nil {
		return nil, err
	}
	out := map[string]gate.Proof{}
	for _, v := range facts[1:] {
		if p := proofOf(facts[0].Facts, v.Facts); p != gate.Unknown {
			out[v.Name] = p
		}
	}
	return out, nil
}

// proofOf compares the weights of a variant's members with those of the baseline's.
// It is known only where every model file was at hand.
func proofOf(base, variant []*prediction.ModelFacts) gate.Proof {
	digests := map[string]bool{}
	smallest := 0.0
	for i, f := range base {
		bits, ok := weightBits(f)
		if !ok {
			return gate.Unknown
		}
		if digests[f.WeightsDigest] = f.WeightsDigest != ""; i == 0 || bits < smallest {
			smallest = bits
		}
	}
	same, compressed := true, true
	for _, f := range variant {
		bits, ok := weightBits(f)
		if !ok {
			return gate.Unknown
		}
		same = same && digests[f.WeightsDigest]
		compressed = compressed && bits < smallest
	}
	switch {
	case len(variant) == 0 || len(base) == 0:
		return gate.Unknown
	case same:
		return gate.SameWeights
	case compressed:
		return gate.Compressed
	}
	return gate.Uncompressed
}

// weightBits is the number of bits of the weights that are not zero.
func weightBits(f *prediction.ModelFacts) (bits float64, ok bool) {
	if f == nil || len(f.Layers) == 0 {
		return 0, false
	}
	for _, l := range f.Layers {
		if l.Bits == 0 {
			return 0, false
		}
		bits += float64(l.Parameters) * (1 - l.Sparsity) * float64(l.Bits)
	}
	return bits, true
}
