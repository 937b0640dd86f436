package kernel

import (
	"syscall"
	"time"
)

// cpuTime is the processor time of this process: on a machine shared with other
// work it says more than the time of day.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
