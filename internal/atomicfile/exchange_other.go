//go:build !linux

package atomicfile

// exchange reports false: this system cannot swap two directories in one step.
func exchange(a, b string) (bool, error) { return false, nil }
