package gallery

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/internal/num"
)

// lastPage bounds page numbers; no audit has as many tiles.
const lastPage = 100_000_000

// wallPage is what the template "wall" is given.
type wallPage struct {
	Page               page
	Headline, Sentence string
	Chips              []chip
	Clear              string
	Variants, Kinds    panel
	Panels             []panel
	Scatter            template.HTML
	ScatterWords       string
	Votes              rangeForm
	Find               findForm
	Sort               sortForm
	Tiles              []tile
	Total              string
	From, To           string
	Prev, Next         string
}

// chip is a filter in force, and the address without it.
type chip struct{ Text, Link string }

type findForm struct {
	Value  string
	Hidden []pair
}

type sortForm struct {
	Hidden  []pair
	Options []option
	Reverse bool
}

type option struct {
	Value, Text string
	On          bool
}

// tile is one example on a wall.
type tile struct {
	Row              int32
	ID, Variant      string
	Link, Picture    string
	Alt, Truth, More string
	Base, Now        votes
	Mark             markView
}

// votes are what a population said of an example.
type votes struct {
	Who, Label string
	Right      bool
	Votes, K   int
	Tone       string
}

// Of says how many members are right: "4 of 30".
func (v votes) Of() string {
	return fmt.Sprintf("%d of %s", v.Votes, num.Plural(v.K, "member", "members"))
}

// Percent is the share of votes for the true class, of 100.
func (v votes) Percent() string { return percent(v.Votes, v.K) }

func percent(part, whole int) string {
	if whole < 1 {
		return "0"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*float64(part)/float64(whole)), ".0")
}

// wall is the page of examples, or its next tiles alone.
func (s *server) wall(w http.ResponseWriter, r *http.Request) error {
	if len(r.URL.Query()) == 0 {
		v := &view{s: s, q: index.Query{Variant: s.o.Variant, PIE: true}}
		http.Redirect(w, r, v.link(), http.StatusFound)
		return nil
	}
	v, err := s.view(r.URL.Query())
	if err != nil {
		return err
	}
	n, err := number(r, keyPage, 1, lastPage, 1)
	if err != nil {
		return err
	}
	res, err := s.x.Select(v.query())
	if err != nil {
		return err
	}
	p := &wallPage{Total: count(res.Total)}
	if err := s.tiles(p, v, res, n); err != nil {
		return err
	}
	if r.URL.Query().Get(keyPart) == "tiles" {
		w.Header().Set("X-Next", p.Next)
		w.Header().Set("X-Shown", fmt.Sprintf("%s of %s", p.To, p.Total))
		return s.render(w, "tiles", http.StatusOK, p)
	}
	if err := s.frame(p, v, res); err != nil {
		return err
	}
	p.Page = s.page(r, p.Headline)
	p.Page.OnWall, p.Page.WallLink = true, v.link()
	return s.render(w, "wall", http.StatusOK, p)
}

// tiles fills in page n of the tiles.
func (s *server) tiles(p *wallPage, v *view, res *index.Result, n int) error {
	from := (n - 1) * s.o.PerPage
	rows := res.Page(from, s.o.PerPage)
	for _, row := range rows {
		t, err := s.tile(v, row)
		if err != nil {
			return err
		}
		p.Tiles = append(p.Tiles, t)
	}
	p.From, p.To = count(min(from+1, res.Total)), count(from+len(rows))
	if n > 1 {
		p.Prev = v.page(n - 1)
	}
	if from+len(rows) < res.Total {
		p.Next = v.page(n + 1)
	}
	return nil
}

// tile is the tile of an example under the view's variant.
func (s *server) tile(v *view, row int32) (tile, error) {
	x, err := s.x.Row(v.q.Variant, row)
	if err != nil {
		return tile{}, err
	}
	base, now := s.both(v, x)
	truth := s.class(x.Truth)
	return tile{
		Row: row, ID: x.ID, Variant: v.q.Variant, Link: v.example(x.ID), Picture: picture(x.ID, "", "/thumb"),
		Alt:   fmt.Sprintf("Example %s: true class %s; %s says %s, %s says %s", x.ID, truth, base.Who, base.Label, now.Who, now.Label),
		Truth: truth, Base: base, Now: now, Mark: s.marked(x.ID),
	}, nil
}

// both are what the two populations say of an example.
func (s *server) both(v *view, x index.Row) (base, now votes) {
	base = votes{Who: s.x.Baseline().Name, Label: s.class(x.Base), Right: x.Base == x.Truth, Votes: x.BaseVotes, K: x.BaseK, Tone: "none"}
	now = votes{Who: v.q.Variant, Label: s.class(x.Label), Right: x.Label == x.Truth, Votes: x.VariantVotes, K: x.VariantK}
	now.Tone = tone(share(x.BaseVotes, x.BaseK), share(x.VariantVotes, x.VariantK))
	return base, now
}

func share(part, whole int) float64 {
	if whole < 1 {
		return 0
	}
	return float64(part) / float64(whole)
}

// class is the name of a class.
func (s *server) class(c int) string {
	if names := s.x.Classes(); c >= 0 && c < len(names) {
		return names[c]
	}
	return fmt.Sprint(c)
}

