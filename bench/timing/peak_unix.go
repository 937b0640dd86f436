//go:build unix

package timing

import (
	"os"
	"runtime"
	"syscall"
)

// peak is the largest resident set: kilobytes in the kernel's answer, but
// bytes on Darwin.
func peak(s *os.ProcessState) int64 {
	u, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) * 1024
}
