package importer

import (
	"slices"
	"strings"
)

// modelColumn is a column of a wide table that holds a model's predictions.
type modelColumn struct {
	col, conf int // conf is -1 where there is none
	variant   string
	name      string
}

// wideRoles marks the confidence columns that stand beside columns of models,
// so that they are read as numbers.
func (r *roles) wideRoles(names []string) {
	for i, name := range names {
		if r.of[i] != roleExtra {
			continue
		}
		if c := companion(names, name); c >= 0 && r.of[c] == roleExtra {
			r.of[c] = roleConfidence
		}
	}
}

// isLong reports whether a table says in each row what was predicted.
func (r *roles) isLong() bool {
	return r.has(rolePredicted) || r.has(roleBinary) || r.has(roleScore)
}

// addWide adds a table with one row an example and one column a model. named
// are the columns that the request names, nil where it names none.
func (a *assembly) addWide(f *frame, r roles, named []string) error {
	models := a.modelColumns(f, r, named)
	if len(models) == 0 && named != nil {
		return &Error{File: f.file, Want: "a column " + strings.Join(named, " or "), Got: "columns " + strings.Join(f.names(), ", ")}
	}
	if len(models) == 0 {
		return &Error{File: f.file, Want: "a column of predictions, or columns of models whose names tell the variant (dense, fp32, int8, pruned-0.7, ...) or are named as baseline and candidates",
			Got: "columns " + strings.Join(f.names(), ", ")}
	}
	base := &long{a: a, f: f, r: r}
	base.rowOf = make([]int32, f.rows)
	place, err := a.place(f, base.column(roleID))
	if err != nil {
		return err
	}
	if place == nil {
		place = identity(f.rows)
	}
	if c := base.column(roleLabel); c != nil {
		if err := a.setTruth(f, c, place, true); err != nil {
			return err
		}
	}
	if c := base.column(roleSplit); c != nil {
		if err := a.setSplit(f, c, place); err != nil {
			return err
		}
	}
	taken := map[int]bool{}
	var names []string
	for _, m := range models {
		taken[m.col] = true
		names = append(names, f.cols[m.col].name)
		one := &long{a: a, f: f, r: roles{of: make([]role, len(f.cols))}, place: place, rowOf: base.rowOf}
		one.r.of[m.col] = rolePredicted
		if m.conf >= 0 {
			one.r.of[m.conf] = roleConfidence
		}
		one.members = []*member{a.member(m.variant, m.name, f.file+"#"+f.cols[m.col].name)}
		if err := one.predictions(); err != nil {
			return err
		}
		if err := one.numbers(); err != nil {
			return err
		}
	}
	if named == nil {
		a.note("%s: columns %s were taken as the predictions of models", f.file, strings.Join(names, ", "))
	}
	for i := range f.cols {
		if taken[i] || f.cols[i].kind != text || r.of[i] != roleExtra && r.of[i] != roleAttribute {
			continue
		}
		if looksLikeModel(f.cols[i].name) {
			if named == nil {
				a.note("%s: column %s holds predictions by its name, but the name does not tell the variant: left out", f.file, f.cols[i].name)
			}
			continue
		}
		if err := a.setAttribute(a.attribute(f.cols[i].name), f, &f.cols[i], place); err != nil {
			return err
		}
	}
	return nil
}

// modelColumns finds the columns of models: those that are named, or else
// those whose names tell the variant and that hold classes.
func (a *assembly) modelColumns(f *frame, r roles, named []string) []modelColumn {
	names := f.names()
	var out []modelColumn
	add := func(i int, variant string) {
		conf := companion(names, names[i])
		if conf >= 0 && f.cols[conf].kind != number {
			conf = -1
		}
		out = append(out, modelColumn{col: i, conf: conf, variant: variant, name: modelName(names[i])})
	}
	if named != nil {
		for _, name := range named {
			i := slices.IndexFunc(names, func(n string) bool { return n == name || modelName(n) == name })
			if i >= 0 && f.cols[i].kind == text {
				add(i, "")
			}
		}
		return out
	}
	for i := range f.cols {
		if r.of[i] != roleExtra || f.cols[i].kind != text {
			continue
		}
		made, ok := infer(names[i])
		if ok && (looksLikeModel(names[i]) || a.holdsClasses(f, r, i)) {
			add(i, made.word)
		}
	}
	return out
}

// modelName is a column's name without the ending that says that it holds
// predictions.
func modelName(column string) string { return stem(column, "_pred", "_prediction", "_predicted") }

func looksLikeModel(column string) bool { return modelName(column) != column }

// holdsClasses reports whether a column has no values but classes: those of
// the label column or, where labels are numbers, any number.
func (a *assembly) holdsClasses(f *frame, r roles, col int) bool {
	known := a.classes.words
	if l := r.col(roleLabel); l >= 0 {
		known = f.cols[l].dict
	}
	classes, numbers := map[string]bool{}, true
	for _, w := range known {
		w = className(w)
		classes[w] = true
		_, ok := classNumber(w)
		numbers = numbers && ok
	}
	for _, w := range f.cols[col].dict {
		w = className(w)
		if _, ok := classNumber(w); !classes[w] && !(numbers && ok) {
			return false
		}
	}
	return len(f.cols[col].dict) > 0
}
