package infer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
)

// The metadata keys by which a compressed model says what it was made from
// (doc/format/compress.md).
const (
	MetaSource      = "lethe.source"      // weights digest of the model it was made from
	MetaScheme      = "lethe.scheme"      // schemes in order, separated by spaces
	MetaCalibration = "lethe.calibration" // what the calibration examples were
)

// claimOf is what a model says of itself, nil if it says nothing.
func claimOf(m *onnx.Model) *prediction.Claim {
	source, _ := m.Meta(MetaSource)
	scheme, _ := m.Meta(MetaScheme)
	if source == "" && scheme == "" {
		return nil
	}
	c := &prediction.Claim{Source: source, Schemes: strings.Fields(scheme)}
	if calibration, _ := m.Meta(MetaCalibration); calibration != "" {
		h := sha256.Sum256([]byte(calibration))
		c.Calibration = "sha256:" + hex.EncodeToString(h[:])
	}
	return c
}

// pairBySource gives members one lineage with the baseline member whose weights
// they say they were made from, and returns what the report must say of it.
// Compressed members of one unknown source share a lineage too.
func pairBySource(variants []prediction.Variant) (notes []string) {
	if len(variants) == 0 {
		return nil
	}
	used := map[string]bool{}
	for v := range variants {
		made := 0
		for k := range variants[v].Members {
			if c := variants[v].Members[k].Facts.Claim; c != nil && c.Source != "" {
				variants[v].Members[k].Lineage = c.Source
				used[c.Source] = true
				made++
			}
		}
		if v > 0 && made > 0 {
			notes = append(notes, madeFrom(&variants[0], &variants[v]))
		}
	}
	for k := range variants[0].Members {
		m := &variants[0].Members[k]
		if m.Lineage == "" && used[m.Facts.WeightsDigest] {
			m.Lineage = m.Facts.WeightsDigest
		}
	}
	return slices.DeleteFunc(notes, func(s string) bool { return s == "" })
}

// madeFrom says how many members of a variant name a baseline member as their
// source; "" if none does.
func madeFrom(base, v *prediction.Variant) string {
	var from []string
	for _, m := range v.Members {
		i := slices.IndexFunc(base.Members, func(b prediction.Member) bool { return lineageOf(&b) == m.Lineage })
		if m.Lineage != "" && i >= 0 {
			from = append(from, base.Members[i].Name)
		}
	}
	switch {
	case len(from) == 0:
		return ""
	case len(v.Members) == 1:
		return fmt.Sprintf("%s was made from %s, as the source digest in its metadata says.", v.Name, from[0])
	}
	return fmt.Sprintf("%s: %d of %d members were made from a member of %s, as the source digests in their metadata say; they are paired by it.", v.Name, len(from), len(v.Members), base.Name)
}

// lineageOf is the checkpoint that a member was made from: itself if it says
// nothing else.
func lineageOf(m *prediction.Member) string {
	if c := m.Facts.Claim; c != nil && c.Source != "" {
		return c.Source
	}
	return m.Facts.WeightsDigest
}
