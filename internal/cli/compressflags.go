package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/compress/calibrate"
	"github.com/lethe-audit/lethe/compress/float16"
	"github.com/lethe-audit/lethe/compress/int4weights"
	"github.com/lethe-audit/lethe/compress/int8dynamic"
	"github.com/lethe-audit/lethe/compress/int8static"
	"github.com/lethe-audit/lethe/compress/magnitude"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// schemeFlags are the options of all schemes.
type schemeFlags struct {
	blockOps            []string
	perTensor           bool
	keepFirst, keepLast bool
	keep                []string
	calibration         string
	percentile          float64
	qoperator           bool
	equalize            bool
	biasCorrection      bool
	block               int
	global              bool
	dense               string
	recalibrate         bool
}

// defaultSchemeFlags are the schemes' own defaults.
func defaultSchemeFlags() schemeFlags {
	c := calibrate.DefaultOptions()
	return schemeFlags{
		blockOps: float16.DefaultOptions().Block, calibration: string(c.Method), percentile: c.Percentile,
		block: int4weights.DefaultOptions().Block, dense: string(magnitude.DefaultOptions(0).Dense),
	}
}

func (f *schemeFlags) add(c *cobra.Command) {
	*f = defaultSchemeFlags()
	s := c.Flags()
	s.StringSliceVar(&f.keep, "keep", nil, "leave these `LAYERS` as they are, by node name, separated by commas")
	s.BoolVar(&f.keepFirst, "keep-first", false, "int8-*, int4-weights: leave the first layer in float")
	s.BoolVar(&f.keepLast, "keep-last", false, "int8-*, int4-weights: leave the last layer in float")
	s.BoolVar(&f.perTensor, "per-tensor", false, "int8-*: one weight scale a layer instead of one an output channel")
	s.StringSliceVar(&f.blockOps, "block-ops", f.blockOps, "float16: `OPERATORS` that stay in float32")
	s.StringVar(&f.calibration, "calibration", f.calibration, "int8-static: how ranges are chosen: "+joined(calibrate.Methods()))
	s.Float64Var(&f.percentile, "percentile", f.percentile, "int8-static: `PERCENT` of values in range with --calibration percentile")
	s.BoolVar(&f.qoperator, "qoperator", false, "int8-static: write QLinearConv and its like instead of QuantizeLinear and DequantizeLinear")
	s.BoolVar(&f.equalize, "equalize", false, "int8-static: even out weight ranges across layers first")
	s.BoolVar(&f.biasCorrection, "bias-correction", false, "int8-static: correct biases for what rounding weights shifts")
	s.IntVar(&f.block, "block", f.block, "int4-weights: weights that share a scale")
	s.BoolVar(&f.global, "global", false, "sparsity: one threshold for all layers instead of the same share of each")
	s.StringVar(&f.dense, "prune-dense", f.dense, "sparsity: matrix products to prune: "+joined(magnitude.Denses())+" (inner: all but the last)")
	s.BoolVar(&f.recalibrate, "recalibrate", false, "sparsity: estimate batch normalization statistics anew, on --calibrate images")
	_ = c.RegisterFlagCompletionFunc("calibration", cobra.FixedCompletions(words(calibrate.Methods()), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("prune-dense", cobra.FixedCompletions(words(magnitude.Denses()), cobra.ShellCompDirectiveNoFileComp))
}

func words[T ~string](list []T) []string {
	var out []string
	for _, w := range list {
		out = append(out, string(w))
	}
	return out
}

func joined[T ~string](list []T) string { return strings.Join(words(list), ", ") }

// uses lists the schemes that a flag is for; nil for one that is for all.
func (f *schemeFlags) uses(flag string) []string {
	switch flag {
	case "keep-first", "keep-last":
		return []string{compress.Int8Dynamic, compress.Int8Static, compress.Int4Weights}
	case "per-tensor":
		return []string{compress.Int8Dynamic, compress.Int8Static}
	case "block-ops":
		return []string{compress.Float16}
	case "calibration", "percentile", "qoperator", "equalize", "bias-correction":
		return []string{compress.Int8Static}
	case "block":
		return []string{compress.Int4Weights}
	case "global", "prune-dense", "recalibrate":
		return []string{compress.Sparsity}
	}
	return nil
}

// check refuses flags that none of the schemes takes.
func (f *schemeFlags) check(set *pflag.FlagSet, specs []compress.Spec) error {
	var err error
	set.Visit(func(g *pflag.Flag) {
		want := f.uses(g.Name)
		if err == nil && want != nil && !slices.ContainsFunc(specs, func(s compress.Spec) bool { return slices.Contains(want, s.Scheme) }) {
			err = fmt.Errorf("--%s is for %s", g.Name, strings.Join(want, ", "))
		}
	})
	if err == nil && set.Changed("percentile") && f.calibration != string(calibrate.Percentile) {
		err = errors.New("--percentile goes with --calibration percentile")
	}
	return err
}

// scheme is the scheme of a spec with the options that the flags give it.
func (f *schemeFlags) scheme(s compress.Spec) (compress.Scheme, error) {
	switch s.Scheme {
	case compress.Float16:
		return float16.New(float16.Options{Block: f.blockOps, Keep: f.keep}), nil
	case compress.Int8Dynamic:
		return int8dynamic.New(int8dynamic.Options{PerTensor: f.perTensor, KeepFirst: f.keepFirst, KeepLast: f.keepLast, Keep: f.keep}), nil
	case compress.Int8Static:
		o := int8static.Options{
			Calibration: calibrate.Options{Method: calibrate.Method(f.calibration), Percentile: f.percentile},
			PerTensor:   f.perTensor, QOperator: f.qoperator, KeepFirst: f.keepFirst, KeepLast: f.keepLast, Keep: f.keep,
			Equalize: f.equalize, BiasCorrection: f.biasCorrection,
		}
		if err := o.Calibration.Validate(); err != nil {
			return nil, err
		}
		return int8static.New(o), nil
	case compress.Int4Weights:
		return int4weights.New(int4weights.Options{Block: f.block, KeepFirst: f.keepFirst, KeepLast: f.keepLast, Keep: f.keep}), nil
	case compress.Sparsity:
		return magnitude.New(magnitude.Options{Sparsity: s.Sparsity, Pattern: s.Pattern, Global: f.global,
			Dense: magnitude.Dense(f.dense), Keep: f.keep, Recalibrate: f.recalibrate})
	}
	return nil, fmt.Errorf("%s: %w", s, compress.ErrSpec)
}
