package study

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// maxFile bounds what is read of study.json and key.json.
const maxFile = 256 << 20

// Write writes a plan as a new folder, whole or not at all. It fails with
// fs.ErrExist where dir is there already.
func Write(dir string, s *Study, k *Key) error {
	key, err := encode(k)
	if err != nil {
		return err
	}
	s.KeyDigest = digest(key)
	blind, err := encode(s)
	if err != nil {
		return err
	}
	return atomicfile.Dir(dir, false, func(tmp string) error {
		if err := os.Mkdir(filepath.Join(tmp, AnswersDir), 0o755); err != nil {
			return fmt.Errorf("study: %w", err)
		}
		return errors.Join(
			os.WriteFile(filepath.Join(tmp, StudyFile), blind, 0o644),
			os.WriteFile(filepath.Join(tmp, KeyFile), key, 0o600),
		)
	})
}

func encode(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return append(b, '\n'), nil
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// Open reads the blind part of the study in dir.
func Open(dir string) (*Study, error) {
	s, _, err := open(dir)
	return s, err
}

// open also gives the digest of study.json, which files of answers name.
func open(dir string) (*Study, string, error) {
	path := filepath.Join(dir, StudyFile)
	b, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("study: %s is no study: there is no %s in it; 'lethe study plan' makes one", dir, StudyFile)
	}
	if err != nil {
		return nil, "", err
	}
	var s Study
	if err := decode(path, b, &s); err != nil {
		return nil, "", err
	}
	if err := s.validate(); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return &s, digest(b), nil
}

// OpenKey reads the key of the study s in dir and checks that they belong
// together.
func OpenKey(dir string, s *Study) (*Key, error) {
	path := filepath.Join(dir, KeyFile)
	b, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("study: %s is not there; it was written beside %s and says which images are PIEs", path, StudyFile)
	}
	if err != nil {
		return nil, err
	}
	if got := digest(b); got != s.KeyDigest {
		return nil, fmt.Errorf("%s: it has digest %.15s… and the study was planned with %.15s…: it is another study's key, or was changed", path, got, s.KeyDigest)
	}
	var k Key
	if err := decode(path, b, &k); err != nil {
		return nil, err
	}
	if err := k.validate(s); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &k, nil
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: the file has %d bytes, want at most %d", path, info.Size(), int64(maxFile))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return b, nil
}

// decode reads one JSON object and shows where it is broken.
func decode(path string, b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s:%d: %w", path, 1+bytes.Count(b[:min(int(d.InputOffset()), len(b))], []byte{'\n'}), err)
	}
	return nil
}

func (s *Study) validate() error {
	switch {
	case s.Version < 1 || s.Version > Version:
		return fmt.Errorf("version is %d, this program knows 1 to %d", s.Version, Version)
	case len(s.Questionnaire.Questions) == 0 || len(s.Questionnaire.Languages) == 0:
		return errors.New("there are no questions")
	case len(s.Annotators) == 0:
		return errors.New("there are no annotators")
	}
	for _, q := range s.Questionnaire.Questions {
		if !questionID.MatchString(q.ID) {
			return fmt.Errorf("question id %q: want lower-case letters, digits and hyphens", q.ID)
		}
	}
	for _, a := range s.Annotators {
		if !annotatorName.MatchString(a.Name) {
			return fmt.Errorf("annotator %q: want letters, digits, dots, hyphens and underscores", a.Name)
		}
		seen := map[int]bool{}
		for _, i := range a.Images {
			if i < 0 || i >= len(s.Images) || seen[i] {
				return fmt.Errorf("annotator %s: image %d is listed twice or not there", a.Name, i)
			}
			seen[i] = true
		}
	}
	return nil
}

func (k *Key) validate(s *Study) error {
	if k.Version < 1 || k.Version > Version {
		return fmt.Errorf("version is %d, this program knows 1 to %d", k.Version, Version)
	}
	if len(k.Audit.Populations) != 2 {
		return fmt.Errorf("there are %d populations, want a baseline and a variant", len(k.Audit.Populations))
	}
	seen := map[int]bool{}
	for i, p := range k.Pairs {
		for _, at := range []int{p.PIE, p.Other} {
			if at < 0 || at >= len(s.Images) || seen[at] {
				return fmt.Errorf("pair %d: image %d is listed twice or not there", i, at)
			}
			seen[at] = true
		}
	}
	if len(seen) != len(s.Images) {
		return fmt.Errorf("the pairs hold %d of %d images", len(seen), len(s.Images))
	}
	return nil
}

// annotator is the place of a name in Study.Annotators, -1 if there is none.
func (s *Study) annotator(name string) int {
	for i, a := range s.Annotators {
		if a.Name == name {
			return i
		}
	}
	return -1
}

// question is the place of an id among the questions, -1 if there is none.
func (s *Study) question(id string) int {
	for i, q := range s.Questionnaire.Questions {
		if q.ID == id {
			return i
		}
	}
	return -1
}
