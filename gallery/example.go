package gallery

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// examplePage is what the template "example" is given.
type examplePage struct {
	Page                   page
	ID, Variant, BaseName  string
	Back, Here, Prev, Next string
	Place                  string
	Picture, Alt           string
	Size                   int
	Mark                   markView
	Verdicts               []verdictButton
	Over, Answer           string
	Facts                  []fact
	Votes                  []voteRow
	Triage                 *triageTable
	Curve                  []point
	CurveChart             template.HTML
	Lost                   string
	Scores                 *scoreTable
	Corruptions            []corrupted
	CorruptHint            string
	Severities             []option
	Nearest                []tile
	NearestHint            string
}

type fact struct{ Name, Value string }

// voteRow is one class of the two histograms.
type voteRow struct {
	Class, Link             string
	True                    bool
	Base, Now               int
	BasePercent, NowPercent string
	Tone                    string
}

// point is one variant of the forgetting curve.
type point struct {
	Name, Label, Link string
	Votes, K          int
	Lost, Here        bool
}

// corrupted is the picture under one corruption, and what the populations said
// of it where they were asked.
type corrupted struct {
	Name, Picture, Alt string
	Base, Now          *votes
}

// example is the page of one example.
func (s *server) example(w http.ResponseWriter, r *http.Request) error {
	v, err := s.view(r.URL.Query())
	if err != nil {
		return err
	}
	id := r.URL.Query().Get(keyID)
	row, ok := s.x.Find(id)
	if !ok {
		return &fault{http.StatusNotFound, fmt.Sprintf("The audit has no example %q.", id)}
	}
	x, err := s.x.Row(v.q.Variant, row)
	if err != nil {
		return err
	}
	base, now := s.both(v, x)
	p := &examplePage{
		ID: x.ID, Variant: v.q.Variant, BaseName: s.x.Baseline().Name, Here: v.example(x.ID),
		Picture: picture(x.ID, "", "/image"), Size: 420, Mark: s.marked(x.ID),
		Alt: fmt.Sprintf("Example %s: true class %s; %s says %s, %s says %s", x.ID, s.class(x.Truth), base.Who, base.Label, now.Who, now.Label),
	}
	p.Verdicts = verdictButtons(p.Mark.Verdict)
	p.Over = fmt.Sprintf("true class %s", s.class(x.Truth))
	p.Answer = fmt.Sprintf("%s says %s (%s right); %s says %s (%s right).", base.Who, base.Label, base.Of(), now.Who, now.Label, now.Of())
	p.Facts = s.facts(v, x, row)
	severity, err := number(r, keySeverity, 1, max(1, s.o.Severities), min(3, max(1, s.o.Severities)))
	if err != nil {
		return err
	}
	for _, fill := range []func(*examplePage, *view, index.Row, int32) error{s.around, s.histograms, s.curve, s.nearest} {
		if err := fill(p, v, x, row); err != nil {
			return err
		}
	}
	if err := s.corruptions(p, v, x, row, severity); err != nil {
		return err
	}
	p.Triage = s.triaged(x.ID)
	if p.Scores, err = s.scores(r.Context(), v, x, row); err != nil {
		return err
	}
	p.Page = s.page(r, x.ID)
	p.Page.WallLink = p.Back
	return s.render(w, "example", http.StatusOK, p)
}

// around are the neighbours in the list that the page was opened from.
func (s *server) around(p *examplePage, v *view, _ index.Row, row int32) error {
	res, err := s.x.Select(v.query())
	if err != nil {
		return err
	}
	place, prev, next := res.Around(row)
	p.Back = v.link()
	if place < 0 {
		p.Place = "not among the " + num.Plural(res.Total, "example", "examples") + " of the list"
		return nil
	}
	p.Back = v.page(place/s.o.PerPage+1) + "#t-" + strconv.Itoa(int(row))
	p.Place = fmt.Sprintf("%s of %s", count(place+1), count(res.Total))
	if prev >= 0 {
		p.Prev = v.example(s.x.ID(prev))
	}
	if next >= 0 {
		p.Next = v.example(s.x.ID(next))
	}
	return nil
}

