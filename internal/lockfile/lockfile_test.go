package lockfile_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/internal/lockfile"
)

// TestMain holds a lock until it is killed where a test started it for that.
func TestMain(m *testing.M) {
	if path := os.Getenv("LOCKFILE_TEST_HOLD"); path != "" {
		l, err := lockfile.Acquire(path)
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("held\n")
		time.Sleep(time.Hour)
		_ = l.Release() // keeps l from the garbage collector, which would close its file
	}
	os.Exit(m.Run())
}

func TestHeldByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "LOCKFILE_TEST_HOLD="+path)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_, err = lockfile.Acquire(path)
	var held *lockfile.HeldError
	if !errors.As(err, &held) || held.PID != c.Process.Pid {
		t.Errorf("error %v, want held by %d", err, c.Process.Pid)
	}
	if pid, held, err := lockfile.Holder(path); pid != c.Process.Pid || !held || err != nil {
		t.Errorf("holder %d, %v, %v, want %d", pid, held, err, c.Process.Pid)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	l, err := lockfile.Acquire(path)
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if _, held, err := lockfile.Holder(path); held || err != nil {
		t.Errorf("after release: %v, %v", held, err)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := lockfile.Acquire(filepath.Join(t.TempDir(), "absent", "lock")); err == nil {
		t.Error("no error")
	}
}
