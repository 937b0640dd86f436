package importer

import (
	"fmt"
	"strings"
)

// given says what is known of a table's models from outside the table.
type given struct {
	variant string // "" where the table or its models' names say it
	member  string // name of the model where the table has no column for it
}

// long is a long table while it is added: one row an example and model.
type long struct {
	a       *assembly
	f       *frame
	r       roles
	place   []int32   // row -> example
	rowOf   []int32   // row -> index into members
	members []*member // that the table has rows of
	firsts  []int32   // first row of each member
}

// addLong adds a table with one row an example and model.
func (a *assembly) addLong(f *frame, r roles, g given) error {
	l := &long{a: a, f: f, r: r}
	if err := l.findMembers(g); err != nil {
		return err
	}
	if err := l.findExamples(); err != nil {
		return err
	}
	if c := l.column(roleLabel); c != nil {
		if err := a.setTruth(f, c, l.place, false); err != nil {
			return err
		}
	}
	if c := l.column(roleSplit); c != nil {
		if err := a.setSplit(f, c, l.place); err != nil {
			return err
		}
	}
	for _, step := range []func() error{l.settings, l.extras, l.predictions, l.numbers, l.allScores} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (l *long) column(as role) *column {
	if i := l.r.col(as); i >= 0 {
		return &l.f.cols[i]
	}
	return nil
}

// memberRoles are the columns that tell models apart where no column names
// the model.
var memberRoles = []role{roleSeed, roleLineage}

// findMembers finds the model of each row.
func (l *long) findMembers(g given) error {
	var keys []*column
	if g.variant == "" {
		for _, as := range []role{roleVariant, roleKind, roleLevel} {
			if c := l.column(as); c != nil {
				keys = append(keys, c)
			}
		}
	}
	model := l.column(roleModel)
	if model != nil {
		keys = append(keys, model)
	} else {
		for _, as := range memberRoles {
			if c := l.column(as); c != nil {
				keys = append(keys, c)
			}
		}
		keys = append(keys, l.reference()...)
	}
	l.rowOf = make([]int32, l.f.rows)
	combine(keys, l.rowOf, func(row int) { l.firsts = append(l.firsts, int32(row)) })
	for _, row := range l.firsts {
		variant, name := g.variant, g.member
		if variant == "" {
			variant = l.variantOf(int(row))
		}
		if model != nil {
			w, ok := model.cell(int(row))
			if !ok {
				e := l.f.at(int(row), model.name)
				e.Want, e.Got = "the name of a model", "nothing"
				return e
			}
			name = w
		} else if s := l.nameOf(int(row)); s != "" {
			name = s
		}
		l.members = append(l.members, l.a.member(variant, name, l.f.file))
	}
	return nil
}

// nameOf names a model by its seed or its other columns.
func (l *long) nameOf(row int) string {
	var parts []string
	if c := l.column(roleSeed); c != nil {
		if s, ok := c.cell(row); ok {
			parts = append(parts, "seed "+s)
		}
	} else if c := l.column(roleLineage); c != nil {
		if s, ok := c.cell(row); ok {
			parts = append(parts, s)
		}
	}
	for _, c := range l.reference() {
		if s, ok := c.cell(row); ok {
			parts = append(parts, normalize(c.name)+" "+s)
		}
	}
	return strings.Join(parts, ", ")
}

// reference gives the columns that tell models apart in the tables of the
// paper's published code, which have no column for the model.
func (l *long) reference() []*column {
	if l.column(roleModel) != nil || l.column(roleSeed) != nil {
		return nil
	}
	var out []*column
	for i := range l.f.cols {
		switch normalize(l.f.cols[i].name) {
		case "exp", "global_step", "split":
			if l.r.of[i] == roleExtra {
				out = append(out, &l.f.cols[i])
			}
		}
	}
	return out
}

// combine numbers the combinations of several columns' codes in order of
// first row, calling first for each new one.
func combine(keys []*column, out []int32, first func(row int)) {
	if len(keys) == 0 {
		if len(out) > 0 {
			first(0)
		}
		return
	}
	type pair struct{ a, b int32 }
	for k, c := range keys {
		seen := map[pair]int32{}
		last, code := pair{-2, -2}, int32(0)
		for row := range out {
			if p := (pair{out[row], c.codes[row]}); p != last {
				known, ok := seen[p]
				if !ok {
					known = int32(len(seen))
					seen[p] = known
					if k == len(keys)-1 {
						first(row)
					}
				}
				last, code = p, known
			}
			out[row] = code
		}
	}
}

// findExamples finds the example of each row. Without ids, the k-th row of
// each model is example k.
func (l *long) findExamples() (err error) {
	if c := l.ids(); c != nil {
		if l.place, err = l.a.place(l.f, c); l.place == nil && err == nil {
			l.place = identity(l.f.rows)
		}
		return err
	}
	next := make([]int32, len(l.members))
	at := make([]int32, l.f.rows)
	for row, m := range l.rowOf {
		at[row] = next[m]
		next[m]++
	}
	for m, n := range next {
		if n != next[0] {
			return &Error{File: l.f.file, Want: fmt.Sprintf("%d rows of model %s, as of model %s, because there are no ids to join by", next[0], l.members[m].name, l.members[0].name), Got: fmt.Sprint(n)}
		}
	}
	one := &frame{file: l.f.file, rows: int(next[0])}
	place, err := l.a.place(one, nil)
	for row := range at {
		if err == nil {
			at[row] = exampleOf(place, int(at[row]))
		}
	}
	l.place = at
	return err
}

// identity is the place of rows that are examples in the same order.
func identity(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// ids is the column of ids. In tables of the paper's code, whose file names are
// parts of the data set, the file name with the row number is the id.
func (l *long) ids() *column {
	id, index := l.column(roleID), l.column(roleRowIndex)
	if id == nil || index == nil || !l.r.paper {
		return id
	}
	joined := coder{codes: make([]int32, 0, l.f.rows)}
	joined.init()
	for row := range l.f.rows {
		a, okA := id.cell(row)
		b, okB := index.cell(row)
		if !okA || !okB {
			return id
		}
		joined.word(a + ":" + b)
	}
	out := joined.column()
	out.name = id.name
	return &out
}

// variantOf names the variant of a row by its columns, "" if they do not.
func (l *long) variantOf(row int) string {
	if c := l.column(roleVariant); c != nil {
		if s, ok := c.cell(row); ok {
			return s
		}
	}
	if c := l.column(roleLevel); c != nil {
		if s, ok := c.cell(row); ok {
			return levelName(normalize(c.name), s)
		}
	}
	if c := l.column(roleKind); c != nil {
		if s, ok := c.cell(row); ok {
			return s
		}
	}
	return ""
}
