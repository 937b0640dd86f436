package curve

import (
	"cmp"
	"slices"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// line is one curve: two or more variants of a kind, weakest compression first.
type line struct {
	kind     prediction.Kind
	variants []int
	byFile   bool // no levels: ordered as in the file
}

// linesOf orders the variants into curves; where there is none it says why.
func linesOf(t *prediction.Table) ([]line, finding.Reason) {
	var kinds []line
	for i := 1; i < len(t.Variants); i++ {
		kind := t.Variants[i].Kind
		if kind == prediction.KindNull || kind == prediction.KindRestored {
			continue
		}
		j := slices.IndexFunc(kinds, func(l line) bool { return l.kind == kind })
		if j < 0 {
			j = len(kinds)
			kinds = append(kinds, line{kind: kind})
		}
		kinds[j].variants = append(kinds[j].variants, i)
	}
	reason := finding.OneVariant
	var out []line
	for _, l := range kinds {
		if len(l.variants) < 2 {
			continue
		}
		if !order(t, &l) {
			if len(kinds) > 1 {
				reason = finding.NoOrder
				continue
			}
			l.byFile = true
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, reason
	}
	return out, ""
}

// order sorts a line from weak to strong compression; false where a level is
// missing.
func order(t *prediction.Table, l *line) bool {
	for _, v := range l.variants {
		if t.Variants[v].Level == nil {
			return false
		}
	}
	slices.SortStableFunc(l.variants, func(a, b int) int {
		d := cmp.Compare(*t.Variants[a].Level, *t.Variants[b].Level)
		if l.kind == prediction.KindQuantized { // fewer bits are more compression
			return -d
		}
		return d
	})
	return true
}
