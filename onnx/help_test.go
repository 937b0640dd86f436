package onnx

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readCSV reads a file of testdata as a header and rows.
func readCSV(t *testing.T, name string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all[1:] {
		row := map[string]string{}
		for i, h := range all[0] {
			row[h] = r[i]
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no rows", name)
	}
	return rows
}

// nodeOf makes a node; inputs and outputs are separated by spaces, "_" stands
// for one that is left out.
func nodeOf(op, inputs, outputs string, attrs ...*Attr) *Node {
	list := func(s string) []string {
		f := strings.Fields(s)
		for i := range f {
			if f[i] == "_" {
				f[i] = ""
			}
		}
		return f
	}
	return &Node{Op: op, Inputs: list(inputs), Outputs: list(outputs), Attrs: attrs}
}

// modelOf makes a model over input x, with output y and the given nodes.
func modelOf(opset int64, x TypeShape, inits []*Tensor, nodes ...*Node) *Model {
	return &Model{IRVersion: 8, Opsets: []Opset{{"", opset}}, Graph: &Graph{
		Name: "g", Nodes: nodes, Initializers: inits,
		Inputs:  []*ValueInfo{{Name: "x", Type: x}},
		Outputs: []*ValueInfo{{Name: "y"}},
	}}
}

func floats(t testing.TB, name string, dims ...int64) *Tensor {
	t.Helper()
	n, _ := elements(dims)
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i + 1)
	}
	return must(TensorOf(name, v, dims...))(t)
}

func ints(t testing.TB, name string, v ...int64) *Tensor {
	t.Helper()
	return must(TensorOf(name, v, int64(len(v))))(t)
}

// must fails the test on an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantError fails unless err is an *Error of a reason whose text has all parts.
func wantError(t testing.TB, err error, reason error, parts ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, reason) {
		t.Fatalf("error %v, want one with reason %v", err, reason)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}
