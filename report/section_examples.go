package report

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report/chart"
)

// pies says how many examples changed their label beyond noise, and which.
func (b *builder) pies() *Section {
	found := b.take(b.c.find(query{check: "pie"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "examples", Title: "Examples (PIEs)", Checks: []string{"pie"},
		Ask:    "Which examples does compression decide differently? A PIE is an example whose most frequent prediction differs between the two populations; two dense populations disagree on some too, which is the noise floor.",
		Method: b.method(found),
	}
	if p := b.floorPart(); len(p.Blocks) > 0 {
		s.Parts = append(s.Parts, p)
	}
	for _, name := range b.c.variants() {
		if p := b.piePart(name); len(p.Blocks)+len(p.Lead) > 0 {
			s.Parts = append(s.Parts, p)
		}
	}
	return s
}

// floorPart shows every variant's PIE share against the floor.
func (b *builder) floorPart() Part {
	p := Part{ID: "pie-floor", Title: "All variants"}
	t := b.c.table("pie-by-variant", "")
	g := read(t, "variant", "pie_m", "floor")
	if g == nil {
		return p
	}
	chartData := &chart.Floors{Name: "PIE share at matched size against the noise floor", XLabel: "PIE share at matched size, %"}
	for i := range g.len() {
		observed := g.number(i, "pie_m")
		if observed == nil {
			continue
		}
		name := g.text(i, "variant")
		row := chart.FloorRow{Label: name, Observed: *observed, Floor: g.number(i, "floor"), Text: num.Share(*observed), Tone: chart.Undetect, Link: b.link(Target{Variant: name, Kind: "pie"})}
		for _, q := range []string{"swap-excess", "floor-excess"} {
			if f := b.c.one(query{check: "pie", question: q, variant: name}); f != nil {
				row.Tone = toneOf(f.Outcome)
				break
			}
		}
		low, high := g.number(i, "excess_low"), g.number(i, "excess_high")
		if row.Floor != nil && low != nil && high != nil {
			row.Low, row.High = finding.Float(math.Max(0, *row.Floor+*low)), finding.Float(*row.Floor+*high)
		}
		row.Tip = floorTip(g, i, name)
		chartData.Rows = append(chartData.Rows, row)
	}
	numbers := trim(b.raw(t))
	if len(chartData.Rows) == 0 {
		p.Blocks = []Block{numbers}
		return p
	}
	p.Blocks = []Block{&Figure{
		ID: "pie-floor-chart", Title: "PIE share against the noise floor", Layout: Wide,
		Caption: "The gray bar is the share that would change with no effect of compression (the noise floor at the same number of members). A mark beyond it, whiskers included, is change that noise does not explain.",
		Legend:  []Legend{{chart.Worse, "mark", "beyond the floor"}, {chart.Undetect, "mark", "not beyond it"}, {chart.Reference, "bar", "noise floor"}},
		Panels:  []Panel{{Title: "all variants", Draw: chartData}}, Numbers: numbers,
	}}
	return p
}

func floorTip(g *grid, i int, name string) string {
	s := fmt.Sprintf("%s: %s", name, num.Share(g.or(i, "pie_m")))
	if f := g.number(i, "floor"); f != nil {
		s += ", floor " + num.Share(*f)
	}
	if e := g.number(i, "excess"); e != nil {
		s += ", excess " + num.PP(*e)
	}
	return s
}

func (b *builder) piePart(name string) Part {
	p := Part{ID: anchor("pie", name), Title: name}
	var measures, groups []*finding.Finding
	for _, f := range b.c.find(query{check: "pie", variant: name}) {
		if f.Scope.Kind == finding.Class || f.Scope.Kind == finding.Subgroup {
			groups = append(groups, f)
		} else {
			measures = append(measures, f)
		}
	}
	p.Lead = b.pieLead(measures)
	p.Look = b.pieLook(name)
	if f := b.scatter(name); f != nil {
		p.Blocks = append(p.Blocks, f)
	}
	if len(measures) > 0 {
		p.Blocks = append(p.Blocks, b.measures(anchor("pie-table", name), "Measures, "+name, "measure", pieName, measures))
	}
	if len(groups) > 0 {
		over := b.measures(anchor("pie-over", name), "Over-representation among PIEs, "+name, "group", scopeName, sorted(groups))
		over.Minor = true
		p.Blocks = append(p.Blocks, over)
	}
	if t := b.c.table("top-examples", name); t != nil {
		p.Blocks = append(p.Blocks, b.topExamples(t))
	}
	return p
}

// pieLook are the sets of examples that the part counts.
func (b *builder) pieLook(name string) []Link {
	var out []Link
	for _, s := range []struct{ text, kind string }{
		{"All PIEs", "pie"}, {"Votes changed beyond chance", "changed"}, {"Majority changed beyond chance", "certified"},
		{"Right to wrong", string(finding.FlipRightToWrong)}, {"Wrong to right", string(finding.FlipWrongToRight)},
	} {
		out = append(out, b.look(s.text, Target{Variant: name, Kind: s.kind})...)
	}
	return out
}

// topExamples lists the examples that changed most.
func (b *builder) topExamples(t *finding.Table) *Table {
	g := read(t, "id", "label", "base_modal", "variant_modal", "base_votes", "base_k", "variant_votes", "variant_k")
	if g == nil {
		list := b.raw(t)
		list.Examples = true
		return list
	}
	out := &Table{ID: anchor("top-examples", t.Variant), Title: t.Title, Examples: true, Total: max(t.Total, g.len()), Note: t.Note, Columns: []Column{
		{Name: "example", Min: 20}, {Name: "label", Min: 8}, {Name: "baseline", Min: 8, Doc: "label most baseline members predict"},
		{Name: "variant", Min: 8, Doc: "label most members of the variant predict"},
		{Name: "before", Right: true, Doc: "baseline members that predict the true class"},
		{Name: "after", Right: true, Doc: "members of the variant that predict the true class"},
		{Name: "taxicab", Right: true, Drop: 2, Doc: "distance of the two vote distributions, 0 to 2"},
		{Name: "q", Right: true, Drop: 1, Doc: "vote changed; empty where it could not be tested"},
		{Name: "certified", Drop: 3, Doc: "the majority label changed, beyond chance"},
	}}
	votes := func(i int, of, all string) string { return g.text(i, of) + "/" + g.text(i, all) }
	for i := range b.room(g.len()) {
		q := g.number(i, "q")
		row := []Cell{{Text: g.text(i, "id"), Link: b.link(Target{Variant: t.Variant, Example: g.text(i, "id")})}, {Text: g.text(i, "label")}, {Text: g.text(i, "base_modal")}, {Text: g.text(i, "variant_modal")},
			{Text: votes(i, "base_votes", "base_k")}, {Text: votes(i, "variant_votes", "variant_k")}, {}, {Text: optP(q)}, {Text: g.text(i, "certified")}}
		if d := g.number(i, "taxicab"); d != nil {
			row[6].Text = num.Fixed2(*d)
		}
		out.Rows = append(out.Rows, row)
	}
	if out.Note == "" {
		out.Note = "before and after: members that predict the true class, of all members"
	}
	return trim(out)
}

// pieName names a measure of the PIE section.
func pieName(f *finding.Finding) string {
	s := questionText(f)
	switch f.Question {
	case "own-floor":
		s += ", over both populations' own floors"
	case "accuracy-on-pie-paper":
		s += " (" + scopeName(f) + ")"
	}
	return s
}

// pieLead says the counts of certain examples and what they rest on.
func (b *builder) pieLead(measures []*finding.Finding) []Text {
	var out []Text
	for _, f := range measures {
		if f.Estimate == nil {
			continue
		}
		what := ""
		switch f.Question {
		case "vote-changed":
			what = "Votes changed beyond chance"
		case "certified":
			what = "Majority label changed beyond chance"
		default:
			continue
		}
		s := fmt.Sprintf("%s: %s", what, num.Plural(int(*f.Estimate), "example", "examples"))
		if t := f.Test; t != nil && t.Family != nil {
			s += fmt.Sprintf(" of the %s that could be tested", num.Count(t.Family.Size))
		}
		if f.Test != nil && f.Test.P != nil {
			s += "; one test over all examples: " + num.P(*f.Test.P)
		}
		out = append(out, Text{S: s + ".", Notes: b.notes.refer(f.Warnings)})
	}
	return out
}

// scatter is the binned picture of votes for the true class.
func (b *builder) scatter(name string) *Figure {
	t := b.c.table("vote-scatter", name)
	g := read(t, "base_share", "variant_share", "count")
	if g == nil || g.len() == 0 {
		return nil
	}
	bins := b.bins(g)
	if bins < 4 { // one or two members: the table of changed answers says it all
		return nil
	}
	draw := &chart.Grid{Name: "Votes for the true class, " + name, Bins: bins, XLabel: "baseline members that are right, %", YLabel: "variant members that are right, %"}
	counts := map[[2]int]int64{}
	var keys [][2]int
	for i := range g.len() {
		k := [2]int{binOf(g.or(i, "base_share"), bins), binOf(g.or(i, "variant_share"), bins)}
		if counts[k] == 0 {
			keys = append(keys, k)
		}
		counts[k] += int64(g.or(i, "count"))
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i][0] < keys[j][0] || keys[i][0] == keys[j][0] && keys[i][1] < keys[j][1]
	})
	share := func(k int) string { return num.Share(float64(k) / float64(max(bins-1, 1))) }
	for _, k := range keys {
		draw.Cells = append(draw.Cells, chart.GridCell{X: k[0], Y: k[1], Count: counts[k],
			Tip:  fmt.Sprintf("baseline %s right, variant %s right: %s", share(k[0]), share(k[1]), num.Plural(counts[k], "example", "examples")),
			Link: b.link(Target{Variant: name, BaseShare: binBounds(k[0], bins), VariantShare: binBounds(k[1], bins)})})
	}
	numbers := b.scatterTable(t, g)
	lost, won, same := draw.Sides()
	return &Figure{
		ID: anchor("scatter", name), Title: "Votes for the true class, " + name, Layout: Side,
		Caption: "Every example counts once: how many baseline members are right against how many variant members are. The stronger the color, the more examples. " +
			fmt.Sprintf("%s have fewer members right than before (below the diagonal), %s more, %s as many.", num.Plural(lost, "example", "examples"), num.Count(won), num.Count(same)),
		Legend: []Legend{{chart.Worse, "bar", "fewer right than before"}, {chart.Reference, "bar", "unchanged"}, {chart.Better, "bar", "more right"}},
		Panels: []Panel{{Title: name, Draw: draw}}, Numbers: numbers,
	}
}

