package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInspect runs lethe inspect on the model that package onnx tests with.
func TestInspect(t *testing.T) {
	model, err := filepath.Abs(filepath.Join("..", "..", "onnx", "testdata", "models", "view.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	code, out, errs := run(t, dir, "inspect", model)
	if code != ExitOK || errs != "" {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	// 3*3*3 multiply-accumulates for each of 8 x 16 x 16 outputs, 8 x 10 after them.
	for _, want := range []string{"float32[N, 3, 32, 32]", "y  float32[N, 10]", "55,376 for input [1, 3, 32, 32]", "GlobalAveragePool"} {
		if !strings.Contains(out, want) {
			t.Errorf("the text does not say %q:\n%s", want, out)
		}
	}
	code, out, errs = run(t, dir, "inspect", model, "--json", "--input", "x=2x3x32x32")
	var facts struct{ MACs, Parameters int64 }
	if err := json.Unmarshal([]byte(out), &facts); code != ExitOK || err != nil || facts.MACs != 2*55376 || facts.Parameters != 8*27+8*10+10 {
		t.Errorf("exit code %d, %v, %+v, %s", code, err, facts, errs)
	}
}

func TestInspectRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text.onnx"), []byte("no model"), 0o644); err != nil {
		t.Fatal(err)
	}
	model, err := filepath.Abs(filepath.Join("..", "..", "onnx", "testdata", "models", "view.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"text.onnx"}, "text.onnx: not a well-formed ONNX file"},
		{[]string{"none.onnx"}, "no such file"},
		{[]string{}, "See: lethe inspect --help"},
		{[]string{model, "--input", "1x3"}, "want NAME=1x3x224x224"},
		{[]string{model, "--input", "x=1xthree"}, `size "three"`},
		{[]string{model, "--input", "x=1x3x32x32", "--input", "x=1x3x64x64"}, "twice"},
		{[]string{model, "--input", "x=1x4x32x32"}, "4 channels"},
		{[]string{model, "--input", "image=1x4x32x32"}, "no such input"},
	} {
		code, out, errs := run(t, dir, append([]string{"inspect"}, c.args...)...)
		if code != ExitError || out != "" || !strings.Contains(errs, c.says) {
			t.Errorf("%q: exit code %d, printed %q, said %q; want code 2 and %q", c.args, code, out, errs, c.says)
		}
	}
}
