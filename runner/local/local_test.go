package local_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/internal/lockfile"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/runner"
	"github.com/lethe-audit/lethe/runner/local"
)

// hasher is an executor whose outputs are digests of what the job is and of
// what it needs. It works in steps and keeps the last one in its work folder.
type hasher struct {
	pause time.Duration // of a step
	fail  func(j *plan.Job, env runner.Env, step int) error

	mu      sync.Mutex
	running int
	most    int            // jobs at the same time
	steps   map[string]int // by job, over all attempts
	cost    int64
}

const steps = 8

func (h *hasher) Estimate(_ context.Context, p *plan.Plan) (map[string]runner.Cost, error) {
	out := map[string]runner.Cost{}
	for _, j := range p.Jobs {
		out[j.ID] = runner.Cost{Seconds: 1, Bytes: h.cost}
	}
	return out, nil
}

func (h *hasher) Run(ctx context.Context, j *plan.Job, env runner.Env) (runner.Report, error) {
	h.mu.Lock()
	h.running++
	h.most = max(h.most, h.running)
	h.mu.Unlock()
	defer func() { h.mu.Lock(); h.running--; h.mu.Unlock() }()
	state := filepath.Join(env.Work, "state")
	sum, at := fmt.Sprintf("%s %s %d", j.Kind, j.Spec, env.Attempt), 0
	if b, err := os.ReadFile(state); err == nil {
		if _, err := fmt.Sscanf(string(b), "%d %s", &at, &sum); err != nil {
			return runner.Report{}, err
		}
	}
	for ; at < steps; at++ {
		if err := ctx.Err(); err != nil {
			return runner.Report{}, err
		}
		if h.fail != nil {
			if err := h.fail(j, env, at); err != nil {
				return runner.Report{}, err
			}
		}
		time.Sleep(h.pause)
		d := sha256.Sum256(fmt.Appendf(nil, "%s %d", sum, at))
		sum = hex.EncodeToString(d[:])
		if err := os.WriteFile(state+".tmp", fmt.Appendf(nil, "%d %s", at+1, sum), 0o644); err != nil {
			return runner.Report{}, err
		}
		if err := os.Rename(state+".tmp", state); err != nil {
			return runner.Report{}, err
		}
		h.mu.Lock()
		if h.steps == nil {
			h.steps = map[string]int{}
		}
		h.steps[j.ID]++
		h.mu.Unlock()
		env.Progress(at+1, steps, "working")
	}
	for _, o := range j.Outputs {
		path := filepath.Join(env.Dir, filepath.FromSlash(o))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return runner.Report{}, err
		}
		if err := os.WriteFile(path, []byte(o+" "+sum+"\n"), 0o644); err != nil {
			return runner.Report{}, err
		}
	}
	return runner.Report{}, nil
}

