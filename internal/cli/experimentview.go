package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/lethe-audit/lethe/internal/texttab"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/runner"
	"github.com/lethe-audit/lethe/runner/local"
)

// dryRun prints the jobs of an experiment and what they will take.
func (a *app) dryRun(ctx context.Context, x *experiment, jobs *jobs, o *experimentOptions) error {
	done := a.step("measuring a step of training")
	costs, err := jobs.Estimate(ctx, x.plan)
	done()
	if err != nil {
		return err
	}
	t := texttab.Table{Columns: []texttab.Column{{Head: "job", Min: 12}, {Head: "needs", Min: 8, Drop: 1}, {Head: "time", Right: true}, {Head: "disk", Right: true}, {Head: "digest", Drop: 2}}}
	var bytes int64
	for _, j := range x.plan.Jobs {
		c, known := costs[j.ID]
		bytes += c.Bytes
		needs := strings.Join(j.Needs, " ")
		if len(j.Needs) > 1 {
			needs = fmt.Sprintf("%d jobs", len(j.Needs))
		}
		took, disk := "-", "-"
		if known {
			took, disk = duration(c.Seconds), megabytes(c.Bytes)
		}
		t.Rows = append(t.Rows, []string{j.ID, needs, took, disk, strings.TrimPrefix(j.Digest, "sha256:")[:12]})
	}
	text, _ := t.Format("", 0)
	side := o.jobs
	if side <= 0 {
		side = cores()
	}
	trained, tested := jobs.images()
	assumed := ""
	if jobs.train == nil {
		assumed = ", which is assumed: the data are not at hand"
	}
	_, err = fmt.Fprintf(a.io.Out, "%s\n%d jobs, about %s on this machine (%d side by side), %s of disk space\n%d images to train on, %d to test%s\n",
		text, len(x.plan.Jobs), duration(wall(x.plan, costs, side)), side, megabytes(bytes), trained, tested, assumed)
	return err
}

// wall estimates the seconds that jobs take, narrow ones side by side.
func wall(p *plan.Plan, costs map[string]runner.Cost, side int) float64 {
	var narrow, wide float64
	for _, j := range p.Jobs {
		if j.Narrow {
			narrow += costs[j.ID].Seconds
		} else {
			wide += costs[j.ID].Seconds
		}
	}
	return narrow/float64(side) + wide
}

// duration is a time in words: "3 s", "12 min", "2 h 5 min".
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Second:
		return "< 1 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// runView shows how a run goes on.
type runView struct {
	app   *app
	board *progress.Board
	costs map[string]runner.Cost
	side  int
	total float64            // estimated seconds of work in all jobs
	done  float64            // of which are done
	parts map[string]float64 // share done of jobs that run
	began time.Time
	work  float64 // done since then
	jobs  int
	over  int
}

func (a *app) newRunView(p *plan.Plan, costs map[string]runner.Cost, side int) *runView {
	v := &runView{app: a, costs: costs, parts: map[string]float64{}, began: time.Now(), side: side, jobs: len(p.Jobs)}
	for _, j := range p.Jobs {
		v.total += v.cost(j)
	}
	if !a.quiet && a.logFormat != "json" {
		v.board = progress.NewBoard(a.io.Err, "all jobs")
	}
	return v
}

func (v *runView) end() { v.board.End() }

// cost is what a job counts in the total.
func (v *runView) cost(j *plan.Job) float64 { return max(v.costs[j.ID].Seconds, 0.01) }

// show updates the line of all jobs.
func (v *runView) show() {
	done := v.done
	for _, c := range v.parts {
		done += c
	}
	left := ""
	if rate := (done - v.work) / time.Since(v.began).Seconds(); rate > 0 && time.Since(v.began) > 5*time.Second {
		left = duration((v.total-done)/rate) + " left"
	}
	v.board.Total(done/v.total, fmt.Sprintf("%d of %d jobs", v.over, v.jobs), left)
}

func (v *runView) watcher() local.Watcher {
	a := v.app
	return local.Watcher{
		Kept: func(j *plan.Job, _ *runner.Record) {
			v.done += v.cost(j)
			v.work += v.cost(j)
			v.over++
		},
		Redo: func(j *plan.Job, why string) { a.log.Warn("done again", "job", j.ID, "why", why) },
		Started: func(j *plan.Job, attempt, threads int) {
			v.board.Start(j.ID)
			v.show()
		},
		Progress: func(j *plan.Job, done, total int, note string) {
			share := float64(done) / float64(max(total, 1))
			if _, seen := v.parts[j.ID]; !seen {
				v.work += share * v.cost(j) // what an earlier run did
			}
			v.parts[j.ID] = share * v.cost(j)
			v.board.Set(j.ID, share, note)
			v.show()
		},
		Retried: func(j *plan.Job, attempt int, reason string) {
			delete(v.parts, j.ID)
			a.log.Warn("begins anew with another seed", "job", j.ID, "attempt", attempt+1, "why", reason)
		},
		Finished: func(j *plan.Job, r *runner.Record) {
			delete(v.parts, j.ID)
			v.done += v.cost(j)
			v.over++
			v.board.Finish(j.ID, duration(r.Seconds), strings.Join(r.Notes, "; "))
			v.show()
		},
	}
}
