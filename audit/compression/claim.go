package compression

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// roundingSlack is how far a measured sparsity may be under the one that is
// claimed: the number of weights that stay is rounded layer by layer.
const roundingSlack = 0.005

// missing looks for one claimed scheme in the weights and says what is missing;
// "" where it is found. Schemes that leave no trace in the weights, and those
// that this program does not know, are not looked for.
func missing(scheme string, f *prediction.ModelFacts) string {
	name, value, _ := strings.Cut(scheme, "=")
	switch {
	case name == "float16":
		return noneAtMost(f, 16)
	case name == "int8-dynamic", name == "int8-static":
		return noneAtMost(f, 8)
	case name == "int4-weights":
		return noneAtMost(f, 4)
	case name == "sparsity":
		if value == "2:4" {
			return tooDense(f, 0.5)
		}
		if s, err := strconv.ParseFloat(value, 64); err == nil {
			return tooDense(f, s)
		}
	}
	return ""
}

// noneAtMost says that no layer's weights are stored in that many bits.
func noneAtMost(f *prediction.ModelFacts, bits int) string {
	narrowest := 0
	for _, l := range f.Layers {
		if l.Parameters == 0 || l.Bits == 0 {
			continue
		}
		if l.Bits <= bits {
			return ""
		}
		if narrowest == 0 || l.Bits < narrowest {
			narrowest = l.Bits
		}
	}
	if narrowest == 0 {
		return "no layer's weights can be read"
	}
	return fmt.Sprintf("no layer's weights have %d bits or fewer, the narrowest have %d", bits, narrowest)
}

// tooDense says that the layers that were pruned are not pruned to sparsity s.
// Pruned layers are those with at least half of it: others may have been left
// out, and trained weights are hardly ever zero.
func tooDense(f *prediction.ModelFacts, s float64) string {
	var zeros, all, highest float64
	for _, l := range f.Layers {
		highest = max(highest, l.Sparsity)
		if l.Parameters > 0 && l.Sparsity >= s/2 {
			zeros += l.Sparsity * float64(l.Parameters)
			all += float64(l.Parameters)
		}
	}
	switch {
	case s <= 0:
		return ""
	case all == 0:
		return fmt.Sprintf("no layer has a sparsity of more than %.3f", highest)
	case zeros/all < s-roundingSlack:
		return fmt.Sprintf("its pruned layers have a sparsity of %.3f", zeros/all)
	}
	return ""
}
