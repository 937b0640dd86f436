package audit

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// Describe makes the message that opens the stream: what is audited and how,
// with every doubt that concerns the whole audit. tool names the program and
// its version.
func Describe(ctx context.Context, v *View, tool string, checks []Check) (finding.Config, error) {
	t, o := v.Table, v.Options
	c := finding.Config{
		Protocol: finding.ProtocolVersion, Tool: tool, Mode: "default",
		Settings: finding.Settings{
			Alpha: o.Alpha, FDR: string(o.FDR), Margin: o.Margin, Level: o.Level,
			Shift: string(o.Shift), Ties: string(o.Ties), Seed: o.Seed, MinN: o.MinN, Depth: o.Depth,
			Resample: o.Resample, Replicate: o.Replicates,
		},
		Classes: t.Classes, ClassSizes: v.ClassSizes(), Examples: t.Len(),
		Join: finding.Join{
			ByPosition: t.Join.ByPosition, Missing: t.Join.Missing, Unknown: t.Join.Unknown,
			Duplicated: t.Join.Duplicated, Notes: t.Notes,
		},
	}
	if o.Paper {
		c.Mode = "paper"
	}
	if o.Positive >= 0 {
		c.Settings.Positive = t.Classes[o.Positive]
	}
	for _, k := range checks {
		c.Checks = append(c.Checks, k.Name())
	}
	for _, a := range t.Attributes {
		c.Attributes = append(c.Attributes, a.Name)
	}
	for _, in := range t.Inputs {
		c.Inputs = append(c.Inputs, finding.InputDigest{Path: in.Path, Digest: in.Digest, Role: in.Role})
	}
	for i := range t.Variants {
		p, err := describePopulation(ctx, v, i)
		if err != nil {
			return finding.Config{}, err
		}
		c.Populations = append(c.Populations, p)
	}
	for i := range t.Shifts {
		s := &t.Shifts[i].Shift
		c.Shifts = append(c.Shifts, finding.ShiftInfo{
			Name: s.Name, Benchmark: s.Benchmark, Corruption: s.Corruption, Severity: s.Severity, Paired: s.Paired, Examples: t.Shifts[i].Table.Len(),
		})
		for _, in := range t.Shifts[i].Table.Inputs {
			c.Inputs = append(c.Inputs, finding.InputDigest{Path: in.Path, Digest: in.Digest, Role: "shift " + s.Name})
		}
	}
	c.Warnings = append(joinWarnings(t), Residue(t)...)
	c.Warnings = append(c.Warnings, designWarnings(v)...)
	return c, nil
}

func describePopulation(ctx context.Context, v *View, t int) (finding.Population, error) {
	variant := &v.Table.Variants[t]
	counts, err := v.Counts(ctx, t)
	if err != nil {
		return finding.Population{}, err
	}
	p := finding.Population{Name: variant.Name, Kind: string(variant.Kind), Level: variant.Level}
	if t > 0 {
		p.Pairing = string(v.Pairing(t).Design)
		if v.Pairing(t).OneCheckpoint {
			p.Pairing = "one checkpoint"
		}
	}
	for k, m := range variant.Members {
		p.Members = append(p.Members, finding.MemberInfo{
			Name: m.Name, Seed: m.Seed, Lineage: m.Lineage,
			Accuracy: float64(counts.Total[k]) / float64(v.Table.Len()),
			Digest:   m.Predicted.Digest(),
		})
	}
	return p, nil
}

