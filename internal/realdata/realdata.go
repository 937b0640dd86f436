// Package realdata finds the real data that tests compare with. It stands
// beside the checkout, never in it: several licences forbid copying.
package realdata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Env is the environment variable that names the folder of real data; its
// default is ../shared/data, relative to the module's root.
const Env = "LETHE_DATA"

// RequiredEnv, set to 1, turns a missing file from a skip into a failure.
const RequiredEnv = "LETHE_DATA_REQUIRED"

// Path is the path of a file or folder of the real data. Where it is absent
// the test is skipped with a message, or fails if [RequiredEnv] is set.
func Path(tb testing.TB, elem ...string) string {
	tb.Helper()
	root := os.Getenv(Env)
	if root == "" {
		_, here, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "data")
	}
	p := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		if os.Getenv(RequiredEnv) == "1" {
			tb.Fatalf("real data is required and missing: %v", err)
		}
		tb.Skipf("no real data at %s (set %s)", p, Env)
	}
	return p
}