// testPlan has members of three trained variants and one made from the first.
func testPlan(t testing.TB, members int, recipe string) *plan.Plan {
	t.Helper()
	text := fmt.Sprintf("name: t\ndata: d\nmodel: m\nrecipe: %s\nmembers: %d\nvariants: [{name: dense}, {name: s, sparsity: .5}, {name: q, from: dense, compress: [x]}]\n", recipe, members)
	e, err := plan.Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	same := func(s string) (string, error) { return s, nil }
	p, err := plan.Make(e, plan.Resolver{
		Data: same, Model: same,
		Recipe: func(r any, _ map[string]any, _ *float64) (json.RawMessage, error) {
			return fmt.Appendf(nil, "%q", r), nil
		},
		Schemes: func(s []string) ([]string, error) { return s, nil },
		Audit:   func(map[string]any) ([]string, error) { return nil, nil },
		Report:  func(string) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// carry runs a plan in a folder.
func carry(dir, bundle string, p *plan.Plan, h *hasher, o local.Options) error {
	s, err := runner.Open(dir, bundle)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Adopt(p, []byte("name: t\n"), false); err != nil {
		return err
	}
	return local.Run(context.Background(), s, p, h, o)
}

// outputs are the digests of everything that the jobs left.
func outputs(t *testing.T, dir string, p *plan.Plan) string {
	t.Helper()
	_, jobs, err := runner.Status(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m := runner.Missing(jobs); len(m) > 0 {
		t.Fatalf("not done: %v", m)
	}
	var b strings.Builder
	for _, j := range jobs {
		fmt.Fprintf(&b, "%s %s %d %v\n", j.ID, j.Record.Digest, j.Record.Attempt, j.Record.Outputs)
	}
	return b.String()
}

func options(cores int) local.Options {
	o := local.DefaultOptions()
	o.Cores = cores
	return o
}

func TestRun(t *testing.T) {
	p := testPlan(t, 3, "r")
	var want string
	for _, cores := range []int{1, 2, 5} {
		dir := t.TempDir()
		h := &hasher{pause: time.Millisecond}
		if err := carry(dir, "", p, h, options(cores)); err != nil {
			t.Fatal(err)
		}
		got := outputs(t, dir, p)
		if want == "" {
			want = got
		} else if got != want {
			t.Errorf("%d cores leave\n%s\nwant\n%s", cores, got, want)
		}
		if h.most != cores {
			t.Errorf("%d jobs ran side by side on %d cores", h.most, cores)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "work", "*", "*", "*")); len(left) > 0 {
			t.Errorf("work folders are left: %v", left)
		}
		again := &hasher{}
		if err := carry(dir, "", p, again, options(cores)); err != nil || len(again.steps) > 0 {
			t.Errorf("a second run did %v, %v", again.steps, err)
		}
	}
}

// An output that was lost or changed is made again, and nothing else.
func TestRedo(t *testing.T) {
	p, dir := testPlan(t, 2, "r"), t.TempDir()
	if err := carry(dir, "", p, &hasher{}, options(2)); err != nil {
		t.Fatal(err)
	}
	want := outputs(t, dir, p)
	file := filepath.Join(dir, filepath.FromSlash(p.Job("train/s/01").Outputs[0]))
	if err := os.WriteFile(file, []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, o := &hasher{}, options(2)
	var why []string
	o.Watch.Redo = func(j *plan.Job, w string) { why = append(why, j.ID+": "+w) }
	if err := carry(dir, "", p, h, o); err != nil {
		t.Fatal(err)
	}
	if len(h.steps) != 1 || h.steps["train/s/01"] != steps {
		t.Errorf("done again: %v", h.steps)
	}
	if len(why) != 1 || !strings.Contains(why[0], "train/s/01: ") || !strings.Contains(why[0], "5 bytes") {
		t.Errorf("said %q", why)
	}
	if got := outputs(t, dir, p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFailure(t *testing.T) {
	p, dir := testPlan(t, 2, "r"), t.TempDir()
	full := fmt.Errorf("writing: %w", syscall.ENOSPC)
	h := &hasher{pause: time.Millisecond, fail: func(j *plan.Job, _ runner.Env, step int) error {
		if j.ID == "train/s/00" && step == 5 {
			return full
		}
		return nil
	}}
	err := carry(dir, "", p, h, options(2))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "train/s/00: ") {
		t.Fatalf("error %v", err)
	}
	before := h.steps["train/s/00"]
	h.fail = nil
	if err := carry(dir, "", p, h, options(2)); err != nil {
		t.Fatal(err)
	}
	if before != 5 || h.steps["train/s/00"] != steps {
		t.Errorf("%d steps before the failure, %d in all; want 5 and %d: it goes on where it stopped", before, h.steps["train/s/00"], steps)
	}
	whole := t.TempDir()
	if err := carry(whole, "", p, &hasher{}, options(1)); err != nil {
		t.Fatal(err)
	}
	if outputs(t, dir, p) != outputs(t, whole, p) {
		t.Error("a run that failed once leaves something else")
	}
}

func TestRetry(t *testing.T) {
	p := testPlan(t, 1, "r")
	diverge := func(times int) func(*plan.Job, runner.Env, int) error {
		return func(j *plan.Job, env runner.Env, step int) error {
			if j.ID == "train/dense/00" && env.Attempt < times && step == 3 {
				return &runner.Retry{Reason: "loss is NaN"}
			}
			return nil
		}
	}
	dir := t.TempDir()
	if err := carry(dir, "", p, &hasher{fail: diverge(1)}, options(2)); err != nil {
		t.Fatal(err)
	}
	_, jobs, err := runner.Status(dir)
	if err != nil || jobs[0].Record.Attempt != 1 || !slices.Equal(jobs[0].Record.Notes, []string{"attempt 1 failed: loss is NaN"}) {
		t.Errorf("%+v, %v", jobs[0].Record, err)
	}
	if err := carry(t.TempDir(), "", p, &hasher{fail: diverge(9)}, options(2)); err == nil || !strings.Contains(err.Error(), "3 attempts failed") {
		t.Errorf("error %v", err)
	}
}

func TestChangedPlan(t *testing.T) {
	p, dir := testPlan(t, 2, "r"), t.TempDir()
	if err := carry(dir, "", p, &hasher{}, options(2)); err != nil {
		t.Fatal(err)
	}
	var changed *runner.ChangedError
	other := testPlan(t, 2, "other")
	if err := carry(dir, "", other, &hasher{}, options(2)); !errors.As(err, &changed) || !strings.Contains(err.Error(), `train/dense/00: recipe: "other", was "r"`) || strings.Contains(err.Error(), "schemes") {
		t.Fatalf("error %v", err)
	}
	s, err := runner.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	more := testPlan(t, 3, "r")
	if err := s.Adopt(more, nil, true); err != nil {
		t.Fatal(err)
	}
	h := &hasher{}
	if err := local.Run(context.Background(), s, more, h, options(2)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"train/dense/00", "train/s/01", "compress/q/01"} {
		if h.steps[id] > 0 {
			t.Errorf("%s was done again though its digest fits", id)
		}
	}
}

// Finished jobs of a bundle count as done; those that do not fit do not.
func TestBundle(t *testing.T) {
	small, p := testPlan(t, 2, "r"), testPlan(t, 3, "r")
	bundle, dir := t.TempDir(), t.TempDir()
	if err := carry(bundle, "", small, &hasher{}, options(2)); err != nil {
		t.Fatal(err)
	}
	h := &hasher{}
	if err := carry(dir, bundle, p, h, options(2)); err != nil {
		t.Fatal(err)
	}
	var did []string
	for id := range h.steps {
		did = append(did, id)
	}
	slices.Sort(did)
	if want := []string{"audit/clean", "compress/q/02", "predict/clean", "train/dense/02", "train/s/02"}; !slices.Equal(did, want) {
		t.Errorf("did %v, want %v", did, want)
	}
	whole := t.TempDir()
	if err := carry(whole, "", p, &hasher{}, options(2)); err != nil {
		t.Fatal(err)
	}
	if outputs(t, dir, p) != outputs(t, whole, p) {
		t.Error("with a bundle the run leaves something else")
	}
}

func TestSpace(t *testing.T) {
	o := options(1)
	o.FreeBytes = 10 << 20
	var space *local.SpaceError
	h := &hasher{cost: 5 << 20}
	if err := carry(t.TempDir(), "", testPlan(t, 1, "r"), h, o); !errors.As(err, &space) || len(h.steps) > 0 {
		t.Errorf("error %v, did %v", err, h.steps)
	}
}

func TestInterrupted(t *testing.T) {
	p, dir := testPlan(t, 2, "r"), t.TempDir()
	s, err := runner.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Adopt(p, nil, false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := options(2)
	o.Watch.Finished = func(*plan.Job, *runner.Record) { cancel() }
	if err := local.Run(ctx, s, p, &hasher{pause: time.Millisecond}, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	var held *lockfile.HeldError
	if _, err := runner.Open(dir, ""); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("a second process: %v", err)
	}
}

// TestMain carries out a plan until it is done or killed, where a test started
// the program for that.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LOCAL_TEST_RUN"); dir != "" {
		if err := carry(dir, "", testPlan(&testing.B{}, 3, "r"), &hasher{pause: 4 * time.Millisecond}, options(2)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A run that is killed ten times at random points ends as one that was not.
func TestKilled(t *testing.T) {
	p, dir, whole := testPlan(t, 3, "r"), t.TempDir(), t.TempDir()
	if err := carry(whole, "", p, &hasher{}, options(2)); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	killed := 0
	for round := 0; ; round++ {
		if round > 100 {
			t.Fatal("the run does not end")
		}
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "LOCAL_TEST_RUN="+dir)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if killed < 10 {
			time.Sleep(20*time.Millisecond + time.Duration(rng.IntN(30))*time.Millisecond)
			_ = c.Process.Kill()
		}
		err := c.Wait()
		if err == nil {
			break
		}
		if killed >= 10 {
			t.Fatal(err)
		}
		killed++
	}
	t.Logf("killed %d times", killed)
	if got, want := outputs(t, dir, p), outputs(t, whole, p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
