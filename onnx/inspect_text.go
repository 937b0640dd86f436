package onnx

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteJSON writes the facts as indented JSON.
func (f *Facts) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(f)
}

// WriteText writes the facts for people. The same facts give the same bytes.
func (f *Facts) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) }
	row("file", clean(f.File))
	row("size", group(f.Bytes)+" bytes"+inFiles(len(f.Files)))
	if f.BytesZstd != nil {
		row("size after zstd", group(*f.BytesZstd)+" bytes")
	}
	row("format", fmt.Sprintf("ONNX IR %d, %s", f.IRVersion, f.opsetText()))
	if f.Producer != "" {
		row("producer", clean(f.Producer))
	}
	for _, v := range f.Inputs {
		row("input", v.text())
	}
	for _, v := range f.Outputs {
		row("output", v.text())
	}
	row("parameters", group(f.Parameters)+f.typesText())
	row("constants", group(f.ConstantBytes)+" bytes")
	row("MACs", orUnknown(f.MACs, group)+f.macInputText())
	row("layer weights", group(f.LayerWeights))
	row("  zero", orUnknown(f.ZeroShare, percent))
	row("  in 8 bits or less", orUnknown(f.QuantizedShare, percent))
	row("  bits per weight", orUnknown(f.BitsPerWeight, func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }))
	if f.CompressedParameters != nil {
		row("  compressed", percent(*f.CompressedParameters)+" of the parameters, "+orUnknown(f.CompressedMACs, percent)+" of the MACs")
	}
	row("weights digest", f.WeightsDigest)
	if len(f.UnknownOperators) > 0 {
		row("unknown operators", clean(strings.Join(f.UnknownOperators, ", ")))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := f.writeOperators(w); err != nil {
		return err
	}
	return f.writeLayers(w)
}

func (f *Facts) writeOperators(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\noperators")
	for _, o := range f.Operators {
		fmt.Fprintf(t, "%s\t  %s\n", group(int64(o.Count)), clean(o.Operator))
	}
	return t.Flush()
}

func (f *Facts) writeLayers(w io.Writer) error {
	if len(f.Layers) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nlayers")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  node\toperator\tweight\tstored as\tweights\tzero\tMACs")
	for _, l := range f.Layers {
		name, stored := "(computed)", ""
		if l.Weight != "" {
			name, stored = clean(l.Weight), TypeShape{Shape: MakeShape(l.Dims...)}.Shape.String()
			stored = l.Type + stored
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", clean(l.Node), l.Operator, name, stored,
			group(l.Weights), orUnknown(l.ZeroShare, percent), orUnknown(l.MACs, group))
	}
	return t.Flush()
}

func (v ValueFact) text() string { return clean(v.Name) + "  " + v.Type + v.Shape.String() }

func (f *Facts) opsetText() string {
	var parts []string
	for _, o := range f.Opsets {
		parts = append(parts, fmt.Sprintf("%s %d", clean(o.Domain), o.Version))
	}
	return "opset " + strings.Join(parts, ", ")
}

func (f *Facts) typesText() string {
	var parts []string
	for _, e := range f.ElementTypes {
		parts = append(parts, group(e.Parameters)+" "+e.Type)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func (f *Facts) macInputText() string {
	var parts []string
	for _, v := range f.MACInputs {
		parts = append(parts, v.Shape.String())
	}
	if f.MACs == nil || len(parts) == 0 {
		return ""
	}
	return " for input " + strings.Join(parts, ", ")
}

func inFiles(n int) string {
	if n <= 1 {
		return ""
	}
	return fmt.Sprintf(" in %d files", n)
}

// orUnknown formats a number that may not be there.
func orUnknown[T any](v *T, format func(T) string) string {
	if v == nil {
		return "unknown"
	}
	return format(*v)
}

// percent writes a share with two decimals; one that is not 0 or 1 never reads
// as 0 or 100 %.
func percent(v float64) string {
	switch p := v * 100; {
	case p > 0 && p < 0.005:
		return "< 0.01 %"
	case p < 100 && p >= 99.995:
		return "> 99.99 %"
	default:
		return strconv.FormatFloat(p, 'f', 2, 64) + " %"
	}
}

// group writes a whole number with thousands: "25,557,032".
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
