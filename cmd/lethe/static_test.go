package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// programHeaders builds the program for Linux and gives what its headers hold,
// and the libraries that it needs.
func programHeaders(t *testing.T, args ...string) (kinds []elf.ProgType, libraries []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lethe")
	c := exec.Command("go", append(append([]string{"build", "-o", path}, args...), ".")...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		kinds = append(kinds, p.Type)
	}
	if libraries, err = f.ImportedLibraries(); err != nil {
		t.Fatal(err)
	}
	return kinds, libraries
}

// The program is static: it names no interpreter and needs no library. The one
// that can load ONNX Runtime does name an interpreter, which shows that the
// test looks at the right place.
func TestStatic(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program twice")
	}
	kinds, libraries := programHeaders(t)
	if slices.Contains(kinds, elf.PT_INTERP) || slices.Contains(kinds, elf.PT_DYNAMIC) || len(libraries) > 0 {
		t.Errorf("the program is not static: %v, libraries %v", kinds, libraries)
	}
	if kinds, _ := programHeaders(t, "-tags", "ort"); !slices.Contains(kinds, elf.PT_INTERP) {
		t.Errorf("the program with ONNX Runtime names no interpreter: %v", kinds)
	}
}
