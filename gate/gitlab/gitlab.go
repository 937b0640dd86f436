// Package gitlab writes a gate's result as GitLab's code quality report: a list of
// issues, each at the rule's line in the policy file. A merge request shows which
// are new by their fingerprints.
package gitlab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/gate"
	"github.com/lethe-audit/lethe/gate/words"
)

// Options are the settings of [Write].
type Options struct {
	Issues int // issues at most, at least 1; the last one says how many more there are
}

// DefaultOptions keep 500 issues.
func DefaultOptions() Options { return Options{Issues: 500} }

type issue struct {
	Description string   `json:"description"`
	CheckName   string   `json:"check_name"`
	Fingerprint string   `json:"fingerprint"`
	Severity    string   `json:"severity"` // "info", "minor", "major", "critical" or "blocker"
	Location    location `json:"location"`
}

type location struct {
	Path  string `json:"path"`
	Lines lines  `json:"lines"`
}

type lines struct {
	Begin int `json:"begin"`
}

// Write writes the result; a pass is an empty list.
func Write(w io.Writer, r *gate.Result, o Options) error {
	all := issues(r)
	most := max(o.Issues, 1)
	if left := len(all) - most; left > 0 {
		last := all[most-1]
		last.Description, last.Fingerprint = words.More(left+1)+". "+words.Clean(words.Headline(r)), fingerprint("more")
		all = append(all[:most-1:most-1], last)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("gitlab: %w", err)
	}
	return nil
}

func issues(r *gate.Result) []issue {
	out := []issue{}
	for _, d := range r.Doubts {
		severity := "blocker"
		if d.Verdict != gate.Fail {
			severity = "major"
		}
		out = append(out, issue{words.Clean(d.Text), "audit/" + d.Code, fingerprint("audit", d.Code, d.Variant), severity, at(gate.Location{File: r.File})})
	}
	for _, c := range words.Worst(r) {
		rr := c.Rule
		severity := map[int]string{words.Failed: "critical", words.Open: "minor", words.Overridden: "info"}[c.Weight()]
		if severity == "" {
			break // the rest passed
		}
		out = append(out, issue{
			words.Clean(fmt.Sprintf("%s [%s]: %s", rr.Rule.Name, rr.Variant, words.Line(rr, c.Scope))), words.Clean(rr.Rule.Name),
			fingerprint(rr.Rule.Name, rr.Variant, c.Scope.Finding), severity, at(rr.Rule.At),
		})
	}
	return out
}

func at(l gate.Location) location {
	path := strings.TrimPrefix(filepath.ToSlash(l.File), "./")
	if path == "" {
		path = "policy"
	}
	return location{path, lines{max(l.Line, 1)}}
}

func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
