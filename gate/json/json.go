// Package json writes a gate's result as one JSON object: every rule, every scope,
// every number (doc/format/policy.md). Nothing is cut.
package json

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/lethe-audit/lethe/gate"
)

// Version is the version of the object.
//
//	1  first version
const Version = 1

// Write writes the result.
func Write(w io.Writer, r *gate.Result) error {
	out := *r
	if out.Doubts == nil {
		out.Doubts = []gate.Doubt{}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Version int `json:"version"`
		*gate.Result
	}{Version, &out})
	if err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return nil
}
