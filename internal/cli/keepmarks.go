package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/internal/lockfile"
)

// keepMarks carries what people said over from an audit directory to the one
// that takes its place: marks are about examples, which stay when an audit is
// made again. A directory whose marks somebody may be adding to is not replaced.
func keepMarks(old, dir string) error {
	path := filepath.Join(old, mark.FileName)
	pid, held, err := lockfile.Holder(path + ".lock")
	if err != nil {
		return err
	}
	if held {
		return fmt.Errorf("output: %s is served by process %d, which keeps people's marks there: end it first", old, pid)
	}
	if err := atomicfile.Copy(filepath.Join(dir, mark.FileName), path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("output: people's marks: %w", err)
	}
	return nil
}
