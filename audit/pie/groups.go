package pie

import (
	"math/bits"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// countTop counts the examples whose label is in one of the columns: all of
// them, and those in the set.
func countTop(labels *prediction.Column, top []prediction.Column, set bitset) (all, on int64) {
	want, got := make([]int32, audit.BlockSize), make([]int32, audit.BlockSize)
	hit := make([]bool, audit.BlockSize)
	for from := 0; from < labels.Len(); from += audit.BlockSize {
		n := labels.Read(want, from)
		clear(hit)
		for _, c := range top {
			c.Read(got[:n], from)
			for i, p := range got[:n] {
				if p == want[i] {
					hit[i] = true
				}
			}
		}
		for i, h := range hit[:n] {
			if h {
				all++
				if set.has(from + i) {
					on++
				}
			}
		}
	}
	return all, on
}

// members calls fn with the elements of the set, ascending.
func (s bitset) members(fn func(i int)) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			fn(w*64 + bits.TrailingZeros64(word))
		}
	}
}

// group is one class or attribute value and the PIEs in it.
type group struct {
	scope     finding.Scope
	n, pies   int
	reference float64 // PIEs under no effect, mean over rearrangements
}

// groups are the classes and the attribute values that have examples.
func (r *result) groups() []group {
	table := r.view.Table
	classPIEs := make([]int, len(table.Classes))
	r.tally.pie.members(func(i int) { classPIEs[table.Labels.At(i)]++ })
	var out []group
	for c, n := range r.view.ClassSizes() {
		if n == 0 {
			continue
		}
		g := group{scope: finding.Scope{Kind: finding.Class, Class: finding.Int(c), Name: table.Classes[c]}, n: n, pies: classPIEs[c]}
		if r.reference != nil {
			g.reference = r.reference.class[c]
		}
		out = append(out, g)
	}
	for a := range table.Attributes {
		out = append(out, r.attribute(a)...)
	}
	return out
}

func (r *result) attribute(a int) []group {
	at := &r.view.Table.Attributes[a]
	size, pies := make([]int, len(at.Values)), make([]int, len(at.Values))
	for _, code := range at.Codes {
		if code >= 0 {
			size[code]++
		}
	}
	r.tally.pie.members(func(i int) {
		if code := at.Codes[i]; code >= 0 {
			pies[code]++
		}
	})
	var out []group
	for v, n := range size {
		if n == 0 {
			continue
		}
		scope := finding.Scope{Kind: finding.Subgroup, Name: at.Name + "=" + at.Values[v], Groups: []finding.Group{{Attribute: at.Name, Value: at.Values[v]}}}
		g := group{scope: scope, n: n, pies: pies[v]}
		if r.reference != nil {
			g.reference = r.reference.group[a][v]
		}
		out = append(out, g)
	}
	return out
}

// overRepresentation describes, for each class and attribute value, its share
// of the PIEs over its share of the examples.
func (r *result) overRepresentation() []finding.Finding {
	const question, metric = "over-representation", "share among PIEs over share among all examples"
	if r.tally.pies == 0 {
		return []finding.Finding{notMeasurable(r.finding(question, overall(), metric, finding.Ratio), finding.NothingToMeasure, "examples whose modal labels differ")}
	}
	var out []finding.Finding
	all := r.share(int64(r.tally.pies))
	for _, g := range r.groups() {
		f := r.finding(question, g.scope, metric, finding.Ratio)
		f.N, f.Evidence.Examples = g.n, g.n
		if g.n < r.view.Options.MinN {
			out = append(out, notMeasurable(f, finding.TooFewExamples, ""))
			continue
		}
		rate := float64(g.pies) / float64(g.n)
		f.Estimate, f.Value, f.BaseValue = finding.Float(rate/all), finding.Float(rate), finding.Float(all)
		if r.reference != nil && r.reference.mean > 0 {
			f.Reference = finding.Float(g.reference / float64(g.n) / (r.reference.mean / float64(r.size())))
		}
		out = append(out, f)
	}
	return out
}
