package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/triage"
	"github.com/lethe-audit/lethe/finding"
)

// The names in an audit directory (doc/format/audit.md).
const (
	findingsFile   = "findings.jsonl"
	examplesFile   = "examples.parquet"
	reportFile     = "report.html"
	predictionsDir = "predictions"
)

// refuseExisting protects what is at dir: an empty folder may be filled, an
// earlier audit replaced with --force, anything else is left alone.
func refuseExisting(dir string, force bool) error {
	if dir == "" {
		return nil
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("output: %w", err)
	case len(entries) == 0:
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, findingsFile)); err != nil {
		return fmt.Errorf("output: %s is there and is no audit directory; choose another", dir)
	}
	if !force {
		return fmt.Errorf("output: %s holds an audit already; choose another directory, or --force to replace it", dir)
	}
	return nil
}

// auditSink writes what checks find to the files of an audit directory.
type auditSink struct {
	stream   *finding.Writer
	examples *finding.ExampleWriter
	triage   *finding.TriageWriter
}

// Finding writes f to the stream.
func (s auditSink) Finding(f finding.Finding) error { return s.stream.Finding(&f) }

// Table writes t to the stream.
func (s auditSink) Table(t finding.Table) error { return s.stream.Table(&t) }

// Example writes r to the table of examples.
func (s auditSink) Example(r finding.ExampleRow) error { return s.examples.Write(&r) }

// Triage writes r to the table of triage.
func (s auditSink) Triage(r finding.TriageRow) error { return s.triage.Write(&r) }

// writeAudit runs the checks and writes findings.jsonl and examples.parquet.
func (a *app) writeAudit(ctx context.Context, job *auditJob, dir string) (err error) {
	findings, err := os.Create(filepath.Join(dir, findingsFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, findings.Close()) }()
	examples, err := os.Create(filepath.Join(dir, examplesFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, examples.Close()) }()
	extra := new(bytes.Buffer) // a small share of the examples, and only where the check runs
	out, rows := bufio.NewWriterSize(findings, 1<<16), bufio.NewWriterSize(examples, 1<<20)
	sink := auditSink{finding.NewWriter(out), finding.NewExampleWriter(rows), finding.NewTriageWriter(extra)}

	job.checks = checksFor(job.checks, job.view.Table)
	config, err := audit.Describe(ctx, job.view, a.tool(), job.checks)
	if err != nil {
		return err
	}
	config.Title = job.title
	if err := sink.stream.Config(&config); err != nil {
		return err
	}
	if err := audit.Run(ctx, job.view, job.checks, sink, a.checkProgress()); err != nil {
		return err
	}
	for i := range job.tables {
		if err := sink.stream.Table(&job.tables[i]); err != nil {
			return err
		}
	}
	if err := sink.stream.Done(sink.stream.Tally().Done(int(sink.examples.Rows()))); err != nil {
		return err
	}
	err = errors.Join(sink.examples.Close(), out.Flush(), rows.Flush(), sink.triage.Close())
	if err != nil || !slices.ContainsFunc(job.checks, func(c audit.Check) bool { return c.Name() == triage.Name }) {
		return err
	}
	return os.WriteFile(filepath.Join(dir, triageFile), extra.Bytes(), 0o644)
}
