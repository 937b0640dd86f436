package gallery

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/internal/num"
)

// The lengths of lists of choices: what is shown, and what unfolds.
const (
	facetShown = 8
	facetMost  = 40
)

// panel is one group of filters.
type panel struct {
	ID, Title, Hint string
	Open            bool
	Chosen          int // choices in force, 0 shows none
	Items, More     []choice
	Cut             string // says what was left out
	Name            string // key of a field that takes any class; "": none
	Hidden          []pair // of the panel's form
	Ranges          []rangeInput
}

// choice is one value of a filter, the examples there are with it, and the
// address with it put in or taken out.
type choice struct {
	Text, Link, Tone string
	N                int
	On, Plain        bool // Plain has no count
	most             int
}

// Count is the number as text.
func (c choice) Count() string {
	if c.Plain {
		return ""
	}
	return count(c.N)
}

// Percent is the length of the bar.
func (c choice) Percent() string { return percent(c.N, c.most) }

// scaled gives the bars of choices their common scale.
func scaled(list []choice) []choice {
	most := 0
	for _, c := range list {
		most = max(most, c.N)
	}
	for i := range list {
		list[i].most = most
	}
	return list
}

// fill puts choices into a panel: those in force and the most frequent first.
func (p *panel) fill(list []choice) {
	scaled(list)
	slices.SortStableFunc(list, func(a, b choice) int {
		if a.On != b.On {
			if a.On {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.N, a.N)
	})
	for _, c := range list {
		if c.On {
			p.Chosen++
		}
	}
	shown := max(facetShown, min(p.Chosen, facetMost))
	if len(list) <= shown+2 {
		p.Items = list
		return
	}
	p.Items = list[:shown]
	p.More = list[shown:min(len(list), max(facetMost, shown))]
	if n := len(list) - len(p.Items) - len(p.More); n > 0 {
		p.Cut = fmt.Sprintf("%s more, by name:", count(n))
	}
}

func (s *server) variantPanel(v *view) panel {
	p := panel{ID: "variant", Title: "Variant", Open: true}
	for _, t := range s.x.Variants() {
		on := t.Name == v.q.Variant
		p.Items = append(p.Items, choice{Text: t.Name, Link: v.with(func(q *index.Query) { q.Variant = t.Name }).link(), On: on, Plain: true, N: 1})
	}
	if n := len(p.Items); n > facetMost {
		p.Items, p.More = p.Items[:facetMost], p.Items[facetMost:]
	}
	return p
}

func (s *server) kindPanel(v *view, f *index.Facets) panel {
	p := panel{ID: "kind", Title: "What happened", Open: true}
	for _, k := range v.kinds() {
		p.Items = append(p.Items, choice{Text: k.text, Tone: k.tone, N: k.n(f), On: k.on, Link: v.with(k.toggle).link()})
	}
	scaled(p.Items)
	return p
}

// panels are the other filters.
func (s *server) panels(v *view, f *index.Facets, res *index.Result) []panel {
	out := []panel{
		s.classPanel(v, "truth", "True class", f.Truth, true, func(q *index.Query) *[]int { return &q.Truth }),
		s.flowPanel(v, res),
		s.classPanel(v, "base", s.x.Baseline().Name+" says", f.Base, len(v.q.Base) > 0, func(q *index.Query) *[]int { return &q.Base }),
		s.classPanel(v, "label", v.q.Variant+" says", f.Label, len(v.q.Label) > 0, func(q *index.Query) *[]int { return &q.Label }),
	}
	for i, a := range f.Attributes {
		out = append(out, s.groupPanel(v, i, a))
	}
	out = append(out, s.marginPanel(v), s.shiftPanel(v, f), s.markPanel(v))
	if f.Pending {
		out = append(out, panel{ID: "pending", Title: "Groups and corruptions", Open: true, Hint: "Still being read: load the page again in a moment.",
			Items: []choice{{Text: "Load again", Link: v.link(), Plain: true, N: 1}}})
	}
	return out
}

func (s *server) classPanel(v *view, key, title string, counts []int, open bool, list func(*index.Query) *[]int) panel {
	p := panel{ID: key, Title: title, Open: open}
	var choices []choice
	for c, n := range counts {
		on := slices.Contains(*list(&v.q), c)
		if n == 0 && !on {
			continue
		}
		choices = append(choices, choice{Text: s.class(c), N: n, On: on, Link: v.with(func(q *index.Query) { l := list(q); *l = toggle(*l, c) }).link()})
	}
	p.fill(choices)
	if p.Cut != "" {
		p.Name, p.Hidden = key, v.hidden()
	}
	return p
}

// flowMost is the number of examples up to which pairs of labels are counted.
const flowMost = 200_000

// flowPanel counts where labels went: from the baseline's to the variant's.
func (s *server) flowPanel(v *view, res *index.Result) panel {
	p := panel{ID: "flow", Title: "Where labels went", Open: len(v.q.Base) > 0 && len(v.q.Label) > 0}
	if res.Total > flowMost {
		return p
	}
	type flow struct{ base, label int }
	counts := map[flow]int{}
	for row := range res.All() {
		x, err := s.x.Row(v.q.Variant, row)
		if err != nil {
			return p
		}
		if x.Base != x.Label {
			counts[flow{x.Base, x.Label}]++
		}
	}
	var flows []flow
	for f := range counts {
		flows = append(flows, f)
	}
	slices.SortFunc(flows, func(a, b flow) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.base, b.base), cmp.Compare(a.label, b.label))
	})
	var choices []choice
	for _, f := range flows[:min(len(flows), facetMost)] {
		on := slices.Equal(v.q.Base, []int{f.base}) && slices.Equal(v.q.Label, []int{f.label})
		to := v.with(func(q *index.Query) {
			q.Base, q.Label = []int{f.base}, []int{f.label}
			if on {
				q.Base, q.Label = nil, nil
			}
		})
		choices = append(choices, choice{Text: s.class(f.base) + " → " + s.class(f.label), N: counts[f], On: on, Link: to.link()})
	}
	p.fill(choices)
	p.Cut = ""
	return p
}

