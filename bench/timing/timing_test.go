package timing

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary stand for the program that is measured.
func TestMain(m *testing.M) {
	switch os.Getenv("TIMING_TEST") {
	case "sleep":
		held := make([]byte, 64<<20)
		for i := 0; i < len(held); i += 4096 {
			held[i] = 1
		}
		time.Sleep(50 * time.Millisecond)
		os.Exit(int(held[0]) - 1)
	case "fail":
		os.Stdout.WriteString("what went wrong")
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TIMING_TEST", "sleep")
	u, err := Run([]string{exe})
	if err != nil {
		t.Fatal(err)
	}
	if u.Wall < 50*time.Millisecond || u.Wall > time.Minute {
		t.Errorf("wall time %v of a program that sleeps 50 ms", u.Wall)
	}
	if u.PeakBytes != 0 && (u.PeakBytes < 64<<20 || u.PeakBytes > 1<<30) {
		t.Errorf("peak %d bytes of a program that holds 64 MiB", u.PeakBytes)
	}
	s, err := Repeat(3, []string{exe})
	if err != nil || s.Runs != 3 || s.Min > s.Median {
		t.Errorf("summary %+v, %v", s, err)
	}
}

func TestRunFails(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TIMING_TEST", "fail")
	if _, err := Run([]string{exe}); err == nil || !strings.Contains(err.Error(), "what went wrong") {
		t.Errorf("error %v, want one with the program's output", err)
	}
	if _, err := Run([]string{exe}, 0, 3); err != nil {
		t.Errorf("exit code 3 was allowed: %v", err)
	}
	if _, err := Run([]string{exe + "-missing"}); err == nil {
		t.Error("a program that is not there ran")
	}
	if _, err := Repeat(0, []string{exe}); err == nil {
		t.Error("0 runs gave a summary")
	}
}
