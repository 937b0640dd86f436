package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/internal/lockfile"
	"github.com/lethe-audit/lethe/plan"
)

// Files and folders of a run beside the outputs of its jobs.
const (
	lockName       = "lock"
	planName       = "plan.json"
	experimentName = "experiment.yaml"
	doneDir        = "done" // ID.json: records of finished jobs
	workDir        = "work" // ID/: what jobs keep while they are not done
	attemptName    = "attempt"
)

// Store is the folder of a run, held by one process.
type Store struct {
	dir    string
	bundle string // folder with finished jobs of the same plan; "" for none
	lock   *lockfile.Lock
}

// Open makes the folder if it is not there and locks it. bundle is a folder of
// the same layout whose finished jobs are taken over where their digests fit;
// "" for none. A folder that another process holds is a *lockfile.HeldError.
func Open(dir, bundle string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	lock, err := lockfile.Acquire(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	return &Store{dir: dir, bundle: bundle, lock: lock}, nil
}

// Close gives the folder up.
func (s *Store) Close() error { return s.lock.Release() }

// Dir is the folder.
func (s *Store) Dir() string { return s.dir }

// ReadPlan reads the plan of a run; nil if the folder holds none. It needs no
// lock.
func ReadPlan(dir string) (*plan.Plan, error) {
	b, err := os.ReadFile(filepath.Join(dir, planName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("runner: %w", err)
	}
	p := &plan.Plan{}
	if err := json.Unmarshal(b, p); err != nil {
		return nil, fmt.Errorf("runner: %s: %w", filepath.Join(dir, planName), err)
	}
	for _, j := range p.Jobs { // as it was before it was laid out for people
		var spec bytes.Buffer
		if err := json.Compact(&spec, j.Spec); err != nil {
			return nil, fmt.Errorf("runner: %s: %w", filepath.Join(dir, planName), err)
		}
		j.Spec = spec.Bytes()
	}
	return p, nil
}

// ChangedError says that a folder holds the run of another plan.
type ChangedError struct {
	Dir     string
	Changes []plan.Change
}

// Error lists what has changed, ten changes at most.
func (e *ChangedError) Error() string {
	const most = 10
	var b strings.Builder
	fmt.Fprintf(&b, "%s was begun with another experiment:", e.Dir)
	for i, c := range e.Changes {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Changes)-most)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", c.ID, c.What)
	}
	return b.String()
}

// Adopt makes p the plan of the run. If the folder holds another one that is a
// [*ChangedError], unless force says that jobs whose digests fit are kept and
// the others done anew. experiment is the text of the file that p was made of.
func (s *Store) Adopt(p *plan.Plan, experiment []byte, force bool) error {
	was, err := ReadPlan(s.dir)
	if err != nil && !force {
		return err
	}
	if was != nil && err == nil && !force {
		if c := p.Changes(was); len(c) > 0 {
			return &ChangedError{s.dir, c}
		}
	}
	if err := s.writeFile(experimentName, experiment); err != nil {
		return err
	}
	return s.writeJSON(planName, p)
}

// Finished is the record of a job that is done: its digest fits and its outputs
// are as they were left. Otherwise it is nil, and why says what is wrong with
// what is there, "" if nothing is. A job that the bundle holds is copied into
// the folder.
func (s *Store) Finished(j *plan.Job) (r *Record, why string, err error) {
	r, why, err = finished(s.dir, j)
	if r != nil || err != nil || s.bundle == "" {
		return r, why, err
	}
	r, inBundle, err := finished(s.bundle, j)
	if r == nil || err != nil {
		if why == "" {
			why = inBundle
		}
		return nil, why, err
	}
	if err := s.copyFrom(s.bundle, r); err != nil {
		return nil, "", err
	}
	return r, "", s.writeJSON(recordPath(j.ID), r)
}

// Recorded is the record of a job, here or in the bundle, whose digest fits; nil
// if there is none. Whether the outputs are as they were left is not looked at.
func (s *Store) Recorded(j *plan.Job) *Record {
	for _, dir := range []string{s.dir, s.bundle} {
		if dir == "" {
			continue
		}
		if r, err := readRecord(dir, j.ID); err == nil && r != nil && r.Digest == j.Digest {
			return r
		}
	}
	return nil
}

// finished reads the record of a job in a folder.
func finished(dir string, j *plan.Job) (*Record, string, error) {
	r, err := readRecord(dir, j.ID)
	switch {
	case err != nil:
		return nil, err.Error(), nil
	case r == nil:
		return nil, "", nil
	case r.Digest != j.Digest:
		return nil, "it was done with other settings", nil
	}
	if err := r.verify(dir); err != nil {
		return nil, err.Error(), nil
	}
	return r, "", nil
}