func groupWords(v index.Value) string {
	if v.Value == "" {
		return v.Name + " not known"
	}
	return v.Name + " " + v.Value
}

func (s *server) groupPanel(v *view, i int, a index.AttributeCount) panel {
	p := panel{ID: "group" + strconv.Itoa(i), Title: a.Name, Open: i < 3}
	var choices []choice
	for j, value := range a.Values {
		g := index.Value{Name: a.Name, Value: value}
		choices = append(choices, choice{Text: value, N: a.N[j], On: slices.Contains(v.q.Attributes, g),
			Link: v.with(func(q *index.Query) { q.Attributes = toggle(q.Attributes, g) }).link()})
	}
	if a.Missing > 0 {
		g := index.Value{Name: a.Name, Missing: true}
		choices = append(choices, choice{Text: "not known", N: a.Missing, On: slices.Contains(v.q.Attributes, g),
			Link: v.with(func(q *index.Query) { q.Attributes = toggle(q.Attributes, g) }).link()})
	}
	p.fill(choices)
	return p
}

func (s *server) shiftPanel(v *view, f *index.Facets) panel {
	p := panel{ID: "shift", Title: "Changed under a corruption", Open: v.q.Shift != "", Hint: "Modal label of the two populations differs on the corrupted image."}
	var choices []choice
	for _, c := range f.Shifts {
		on := c.Name == v.q.Shift
		choices = append(choices, choice{Text: c.Name, N: c.N, On: on, Link: v.with(func(q *index.Query) {
			q.Shift = c.Name
			if on {
				q.Shift = ""
			}
		}).link()})
	}
	p.fill(choices)
	p.Cut = ""
	return p
}

// markedWords say which marks a view shows.
func markedWords(as string) string {
	switch as {
	case markedAny:
		return "marked"
	case markedNone:
		return "not marked"
	default:
		return "marked " + verdictWord(mark.Verdict(as))
	}
}

func (s *server) markPanel(v *view) panel {
	p := panel{ID: "mark", Title: "Marks", Open: v.marked != ""}
	res, err := s.x.Select(v.mark("").query())
	if err != nil {
		return p
	}
	all := res.Bitmap()
	names := []string{markedAny, markedNone}
	for _, m := range mark.Verdicts() {
		names = append(names, string(m))
	}
	for _, as := range names {
		on, to := as == v.marked, v.mark(as)
		if on {
			to = v.mark("")
		}
		p.Items = append(p.Items, choice{Text: markedWords(as), N: int(all.AndCardinality(v.rows(as))), On: on, Link: to.link()})
	}
	scaled(p.Items)
	return p
}

// span is a range of shares that filters.
type span struct {
	title     string
	low, high string // keys of the address
	at        func(*index.Query) *index.Range
}

func (v *view) ranges() []span {
	return []span{
		{v.s.x.Baseline().Name + " share", "base_low", "base_high", func(q *index.Query) *index.Range { return &q.BaseShare }},
		{v.q.Variant + " share", "share_low", "share_high", func(q *index.Query) *index.Range { return &q.VariantShare }},
		{"margin", "margin_low", "margin_high", func(q *index.Query) *index.Range { return &q.Margin }},
	}
}

func rangeWords(r index.Range) string { return num.Number(r.Low) + " to " + num.Number(r.High) }

// rangeForm is a form of ranges.
type rangeForm struct {
	Hidden []pair
	Ranges []rangeInput
}

// rangeInput are two fields for the ends of a range.
type rangeInput struct{ Title, Low, High, LowValue, HighValue string }

func (v *view) input(r span) rangeInput {
	in := rangeInput{Title: r.title, Low: r.low, High: r.high}
	if at := r.at(&v.q); at.Set {
		in.LowValue, in.HighValue = strconv.FormatFloat(at.Low, 'g', 4, 64), strconv.FormatFloat(at.High, 'g', 4, 64)
	}
	return in
}

func (s *server) marginPanel(v *view) panel {
	r := v.ranges()[2]
	return panel{
		ID: "margin", Title: "Margin of " + s.x.Baseline().Name, Open: v.q.Margin.Set, Hint: "Share of its first label minus that of its second: 0 undecided, 1 unanimous.",
		Hidden: v.hidden(r.low, r.high), Ranges: []rangeInput{v.input(r)},
	}
}
