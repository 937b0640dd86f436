package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The tables of doc/results.md that can be made of what is in the repository are
// what make results makes.
func TestResultsAreThoseOfTheBundle(t *testing.T) {
	dir := t.TempDir()
	command := func(name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Dir = "../.."
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	lethe := filepath.Join(dir, "lethe")
	command("go", "build", "-o", lethe, "./cmd/lethe")
	predictions := "examples/cifar10-resnet8/predictions"
	command(lethe, "audit", predictions, "--no-copy", "--quiet", "-o", filepath.Join(dir, "audit"))
	command(lethe, "audit", predictions, "--no-copy", "--quiet", "--paper", "-o", filepath.Join(dir, "paper"))
	a, err := load(filepath.Join(dir, "audit") + "," + filepath.Join(dir, "paper"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../doc/results.md")
	if err != nil {
		t.Fatal(err)
	}
	got, err := fill(doc, map[string]*audits{"cifar10-resnet8": a})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, doc) {
		want := strings.Split(string(doc), "\n")
		for i, l := range strings.Split(string(got), "\n") {
			if i >= len(want) || l != want[i] {
				t.Fatalf("doc/results.md is not what make results writes, first at line %d:\n%s", i+1, l)
			}
		}
		t.Fatal("doc/results.md has more lines than make results writes")
	}
}

// What is not a table stays; what is asked for wrongly is refused.
func TestFill(t *testing.T) {
	doc := "a\n<!-- x classes -->\nkept\n<!-- end -->\n<!-- a comment of more words -->\nb\n"
	got, err := fill([]byte(doc), nil)
	if err != nil || string(got) != doc {
		t.Errorf("a document without named experiments became %q, %v", got, err)
	}
	for text, want := range map[string]string{
		"<!-- x classes -->\n":               "line 1: no <!-- end -->",
		"\n<!-- x nothing -->\n<!-- end -->": `line 2: no table is called "nothing"`,
	} {
		if _, err := fill([]byte(text), map[string]*audits{"x": {}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
