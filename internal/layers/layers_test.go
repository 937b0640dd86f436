package layers

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/lethe-audit/lethe"

func match(pattern, pkg string) bool {
	if pattern == "..." || pattern == pkg {
		return true
	}
	if ok, _ := path.Match(pattern, pkg); ok {
		return true
	}
	base, ok := strings.CutSuffix(pattern, "/...")
	return ok && (pkg == base || strings.HasPrefix(pkg, base+"/"))
}

// allowed reports whether package from may import package to, and whether
// from has a rule at all.
func allowed(from, to string) (ok, known bool) {
	for _, r := range Rules() {
		if !match(r.From, from) {
			continue
		}
		for _, p := range strings.Fields(r.To) {
			if match(p, to) {
				return true, true
			}
		}
		return false, true
	}
	return false, false
}

// sourceFiles calls fn with every Go file of the module that is not a test,
// and its package's path inside the module.
func sourceFiles(t *testing.T, fn func(name, pkg string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			rel, err := filepath.Rel(root, filepath.Dir(name))
			if err != nil {
				return err
			}
			fn(name, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImports(t *testing.T) {
	seen := 0
	sourceFiles(t, func(name, from string) {
		seen++
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		if _, known := allowed(from, ""); !known {
			t.Errorf("%s: package has no rule in layers.Rules", from)
		}
		for _, s := range f.Imports {
			p, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			to, ours := strings.CutPrefix(p, module+"/")
			if !ours {
				continue
			}
			if ok, _ := allowed(from, to); !ok {
				t.Errorf("%s imports %s: not allowed by layers.Rules", from, to)
			}
		}
	})
	if seen < 10 {
		t.Fatalf("only %d files looked at: the walk is broken", seen)
	}
}

// The test itself must be able to fail.
func TestRulesRefuse(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{"audit/pie", "audit/slice"},    // siblings
		{"audit", "report"},             // backwards
		{"prediction", "audit"},         // backwards
		{"stat/ttest", "stat/interval"}, // leaves
		{"report/html", "audit"},        // past the waist
		{"cmd/lethe", "audit"},          // only internal/cli wires
	} {
		if ok, _ := allowed(c.from, c.to); ok {
			t.Errorf("%s may import %s, want refused", c.from, c.to)
		}
	}
}
