package importer

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/prediction"
)

// finish numbers the classes, keeps the examples that every model has, and
// makes the table.
func (a *assembly) finish() (*prediction.Table, error) {
	a.truth = grow(a.truth, a.n)
	if err := a.applySpecs(); err != nil {
		return nil, err
	}
	groups, err := a.variants()
	if err != nil {
		return nil, err
	}
	cl, err := a.numberClasses()
	if err != nil {
		return nil, err
	}
	order, err := a.order()
	if err != nil {
		return nil, err
	}
	t := &prediction.Table{Classes: cl.names, Labels: prediction.NewColumn(len(order), len(cl.names)), Inputs: a.inputs}
	seen := map[int]bool{}
	for i, ex := range order {
		class := cl.number[a.truth[ex]]
		t.Labels.Set(i, class)
		seen[class] = true
	}
	if len(seen) < 2 {
		return nil, &Error{File: a.inputs[0].Path, Want: "labels of at least two classes", Got: fmt.Sprintf("%d examples, all of class %s", len(order), quoted(cl.names[t.Labels.At(0)]))}
	}
	if a.ids != nil {
		t.IDs = make([]dataset.ExampleID, len(order))
		for i, ex := range order {
			t.IDs[i] = dataset.ExampleID(a.ids.words[ex])
		}
	}
	if a.split != nil {
		s := a.split.ordered(order)
		t.Splits = &s
	}
	for _, at := range a.attributes {
		t.Attributes = append(t.Attributes, at.ordered(order))
	}
	if err := a.fill(t, groups, cl, order); err != nil {
		return nil, err
	}
	if err := a.training(t, cl); err != nil {
		return nil, err
	}
	a.report(t)
	return t, t.Validate()
}

// fill makes the variants' members, several at a time.
func (a *assembly) fill(t *prediction.Table, groups []group, cl *classes, order []int32) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	notes := make([][]string, len(a.members))
	t.Variants = make([]prediction.Variant, len(groups))
	k := 0
	for i, gr := range groups {
		t.Variants[i] = gr.Variant
		t.Variants[i].Members = make([]prediction.Member, len(gr.members))
		for j, m := range gr.members {
			slot := &notes[k]
			k++
			g.Go(func() (err error) {
				f := filler{a: a, m: m, t: t, classes: cl, order: order}
				t.Variants[i].Members[j], err = f.member()
				*slot = f.notes
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, list := range notes {
		for _, n := range list {
			a.note("%s", n)
		}
	}
	if a.req.Paired {
		return pair(t)
	}
	return nil
}

// pair gives the k-th members of all variants one lineage.
func pair(t *prediction.Table) error {
	base := t.Baseline()
	for i := 1; i < len(t.Variants); i++ {
		v := &t.Variants[i]
		if len(v.Members) != len(base.Members) {
			return fmt.Errorf("importer: paired: want as many members of %s as of %s, %d, got %d", v.Name, base.Name, len(base.Members), len(v.Members))
		}
	}
	for k := range base.Members {
		name := base.Members[k].Lineage
		if name == "" {
			name = fmt.Sprintf("pair %d", k+1)
			base.Members[k].Lineage = name
		}
		for i := 1; i < len(t.Variants); i++ {
			m := &t.Variants[i].Members[k]
			if m.Lineage != "" && m.Lineage != name {
				return fmt.Errorf("importer: paired: member %s of %s has lineage %q, its partner %s has %q", m.Name, t.Variants[i].Name, m.Lineage, base.Members[k].Name, name)
			}
			m.Lineage = name
		}
	}
	t.Notes = append(t.Notes, "members were paired by their order, as asked: the k-th of each variant was made from the k-th of the baseline")
	return nil
}

// order lists the examples that are kept. Rows that were joined by position
// stay in the order of the labels; otherwise ids are sorted, so that the
// order of rows in the files does not matter.
func (a *assembly) order() ([]int32, error) {
	missing := make([]bool, a.n)
	for _, m := range a.members {
		n := 0
		var some []string
		for ex := range int32(a.n) {
			if m.has(ex) {
				continue
			}
			missing[ex] = true
			if n++; len(some) < 5 {
				some = append(some, a.idOf(ex))
			}
		}
		a.problem(m.from+", model "+m.name, "missing", n, some...)
	}
	var out []int32
	for ex := range int32(a.n) {
		switch {
		case missing[ex]:
			a.join.Missing++
		case a.truth[ex] < 0:
			return nil, &Error{File: a.inputs[0].Path, Want: "a label for each example", Got: "none for example " + quoted(a.idOf(ex))}
		default:
			out = append(out, ex)
		}
	}
	if len(out) == 0 {
		return nil, &Error{File: a.inputs[0].Path, Want: "at least one example that every model has a prediction for", Got: fmt.Sprintf("none of %d", a.n)}
	}
	if a.ids != nil && !a.used {
		a.sortByID(out)
	}
	return out, nil
}

func (a *assembly) sortByID(order []int32) {
	numbers := make([]int64, len(a.ids.words))
	for i, w := range a.ids.words {
		v, err := strconv.ParseInt(w, 10, 64)
		if err != nil || strconv.FormatInt(v, 10) != w {
			slices.SortFunc(order, func(x, y int32) int { return strings.Compare(a.ids.words[x], a.ids.words[y]) })
			return
		}
		numbers[i] = v
	}
	slices.SortFunc(order, func(x, y int32) int { return cmp.Compare(numbers[x], numbers[y]) })
}

// ordered is the attribute over the kept examples, its values sorted.
func (at *attribute) ordered(order []int32) prediction.Attribute {
	at.codes = grow(at.codes, int(slices.Max(order))+1)
	used := map[int32]bool{}
	for _, ex := range order {
		if c := at.codes[ex]; c >= 0 {
			used[c] = true
		}
	}
	out := prediction.Attribute{Name: at.name, Values: make([]string, 0, len(used)), Codes: make([]int32, len(order))}
	for c := range used {
		out.Values = append(out.Values, at.dict.words[c])
	}
	slices.SortFunc(out.Values, natural)
	recode := make([]int32, len(at.dict.words))
	for i, v := range out.Values {
		recode[at.dict.codeOf[v]] = int32(i)
	}
	for i, ex := range order {
		out.Codes[i] = -1
		if c := at.codes[ex]; c >= 0 {
			out.Codes[i] = recode[c]
		}
	}
	return out
}

// report fills in the join report and the notes.
func (a *assembly) report(t *prediction.Table) {
	a.join.Examples = t.Len()
	for _, p := range a.problems {
		a.join.Details = append(a.join.Details, *p)
	}
	slices.SortFunc(a.join.Details, func(x, y prediction.JoinProblem) int {
		return cmp.Or(cmp.Compare(y.Rows, x.Rows), cmp.Compare(x.Source, y.Source), cmp.Compare(x.What, y.What))
	})
	a.join.Details = a.join.Details[:min(len(a.join.Details), 20)]
	if a.join.ByPosition {
		a.note("rows were joined by position: row i of each file without ids is example i of the labels")
	}
	t.Join = a.join
	t.Notes = append(a.notes, t.Notes...)
}

// has reports whether the model has a prediction for an example.
func (m *member) has(ex int32) bool {
	switch i := int(ex); {
	case m.predicted != nil:
		return i < len(m.predicted) && m.predicted[i] >= 0
	case m.scores != nil:
		return m.scores.rows == nil || i < len(m.scores.rows) && m.scores.rows[i] >= 0
	default:
		return i < len(m.binary) && m.binary[i] >= 0
	}
}
