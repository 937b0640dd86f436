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
		for k := range variants[v].Members {
			if c := variants[v].Members[k].Facts.Claim; c != nil && c.Source != "" {
				variants[v].Members[k].Lineage = c.Source
				used[c.Source] = true
			}
		}
	}
	base := &variants[0]
	for k := range base.Members {
		m := &base.Members[k]
		if m.Lineage == "" && used[m.Facts.WeightsDigest] {
			m.Lineage = m.Facts.WeightsDigest
		}
	}
	var of []string
	for v := range variants[1:] {
		if s := madeFrom(base, &variants[v+1]); s != "" {
			of = append(of, s)
		}
	}
	if len(of) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("As the source digests in their metadata say, these were made from models of %s and are compared with those: %s.", base.Name, strings.Join(of, "; "))}
}

// madeFrom is a variant's name and how many of its members share a lineage with
// a baseline member; "" if none does.
func madeFrom(base, v *prediction.Variant) string {
	made := 0
	for _, m := range v.Members {
		if m.Lineage != "" && slices.ContainsFunc(base.Members, func(b prediction.Member) bool { return b.Lineage == m.Lineage }) {
			made++
		}
	}
	switch {
	case made == 0:
		return ""
	case len(v.Members) == 1:
		return v.Name
	}
	return fmt.Sprintf("%s (%d of %d members)", v.Name, made, len(v.Members))
}
