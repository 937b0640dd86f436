package compression_test

import (
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/compression"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// layer is 100 weights.
func layer(name string, bits int, sparsity float64) prediction.LayerFacts {
	return prediction.LayerFacts{Name: name, Parameters: 100, Bits: bits, Sparsity: sparsity, MACs: 1000}
}

func facts(digest string, claim []string, layers ...prediction.LayerFacts) *prediction.ModelFacts {
	f := &prediction.ModelFacts{WeightsDigest: digest, Bytes: 1000, BytesZstd: 800, Parameters: 210, Layers: layers}
	if claim != nil {
		f.Claim = &prediction.Claim{Source: "base", Schemes: claim}
	}
	return f
}

// table has a baseline of two float layers and one variant.
func table(f ...*prediction.ModelFacts) *prediction.Table {
	t := audittest.Table(audittest.Spec{Examples: 60, Classes: 3, Members: []int{1, len(f)}, Confidence: true, Seed: 3})
	t.Variants[0].Members[0].Facts = facts("base", nil, layer("a", 32, 0), layer("b", 32, 0))
	for k := range f {
		t.Variants[1].Members[k].Facts = f[k]
	}
	return t
}

// A claim is found in the weights or voids the audit; the baseline's weights
// void it whatever is claimed.
func TestProof(t *testing.T) {
	for _, c := range []struct {
		what   string
		facts  []*prediction.ModelFacts
		reason finding.Reason // of a failed or unmeasured finding
		word   finding.Word
	}{
		{"int8 as claimed", []*prediction.ModelFacts{facts("x", []string{"int8-static"}, layer("a", 8, 0), layer("b", 32, 0))}, "", finding.CompressionFound},
		{"int8 claimed, float16 found", []*prediction.ModelFacts{facts("x", []string{"int8-static"}, layer("a", 16, 0), layer("b", 16, 0))}, finding.ClaimNotFound, ""},
		{"int4 claimed, int8 found", []*prediction.ModelFacts{facts("x", []string{"int4-weights"}, layer("a", 8, 0), layer("b", 8, 0))}, finding.ClaimNotFound, ""},
		{"float16 as claimed", []*prediction.ModelFacts{facts("x", []string{"float16"}, layer("a", 16, 0), layer("b", 16, 0))}, "", finding.CompressionFound},
		{"float16 claimed, nothing found", []*prediction.ModelFacts{facts("x", []string{"float16"}, layer("a", 32, 0), layer("b", 32, 0))}, finding.ClaimNotFound, ""},
		{"pruned as claimed, one layer left out", []*prediction.ModelFacts{facts("x", []string{"sparsity=0.7"}, layer("a", 32, 0.7), layer("b", 32, 0.01))}, "", finding.CompressionFound},
		{"pruned globally", []*prediction.ModelFacts{facts("x", []string{"sparsity=0.7"}, layer("a", 32, 0.9), layer("b", 32, 0.5))}, "", finding.CompressionFound},
		{"pruned to less than claimed", []*prediction.ModelFacts{facts("x", []string{"sparsity=0.7"}, layer("a", 32, 0.6), layer("b", 32, 0.6))}, finding.ClaimNotFound, ""},
		{"pruned and quantized", []*prediction.ModelFacts{facts("x", []string{"sparsity=0.5", "int8-static"}, layer("a", 8, 0.52), layer("b", 8, 0.51))}, "", finding.CompressionFound},
		{"the second of a chain is missing", []*prediction.ModelFacts{facts("x", []string{"sparsity=0.5", "int8-static"}, layer("a", 32, 0.52), layer("b", 32, 0.51))}, finding.ClaimNotFound, ""},
		{"nothing claimed, nothing found", []*prediction.ModelFacts{facts("x", nil, layer("a", 32, 0), layer("b", 32, 0))}, "", finding.NotCompressed},
		{"the baseline's weights", []*prediction.ModelFacts{facts("base", []string{"int8-static"}, layer("a", 32, 0), layer("b", 32, 0))}, finding.SameWeights, ""},
		{"one of two with the baseline's weights", []*prediction.ModelFacts{facts("x", nil, layer("a", 8, 0)), facts("base", nil, layer("a", 32, 0), layer("b", 32, 0))}, finding.SameWeights, ""},
		{"one of two without a file", []*prediction.ModelFacts{facts("x", nil, layer("a", 8, 0)), nil}, finding.NoModelFiles, finding.CannotSay},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := audittest.Run(t, compression.New(), table(c.facts...), audit.DefaultOptions()).Find(t, "compression/proof/pruned-1/overall")
			if f.Reason != c.reason || f.Word != c.word {
				t.Errorf("reason %q, word %q", f.Reason, f.Word)
			}
			if failed := c.reason == finding.ClaimNotFound || c.reason == finding.SameWeights; failed != (f.Outcome == finding.Failed) {
				t.Errorf("outcome %s", f.Outcome)
			}
			if f.Outcome == finding.Failed && len(f.Warnings) == 0 {
				t.Error("a failed finding says nothing")
			}
		})
	}
}

// A failed proof names both files and comes before everything else.
func TestFailedFirst(t *testing.T) {
	x := table(facts("base", nil, layer("a", 32, 0), layer("b", 32, 0)))
	x.Variants[0].Members[0].Name, x.Variants[1].Members[0].Name = "fp32.onnx", "int8.onnx"
	c := audittest.Run(t, compression.New(), x, audit.DefaultOptions())
	f := c.Findings[0]
	if f.Outcome != finding.Failed || !strings.Contains(f.Warnings[0].Text, "fp32.onnx") || !strings.Contains(f.Warnings[0].Text, "int8.onnx") {
		t.Errorf("first finding: %+v", f)
	}
}

func TestSizes(t *testing.T) {
	f := facts("x", nil, layer("a", 8, 0.5), layer("b", 32, 0))
	f.Bytes, f.BytesZstd = 500, 200
	share := 0.5
	f.CompressedParameters, f.CompressedMACs = &share, &share
	c := audittest.Run(t, compression.New(), table(f), audit.DefaultOptions())
	for question, want := range map[string]float64{"bytes": 0.5, "bytes-zstd": 0.25, "parameters": 0.5, "macs": 0.5, "sparsity": 0.25, "bits": 20, "proof": (50*8 + 100*32) / 6400.0} {
		if got := c.Find(t, "compression/"+question+"/pruned-1/overall"); *got.Estimate != want {
			t.Errorf("%s: %v, want %v", question, *got.Estimate, want)
		}
	}
	if rows := c.Get(t, "layers", "pruned-1").Rows; len(rows) != 2 || rows[0][5] != "yes" || rows[1][5] != "no" {
		t.Errorf("layers: %v", rows)
	}
}

// Predictions that came without model files have nothing to say of them.
func TestNoFacts(t *testing.T) {
	x := audittest.Table(audittest.Spec{Examples: 60, Classes: 3, Members: []int{1, 1}, Seed: 3})
	if c := audittest.Run(t, compression.New(), x, audit.DefaultOptions()); len(c.Findings)+len(c.Tables) != 0 {
		t.Errorf("%v", c.IDs())
	}
}
