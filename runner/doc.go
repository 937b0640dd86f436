// Package runner carries out plans: it knows jobs, their digests and the folder
// of a run, and nothing of models.
//
//	plan ─▶ Store (folder, lock, records of finished jobs) ─▶ a runner ─▶ Executor
//
// The folder of a run is described in doc/format/run.md. Everything in it is
// written to a temporary name and renamed, and a job counts as done only when
// a record with its digest and the digests of its outputs is there: a run that
// was killed at any moment goes on with the jobs that are not done, and those
// go on from their own checkpoints. Who carries jobs out lives below:
// runner/local does it on this machine.
package runner
