// Lethe audits what a neural network forgets when it is compressed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/lethe-audit/lethe/internal/cli"
)

// version is set by the linker; go install leaves it empty and the module's
// version is used.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Run(ctx, os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}, version))
}
