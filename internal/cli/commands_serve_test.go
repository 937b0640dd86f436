package cli

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// serves says that a documented command shows a page until it is ended.
func serves(args []string) bool {
	return args[0] == "serve" || args[0] == "study" && len(args) > 1 && args[1] == "serve"
}

// endAfterLine ends a command when it has printed its first line: the address.
type endAfterLine struct {
	end  context.CancelFunc
	mu   sync.Mutex
	text strings.Builder
}

// Write keeps what is printed.
func (w *endAfterLine) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(string(b), "\n") {
		defer w.end()
	}
	return w.text.Write(b)
}

// mustServe runs a command that serves a page until it has printed where, on a
// free loopback port whatever the command says.
func mustServe(t *testing.T, dir string, args ...string) {
	t.Helper()
	t.Chdir(dir)
	args = append([]string{"--quiet"}, args...)
	for i, a := range args {
		if a == "--listen" {
			args[i+1] = "127.0.0.1:0"
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &endAfterLine{end: cancel}
	var errs strings.Builder
	code := Run(ctx, args, IO{In: strings.NewReader(""), Out: out, Err: &errs, Env: func(string) string { return "" }}, "v0.0.0-test")
	if code != ExitOK || !strings.Contains(out.text.String(), "http://127.0.0.1:") {
		t.Fatalf("lethe %s: exit code %d, printed %q\n%s", strings.Join(args, " "), code, out.text.String(), errs.String())
	}
}
