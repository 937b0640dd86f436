package pie

import (
	"math"

	"github.com/lethe-audit/lethe/finding"
)

// maxBins is the number of steps between vote shares 0 and 1 in the scatter.
const maxBins = 30

// scatter is the table of examples by their votes for the true class in both
// populations.
func (r *result) scatter() finding.Table {
	t := finding.Table{
		Name: "vote-scatter", Check: name, Variant: r.variant().Name,
		Title: "Examples by votes for the true class, baseline against variant",
		Columns: []finding.Column{
			{Name: "base_share", Unit: finding.Share, Doc: "share of baseline members that predict the true class"},
			{Name: "variant_share", Unit: finding.Share, Doc: "share of variant members that predict the true class"},
			{Name: "count", Unit: finding.Count, Doc: "examples"},
		},
	}
	bins0, binsT := min(r.k0, maxBins), min(r.kt, maxBins)
	if r.k0 > maxBins || r.kt > maxBins {
		t.Note = "Shares are rounded to the nearest thirtieth."
	}
	count := make([]int64, (bins0+1)*(binsT+1))
	for v0 := range r.k0 + 1 {
		for vt := range r.kt + 1 {
			count[bin(v0, r.k0, bins0)*(binsT+1)+bin(vt, r.kt, binsT)] += r.tally.votes[v0*(r.kt+1)+vt]
		}
	}
	for i, n := range count {
		if n > 0 {
			t.Rows = append(t.Rows, []any{float64(i/(binsT+1)) / float64(bins0), float64(i%(binsT+1)) / float64(binsT), n})
		}
	}
	return t
}

func bin(votes, members, bins int) int {
	return int(math.Round(float64(votes) * float64(bins) / float64(members)))
}

// topExamples is the table of the examples whose votes differ most.
func (r *result) topExamples(worst []finding.ExampleRow) finding.Table {
	t := finding.Table{
		Name: "top-examples", Check: name, Variant: r.variant().Name,
		Title: "Examples whose votes differ most, by taxicab distance",
		Columns: []finding.Column{
			{Name: "id"}, {Name: "label", Doc: "true class"},
			{Name: "base_modal", Doc: "label most baseline members predict"}, {Name: "variant_modal", Doc: "label most variant members predict"},
			{Name: "base_votes", Unit: finding.Count, Doc: "baseline members that predict the true class"}, {Name: "base_k", Unit: finding.Count},
			{Name: "variant_votes", Unit: finding.Count, Doc: "variant members that predict the true class"}, {Name: "variant_k", Unit: finding.Count},
			{Name: "taxicab", Unit: finding.Plain, Doc: "distance of the two vote distributions, 0 to 2"},
			{Name: "q", Unit: finding.Plain, Doc: "vote changed, Benjamini-Hochberg; null where it could not be tested"},
			{Name: "certified", Doc: "yes: the majority label changed, beyond chance"},
		},
	}
	for i := range worst {
		x := &worst[i]
		var q any
		if x.Q != nil {
			q = *x.Q
		}
		certified := "no"
		if x.Certified {
			certified = "yes"
		}
		classes := r.view.Table.Classes
		t.Rows = append(t.Rows, []any{x.ID, classes[x.Label], classes[x.BaseModal], classes[x.VariantModal], x.BaseVotes, x.BaseK, x.VariantVotes, x.VariantK, x.Taxicab, q, certified})
	}
	return t
}

// variantRow is one variant in the table of all.
type variantRow []any

// row is the variant's row: null where something was not measured.
func (r *result) row() variantRow {
	v := r.variant()
	var level, floor, matched, excess, low, high, size any
	if v.Level != nil {
		level = *v.Level
	}
	switch {
	case r.measured != nil:
		m := r.measured
		floor, matched, excess, size = m.Floor, m.PIE, m.Excess.Value, m.M
		if lo, hi, err := m.Excess.Bounds(r.view.Options.Level, true); err == nil {
			low, high = lo, hi
		}
	case r.units != nil && r.reference != nil:
		s := r.swappedShare(r.tally, r.reference)
		floor, matched, excess = s.Reference, s.PIE, s.PIE-s.Reference
	}
	return variantRow{v.Name, string(v.Kind), level, r.share(int64(r.tally.pies)), floor, matched, excess, low, high, size, r.tally.tied}
}

// variantTable is the table of PIE shares and floors of all variants.
func variantTable(rows []variantRow) finding.Table {
	t := finding.Table{
		Name: "pie-by-variant", Check: name, Title: "PIE share of each variant against the noise floor",
		Note: "floor, pie_m and excess compare populations of m members; where m is null they compare lineages and the floor is the mean under swaps, too high rather than too low.",
		Columns: []finding.Column{
			{Name: "variant"}, {Name: "kind"}, {Name: "level", Unit: finding.Plain, Doc: "sparsity or bit width"},
			{Name: "pie_share", Unit: finding.Share, Doc: "PIE share at full population size"},
			{Name: "floor", Unit: finding.Share, Doc: "share under no effect at the matched size"},
			{Name: "pie_m", Unit: finding.Share, Doc: "PIE share at the matched size"},
			{Name: "excess", Unit: finding.Difference, Doc: "pie_m minus floor"},
			{Name: "excess_low", Unit: finding.Difference, Doc: "interval over members and examples"}, {Name: "excess_high", Unit: finding.Difference},
			{Name: "m", Unit: finding.Count, Doc: "members whose modal label is compared"},
			{Name: "tied", Unit: finding.Count, Doc: "examples with a tied vote in either population"},
		},
	}
	for _, r := range rows {
		t.Rows = append(t.Rows, r)
	}
	return t
}