func (s *server) facts(v *view, x index.Row, row int32) []fact {
	var kinds []string
	for _, k := range []struct {
		on   bool
		text string
	}{{x.PIE, "modal label changed"}, {x.Certified, "certified"}, {x.Changed, "votes changed beyond chance"}, {x.Tie, "tied vote"}} {
		if k.on {
			kinds = append(kinds, k.text)
		}
	}
	if len(kinds) == 0 {
		kinds = []string{"no change"}
	}
	out := []fact{
		{"what happened", flipWords(x.Flip)}, {"kinds", strings.Join(kinds, ", ")},
		{"margin of " + s.x.Baseline().Name, num.Fixed2(x.Margin)}, {"distance of the votes (0 to 2)", num.Fixed2(x.Taxicab)},
	}
	switch {
	case x.Q != nil:
		out = append(out, fact{"vote changed", num.Q(*x.Q)})
	case x.P != nil:
		out = append(out, fact{"vote changed", num.PValue(*x.P)})
	default:
		out = append(out, fact{"vote changed", "not testable with so few members"})
	}
	if x.CertifiedQ != nil {
		out = append(out, fact{"majority changed", num.Q(*x.CertifiedQ)})
	}
	for _, g := range s.x.Groups(row) {
		value := g.Value
		if g.Missing {
			value = "not known"
		}
		out = append(out, fact{g.Name, value})
	}
	return out
}

// histograms are the votes of both populations by class.
func (s *server) histograms(p *examplePage, v *view, x index.Row, row int32) error {
	counts := map[int]*[2]int{x.Truth: {}}
	for side, name := range []string{s.x.Baseline().Name, v.q.Variant} {
		list, err := s.x.Votes(name, row)
		if err != nil {
			return err
		}
		for _, c := range list {
			if counts[c.Class] == nil {
				counts[c.Class] = &[2]int{}
			}
			counts[c.Class][side] += c.N
		}
	}
	var classes []int
	for c := range counts {
		classes = append(classes, c)
	}
	slices.SortFunc(classes, func(a, b int) int {
		return cmp.Or(cmp.Compare(counts[b][0], counts[a][0]), cmp.Compare(counts[b][1], counts[a][1]), cmp.Compare(a, b))
	})
	for _, c := range classes {
		n := counts[c]
		t := "worse"
		if c == x.Truth {
			t = "better"
		}
		p.Votes = append(p.Votes, voteRow{
			Class: s.class(c), True: c == x.Truth, Base: n[0], Now: n[1], Tone: t,
			BasePercent: percent(n[0], x.BaseK), NowPercent: percent(n[1], x.VariantK),
			Link: v.with(func(q *index.Query) { q.Truth, q.Label = []int{x.Truth}, []int{c}; q.Base = nil }).link(),
		})
	}
	return nil
}

// curve is how the example fares along the variants.
func (s *server) curve(p *examplePage, v *view, x index.Row, row int32) error {
	points, err := s.x.Forgetting(row)
	if err != nil || len(points) < 3 {
		return err
	}
	c := &chart.Curve{Name: x.ID, Lo: 0, Hi: 1, Tone: chart.Reference}
	for i, t := range points {
		y := share(t.Votes, t.K)
		c.X, c.Y, c.Break = append(c.X, t.Variant), append(c.Y, &y), append(c.Break, false)
		at := point{Name: t.Variant, Label: s.class(t.Modal), Votes: t.Votes, K: t.K, Lost: t.Modal != x.Truth, Here: t.Variant == v.q.Variant}
		if i > 0 {
			at.Link = v.with(func(q *index.Query) { q.Variant = t.Variant }).example(x.ID)
			c.Break[i] = i > 1 && s.kindOf(t.Variant) != s.kindOf(points[i-1].Variant)
		}
		if t.Lost && p.Lost == "" {
			p.Lost, c.Mark = t.Variant, i
		}
		p.Curve = append(p.Curve, at)
	}
	p.CurveChart = template.HTML(c.SVG(420))
	return nil
}

