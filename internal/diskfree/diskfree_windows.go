package diskfree

import (
	"fmt"
	"math"

	"golang.org/x/sys/windows"
)

// Bytes is the room for a user on the disk of path, which need not be there
// yet.
func Bytes(path string) (int64, error) {
	path, err := existing(path)
	if err != nil {
		return 0, fmt.Errorf("diskfree: %w", err)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, fmt.Errorf("diskfree: %s: %w", path, err)
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("diskfree: %s: %w", path, err)
	}
	return int64(min(free, math.MaxInt64)), nil
}
