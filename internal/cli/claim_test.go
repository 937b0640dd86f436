package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestClaim: the second server on one directory is told who the first is.
func TestClaim(t *testing.T) {
	dir := t.TempDir()
	// What a server that was killed leaves behind says nothing about the next.
	if err := os.WriteFile(filepath.Join(dir, servePlace), []byte("1 http://127.0.0.1:1/\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	first, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	pid := fmt.Sprint("process ", os.Getpid(), " serves it already")
	refused := func(want string) {
		t.Helper()
		if _, err := claim(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("second server: %v, want %q", err, want)
		}
	}
	refused(pid + "; end it")
	if err := first.at("http://127.0.0.1:4000/"); err != nil {
		t.Fatal(err)
	}
	refused(pid + " at http://127.0.0.1:4000/; end it")
	// An address that is not the holder's is not told.
	if err := os.WriteFile(first.place, []byte("1 http://127.0.0.1:1/\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(pid + "; end it")
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	second, err := claim(dir)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	if err := second.release(); err != nil {
		t.Error(err)
	}
	if _, err := claim(filepath.Join(dir, "absent")); err == nil {
		t.Error("a directory that is not there was claimed")
	}
}