// bins is how many values the shares of a scatter take along an axis.
func (b *builder) bins(g *grid) int {
	var values []float64
	for i := range g.len() {
		values = append(values, g.or(i, "base_share"), g.or(i, "variant_share"))
	}
	slices.Sort(values)
	gap := 1.0
	for i := 1; i < len(values); i++ {
		if d := values[i] - values[i-1]; d > 1e-6 && d < gap {
			gap = d
		}
	}
	return min(int(math.Round(1/math.Max(gap, 1.0/30)))+1, 31)
}

// binBounds are the shares that fall into a bin.
func binBounds(k, bins int) *Bounds {
	n := float64(bins - 1)
	return &Bounds{max(0, (float64(k)-0.5)/n), min(1, (float64(k)+0.5)/n)}
}

func binOf(share float64, bins int) int {
	return int(math.Round(math.Min(math.Max(share, 0), 1) * float64(bins-1)))
}

// scatterTable lists the fullest bins off the diagonal first.
func (b *builder) scatterTable(t *finding.Table, g *grid) *Table {
	order := make([]int, g.len())
	for i := range order {
		order[i] = i
	}
	off := func(i int) bool { return math.Abs(g.or(i, "base_share")-g.or(i, "variant_share")) > 1e-9 }
	sort.SliceStable(order, func(x, y int) bool {
		i, j := order[x], order[y]
		if off(i) != off(j) {
			return off(i)
		}
		return g.or(i, "count") > g.or(j, "count")
	})
	out := &Table{ID: anchor("scatter-table", t.Variant), Title: t.Title, Numbers: true, Total: g.len(),
		Columns: []Column{{Name: "baseline right", Right: true}, {Name: "variant right", Right: true}, {Name: "examples", Right: true}},
		Note:    "Bins off the diagonal first, fullest first."}
	limit := b.room(g.len())
	if b.o.Rows > 0 {
		limit = min(limit, 60)
	}
	for _, i := range order[:limit] {
		out.Rows = append(out.Rows, []Cell{{Text: num.Share(g.or(i, "base_share"))}, {Text: num.Share(g.or(i, "variant_share"))}, {Text: num.Number(g.or(i, "count"))}})
	}
	return out
}

