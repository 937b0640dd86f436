package cli

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/runner"
)

// TestRunKilled: the experiment examples/smoke.yaml, killed ten times at random
// moments, leaves what it leaves when nobody kills it. It takes minutes and runs
// where LETHE_LONG is set (scripts/check-long.sh), on the CIFAR-10 that
// LETHE_CIFAR10 names.
func TestRunKilled(t *testing.T) {
	data := os.Getenv("LETHE_CIFAR10")
	if os.Getenv("LETHE_LONG") == "" || data == "" {
		t.Skip("a long test: LETHE_LONG=1 LETHE_CIFAR10=DIR, as scripts/check-long.sh sets them")
	}
	bin := filepath.Join(t.TempDir(), "lethe")
	build := exec.Command("go", "build", "-o", bin, "./cmd/lethe")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	command := func(dir string) *exec.Cmd {
		return exec.Command(bin, "--quiet", "run", filepath.Join("..", "..", "examples", "smoke.yaml"), "--data", "cifar10:"+data, "-o", dir)
	}
	whole, killed := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "killed")
	began := time.Now()
	var stderr bytes.Buffer
	c := command(whole)
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	took := time.Since(began)
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for k := range 10 {
		c := command(killed)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// On average half of what ten equal pieces would take, and more later: the
		// run ends neither before the last kill nor without progress.
		time.Sleep(time.Duration(rng.Float64() * float64(took) / 5))
		_ = c.Process.Kill()
		t.Logf("kill %d: %v", k+1, c.Wait())
	}
	stderr.Reset()
	c = command(killed)
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	want, got := outputsOf(t, whole), outputsOf(t, killed)
	if len(want) == 0 || len(got) != len(want) {
		t.Fatalf("%d outputs, want %d", len(got), len(want))
	}
	for path, digest := range want {
		if got[path] != digest {
			t.Errorf("%s: digest %s, want %s", path, got[path], digest)
		}
	}
}

// outputsOf are the digests of what the jobs of a finished run left.
func outputsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	_, jobs, err := runner.Status(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m := runner.Missing(jobs); len(m) > 0 {
		t.Fatalf("not done: %v", m)
	}
	out := map[string]string{}
	for _, j := range jobs {
		for _, o := range j.Record.Outputs {
			out[o.Path] = o.SHA256
		}
	}
	return out
}