// joinWarnings are doubts about how rows were brought together.
func joinWarnings(t *prediction.Table) []finding.Warning {
	var w []finding.Warning
	j := t.Join
	if j.ByPosition {
		w = append(w, finding.Warning{Code: "joined-by-position", Text: "The sources have no example ids: row i of each file was taken to be example i. A file in another order would go unnoticed."})
	}
	if j.Missing > 0 {
		w = append(w, finding.Warning{Code: "missing-rows", Text: fmt.Sprintf("%d examples were left out because at least one model has no prediction for them; %d remain.", j.Missing, j.Examples)})
	}
	if j.Unknown > 0 {
		w = append(w, finding.Warning{Code: "unknown-rows", Text: fmt.Sprintf("%d predictions were left out because the labels have no example with their id.", j.Unknown)})
	}
	if j.Duplicated > 0 {
		w = append(w, finding.Warning{Code: "duplicated-rows", Text: fmt.Sprintf("%d rows repeat an earlier row with the same content and were counted once.", j.Duplicated)})
	}
	return w
}

// designWarnings say where the populations do not allow what users may expect.
func designWarnings(v *View) []finding.Warning {
	var w []finding.Warning
	base := v.Table.Baseline()
	for t := 1; t < len(v.Table.Variants); t++ {
		variant, p := &v.Table.Variants[t], v.Pairing(t)
		if variant.Kind == prediction.KindRestored {
			continue
		}
		if p.OneCheckpoint {
			w = append(w, finding.Warning{Code: "calibration-noise", Text: fmt.Sprintf("%s: its %d members were all made from %s. Their spread covers calibration noise only: it says how far other calibrations of this checkpoint could differ, and nothing about training it again. Tests take them as one unit.", variant.Name, len(variant.Members), base.Members[0].Name)})
		}
		if p.LeftOutBase+p.LeftOutVariant > 0 {
			w = append(w, finding.Warning{Code: "left-out-members", Text: fmt.Sprintf("%s: %d baseline and %d variant members have no partner of the same lineage and were left out of paired tests.", variant.Name, p.LeftOutBase, p.LeftOutVariant)})
		}
		if p.Design == Independent && variant.Kind == prediction.KindQuantized && len(base.Members) == len(variant.Members) {
			w = append(w, finding.Warning{Code: "maybe-paired", Text: fmt.Sprintf("%s is quantized but shares no known lineage with %s. If member k was made from baseline member k, say so (--paired): the test for independent populations is far less sensitive.", variant.Name, base.Name)})
		}
	}
	return w
}

// Residue finds settings that differ between members and were not named as
// what is compared: each may be the true cause of a difference.
func Residue(t *prediction.Table) []finding.Warning {
	keys := map[string]bool{}
	for _, v := range t.Variants {
		for _, m := range v.Members {
			for k := range m.Config {
				keys[k] = true
			}
		}
	}
	names := make([]string, 0, len(keys))
	for k := range keys {
		names = append(names, k)
	}
	sort.Strings(names)
	var out []finding.Warning
	for _, key := range names {
		if w, ok := residueOf(t, key); ok {
			out = append(out, w)
		}
	}
	return out
}

func residueOf(t *prediction.Table, key string) (finding.Warning, bool) {
	var parts []string
	all := map[string]bool{}
	within := false
	for _, v := range t.Variants {
		values := map[string]bool{}
		for _, m := range v.Members {
			s, ok := m.Config[key]
			if !ok {
				s = "(not said)"
			}
			values[s], all[s] = true, true
		}
		list := make([]string, 0, len(values))
		for s := range values {
			list = append(list, s)
		}
		sort.Strings(list)
		if len(list) > 1 {
			within = true
		}
		if len(list) > 3 {
			list = append(list[:3], fmt.Sprintf("and %d more", len(list)-3))
		}
		parts = append(parts, v.Name+": "+strings.Join(list, ", "))
	}
	if len(all) < 2 {
		return finding.Warning{}, false
	}
	if len(parts) > 6 {
		parts = append(parts[:6], fmt.Sprintf("and %d more variants", len(parts)-6))
	}
	where := "between variants"
	if within {
		where = "between members"
	}
	return finding.Warning{Code: "residue", Text: fmt.Sprintf("%q varies %s and is not what is compared (%s): differences may come from it.", key, where, strings.Join(parts, "; "))}, true
}
