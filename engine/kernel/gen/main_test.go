package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is checked in is what the generator writes, and nothing else claims to
// be generated.
func TestFilesAreCurrent(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not current: run go generate ./engine/kernel", name)
		}
	}
	names, err := filepath.Glob("../gen_*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, ok := files[filepath.Base(name)]; !ok && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s is not generated any more", name)
		}
	}
}
