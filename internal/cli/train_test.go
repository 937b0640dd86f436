package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/train"
)

// trainArgs trains a small network on the fixture's pictures for about two
// seconds of one core.
func trainArgs(out string) []string {
	return []string{"train", "cnn-small", "--data", "cifar10:cifar-10-batches-bin?limit=600", "--recipe", "short.yaml",
		"--sparsity", "0.7", "--seed", "3", "--threads", "1", "--checkpoint", "1ms", "-o", out}
}

const shortRecipe = "base: smoke\nlength: 4 epochs\nbatch: 32\naugment: {crop: {pad: 2}, cutout: 4}\npruning: {begin: 0.5 epochs, end: 3 epochs, every: 5 steps}\n"

// program starts the program in a process of its own.
func program(t *testing.T, dir string, args ...string) (c *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, stderr = exec.Command(exe, args...), new(bytes.Buffer)
	c.Args[0], c.Dir, c.Stderr = "lethe", dir, stderr
	return c, stderr
}

// TestTrainKilled kills a training three times with SIGKILL at random moments
// after a checkpoint: it ends with the same files as one that was left alone.
// While it runs, its folder is locked.
func TestTrainKilled(t *testing.T) {
	dir := t.TempDir()
	fixture(t, dir)
	write(t, dir, "short.yaml", shortRecipe)
	must(t, dir, trainArgs("whole")...)

	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	killed := 0
	for range 3 {
		c, stderr := program(t, dir, trainArgs("killed")...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- c.Wait() }()
		if waitFor(t, filepath.Join(dir, "killed", "checkpoint", "state"), done) {
			if killed == 0 {
				lockedWhile(t, dir, c.Process.Pid)
			}
			time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
			if err := c.Process.Kill(); err == nil {
				killed++
			}
			<-done
		} else if stderr.Len() > 0 {
			t.Log(stderr)
		}
	}
	t.Logf("killed %d times", killed)
	must(t, dir, trainArgs("killed")...)
	for _, name := range []string{trainedFile, train.ManifestFile(trainedFile), train.CurveFile(trainedFile)} {
		if a, b := read(t, dir, "whole", name), read(t, dir, "killed", name); a != b {
			t.Errorf("%s differs from that of a training that was not killed", name)
		}
	}
	if killed == 0 {
		t.Error("the training was over before it could be killed")
	}
}

// waitFor waits until a file is there; false if the process ended first.
func waitFor(t *testing.T, name string, done chan error) bool {
	t.Helper()
	for range 6000 {
		if _, err := os.Stat(name); err == nil {
			return true
		}
		select {
		case err := <-done:
			done <- err
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("%s did not appear", name)
	return false
}

// lockedWhile: a second training in the folder is refused and names the
// process.
func lockedWhile(t *testing.T, dir string, pid int) {
	t.Helper()
	code, _, stderr := run(t, dir, trainArgs("killed")...)
	if code != ExitError || !strings.Contains(stderr, fmt.Sprint(pid)) {
		t.Errorf("a second training: exit code %d, %s; want the process %d", code, stderr, pid)
	}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestTrainInterrupted: an interruption leaves a checkpoint and exit code 130;
// what changed is named when another recipe is given; a finished training is not
// done again.
func TestTrainInterrupted(t *testing.T) {
	dir := t.TempDir()
	fixture(t, dir)
	write(t, dir, "short.yaml", shortRecipe)
	t.Chdir(dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // the first epoch's curve shows that training is under way
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "out", "model.curve.jsonl")); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var out, errs bytes.Buffer
	code := Run(ctx, trainArgs("out"), IO{In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(string) string { return "" }}, "v0.0.0-test")
	if code != ExitInterrupted || !strings.Contains(errs.String(), "goes on from there") {
		t.Fatalf("exit code %d, %s", code, errs.String())
	}
	write(t, dir, "short.yaml", shortRecipe+"holdout: 0.1\n")
	code, _, stderr := run(t, dir, trainArgs("out")...)
	if code != ExitError || !strings.Contains(stderr, "recipe.holdout: 0.1, was 0") {
		t.Errorf("another recipe: exit code %d, %s", code, stderr)
	}
	write(t, dir, "short.yaml", shortRecipe)
	code, stdout, stderr := run(t, dir, trainArgs("out")...)
	if code != ExitOK || !strings.Contains(stderr, "goes on at step") || !strings.Contains(stdout, "weights are zero (0.7") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if code, stdout, _ = run(t, dir, trainArgs("out")...); code != ExitOK || !strings.Contains(stdout, "trained before") {
		t.Errorf("again: exit code %d, %s", code, stdout)
	}
}

// TestTrainModel goes on from a model of the user's own, and refuses one that
// does not fit.
func TestTrainModel(t *testing.T) {
	dir := t.TempDir()
	fixture(t, dir)
	source := "cifar10:cifar-10-batches-bin?limit=200"
	code, _, stderr := run(t, dir, "train", "model.onnx", "--data", source, "--recipe", "smoke", "-o", "out")
	if code != ExitError || !strings.Contains(stderr, "fixed size") {
		t.Errorf("a model without classes: exit code %d, %s", code, stderr)
	}
	must(t, dir, "train", "cnn-small", "--data", source, "--recipe", "smoke", "-o", "a")
	must(t, dir, "train", filepath.Join("a", trainedFile), "--data", source, "--recipe", "smoke", "--sparsity", "0.5", "-o", "b")
	m, err := train.ReadManifest(filepath.Join(dir, "b", trainedFile))
	if err != nil || m.Sparsity == nil || *m.Sparsity < 0.499 || *m.Sparsity > 0.501 {
		t.Errorf("%+v, %v", m, err)
	}
	must(t, dir, "inspect", filepath.Join("b", trainedFile))
	code, _, stderr = run(t, dir, "train", "cnn-small", "--data", source, "--recipe", "paper-imagenet-resnet50", "-o", "c")
	if code != ExitError || !strings.Contains(stderr, "a batch of 4096 images is more than the 200") {
		t.Errorf("a large batch: exit code %d, %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "c", trainedFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
