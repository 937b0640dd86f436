package cli

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"lethe": func() {
			os.Exit(Run(context.Background(), os.Args[1:], IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}, "v0.0.0-test"))
		},
	})
}

// TestScripts runs the transcripts in testdata/script: commands, files, what is
// printed, exit codes.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		UpdateScripts:       golden.Updating(),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exitcode": exitCode,
			"cifar10":  writeCIFAR,
			"waitfor":  waitFile,
		},
	})
}

// writeCIFAR writes made-up images as CIFAR-10's binary files: "cifar10 DIR N", N
// in each file. Classes differ in brightness.
func writeCIFAR(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[len(args)-1])
	if neg || len(args) != 2 || err != nil {
		ts.Fatalf("usage: cifar10 DIR N")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"test_batch", "data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"} {
		var b []byte
		for i := range n {
			b = append(b, byte(i%10))
			for range 3 * 32 * 32 {
				b = append(b, byte(20*(i%10)+rng.IntN(60)))
			}
		}
		ts.Check(os.WriteFile(filepath.Join(dir, name+".bin"), b, 0o644))
	}
}

// exitCode runs a command and checks its exit code: "exitcode 2 lethe audit".
// Unlike exec it also checks which code a failure has.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = codeOf(err)
	}
	if got != args[0] {
		ts.Fatalf("%v: exit code %s, want %s", args[1:], got, args[0])
	}
}

// waitFile waits until a file is there: "waitfor FILE".
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor FILE")
	}
	for range 600 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s did not appear within 30 s", args[0])
}