func (s *server) kindOf(variant string) string {
	for _, t := range s.x.Variants() {
		if t.Name == variant {
			return t.Kind
		}
	}
	return ""
}

// nearestShown is how many near examples are shown.
const nearestShown = 12

func (s *server) nearest(p *examplePage, v *view, _ index.Row, row int32) error {
	list, err := s.x.Nearest(row, nearestShown)
	if errors.Is(err, index.ErrNoPredictions) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range list {
		t, err := s.tile(v, n.Row)
		if err != nil {
			return err
		}
		t.More = fmt.Sprintf("differs in %d of %d", n.Distance, n.Members)
		p.Nearest = append(p.Nearest, t)
	}
	p.NearestHint = "Examples to which the members of all populations give the most similar answers, member by member."
	return nil
}

// corruptions are the pictures under each corruption at one severity, with the
// answers where the populations were run on them, and other shifts with answers.
func (s *server) corruptions(p *examplePage, v *view, x index.Row, row int32, severity int) error {
	rows, err := s.x.Shifted(v.q.Variant, row)
	if err != nil && !errors.Is(err, index.ErrNoPredictions) {
		return err
	}
	answers := map[string]index.ShiftedRow{}
	for _, a := range rows {
		answers[a.Shift] = a
	}
	add := func(name, pic string) {
		c := corrupted{Name: shiftWords(name), Picture: pic, Alt: fmt.Sprintf("Example %s under %s", x.ID, name)}
		if a, ok := answers[name]; ok {
			base := votes{Who: s.x.Baseline().Name, Label: s.class(a.Base), Right: a.Base == x.Truth, Votes: a.BaseVotes, K: x.BaseK, Tone: "none"}
			now := votes{Who: v.q.Variant, Label: s.class(a.Label), Right: a.Label == x.Truth, Votes: a.VariantVotes, K: x.VariantK}
			now.Tone = tone(share(a.BaseVotes, x.BaseK), share(a.VariantVotes, x.VariantK))
			c.Base, c.Now = &base, &now
			c.Alt += fmt.Sprintf(": %s says %s, %s says %s", base.Who, base.Label, now.Who, now.Label)
			delete(answers, name)
		}
		p.Corruptions = append(p.Corruptions, c)
	}
	if s.o.Pictures != nil {
		for _, name := range s.o.Corruptions {
			full := fmt.Sprintf("%s:%d", name, severity)
			add(full, picture(x.ID, full, "/thumb"))
		}
	}
	for _, a := range rows {
		if _, left := answers[a.Shift]; left && (s.o.Pictures == nil || !s.drawn(a.Shift)) {
			add(a.Shift, "")
		}
	}
	if len(p.Corruptions) == 0 {
		return nil
	}
	p.CorruptHint = "The picture as a model would get it, and what the populations said where they were run on it."
	for l := 1; l <= s.o.Severities && s.o.Pictures != nil; l++ {
		to := v.values()
		to.Set(keyID, x.ID)
		to.Set(keySeverity, strconv.Itoa(l))
		p.Severities = append(p.Severities, option{Value: "/example?" + to.Encode() + "#corruptions", Text: strconv.Itoa(l), On: l == severity})
	}
	return nil
}

// shiftWords is a corruption as people write it.
func shiftWords(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "_", " "), ":", " ")
}

// drawn reports whether a shift has a picture at some severity.
func (s *server) drawn(shift string) bool {
	name, _, _ := strings.Cut(shift, ":")
	return slices.Contains(s.o.Corruptions, name)
}