// flips says how many answers changed.
func (b *builder) flips() *Section {
	found := b.take(b.c.find(query{check: "flip"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "flips", Title: "Changed answers", Checks: []string{"flip"},
		Ask:    "How many answers change, whatever the accuracy says? Right answers lost and won can cancel.",
		Method: b.method(found),
	}
	for _, name := range b.c.variants() {
		var overall []*finding.Finding
		groups := map[finding.ScopeKind][]*finding.Finding{}
		p := Part{ID: anchor("flips", name), Title: name}
		for _, f := range b.c.find(query{check: "flip", variant: name}) {
			if f.Scope.Kind == finding.Class || f.Scope.Kind == finding.Subgroup {
				groups[f.Scope.Kind] = append(groups[f.Scope.Kind], f)
				continue
			}
			overall = append(overall, f)
			if f.Question == "mcnemar" {
				p.Lead = append(p.Lead, b.mcnemarText(f))
			}
		}
		if len(overall) > 0 {
			p.Blocks = append(p.Blocks, b.measures(anchor("flip-table", name), "Measures, "+name, "measure", flipName, overall))
		}
		if c := groups[finding.Class]; len(c) > 0 {
			p.Blocks = append(p.Blocks, b.pairTable(anchor("flip-class", name), "Changed answers by class, "+name, "class", sorted(c)))
		} else if t := b.c.table("flip-pairs", name); t != nil {
			list := b.raw(mostLost(t))
			list.Minor = true
			p.Blocks = append(p.Blocks, list)
		}
		if c := groups[finding.Subgroup]; len(c) > 0 {
			p.Blocks = append(p.Blocks, b.pairTable(anchor("flip-group", name), "Changed answers by subgroup, "+name, "subgroup", sorted(c)))
		}
		if len(p.Blocks) > 0 {
			s.Parts = append(s.Parts, p)
		}
	}
	return s
}

// mostLost is the table of changed answers with the largest net loss first.
func mostLost(t *finding.Table) *finding.Table {
	g := read(t, "right_to_wrong", "wrong_to_right")
	if g == nil {
		return t
	}
	order := make([]int, g.len())
	for i := range order {
		order[i] = i
	}
	net := func(i int) float64 { return g.or(i, "right_to_wrong") - g.or(i, "wrong_to_right") }
	sort.SliceStable(order, func(x, y int) bool { return net(order[x]) > net(order[y]) })
	out := *t
	out.Rows = make([][]any, len(order))
	for i, j := range order {
		out.Rows[i] = t.Rows[j]
	}
	return &out
}

func flipName(f *finding.Finding) string {
	if f.Question == "mcnemar" {
		return "accuracy difference (McNemar)"
	}
	return questionText(f)
}

// mcnemarText says the paired counts of one pair of models.
func (b *builder) mcnemarText(f *finding.Finding) Text {
	s := capital(wordOf(f))
	if f.Evidence != nil && f.Evidence.Pairs != nil {
		c := f.Evidence.Pairs
		s = fmt.Sprintf("%s of %s answers change between right and wrong: %s right to wrong, %s wrong to right",
			num.Count(c.OnlyBase+c.OnlyVariant), num.Count(c.N()), num.Count(c.OnlyBase), num.Count(c.OnlyVariant))
		if p := surely(f, &b.c.config.Settings); p != "" {
			s += "; exact McNemar " + p
		}
		s += ": " + accuracyWord(f)
	}
	return Text{S: s + ".", Notes: b.notes.refer(f.Warnings)}
}

// pairTable lists McNemar tests with their counts.
func (b *builder) pairTable(id, title, what string, found []*finding.Finding) *Table {
	t := &Table{ID: id, Title: title, Total: len(found), Columns: []Column{
		{Name: what, Min: 12}, {Name: "n", Right: true, Drop: 4}, {Name: "right to wrong", Right: true}, {Name: "wrong to right", Right: true},
		{Name: "change, pp", Right: true}, {Name: "interval", Right: true, Drop: 2}, {Name: "exact p", Right: true, Drop: 3}, {Name: "q", Right: true, Drop: 1}, {Name: "verdict", Min: 12},
	}}
	for _, f := range found[:b.room(len(found))] {
		row := []Cell{{Text: scopeName(f), Notes: b.notes.refer(f.Warnings), Link: b.linkOf(f)}, {Text: num.Count(f.N)}, {}, {}, {}, {}, {}, {}, {Text: wordOf(f), Mark: MarkOf(f.Outcome)}}
		if f.Evidence != nil && f.Evidence.Pairs != nil {
			row[2].Text, row[3].Text = num.Count(f.Evidence.Pairs.OnlyBase), num.Count(f.Evidence.Pairs.OnlyVariant)
			lost := scoped(Target{Variant: f.Variant, Kind: string(finding.FlipRightToWrong)}, f.Scope)
			won := lost
			won.Kind = string(finding.FlipWrongToRight)
			row[2].Link, row[3].Link = b.link(lost), b.link(won)
		}
		row[4].Text, row[5].Text = ppCell(f)
		if f.Test != nil {
			row[6].Text, row[7].Text = optP(f.Test.P), optP(f.Test.Q)
		}
		t.Rows = append(t.Rows, row)
	}
	return trim(t)
}
