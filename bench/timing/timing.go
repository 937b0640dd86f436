// Package timing runs a program and measures its wall time and peak memory.
package timing

import (
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// Usage is what one run of a program took.
type Usage struct {
	Wall      time.Duration
	CPU       time.Duration // user and system
	PeakBytes int64         // largest resident set; 0 where the system does not say
}

// Run runs a program to its end. Its output is shown only if it fails, or if
// its exit code is not one of ok (0 where ok is empty).
//
// On Linux the peak includes this process's own resident set at the time of
// the start, so a caller that measures memory must stay small.
func Run(argv []string, ok ...int) (Usage, error) {
	if len(ok) == 0 {
		ok = []int{0}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(start)
	if cmd.ProcessState == nil {
		return Usage{}, fmt.Errorf("timing: %w", err)
	}
	if !slices.Contains(ok, cmd.ProcessState.ExitCode()) {
		return Usage{}, fmt.Errorf("timing: %q: %w\n%s", argv, err, out)
	}
	s := cmd.ProcessState
	return Usage{Wall: wall, CPU: s.UserTime() + s.SystemTime(), PeakBytes: peak(s)}, nil
}

// Summary is what several runs took.
type Summary struct {
	Runs        int
	Median, Min time.Duration // of wall time
	PeakBytes   int64         // the largest
}

// Repeat runs a program n times.
func Repeat(n int, argv []string, ok ...int) (Summary, error) {
	if n < 1 {
		return Summary{}, fmt.Errorf("timing: %d runs, want at least 1", n)
	}
	var wall []time.Duration
	s := Summary{Runs: n}
	for range n {
		u, err := Run(argv, ok...)
		if err != nil {
			return Summary{}, err
		}
		wall = append(wall, u.Wall)
		s.PeakBytes = max(s.PeakBytes, u.PeakBytes)
	}
	slices.Sort(wall)
	s.Min = wall[0]
	s.Median = (wall[(n-1)/2] + wall[n/2]) / 2
	return s, nil
}
