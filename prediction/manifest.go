package prediction

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// SchemaVersion is the version of the directory that [Write] makes; [Read]
// knows it and every one before it.
//
//	1: manifest.json, examples.parquet, one Parquet file a member, scores in
//	   files of their own
const SchemaVersion = 1

// ManifestName is the file by which a directory of predictions is known.
const ManifestName = "manifest.json"

const schemaName = "lethe-predictions"

// manifest is manifest.json; doc/format/predictions.md describes it.
type manifest struct {
	Schema   string         `json:"schema"`
	Version  int            `json:"version"`
	Tool     string         `json:"tool,omitempty"`
	Classes  []string       `json:"classes"`
	Subset   []int          `json:"subset,omitempty"`
	Examples examplesEntry  `json:"examples"`
	Variants []variantEntry `json:"variants"`
	Training *TrainCounts   `json:"training,omitempty"`
	Shift    *Shift         `json:"shift,omitempty"`
	Shifts   []shiftEntry   `json:"shifts,omitempty"`
	Join     JoinReport     `json:"join"`
	Inputs   []Input        `json:"inputs,omitempty"`
	Notes    []string       `json:"notes,omitempty"`
}

// fileEntry is one Parquet file of the directory.
type fileEntry struct {
	File   string `json:"file"` // relative, with slashes
	Digest string `json:"digest"`
	Bytes  int64  `json:"bytes"`
}

type examplesEntry struct {
	fileEntry
	Rows       int              `json:"rows"`
	IDs        bool             `json:"ids"` // whether there is a column id
	Split      *attributeEntry  `json:"split,omitempty"`
	Attributes []attributeEntry `json:"attributes,omitempty"`
	Measures   []measureEntry   `json:"measures,omitempty"`
	People     *peopleEntry     `json:"people,omitempty"`
}

type measureEntry struct {
	Name   string `json:"name"`
	Column string `json:"column"`
}

type peopleEntry struct {
	Column string `json:"column"`
	Source string `json:"source,omitempty"`
}

type attributeEntry struct {
	Name   string   `json:"name"`
	Column string   `json:"column"`
	Values []string `json:"values"` // the dictionary in its order
}

type variantEntry struct {
	Name    string        `json:"name"`
	Kind    Kind          `json:"kind,omitempty"`
	Level   *float64      `json:"level,omitempty"`
	Members []memberEntry `json:"members"`

	Restored *Restored `json:"restored,omitempty"`
}

type memberEntry struct {
	Name    string            `json:"name"`
	Seed    *int64            `json:"seed,omitempty"`
	Lineage string            `json:"lineage,omitempty"`
	Config  map[string]string `json:"config,omitempty"`
	Facts   *ModelFacts       `json:"facts,omitempty"`
	fileEntry
	Content    string       `json:"predicted_digest"` // Column.Digest of the predicted classes
	Unmasked   bool         `json:"unmasked,omitempty"`
	Confidence bool         `json:"confidence,omitempty"`
	TrueScore  bool         `json:"true_score,omitempty"`
	TopK       int          `json:"top_k,omitempty"`
	Scores     *scoresEntry `json:"scores,omitempty"`
}

type scoresEntry struct {
	fileEntry
	Kind ScoreKind   `json:"kind"`
	Type ScoreFormat `json:"type"`
}

func (m *manifest) encode(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(m)
}

// readManifest reads and checks the manifest of a directory.
func readManifest(dir string) (*manifest, error) {
	name := filepath.Join(dir, ManifestName)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("prediction: %w", err)
	}
	m, err := decodeManifest(b)
	if err != nil {
		return nil, fmt.Errorf("prediction: %s: %w", name, err)
	}
	return m, nil
}

func decodeManifest(b []byte) (*manifest, error) {
	// The version comes first: another version may have other types.
	var head struct {
		Schema  string
		Version int
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, err
	}
	if head.Schema != schemaName {
		return nil, fmt.Errorf("want schema %q, got %q", schemaName, head.Schema)
	}
	if head.Version < 1 || head.Version > SchemaVersion {
		return nil, fmt.Errorf("want version 1 to %d, got %d: it was written by another release", SchemaVersion, head.Version)
	}
	m := new(manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, err
	}
	return m, m.check()
}

// check refuses what would make a reader go astray: files outside the
// directory, impossible numbers.
func (m *manifest) check() error {
	if m.Examples.Rows < 0 {
		return fmt.Errorf("examples: %d rows", m.Examples.Rows)
	}
	files := map[string]bool{}
	add := func(f fileEntry) error {
		switch {
		case f.File == "" || path.IsAbs(f.File) || strings.Contains(f.File, `\`) || !filepath.IsLocal(filepath.FromSlash(f.File)):
			return fmt.Errorf("file %q is not a name inside the directory", f.File)
		case files[f.File]:
			return fmt.Errorf("file %q is named twice", f.File)
		case !strings.HasPrefix(f.Digest, "sha256:") || len(f.Digest) != len("sha256:")+64:
			return fmt.Errorf("file %q: digest %q, want sha256: and 64 hex digits", f.File, f.Digest)
		}
		files[f.File] = true
		return nil
	}
	if err := add(m.Examples.fileEntry); err != nil {
		return err
	}
	for _, s := range m.Shifts {
		if err := add(fileEntry{File: s.Dir, Digest: s.Digest}); err != nil {
			return err
		}
		if err := s.Validate(); err != nil {
			return err
		}
	}
	if m.Shift != nil {
		if err := m.Shift.Validate(); err != nil {
			return err
		}
	}
	for _, v := range m.Variants {
		for _, e := range v.Members {
			if err := add(e.fileEntry); err != nil {
				return err
			}
			if e.TopK < 0 || e.TopK > len(m.Classes) {
				return fmt.Errorf("%s: top_k %d, there are %d classes", e.File, e.TopK, len(m.Classes))
			}
			if e.Scores == nil {
				continue
			}
			if err := add(e.Scores.fileEntry); err != nil {
				return err
			}
			if !e.Scores.Type.known() {
				return fmt.Errorf("%s: type %q, want float16 or float32", e.Scores.File, e.Scores.Type)
			}
		}
	}
	return nil
}

// IsDir reports whether dir holds a directory of predictions that [Write]
// made, of any version.
func IsDir(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if err != nil {
		return false
	}
	var head struct{ Schema string }
	return json.Unmarshal(b, &head) == nil && head.Schema == schemaName
}