// readRecord is the record of a job whatever its digest, nil if there is none.
func readRecord(dir, id string) (*Record, error) {
	path := filepath.Join(dir, recordPath(id))
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	r := &Record{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Version != RecordVersion || r.ID != id {
		return nil, fmt.Errorf("%s: version %d of job %q, want version %d of %q", path, r.Version, r.ID, RecordVersion, id)
	}
	return r, nil
}

// copyFrom copies the outputs of a record from another folder.
func (s *Store) copyFrom(dir string, r *Record) error {
	for _, o := range r.Outputs {
		to := filepath.Join(s.dir, filepath.FromSlash(o.Path))
		err := os.MkdirAll(filepath.Dir(to), 0o755)
		if err == nil {
			err = atomicfile.Copy(to, filepath.Join(dir, filepath.FromSlash(o.Path)))
		}
		if err != nil {
			return fmt.Errorf("runner: %w", err)
		}
	}
	return nil
}

// Attempt is how often a job was tried.
type Attempt struct {
	Digest string   `json:"digest"` // the job's
	Failed []string `json:"failed"` // why earlier attempts failed
	Work   string   `json:"-"`      // the job's folder
}

// Number counts attempts from 0.
func (a Attempt) Number() int { return len(a.Failed) }

// Begin prepares a job's work folder, or finds what a stopped run left there.
func (s *Store) Begin(j *plan.Job) (Attempt, error) {
	a := Attempt{Work: s.workDir(j)}
	b, err := os.ReadFile(filepath.Join(a.Work, attemptName))
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err == nil && a.Digest == j.Digest {
		return a, nil
	}
	// Nothing there, or the work of another job: begin anew.
	return s.restart(j, Attempt{Digest: j.Digest, Work: a.Work})
}

// Again prepares the next attempt at a job after one that failed; what that one
// left is removed.
func (s *Store) Again(j *plan.Job, a Attempt, reason string) (Attempt, error) {
	a.Failed = append(slices.Clip(a.Failed), reason)
	return s.restart(j, a)
}

func (s *Store) workDir(j *plan.Job) string {
	return filepath.Join(s.dir, workDir, filepath.FromSlash(j.ID))
}

func (s *Store) restart(j *plan.Job, a Attempt) (Attempt, error) {
	if err := os.RemoveAll(a.Work); err != nil {
		return a, fmt.Errorf("runner: %w", err)
	}
	return a, s.writeJSON(filepath.Join(workDir, filepath.FromSlash(j.ID), attemptName), a)
}

// Finish records that a job is done and removes its work folder.
func (s *Store) Finish(j *plan.Job, a Attempt, notes []string, took time.Duration) (*Record, error) {
	outputs, err := digestOutputs(s.dir, j.Outputs)
	if err != nil {
		return nil, err
	}
	var all []string
	for i, reason := range a.Failed {
		all = append(all, fmt.Sprintf("attempt %d failed: %s", i+1, reason))
	}
	r := &Record{Version: RecordVersion, ID: j.ID, Digest: j.Digest, Attempt: a.Number(), Outputs: outputs, Notes: append(all, notes...),
		Finished: time.Now().UTC().Truncate(time.Second), Seconds: took.Round(time.Millisecond).Seconds()}
	if err := s.writeJSON(recordPath(j.ID), r); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(s.workDir(j)); err != nil {
		return nil, fmt.Errorf("runner: %w", err)
	}
	return r, nil
}

func recordPath(id string) string {
	return filepath.Join(doneDir, filepath.FromSlash(id)+".json")
}

func (s *Store) writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("runner: %w", err)
	}
	return s.writeFile(name, append(b, '\n'))
}

func (s *Store) writeFile(name string, b []byte) error {
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("runner: %w", err)
	}
	err := atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		return fmt.Errorf("runner: %w", err)
	}
	return nil
}

// State is where a job stands.
type State string

// The states of a job.
const (
	Done    State = "done"
	Begun   State = "begun" // it runs, or was stopped
	Waiting State = "waiting"
)

// JobStatus is where one job stands.
type JobStatus struct {
	ID     string  `json:"id"`
	State  State   `json:"state"`
	Record *Record `json:"record,omitempty"`
}

// Status says where a run stands. It needs no lock, looks at records only and
// does not read the outputs. The plan is nil if the folder holds none.
func Status(dir string) (*plan.Plan, []JobStatus, error) {
	p, err := ReadPlan(dir)
	if p == nil || err != nil {
		return nil, nil, err
	}
	var out []JobStatus
	for _, j := range p.Jobs {
		st := JobStatus{ID: j.ID, State: Waiting}
		r, err := readRecord(dir, j.ID)
		if err == nil && r != nil && r.Digest == j.Digest {
			st.State, st.Record = Done, r
		} else if _, err := os.Stat(filepath.Join(dir, workDir, filepath.FromSlash(j.ID), attemptName)); err == nil {
			st.State = Begun
		}
		out = append(out, st)
	}
	return p, out, nil
}

// Holder is the process that works in a folder; held is false if none does.
func Holder(dir string) (pid int, held bool, err error) {
	return lockfile.Holder(filepath.Join(dir, lockName))
}

// Missing are the jobs that are not done, in order.
func Missing(jobs []JobStatus) []string {
	var out []string
	for _, j := range jobs {
		if j.State != Done {
			out = append(out, j.ID)
		}
	}
	return slices.Clip(out)
}
