package audit_test

import (
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/prediction"
)

// What model files say about compression.
func TestProof(t *testing.T) {
	member := func(digest string, sparsity float64, bits int) prediction.Member {
		return prediction.Member{Facts: &prediction.ModelFacts{WeightsDigest: digest, Layers: []prediction.LayerFacts{
			{Name: "conv", Parameters: 100, Sparsity: sparsity, Bits: bits}, {Name: "attention"},
		}}}
	}
	type list = []prediction.Member
	base := list{member("a", 0, 32), member("b", 0, 32)}
	for _, c := range []struct {
		what string
		v    list
		want audit.Proof
	}{
		{"int8", list{member("c", 0, 8)}, audit.Compressed},
		{"pruned", list{member("c", 0.5, 32)}, audit.Compressed},
		{"retrained", list{member("c", 0, 32)}, audit.Uncompressed},
		{"one of two not compressed", list{member("c", 0, 8), member("d", 0, 32)}, audit.Uncompressed},
		{"the same weights", list{member("b", 0, 32)}, audit.SameWeights},
		{"one of two with the same weights", list{member("b", 0, 32), member("c", 0, 8)}, audit.SameWeights},
		{"no file", list{{}}, audit.NoProof},
		{"no layers", list{{Facts: &prediction.ModelFacts{WeightsDigest: "c"}}}, audit.NoProof},
		{"no members", nil, audit.NoProof},
	} {
		if got := audit.ProofOf(base, c.v); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	if got := audit.ProofOf(list{{}}, list{member("c", 0, 8)}); got != audit.NoProof {
		t.Errorf("a baseline without file: %v", got)
	}
}
