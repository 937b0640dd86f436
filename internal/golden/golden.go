// Package golden compares what a test made with a file that holds what it must
// be. `go test -update` (make golden) rewrites the files; CI never does.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// Updating reports whether the test runs with -update.
func Updating() bool { return *update }

// Equal fails the test if got is not the content of testdata/name. It shows
// the first line that differs.
func Equal(t testing.TB, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if line, w, g := Difference(want, got); line > 0 {
		t.Errorf("%s differs at line %d\nwant: %s\n got: %s\n(go test -update rewrites it)", file, line, w, g)
	}
}

// Difference is the first line, counted from 1, in which two texts differ, and
// that line of each; 0 where they are equal.
func Difference(want, got []byte) (line int, wantLine, gotLine string) {
	if bytes.Equal(want, got) {
		return 0, "", ""
	}
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range max(len(w), len(g)) {
		a, b := "(end)", "(end)"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b || i >= len(w) || i >= len(g) {
			return i + 1, a, b
		}
	}
	return 0, "", ""
}
