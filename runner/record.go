package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// RecordVersion is the version of the records of finished jobs.
//
//	1  the first
const RecordVersion = 1

// Record says that a job was done.
type Record struct {
	Version  int       `json:"version"`
	ID       string    `json:"id"`
	Digest   string    `json:"digest"` // the job's
	Attempt  int       `json:"attempt"`
	Outputs  []Output  `json:"outputs"`
	Notes    []string  `json:"notes,omitempty"`
	Finished time.Time `json:"finished"`
	Seconds  float64   `json:"seconds"` // of the run that finished it
}

// Output is one file that a job left.
type Output struct {
	Path   string `json:"path"` // relative to the folder of the run, with slashes
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// digestOutputs reads what a job left: files, and all files in folders, in the
// order of their names.
func digestOutputs(dir string, outputs []string) ([]Output, error) {
	var out []Output
	for _, o := range outputs {
		err := filepath.WalkDir(filepath.Join(dir, filepath.FromSlash(o)), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			sum, n, err := digestFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			out = append(out, Output{filepath.ToSlash(rel), sum, n})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("runner: %w", err)
		}
	}
	return out, nil
}

func digestFile(path string) (sum string, n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if n, err = io.Copy(h, f); err != nil {
		return "", 0, fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// verify compares the files below dir with what a record says of them.
func (r *Record) verify(dir string) error {
	for _, o := range r.Outputs {
		path := filepath.Join(dir, filepath.FromSlash(o.Path))
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Size() != o.Bytes {
			return fmt.Errorf("%s has %d bytes, had %d when it was made", path, info.Size(), o.Bytes)
		}
		sum, _, err := digestFile(path)
		if err != nil {
			return err
		}
		if sum != o.SHA256 {
			return fmt.Errorf("%s is not what it was when it was made: SHA-256 %s, was %s", path, sum, o.SHA256)
		}
	}
	return nil
}
