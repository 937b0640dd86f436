package onnx

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/internal/realdata"
)

// realModels are the models of ONNX's node tests, ONNX's light models and the
// CIFAR-10 ResNets of VNN-COMP 2021.
func realModels(t testing.TB) []string {
	t.Helper()
	var out []string
	for pattern, want := range map[string]int{
		filepath.Join(realdata.Path(t, "onnx-tests", "node"), "*", "model.onnx"):      167,
		filepath.Join(realdata.Path(t, "onnx-tests", "light"), "*.onnx"):              5,
		filepath.Join(realdata.Path(t, "models", "vnncomp21-cifar10-onnx"), "*.onnx"): 2,
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != want {
			t.Fatalf("%s: %d models, want %d", pattern, len(files), want)
		}
		out = append(out, files...)
	}
	slices.Sort(out)
	return out
}

// testName is the last part of a path that tells the models apart.
func testName(path string) string {
	if filepath.Base(path) == "model.onnx" {
		return filepath.Base(filepath.Dir(path))
	}
	return filepath.Base(path)
}

// load loads a model and closes it after the test.
func load(t testing.TB, path string) *Model {
	t.Helper()
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestLoadRealModels(t *testing.T) {
	for _, path := range realModels(t) {
		t.Run(testName(path), func(t *testing.T) {
			m := load(t, path)
			if u := Unknown(m); len(u) > 0 {
				t.Error(u[0])
			}
		})
	}
}