// frame fills in what stands around the tiles.
func (s *server) frame(p *wallPage, v *view, res *index.Result) error {
	f, err := s.x.Facets(v.query())
	if err != nil {
		return err
	}
	p.Headline = num.Plural(res.Total, "example", "examples")
	p.Sentence = s.sentence(v)
	p.Chips, p.Clear = v.chips(), v.clear().link()
	p.Variants, p.Kinds, p.Panels = s.variantPanel(v), s.kindPanel(v, f), s.panels(v, f, res)
	if err := s.scatter(p, v); err != nil {
		return err
	}
	p.Find = findForm{Value: v.q.Text, Hidden: v.hidden("q")}
	p.Sort = s.sorts(v)
	return nil
}

// sentence says in words which examples are shown and in what order.
func (s *server) sentence(v *view) string {
	about := fmt.Sprintf("of %s, %s against %s", num.Plural(s.x.Len(), "example", "examples"), v.q.Variant, s.x.Baseline().Name)
	if v.q.PIE {
		about += ", whose modal label changed"
	}
	for _, o := range s.sorts(v).Options {
		if o.On {
			about += "; " + o.Text
		}
	}
	if v.q.Reverse {
		about += ", reversed"
	}
	return about + "."
}

// sorts are the orders of the wall.
func (s *server) sorts(v *view) sortForm {
	f := sortForm{Hidden: v.hidden("sort", "reverse"), Reverse: v.q.Reverse}
	for _, o := range []struct {
		sort index.Sort
		text string
	}{
		{index.SortWorst, "worst first"}, {index.SortDrop, "largest fall of the true class first"}, {index.SortMargin, "surest baseline first"},
		{index.SortBaseShare, "baseline right most often first"}, {index.SortVariantShare, "variant right least often first"}, {index.SortRow, "in the order of the data"},
	} {
		f.Options = append(f.Options, option{string(o.sort), o.text, o.sort == v.q.Sort || (v.q.Sort == "" && o.sort == index.SortWorst)})
	}
	return f
}

// chips are the filters in force.
func (v *view) chips() []chip {
	var out []chip
	add := func(text string, without func(*index.Query)) {
		out = append(out, chip{text, v.with(without).link()})
	}
	for _, k := range v.kinds() {
		if k.on {
			add(k.text, k.toggle)
		}
	}
	classes := func(words string, list func(*index.Query) *[]int) {
		for _, c := range *list(&v.q) {
			add(words+" "+v.s.class(c), func(q *index.Query) { l := list(q); *l = toggle(*l, c) })
		}
	}
	classes("true class", func(q *index.Query) *[]int { return &q.Truth })
	classes(v.s.x.Baseline().Name+" says", func(q *index.Query) *[]int { return &q.Base })
	classes(v.q.Variant+" says", func(q *index.Query) *[]int { return &q.Label })
	for _, a := range v.q.Attributes {
		add(groupWords(a), func(q *index.Query) { q.Attributes = toggle(q.Attributes, a) })
	}
	for _, r := range v.ranges() {
		if r.at(&v.q).Set {
			add(r.title+" "+rangeWords(*r.at(&v.q)), func(q *index.Query) { *r.at(q) = index.Range{} })
		}
	}
	if v.q.Shift != "" {
		add("changed under "+v.q.Shift, func(q *index.Query) { q.Shift = "" })
	}
	if v.q.Text != "" {
		add("id with "+v.q.Text, func(q *index.Query) { q.Text = "" })
	}
	if v.marked != "" {
		out = append(out, chip{markedWords(v.marked), v.mark("").link()})
	}
	return out
}

// kind is a filter by what happened to an example.
type kind struct {
	text, tone string
	on         bool
	toggle     func(*index.Query)
	n          func(*index.Facets) int
}

// kinds are those filters.
func (v *view) kinds() []kind {
	out := []kind{
		{"label changed (PIE)", "accent", v.q.PIE, func(q *index.Query) { q.PIE = !q.PIE }, func(f *index.Facets) int { return f.PIE }},
		{"certified change", "accent", v.q.Certified, func(q *index.Query) { q.Certified = !q.Certified }, func(f *index.Facets) int { return f.Certified }},
		{"votes changed beyond chance", "accent", v.q.Changed, func(q *index.Query) { q.Changed = !q.Changed }, func(f *index.Facets) int { return f.Changed }},
		{"tied votes", "none", v.q.Tie, func(q *index.Query) { q.Tie = !q.Tie }, func(f *index.Facets) int { return f.Tie }},
	}
	tones := map[finding.Flip]string{finding.FlipRightToWrong: "worse", finding.FlipWrongToRight: "better"}
	for _, flip := range []finding.Flip{finding.FlipRightToWrong, finding.FlipWrongToRight, finding.FlipWrongToWrong, finding.FlipNone} {
		on := false
		for _, f := range v.q.Flips {
			on = on || f == flip
		}
		out = append(out, kind{flipWords(flip), tones[flip], on, func(q *index.Query) { q.Flips = toggle(q.Flips, flip) }, func(f *index.Facets) int {
			for _, c := range f.Flips {
				if c.Flip == flip {
					return c.N
				}
			}
			return 0
		}})
	}
	return out
}
