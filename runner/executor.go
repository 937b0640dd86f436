package runner

import (
	"context"

	"github.com/lethe-audit/lethe/plan"
)

// Executor carries out single jobs. Its methods are called from several
// goroutines.
type Executor interface {
	// Estimate says what jobs will cost, by ID. It may measure; jobs that it
	// does not know are left out.
	Estimate(ctx context.Context, p *plan.Plan) (map[string]Cost, error)
	// Run does a job. When it returns nil all outputs are complete. It gives
	// the same outputs however often it was killed before and however many
	// threads it has. A [*Retry] asks for another attempt.
	Run(ctx context.Context, j *plan.Job, env Env) (Report, error)
}

// Cost is what a job takes.
type Cost struct {
	Seconds float64 // on one core for a narrow job, else on all
	Bytes   int64   // most disk space that it holds
}

// Env is what a job has to work with.
type Env struct {
	Dir     string // of the run: the job's outputs are relative to it
	Work    string // of the job's own, kept until it is done
	Attempt int    // counted from 0
	Threads int
	// Progress is told how far the job is, in any unit; note says it in words.
	Progress func(done, total int, note string)
}

// Report is what a job has to say when it is done.
type Report struct {
	Notes []string // for people
}

// Retry is the error of an attempt that failed by chance, such as a training
// that diverged: the next attempt may succeed.
type Retry struct{ Reason string }

// Error is the reason.
func (r *Retry) Error() string { return r.Reason }

// MaxAttempts bounds the attempts at one job.
const MaxAttempts = 3
