package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Change is how a job of one plan differs from that of another.
type Change struct {
	ID string
	// What tells the difference: "added", "removed", "recipe.epochs: 12, was
	// 10", or that something it needs has changed.
	What string
}

// Changes lists how plan p differs from an earlier one, in the order of p's
// jobs, removed ones last. Jobs that differ only in what they need are left
// out where the cause is listed itself.
func (p *Plan) Changes(was *Plan) []Change {
	var out []Change
	changed := map[string]bool{}
	before := was.byID()
	for _, j := range p.Jobs {
		old := before[j.ID]
		delete(before, j.ID)
		switch {
		case old == nil:
			out = append(out, Change{j.ID, "added"})
		case old.Digest == j.Digest:
			continue
		default:
			what := differences("", j.Spec, old.Spec)
			if len(what) == 0 && slices.ContainsFunc(j.Needs, func(n string) bool { return changed[n] }) {
				changed[j.ID] = true
				continue
			}
			if len(what) == 0 {
				what = []string{fmt.Sprintf("needs %v, needed %v", j.Needs, old.Needs)}
			}
			for _, w := range what {
				out = append(out, Change{j.ID, w})
			}
		}
		changed[j.ID] = true
	}
	for _, j := range was.Jobs {
		if before[j.ID] != nil {
			out = append(out, Change{j.ID, "removed"})
		}
	}
	return out
}

// differences lists the members of two JSON values that differ.
func differences(at string, now, was json.RawMessage) []string {
	if bytes.Equal(now, was) {
		return nil
	}
	var a, b map[string]json.RawMessage
	if json.Unmarshal(now, &a) != nil || json.Unmarshal(was, &b) != nil || a == nil || b == nil {
		return []string{fmt.Sprintf("%s: %s, was %s", at, show(now), show(was))}
	}
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	var out []string
	for _, k := range sortedKeys(keys) {
		path := k
		if at != "" {
			path = at + "." + k
		}
		out = append(out, differences(path, a[k], b[k])...)
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// show is a JSON value, shortened; "unset" where there is none.
func show(v json.RawMessage) string {
	const most = 60
	switch {
	case len(v) == 0:
		return "unset"
	case len(v) > most:
		return string(v[:most]) + "..."
	}
	return string(v)
}
