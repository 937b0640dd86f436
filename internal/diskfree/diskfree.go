// Package diskfree says how much room a disk has.
package diskfree

import (
	"os"
	"path/filepath"
)

// existing is path, or the nearest folder above it that is there.
func existing(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(path); err == nil || filepath.Dir(path) == path {
			return path, nil
		}
		path = filepath.Dir(path)
	}
}
