package importer

import (
	"context"
	"errors"
	"slices"

	"github.com/lethe-audit/lethe/prediction"
)

// Import reads everything the request names and joins it into one table.
// Errors in the input are of type [*Error].
func Import(ctx context.Context, req Request) (*prediction.Table, error) {
	if len(req.Sources) == 1 && prediction.IsDir(req.Sources[0]) {
		return importStored(ctx, &req)
	}
	if len(req.Sources) == 0 && len(req.Baseline.Files) == 0 {
		return nil, errors.New("importer: no predictions: want sources, or a baseline and candidates")
	}
	a := newAssembly(ctx, &req)
	for _, step := range []func() error{a.readLabels, a.readSpecs, a.readSources, a.readAttributes, a.checkColumns} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return a.finish()
}

// readLabels reads the labels file: its rows are the examples.
func (a *assembly) readLabels() error {
	if a.req.Labels == "" {
		return nil
	}
	l, err := a.load(a.req.Labels, useLabels)
	if err != nil {
		return err
	}
	c := l.only(roleLabel)
	if c == nil || c.kind != text {
		return &Error{File: a.req.Labels, Want: "class numbers or names, one for each example", Got: l.describe()}
	}
	ids := l.column(roleID)
	if a.req.IDs != "" {
		if ids, err = a.readIDs(l.f.rows); err != nil {
			return err
		}
	}
	a.n, a.closed, a.started = l.f.rows, true, true
	place := identity(l.f.rows)
	if ids != nil {
		a.ids = newDictionary()
		for row, code := range ids.codes {
			if code < 0 {
				return a.noID(l.f, ids, row)
			}
			place[row] = a.ids.code(ids.dict[code])
		}
		a.n, a.rows = len(a.ids.words), place
		a.join.Duplicated += l.f.rows - a.n
		a.problem(l.f.file, "duplicated", l.f.rows-a.n)
	}
	if err := a.setTruth(l.f, c, place, true); err != nil {
		return err
	}
	if c := l.column(roleSplit); c != nil {
		if err := a.setSplit(l.f, c, place); err != nil {
			return err
		}
	}
	if file, _ := splitRef(a.req.Labels); a.isMember(file) {
		// Its other columns are models' as likely as attributes.
		for i, r := range l.r.of {
			if r == roleExtra {
				l.r.of[i] = roleIgnore
			}
		}
	}
	return l.attributes(place)
}

// isMember reports whether a file holds predictions of a model.
func (a *assembly) isMember(file string) bool {
	return slices.ContainsFunc(a.uses[file], func(u usedAs) bool { return u.as == useMember })
}

// readIDs reads the ids of the labels' rows from a file of their own.
func (a *assembly) readIDs(rows int) (*column, error) {
	l, err := a.load(a.req.IDs, useIDs)
	if err != nil {
		return nil, err
	}
	c := l.only(roleID)
	if c == nil || c.kind != text {
		return nil, &Error{File: a.req.IDs, Want: "a column of ids", Got: l.describe()}
	}
	if l.f.rows != rows {
		return nil, l.f.rowCount(rows, "as in the labels")
	}
	first := make([]int32, len(c.dict))
	for row, code := range c.codes {
		if code < 0 {
			return nil, a.noID(l.f, c, row)
		}
		if first[code] > 0 {
			e := l.f.at(row, c.name)
			e.Want, e.Got = "different ids", "the id "+quoted(c.dict[code])+" again"
			return nil, e
		}
		first[code] = int32(row) + 1
	}
	return c, nil
}

