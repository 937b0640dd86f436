package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// ManifestVersion is the version of evidence.json (doc/format/evidence.md).
//
//	1  first version
const ManifestVersion = 1

// ManifestName is the manifest's name in an audit directory.
const ManifestName = "evidence.json"

const manifestSchema = "lethe-evidence"

// Manifest says what an audit was made of, by SHA-256. Digests are "sha256:" and
// 64 hex digits.
type Manifest struct {
	Schema        string   `json:"schema"`
	Version       int      `json:"version"`
	Tool          string   `json:"tool"`
	Executable    string   `json:"executable,omitempty"` // digest of the program, where it could be read
	Configuration string   `json:"configuration"`        // digest of the first line of findings.jsonl
	Files         []File   `json:"files"`                // of the audit directory, sorted by path; paths have slashes
	Inputs        []File   `json:"inputs"`               // as the audit read them
	Members       []Member `json:"members"`
}

// File is one file.
type File struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Bytes  int64  `json:"bytes,omitempty"`
	Role   string `json:"role,omitempty"` // labels, predictions, ...
}

// Member is one model: its predictions and, where the file was at hand, itself.
type Member struct {
	Variant     string `json:"variant"`
	Name        string `json:"name"`
	Predictions string `json:"predictions"`       // digest of the predicted classes
	Model       string `json:"model,omitempty"`   // digest of the model's file
	Weights     string `json:"weights,omitempty"` // digest of its weights alone
}

// Models gives a manifest the digests that findings do not hold.
type Models func(variant, member string) (model, weights string)

// NewManifest describes the audit in dir. models may be nil. executable is the
// digest of the program, "" if unknown.
func NewManifest(dir, executable string, models Models) (*Manifest, error) {
	config, digest, err := configOf(filepath.Join(dir, "findings.jsonl"))
	if err != nil {
		return nil, err
	}
	m := &Manifest{Schema: manifestSchema, Version: ManifestVersion, Tool: config.Tool, Executable: executable, Configuration: digest, Inputs: []File{}}
	for _, in := range config.Inputs {
		m.Inputs = append(m.Inputs, File{Path: in.Path, Digest: in.Digest, Role: in.Role})
	}
	for _, p := range config.Populations {
		for _, x := range p.Members {
			e := Member{Variant: p.Name, Name: x.Name, Predictions: x.Digest}
			if models != nil {
				e.Model, e.Weights = models(p.Name, x.Name)
			}
			m.Members = append(m.Members, e)
		}
	}
	m.Files, err = filesOf(dir)
	return m, err
}

// Write stores the manifest in the audit directory.
func (m *Manifest) Write(dir string) error {
	return atomicfile.Write(filepath.Join(dir, ManifestName), func(w io.Writer) error { return encode(w, m) })
}

// ReadManifest reads the manifest of an audit directory.
func ReadManifest(dir string) (*Manifest, error) {
	name := filepath.Join(dir, ManifestName)
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	defer f.Close() // opened for reading: nothing is lost
	m, err := decodeManifest(f)
	if err != nil {
		return nil, fmt.Errorf("evidence: %s: %w", name, err)
	}
	return m, nil
}

func decodeManifest(r io.Reader) (*Manifest, error) {
	m := new(Manifest)
	if err := decode(r, manifestSchema, ManifestVersion, m); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		switch {
		case strings.Contains(f.Path, `\`) || !filepath.IsLocal(filepath.FromSlash(f.Path)) || f.Path == ManifestName:
			return nil, fmt.Errorf("file %q is not a name inside the directory", f.Path)
		case seen[f.Path]:
			return nil, fmt.Errorf("file %q is named twice", f.Path)
		}
		seen[f.Path] = true
	}
	if !seen["findings.jsonl"] {
		return nil, errors.New("want findings.jsonl among the files")
	}
	return m, nil
}

// DigestFile is the digest and the size of a file of any size.
func DigestFile(name string) (digest string, size int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close() // opened for reading: nothing is lost
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), size, nil
}

// beside are files that an audit directory may hold beside the audit: what
// people said of its examples (doc/format/marks.md), and who serves it.
func beside(rel string) bool {
	return rel == "marks.jsonl" || rel == "marks.jsonl.lock" || rel == "marks.jsonl.address"
}

// filesOf digests every file of the audit below dir, all but the manifest,
// sorted by path.
func filesOf(dir string) ([]File, error) {
	var out []File
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel == ManifestName || beside(rel) {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is not a plain file", path)
		}
		digest, size, err := DigestFile(path)
		out = append(out, File{Path: filepath.ToSlash(rel), Digest: digest, Bytes: size})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// configOf is the configuration of a stream and the digest of its line.
func configOf(name string) (*finding.Config, string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, "", fmt.Errorf("evidence: %w", err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	var m finding.Message
	if err := json.Unmarshal(line, &m); err != nil || m.Config == nil {
		return nil, "", fmt.Errorf("evidence: %s:1: want the configuration of an audit", name)
	}
	sum := sha256.Sum256(line)
	return m.Config, "sha256:" + hex.EncodeToString(sum[:]), nil
}
