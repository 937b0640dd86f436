package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Status is what verification says of one file.
type Status string

// The statuses. Absent is no failure for inputs, which need not be kept.
const (
	Matches Status = "ok"
	Differs Status = "differs"
	Missing Status = "missing"     // a file of the audit is gone
	Extra   Status = "not listed"  // the audit holds a file that the manifest does not
	Absent  Status = "not at hand" // an input or a model was not found
	Changed Status = "disagrees"   // the manifest and the findings disagree
)

// Checked is one thing that was verified.
type Checked struct {
	What   string `json:"what"` // "file", "input", "model", "configuration", "predictions"
	Name   string `json:"name"`
	Status Status `json:"status"`
	Want   string `json:"want,omitempty"`
	Got    string `json:"got,omitempty"`
}

// Bad reports whether it speaks against the evidence.
func (c *Checked) Bad() bool { return c.Status != Matches && c.Status != Absent }

// Verify checks an audit directory against its manifest: every file, no file
// beside them, the configuration, the members and the inputs that findings.jsonl
// names, and each input that is still at its path. It returns an error only when
// it cannot check.
func (m *Manifest) Verify(dir string) ([]Checked, error) {
	out, err := m.verifyFiles(dir)
	if err != nil {
		return nil, err
	}
	out = append(out, m.verifyStream(dir)...)
	for i := range m.Inputs {
		c, err := verifyFile("input", m.Inputs[i].Path, &m.Inputs[i])
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (m *Manifest) verifyFiles(dir string) ([]Checked, error) {
	var out []Checked
	there, err := filesOf(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]*File{}
	for i := range there {
		found[there[i].Path] = &there[i]
	}
	for _, f := range m.Files {
		c := Checked{What: "file", Name: f.Path, Status: Matches, Want: f.Digest}
		switch now := found[f.Path]; {
		case now == nil:
			c.Status = Missing
		case now.Digest != f.Digest || now.Bytes != f.Bytes:
			c.Status, c.Got = Differs, now.Digest
		}
		delete(found, f.Path)
		out = append(out, c)
	}
	for _, f := range there {
		if found[f.Path] != nil {
			out = append(out, Checked{What: "file", Name: f.Path, Status: Extra, Got: f.Digest})
		}
	}
	return out, nil
}

// verifyStream compares what the manifest says of the audit with what its
// findings say.
func (m *Manifest) verifyStream(dir string) []Checked {
	c := Checked{What: "configuration", Name: "findings.jsonl", Status: Matches, Want: m.Configuration}
	config, digest, err := configOf(filepath.Join(dir, "findings.jsonl"))
	if err != nil {
		c.Status, c.Got = Changed, err.Error()
		return []Checked{c}
	}
	if digest != m.Configuration || config.Tool != m.Tool {
		c.Status, c.Got = Changed, digest
	}
	out := []Checked{c}
	var members []Member
	for _, p := range config.Populations {
		for _, x := range p.Members {
			members = append(members, Member{Variant: p.Name, Name: x.Name, Predictions: x.Digest})
		}
	}
	same := slices.EqualFunc(members, m.Members, func(a, b Member) bool {
		return a.Variant == b.Variant && a.Name == b.Name && a.Predictions == b.Predictions
	})
	if !same {
		out = append(out, Checked{What: "predictions", Name: "members of findings.jsonl", Status: Changed})
	}
	sameInputs := len(config.Inputs) == len(m.Inputs)
	for i := range min(len(config.Inputs), len(m.Inputs)) {
		sameInputs = sameInputs && config.Inputs[i].Path == m.Inputs[i].Path && config.Inputs[i].Digest == m.Inputs[i].Digest
	}
	if !sameInputs {
		out = append(out, Checked{What: "input", Name: "inputs of findings.jsonl", Status: Changed})
	}
	return out
}

// VerifyGiven checks a file that somebody holds against the inputs and the models
// of the manifest: it must be one of them.
func (m *Manifest) VerifyGiven(name string) (Checked, error) {
	digest, _, err := DigestFile(name)
	if err != nil {
		return Checked{}, fmt.Errorf("evidence: %w", err)
	}
	for _, x := range m.Members {
		if x.Model == digest {
			return Checked{What: "model", Name: name + " is " + x.Variant + "/" + x.Name, Status: Matches, Want: digest}, nil
		}
	}
	for _, in := range m.Inputs {
		if in.Digest == digest {
			return Checked{What: "input", Name: name + " is " + in.Path, Status: Matches, Want: digest}, nil
		}
	}
	return Checked{What: "file", Name: name, Status: Extra, Got: digest}, nil
}

// verifyFile checks one input where it was read from.
func verifyFile(what, name string, want *File) (Checked, error) {
	c := Checked{What: what, Name: want.Path, Status: Matches, Want: want.Digest}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		c.Status = Absent
		return c, nil
	}
	digest, _, err := DigestFile(name)
	if err != nil {
		return c, fmt.Errorf("evidence: %w", err)
	}
	if digest != want.Digest {
		c.Status, c.Got = Differs, digest
	}
	return c, nil
}
