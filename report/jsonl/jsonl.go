// Package jsonl is the report that is the stream itself: JSON Lines, as
// doc/format/findings.md describes them.
package jsonl

import (
	"io"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/report"
)

// New returns a handler that writes the stream to w. A stored stream that
// passes through keeps its bytes.
func New(w io.Writer) report.Handler { return finding.NewWriter(w) }
