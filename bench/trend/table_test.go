package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/realdata"
)

// falling is a corruption of 200 images with one rise, from severity 3 to 4.
func falling() row {
	return row{Name: "fog", Images: 200,
		Right:  [6]int{160, 150, 140, 120, 126, 100},
		Gained: [6]int{0, 5, 10, 2, 10, 0},
		Lost:   [6]int{0, 15, 20, 22, 4, 26}}
}

func TestSteps(t *testing.T) {
	r := falling()
	steps, err := r.steps()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{-0.05, -0.05, -0.1, 0.03, -0.13} {
		if math.Abs(steps[i].rise-want) > 1e-12 || steps[i].to != i+1 {
			t.Errorf("step %+v, want %v to %d", steps[i], want, i+1)
		}
	}
	ex, err := r.exceptions()
	if err != nil || len(ex) != 1 || ex[0].to != 4 {
		t.Fatalf("exceptions %+v, %v", ex, err)
	}
	// statsmodels 0.13.5 has no such interval; by Newcombe's formula for pairs in
	// NumPy with a = 116, b = 10, c = 4, d = 70: [-0.0077, 0.0676]
	if iv := ex[0].interval; math.Abs(iv.Low+0.0077) > 1e-4 || math.Abs(iv.High-0.0676) > 1e-4 {
		t.Errorf("interval [%.4f, %.4f]", iv.Low, iv.High)
	}
	// numpy.polyfit([1,2,3,4,5], [.75,.7,.6,.63,.5], 1)[0] = -0.057
	if s := r.slope(); math.Abs(s+0.057) > 1e-12 {
		t.Errorf("slope %v", s)
	}
	r.Gained[4] = 200
	if _, err := r.steps(); err == nil {
		t.Error("impossible counts were no error")
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := table(&b, []row{falling()}); err != nil {
		t.Fatal(err)
	}
	if want := "| fog | 80.0 | 75.0 | 70.0 | 60.0 | 63.0 | 50.0 | -5.7 | 3 to 4: +3.0 pp [-0.8, 6.8] |\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("table:\n%s\nwant the line\n%s", b.String(), want)
	}
	name := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(name, []byte("a\n"+beginMark+"\nold\n"+endMark+"\nz\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeDocument(name, "new\n"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(name); string(got) != "a\n"+beginMark+"\nnew\n"+endMark+"\nz\n" {
		t.Errorf("document:\n%s", got)
	}
	if err := os.WriteFile(name, []byte("no marks"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeDocument(name, "new\n"); err == nil {
		t.Error("a document without marks was no error")
	}
}

// TestRun: what is finished is not measured again, and a state of other images is
// refused.
func TestRun(t *testing.T) {
	model := realdata.Path(t, "models", "vnncomp21-cifar10-onnx", "resnet_4b.onnx")
	data := "cifar10:" + realdata.CIFARTest(t) + "?" + normalization + "&limit="
	state := filepath.Join(t.TempDir(), "state.json")
	runs := func(limit string) (string, string, error) {
		var out, log bytes.Buffer
		err := run(t.Context(), []string{"--model", model, "--data", data + limit, "--only", "saturate", "--state", state}, &out, &log)
		return out.String(), log.String(), err
	}
	out, log, err := runs("40")
	if err != nil || !strings.Contains(out, "| saturate |") || !strings.HasPrefix(log, "saturate ") {
		t.Fatalf("%v\n%s%s", err, out, log)
	}
	again, log, err := runs("40")
	if err != nil || again != out || log != "" {
		t.Errorf("again: %v\n%s%s", err, again, log)
	}
	if _, _, err := runs("30"); err == nil || !strings.Contains(err.Error(), "40 images of cifar10") {
		t.Errorf("a state of other images: %v", err)
	}
	for _, args := range [][]string{nil, {"--model", model}, {"--model", model, "--data", data + "4", "more"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%q was no error", args)
		}
	}
}
