package importer

import (
	"errors"
	"fmt"
	"slices"
)

// settings stores what columns say of each model.
func (l *long) settings() error {
	for _, as := range []role{roleSeed, roleLineage, roleKind, roleLevel} {
		c := l.column(as)
		if c == nil {
			continue
		}
		last := int32(-1)
		for row, m := range l.rowOf {
			if m == last && row > 0 && c.codes[row] == c.codes[row-1] {
				continue
			}
			last = m
			if err := l.members[m].setText(l.f, row, c, as); err != nil {
				return err
			}
		}
	}
	return nil
}

// extras sorts out the columns that nothing is known of: one value an example
// makes an attribute, one value a model a setting of it.
func (l *long) extras() error {
	for i := range l.f.cols {
		c := &l.f.cols[i]
		if c.kind != text || (l.r.of[i] != roleExtra && l.r.of[i] != roleAttribute) {
			continue
		}
		byExample, byMember := l.depends(c)
		switch {
		case l.r.of[i] == roleAttribute || byExample && !byMember:
			if err := l.a.setAttribute(l.a.attribute(c.name), l.f, c, l.place); err != nil {
				return err
			}
		case byMember:
			for m, row := range l.firsts {
				l.members[m].set(c.name, c, int(row))
			}
		default:
			l.a.note("%s: column %s is neither one value an example nor one a model: left out", l.f.file, c.name)
		}
	}
	return nil
}

// set stores a setting of a model.
func (m *member) set(name string, c *column, row int) {
	s, ok := c.cell(row)
	if !ok {
		return
	}
	if m.config == nil {
		m.config = map[string]string{}
	}
	if old, ok := m.config[name]; ok && old != s {
		s = old + ", " + s // shards of one model that differ: shown, not hidden
	}
	m.config[name] = s
}

// depends reports whether a column has one value an example, and one a model.
func (l *long) depends(c *column) (byExample, byMember bool) {
	const unset = -2
	examples := slices.Repeat([]int32{unset}, l.a.n)
	members := slices.Repeat([]int32{unset}, len(l.members))
	byExample, byMember = true, true
	for row, code := range c.codes {
		m := l.rowOf[row]
		if members[m] == unset {
			members[m] = code
		}
		byMember = byMember && members[m] == code
		ex := l.place[row]
		if ex < 0 {
			continue
		}
		if examples[ex] == unset {
			examples[ex] = code
		}
		byExample = byExample && examples[ex] == code
		if !byExample && !byMember {
			return false, false
		}
	}
	return byExample, byMember
}

// predictions stores the predicted classes.
func (l *long) predictions() error {
	c := l.column(rolePredicted)
	if c == nil {
		return nil
	}
	recode := l.a.classes.intern(l.f, c)
	for _, m := range l.members {
		m.predicted = grow(m.predicted, l.a.n)
	}
	duplicated := 0
	var some []string
	for row, code := range c.codes {
		ex := l.place[row]
		if ex < 0 || code < 0 {
			continue
		}
		at := &l.members[l.rowOf[row]].predicted[ex]
		switch *at {
		case -1:
			*at = recode[code]
		case recode[code]:
			if duplicated++; len(some) < 5 {
				some = append(some, l.a.idOf(ex))
			}
		default:
			m := l.members[l.rowOf[row]]
			return l.a.conflict(l.f, row, c.name, ex, "prediction of model "+m.name, l.a.classes.words[*at], c.dict[code])
		}
	}
	l.a.join.Duplicated += duplicated
	l.a.problem(l.f.file, "duplicated", duplicated, some...)
	return nil
}

// numbers stores confidences, scores of the true class and scores of a binary
// classifier.
func (l *long) numbers() error {
	for _, s := range []struct {
		as role
		of func(*member) *[]float32
	}{
		{roleConfidence, func(m *member) *[]float32 { return &m.confidence }},
		{roleTrueScore, func(m *member) *[]float32 { return &m.trueScore }},
		{roleBinary, func(m *member) *[]float32 { return &m.binary }},
	} {
		c := l.column(s.as)
		if c == nil || c.kind != number {
			continue
		}
		for _, m := range l.members {
			*s.of(m) = floats(*s.of(m), l.a.n)
		}
		for row := range l.f.rows {
			v, err := unit(l.f, row, c)
			if err != nil {
				return err
			}
			ex := l.place[row]
			if ex < 0 {
				continue
			}
			m := l.members[l.rowOf[row]]
			at := &(*s.of(m))[ex]
			if *at >= 0 && *at != v {
				return l.a.conflict(l.f, row, c.name, ex, "number of model "+m.name, format32(*at), format32(v))
			}
			*at = v
		}
	}
	return nil
}

// allScores notes where the full scores of each model are.
func (l *long) allScores() error {
	mat, names, order, err := l.matrix()
	if err != nil || mat == nil {
		return err
	}
	rows, _ := mat.shape()
	if rows != l.f.rows {
		return &Error{File: l.f.file, Want: "a row of scores for each row", Got: "fewer"}
	}
	for _, m := range l.members {
		if m.scores != nil {
			return &Error{File: l.f.file, Want: "all scores of model " + m.name + " in one file", Got: "more in another: " + m.scores.file.file}
		}
		m.scores = &scoreRef{matrix: mat, file: l.f, names: names, order: order, rows: grow(nil, l.a.n)}
	}
	for row, k := range l.rowOf {
		ex := l.place[row]
		if ex < 0 {
			continue
		}
		at := &l.members[k].scores.rows[ex]
		if *at >= 0 && !l.r.has(rolePredicted) {
			if err := l.sameScores(int(*at), row, ex, l.members[k]); err != nil {
				return err
			}
			continue
		}
		*at = int32(row)
	}
	return nil
}

// sameScores checks that a row of scores repeats an earlier one.
func (l *long) sameScores(before, now int, ex int32, m *member) error {
	_, n := m.scores.matrix.shape()
	a, b := make([]float64, n), make([]float64, n)
	if err := errors.Join(m.scores.matrix.read(before, a), m.scores.matrix.read(now, b)); err != nil {
		return wrap(l.f.file, "readable scores", err)
	}
	if !slices.Equal(a, b) {
		return l.a.conflict(l.f, now, "", ex, "scores of model "+m.name, fmt.Sprint(a), fmt.Sprint(b))
	}
	l.a.join.Duplicated++
	l.a.problem(l.f.file, "duplicated", 1, l.a.idOf(ex))
	return nil
}

// matrix gathers score columns, one a class or one of lists.
func (l *long) matrix() (mat matrix, names []string, order []int, err error) {
	if c := l.column(roleScore); c != nil && c.kind == scores {
		return c.mat, nil, nil, nil
	}
	if len(l.r.scores) == 0 {
		return nil, nil, nil, nil
	}
	n := len(l.r.scores)
	d := &denseMatrix{classes: n, data: make([]float32, n*l.f.rows)}
	for k, s := range l.r.scores {
		for row, v := range l.f.cols[s.col].nums {
			d.data[row*n+k] = v
		}
	}
	order, err = l.r.scoreOrder()
	if err != nil {
		return nil, nil, nil, wrap(l.f.file, "one score column for each class", err)
	}
	if order == nil {
		for _, s := range l.r.scores {
			names = append(names, s.class)
		}
	}
	return d, names, order, nil
}
