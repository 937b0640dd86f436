package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/onnx"
	"github.com/spf13/cobra"
)

// inspectOptions are the flags of lethe inspect.
type inspectOptions struct {
	json   bool
	inputs []string
}

func (a *app) newInspect() *cobra.Command {
	var o inspectOptions
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Print the facts of an ONNX model: size, operators, sparsity, bit widths",
		Long: `Inspect prints what a model is made of: inputs and outputs, operators with
counts, parameters, multiply-accumulate operations, size on disk, element types,
the share of zero weights of every layer, the share of weights that is really
stored in 8 bits or less, the share of parameters and operations in compressed
layers, the size after zstd, and a digest of the weights that does not depend on
names or storage.

Operations are counted for one image: an unknown batch is taken as 1. --input
gives other shapes. A number that cannot be said reads "unknown" (null in JSON).
` + exitHelp,
		Example: `  lethe inspect model.onnx
  lethe inspect model.onnx --json
  lethe inspect model.onnx --input images=1x3x224x224`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			return a.runInspect(list[0], &o)
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	c.Flags().StringArrayVar(&o.inputs, "input", nil, "shape of an input, `NAME=1x3x224x224` (repeatable)")
	return c
}

func (a *app) runInspect(path string, o *inspectOptions) (err error) {
	shapes, err := parseShapes(o.inputs)
	if err != nil {
		return errUsage{err, "lethe inspect"}
	}
	m, err := onnx.Load(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	facts, err := onnx.Inspect(m, shapes)
	if err != nil {
		return err
	}
	var files []string
	for _, f := range m.Files {
		files = append(files, f.Path)
	}
	_, packed, err := sizesOf(files...)
	if err != nil {
		return err
	}
	facts.BytesZstd, facts.CompressedParameters, facts.CompressedMACs = &packed, compressedOf(&facts, false), compressedOf(&facts, true)
	if o.json {
		return facts.WriteJSON(a.io.Out)
	}
	return facts.WriteText(a.io.Out)
}

// parseShapes reads shapes written NAME=1x3x224x224. Names may have "=" in
// them: the last one counts.
func parseShapes(list []string) (map[string]onnx.Shape, error) {
	shapes := map[string]onnx.Shape{}
	for _, s := range list {
		i := strings.LastIndex(s, "=")
		if i <= 0 {
			return nil, fmt.Errorf("--input %q, want NAME=1x3x224x224", s)
		}
		var sizes []int64
		for _, d := range strings.Split(s[i+1:], "x") {
			n, err := strconv.ParseInt(d, 10, 64)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("--input %q: size %q, want a whole number from 1", s, d)
			}
			sizes = append(sizes, n)
		}
		if _, twice := shapes[s[:i]]; twice {
			return nil, fmt.Errorf("--input names %q twice", s[:i])
		}
		shapes[s[:i]] = onnx.MakeShape(sizes...)
	}
	return shapes, nil
}
