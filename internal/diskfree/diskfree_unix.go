//go:build unix

package diskfree

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// Bytes is the room for a user on the disk of path, which need not be there
// yet.
func Bytes(path string) (int64, error) {
	path, err := existing(path)
	if err != nil {
		return 0, fmt.Errorf("diskfree: %w", err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("diskfree: %s: %w", path, err)
	}
	return int64(min(float64(s.Bavail)*float64(s.Bsize), math.MaxInt64/2)), nil
}
