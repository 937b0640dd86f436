package gallery

import (
	"slices"

	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/gallery/mark"
)

// Facts are what an audit says of a marked example, for exports: under the
// variant that the person looked at, or of the baseline alone where there was
// none. ok is false if the audit does not have the example.
func Facts(x *index.Index, m mark.Mark) (f mark.Facts, ok bool) {
	row, ok := x.Find(string(m.ID))
	if !ok {
		return mark.Facts{}, false
	}
	variants := x.Variants()
	i := slices.IndexFunc(variants, func(v index.Variant) bool { return v.Name == m.Variant })
	r, err := x.Row(variants[max(i, 0)].Name, row)
	if err != nil {
		return mark.Facts{}, false
	}
	class := func(c int) string {
		if names := x.Classes(); c >= 0 && c < len(names) {
			return names[c]
		}
		return ""
	}
	f = mark.Facts{Truth: class(r.Truth), Base: class(r.Base), BaseVotes: r.BaseTop, BaseK: r.BaseK}
	if i >= 0 {
		f.Label, f.Votes, f.K = class(r.Label), r.VariantTop, r.VariantK
		f.Flip, f.PIE, f.Certified = string(r.Flip), r.PIE, r.Certified
	}
	return f, true
}
