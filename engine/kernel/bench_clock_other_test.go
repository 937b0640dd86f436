//go:build !linux

package kernel

import "time"

// cpuTime is the time of day.
func cpuTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
