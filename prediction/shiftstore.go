package prediction

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// shiftEntry is a shifted data set of the directory: a directory of predictions
// of its own.
type shiftEntry struct {
	Shift
	Dir    string `json:"dir"`    // relative, with slashes
	Digest string `json:"digest"` // of its manifest
}

// writeShifts stores each shifted data set as a directory below dir.
func writeShifts(dir string, t *Table, o WriteOptions) ([]shiftEntry, error) {
	var out []shiftEntry
	for i := range t.Shifts {
		s := &t.Shifts[i]
		e := shiftEntry{Shift: s.Shift, Dir: fmt.Sprintf("shifts/%04d-%s", i, slug(s.Shift.Name))}
		to := filepath.Join(dir, filepath.FromSlash(e.Dir))
		if err := os.MkdirAll(to, 0o755); err != nil {
			return nil, fmt.Errorf("prediction: %w", err)
		}
		if err := s.Table.Validate(); err != nil {
			return nil, fmt.Errorf("%w (shift %s)", err, s.Shift.Name)
		}
		if err := writeAll(to, s.Table, o); err != nil {
			return nil, err
		}
		var err error
		if e.Digest, err = manifestDigest(to); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func manifestDigest(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if err != nil {
		return "", fmt.Errorf("prediction: %w", err)
	}
	h := sha256.New()
	h.Write(b)
	return digestString(h), nil
}

// readShifts reads the shifted data sets of a directory into t.
func readShifts(ctx context.Context, dir string, m *manifest, t *Table, answers bool) error {
	for _, e := range m.Shifts {
		from := filepath.Join(dir, filepath.FromSlash(e.Dir))
		got, err := manifestDigest(from)
		if err != nil {
			return err
		}
		if got != e.Digest {
			return fmt.Errorf("prediction: %s: want a manifest with digest %s, got %s: it is damaged or was changed", from, e.Digest, got)
		}
		s, err := read(ctx, from, answers)
		if err != nil {
			return err
		}
		if err := t.AddShift(s, e.Shift); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}