// readSources reads tables that say themselves which models they are of.
func (a *assembly) readSources() error {
	for _, dir := range a.req.Sources {
		if prediction.IsDir(dir) {
			return &Error{File: dir, Want: "a directory of predictions to be the only source", Got: itoa(len(a.req.Sources)) + " sources"}
		}
	}
	files, err := expand(a.req.Sources)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		l, err := a.load(file, useSource)
		if err != nil {
			return err
		}
		switch {
		case l.unnamed():
			return &Error{File: file, Want: "a table of predictions; arrays are named by labels, baseline and candidates", Got: l.describe()}
		case l.r.isLong():
			err = a.addLong(l.f, l.r, given{member: memberName(file)})
		default:
			err = a.addWide(l.f, l.r, a.namedInSources())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// specs lists the baseline and the candidates, in order.
func (a *assembly) specs() []*Spec {
	var out []*Spec
	if len(a.req.Baseline.Files) > 0 {
		out = append(out, &a.req.Baseline)
	}
	for i := range a.req.Candidates {
		out = append(out, &a.req.Candidates[i])
	}
	return out
}

// namedInSources lists what specs name that is not a file: columns or models
// of the sources; nil where there is nothing of that kind.
func (a *assembly) namedInSources() []string {
	var out []string
	for _, s := range a.specs() {
		for _, ref := range s.Files {
			if !a.isFile(ref) {
				out = append(out, ref)
			}
		}
	}
	return out
}

// isFile reports whether a spec's entry is a file; without sources it can be
// nothing else.
func (a *assembly) isFile(ref string) bool {
	file, _ := splitRef(ref)
	return len(a.req.Sources) == 0 || exists(file)
}

// readSpecs reads the files that specs name, each a model.
func (a *assembly) readSpecs() error {
	for _, s := range a.specs() {
		variant := s.Name
		for i, ref := range s.Files {
			if err := a.ctx.Err(); err != nil {
				return err
			}
			if !a.isFile(ref) {
				continue
			}
			files, err := expand([]string{ref})
			if err != nil {
				return err
			}
			for _, file := range files {
				if i == 0 && s.Unnamed {
					variant = unnamedVariant(s, file)
				}
				if err := a.readMember(file, variant); err != nil {
					return err
				}
			}
		}
		if s.Unnamed {
			s.Name = variant
		}
	}
	return nil
}

// unnamedVariant names a variant that the user gave no name by its first
// file, if that says how it was made.
func unnamedVariant(s *Spec, file string) string {
	_, column := splitRef(file)
	for _, name := range []string{modelName(column), memberName(file)} {
		if made, ok := infer(name); ok {
			return made.word
		}
	}
	return s.Name
}

// readMember reads one file of one model, or a table of several.
func (a *assembly) readMember(ref, variant string) error {
	l, err := a.load(ref, useMember)
	if err != nil {
		return err
	}
	if l.unnamed() || !l.r.isLong() {
		c := l.only(rolePredicted)
		if c == nil {
			return &Error{File: ref, Want: "a column of predictions; choose one by FILE#COLUMN", Got: l.describe()}
		}
		l.setOnly()
	}
	file, column := splitRef(ref)
	name := memberName(file)
	if column != "" {
		name = modelName(column)
	}
	return a.addLong(l.f, l.r, given{variant: variant, member: a.freeName(variant, name)})
}

// freeName is a name that no other member of the variant has.
func (a *assembly) freeName(variant, name string) string {
	for free, k := name, 2; ; k++ {
		if a.byKey[memberKey{variant, free}] == nil {
			return free
		}
		free = name + " (" + itoa(k) + ")"
	}
}

// readAttributes reads tables of attributes.
func (a *assembly) readAttributes() error {
	for _, ref := range a.req.Attributes {
		l, err := a.load(ref, useAttributes)
		if err != nil {
			return err
		}
		if l.unnamed() {
			return &Error{File: ref, Want: "a table with a name for each attribute", Got: l.describe()}
		}
		wasClosed := a.closed
		a.closed = true // attributes do not make examples
		place, err := a.place(l.f, l.column(roleID))
		a.closed = wasClosed
		if err != nil {
			return err
		}
		if place == nil {
			place = identity(l.f.rows)
		}
		a.noteUncovered(ref, place)
		if c := l.column(roleSplit); c != nil && a.split == nil {
			if err := a.setSplit(l.f, c, place); err != nil {
				return err
			}
		}
		if err := l.attributes(place); err != nil {
			return err
		}
	}
	return nil
}

// noteUncovered notes the examples that a table of attributes has no row of.
func (a *assembly) noteUncovered(ref string, place []int32) {
	covered := make([]bool, a.n)
	left := a.n
	for _, ex := range place {
		if ex >= 0 && !covered[ex] {
			covered[ex] = true
			left--
		}
	}
	if left > 0 {
		a.note("%s has no row for %d of %d examples: their attributes are missing", ref, left, a.n)
	}
}

// checkColumns refuses column names of the request that no file has.
func (a *assembly) checkColumns() error {
	c := &a.req.Columns
	var names []string
	for _, m := range c.mapped() {
		names = append(names, m.name)
	}
	for _, list := range [][]string{c.Scores, c.Attributes, c.Ignore} {
		names = append(names, list...)
	}
	for _, name := range names {
		if name != "" && !a.columns[name] {
			return &Error{File: a.inputs[0].Path, Want: "a column " + quoted(name), Got: "none of that name in any file"}
		}
	}
	return nil
}
