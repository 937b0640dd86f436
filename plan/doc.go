// Package plan turns an experiment, a file that says what is to be trained,
// compressed and audited, into jobs.
//
//	experiment.yaml ─▶ Parse ─▶ Experiment ─▶ Make ─▶ Plan: jobs in order
//
// A [Job] says what is done (its Spec), from what (Needs), and what it leaves
// behind (Outputs). Its digest is a SHA-256 over the kind, the specification
// and the digests of what it needs: two jobs with one digest give the same
// bytes, on any machine, so that a finished one need not be done again. The
// digest does not cover where data lie nor which build of the tool ran.
//
// The package is pure: it reads no file and starts nothing. It knows jobs, not
// models: names of models, recipes and data pass through a [Resolver], whose
// answers become part of the digests.
package plan

// Version is part of every digest. It grows when the same specification comes
// to mean something else.
//
//	1  the first
const Version = 1
