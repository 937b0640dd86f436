package magnitude

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/prune"
)

// Dense says which matrix products are pruned.
type Dense string

// The choices.
const (
	Inner Dense = "inner" // all but the last, which gives the classes
	None  Dense = "none"  // convolutions only
	All   Dense = "all"   // the last one too
)

// Denses lists the choices, the default first.
func Denses() []Dense { return []Dense{Inner, None, All} }

// Pattern24 keeps 2 of every 4 weights along the input channels.
const Pattern24 = "2:4"

// Options say what is pruned.
type Options struct {
	Sparsity float64 // share of weights that become zero, in [0, 1)
	// Pattern is Pattern24 or "": any weights. Sparsity is then 0.5.
	Pattern string
	// Global takes one threshold for all layers instead of one share.
	Global bool
	Dense  Dense
	// Keep names layers that are left alone.
	Keep []string
	// Recalibrate estimates batch normalization statistics anew, on calibration
	// examples.
	Recalibrate bool
}

// DefaultOptions remove a share of each layer's weights.
func DefaultOptions(sparsity float64) Options { return Options{Sparsity: sparsity, Dense: Inner} }

func (o Options) validate() error {
	if err := prune.Check(o.Sparsity); err != nil {
		return fmt.Errorf("%w: %w", compress.ErrSparsity, err)
	}
	switch {
	case o.Pattern != "" && o.Pattern != Pattern24:
		return fmt.Errorf("sparsity: pattern %q, want %q or none", o.Pattern, Pattern24)
	case o.Pattern != "" && o.Global:
		return fmt.Errorf("sparsity: a pattern has the same share everywhere and cannot be global")
	case !slices.Contains(Denses(), o.Dense):
		return fmt.Errorf("sparsity: dense layers %q, want one of %v", o.Dense, Denses())
	}
	return nil
}

func (o Options) text() map[string]string {
	scope := "layer"
	if o.Global {
		scope = "global"
	}
	out := map[string]string{"scope": scope, "dense": string(o.Dense), "recalibrate": strconv.FormatBool(o.Recalibrate),
		"keep": strings.Join(slices.Sorted(slices.Values(o.Keep)), ",")}
	if o.Pattern != "" {
		out["pattern"] = o.Pattern
	}
	return out
}
