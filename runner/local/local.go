// Package local carries out a plan on this machine: as many jobs side by side
// as there are cores, each after those that it needs.
//
// Narrow jobs get one core each; where fewer of them are ready than there are
// cores, they share them all. Other jobs run alone. Jobs are started in the
// order of the plan. Nothing that a job leaves depends on what ran beside it.
package local

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/runner"
)

// Options say how a plan is carried out.
type Options struct {
	// Cores is the number of cores to use, at least 1.
	Cores int
	// SideBySide is the number of narrow jobs that run at the same time; 0
	// means one for each core.
	SideBySide int
	// FreeBytes is the disk space that the run may fill; negative: not checked.
	FreeBytes int64
	// Watch is told what happens, from one goroutine at a time.
	Watch Watcher
}

// DefaultOptions uses all cores.
func DefaultOptions() Options {
	return Options{Cores: runtime.GOMAXPROCS(0), FreeBytes: -1, Watch: Watcher{}}
}

// Watcher is told what happens; fields may be nil.
type Watcher struct {
	// Kept: a job was found done.
	Kept func(j *plan.Job, r *runner.Record)
	// Redo: a job that was done must be done again, and why.
	Redo func(j *plan.Job, why string)
	// Started: a job begins, or goes on.
	Started func(j *plan.Job, attempt, threads int)
	// Progress: how far a job is.
	Progress func(j *plan.Job, done, total int, note string)
	// Retried: an attempt failed by chance; attempt is the one that begins.
	Retried func(j *plan.Job, attempt int, reason string)
	// Finished: a job is done.
	Finished func(j *plan.Job, r *runner.Record)
}

// SpaceError says that the disk is too small for a plan.
type SpaceError struct{ Need, Free int64 }

// Error gives both in megabytes.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("the run needs about %d MB of disk space, %d MB are free", e.Need>>20+1, e.Free>>20)
}

// Run does all jobs of p that are not done. The store's plan must be p. The
// error of a job ends the run when the jobs beside it have stopped; what was
// done stays done.
func Run(ctx context.Context, s *runner.Store, p *plan.Plan, x runner.Executor, o Options) error {
	r := &run{store: s, executor: x, options: o, waiting: p.Jobs, done: map[string]bool{}, events: make(chan event)}
	if err := r.takeOver(ctx); err != nil {
		return err
	}
	if o.FreeBytes >= 0 {
		costs, err := x.Estimate(ctx, p)
		if err != nil {
			return err
		}
		var need int64
		for _, j := range r.waiting {
			need += costs[j.ID].Bytes
		}
		if need > o.FreeBytes {
			return &SpaceError{need, o.FreeBytes}
		}
	}
	return r.all(ctx)
}

// run is the state of Run; only its goroutine changes it.
type run struct {
	store    *runner.Store
	executor runner.Executor
	options  Options
	waiting  []*plan.Job // neither done nor running, in order
	running  int         // jobs
	wide     bool        // the running job is not narrow
	done     map[string]bool
	events   chan event
}

// event is what a running job tells: that it is over, or how far it is.
type event struct {
	job    *plan.Job
	tell   func() // for the watcher; nil when the job is over
	record *runner.Record
	err    error
}

// takeOver finds the jobs that are done.
func (r *run) takeOver(ctx context.Context) error {
	var left []*plan.Job
	w := r.options.Watch
	for _, j := range r.waiting {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, why, err := r.store.Finished(j)
		switch {
		case err != nil:
			return err
		case rec != nil:
			r.done[j.ID] = true
			if w.Kept != nil {
				w.Kept(j, rec)
			}
			continue
		case why != "" && w.Redo != nil:
			w.Redo(j, why)
		}
		left = append(left, j)
	}
	r.waiting = left
	return nil
}

// all runs jobs until none is left or one has failed.
func (r *run) all(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed error
	for {
		if failed == nil {
			r.start(ctx)
		}
		if r.running == 0 {
			switch {
			case failed != nil:
				return failed
			case len(r.waiting) > 0:
				return fmt.Errorf("runner: job %s needs what no job leaves", r.waiting[0].ID)
			}
			return ctx.Err()
		}
		e := <-r.events
		if e.tell != nil {
			e.tell()
			continue
		}
		r.running--
		if e.err != nil {
			// The first failure counts; those that cancelling causes do not.
			if failed == nil {
				failed = e.err
			}
			cancel()
			continue
		}
		r.done[e.job.ID] = true
		if w := r.options.Watch; w.Finished != nil {
			w.Finished(e.job, e.record)
		}
	}
}

// start starts what can run now.
func (r *run) start(ctx context.Context) {
	most := r.options.SideBySide
	if most <= 0 {
		most = r.options.Cores
	}
	ready := r.ready(true)
	for len(ready) > 0 && r.running < most && !(r.running > 0 && r.wide) {
		// Cores are shared by what will run side by side.
		beside := min(most, r.running+len(ready))
		r.launch(ctx, ready[0], max(1, r.options.Cores/beside))
		ready = ready[1:]
	}
	if r.running == 0 {
		if ready = r.ready(false); len(ready) > 0 {
			r.launch(ctx, ready[0], r.options.Cores)
		}
	}
}

// ready are the waiting jobs, narrow or not, whose needs are done.
func (r *run) ready(narrow bool) []*plan.Job {
	var out []*plan.Job
jobs:
	for _, j := range r.waiting {
		if j.Narrow != narrow {
			continue
		}
		for _, n := range j.Needs {
			if !r.done[n] {
				continue jobs
			}
		}
		out = append(out, j)
	}
	return out
}

func (r *run) launch(ctx context.Context, j *plan.Job, threads int) {
	for i, w := range r.waiting {
		if w == j {
			r.waiting = append(r.waiting[:i:i], r.waiting[i+1:]...)
			break
		}
	}
	r.running++
	r.wide = !j.Narrow
	go func() {
		rec, err := r.do(ctx, j, threads)
		if err != nil && ctx.Err() == nil {
			err = fmt.Errorf("%s: %w", j.ID, err)
		}
		r.events <- event{job: j, record: rec, err: err}
	}()
}

// do runs a job until an attempt succeeds.
func (r *run) do(ctx context.Context, j *plan.Job, threads int) (*runner.Record, error) {
	began := time.Now()
	w := r.options.Watch
	a, err := r.store.Begin(j)
	if err != nil {
		return nil, err
	}
	for {
		if w.Started != nil {
			n := a.Number()
			r.events <- event{tell: func() { w.Started(j, n, threads) }}
		}
		report, err := r.executor.Run(ctx, j, runner.Env{Dir: r.store.Dir(), Work: a.Work, Attempt: a.Number(), Threads: threads,
			Progress: func(done, total int, note string) {
				if w.Progress != nil {
					r.events <- event{tell: func() { w.Progress(j, done, total, note) }}
				}
			}})
		var retry *runner.Retry
		switch {
		case err == nil:
			return r.store.Finish(j, a, report.Notes, time.Since(began))
		case !errors.As(err, &retry) || ctx.Err() != nil:
			return nil, err
		case a.Number()+1 >= runner.MaxAttempts:
			return nil, fmt.Errorf("%d attempts failed, the last one: %w", runner.MaxAttempts, err)
		}
		if a, err = r.store.Again(j, a, retry.Reason); err != nil {
			return nil, err
		}
		if w.Retried != nil {
			n := a.Number()
			r.events <- event{tell: func() { w.Retried(j, n, retry.Reason) }}
		}
	}
}
