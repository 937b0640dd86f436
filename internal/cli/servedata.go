package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/prediction"
)

// pictureSource is data whose pictures belong to the examples of an audit.
type pictureSource struct {
	opened *dataset.Opened
	key    string // of cached pictures
	notice string // what does not fit, for the pages
	find   func(dataset.ExampleID) (int, bool)
}

// image is the picture of an example as it is in the data.
func (s *pictureSource) image(ctx context.Context, id dataset.ExampleID) (*dataset.Image, error) {
	i, ok := s.find(id)
	if !ok {
		return nil, &dataset.BadImage{ID: id, Err: fs.ErrNotExist}
	}
	return s.opened.Dataset.Image(ctx, i)
}

// openData opens --data and finds the audit's examples in it.
func (g *gallerySession) openData(ctx context.Context) error {
	if g.o.data == "" {
		return nil
	}
	opened, err := dataKinds().Open(ctx, g.o.data)
	if err != nil {
		return err
	}
	g.later(opened.Dataset.Close)
	g.app.notes(opened.Notes)
	m := matcher{index: g.index, data: opened.Dataset, source: g.o.data, byPosition: g.notes.config.Join.ByPosition, partly: g.o.partly}
	if err := m.match(); err != nil {
		return err
	}
	if m.notice != "" {
		g.app.log.Warn(m.notice)
	}
	where := opened.Source
	if whole, err := filepath.Abs(where.Path); err == nil {
		where.Path = whole
	}
	g.source = &pictureSource{opened: opened, key: where.String() + " " + dataset.Digest(opened.Dataset), notice: m.notice, find: m.find}
	return nil
}

// matcher finds the examples of an audit in data.
type matcher struct {
	index      *index.Index
	data       dataset.Dataset
	source     string
	byPosition bool // the audit has no ids: row i is example i
	partly     bool

	at     []int32 // place in the data by row, -1 for none
	notice string
}

func (m *matcher) find(id dataset.ExampleID) (int, bool) {
	row, ok := m.index.Find(string(id))
	if !ok || m.at[row] < 0 {
		return 0, false
	}
	return int(m.at[row]), true
}

func (m *matcher) match() error {
	n := m.index.Len()
	m.at = make([]int32, n)
	for i := range m.at {
		m.at[i] = -1
	}
	if m.byPosition {
		if m.data.Len() != n {
			return fmt.Errorf("--data %s has %s, the audit %s without ids that were matched by position: want as many, in the same order", m.source,
				num.Plural(m.data.Len(), "example", "examples"), num.Plural(n, "example", "examples"))
		}
		for i := range m.at {
			m.at[i] = int32(i)
		}
		return m.labels()
	}
	for i := range m.data.Len() {
		if row, ok := m.index.Find(string(m.data.Example(i).ID)); ok {
			m.at[row] = int32(i)
		}
	}
	if err := m.missing(); err != nil {
		return err
	}
	return m.labels()
}

// firstIDs is how many ids an error names.
const firstIDs = 3

// missing fails where the data lack examples of the audit, unless some will do.
func (m *matcher) missing() error {
	missing, first := 0, []string(nil)
	for row, at := range m.at {
		if at >= 0 {
			continue
		}
		if missing++; len(first) < firstIDs {
			first = append(first, strconv.Quote(m.index.ID(int32(row))))
		}
	}
	if missing == 0 {
		return nil
	}
	text := fmt.Sprintf("--data %s lacks %s of the audit's %s (%s)", m.source, num.Count(missing), num.Plural(len(m.at), "example", "examples"), strings.Join(first, ", ")+etc(missing, len(first)))
	if missing == len(m.at) {
		var has []string
		for i := range min(firstIDs, m.data.Len()) {
			has = append(has, strconv.Quote(string(m.data.Example(i).ID)))
		}
		return fmt.Errorf("%s; its %s are called %s: is it the data that was audited?", text, num.Plural(m.data.Len(), "example", "examples"), strings.Join(has, ", ")+etc(m.data.Len(), len(has)))
	}
	if !m.partly {
		return fmt.Errorf("%s; --partly shows the others", text)
	}
	m.notice = text + "; they have placeholders"
	return nil
}

func etc(all, shown int) string {
	if all > shown {
		return ", ..."
	}
	return ""
}

// labelsChecked is how many examples' classes are compared.
const labelsChecked = 5000

// labels compares the classes of the data with those of the audit: the same ids
// may stand for other images.
func (m *matcher) labels() error {
	var rows []int32
	for row, at := range m.at {
		if at >= 0 {
			rows = append(rows, int32(row))
		}
	}
	classes, own := m.index.Classes(), m.data.Classes()
	byName := len(own) == len(classes)
	for _, name := range own {
		byName = byName && slices.Contains(classes, name)
	}
	differ, first := 0, ""
	places := dataset.Spread(len(rows), min(len(rows), labelsChecked))
	for _, i := range places {
		x, err := m.index.Row(m.index.Variants()[0].Name, rows[i])
		if err != nil {
			return err
		}
		label := int(m.data.Example(int(m.at[rows[i]])).Label)
		same := label == x.Truth
		if byName && label >= 0 && label < len(own) {
			same = own[label] == classes[x.Truth]
		}
		if !same {
			if differ++; first == "" {
				first = x.ID
			}
		}
	}
	if differ == 0 {
		return nil
	}
	text := fmt.Sprintf("--data %s gives %s of %s that were looked at another class than the audit, first %q", m.source, num.Count(differ), num.Plural(len(places), "example", "examples"), first)
	if differ*2 > len(places) {
		return fmt.Errorf("%s: is it the data and the split that was audited?", text)
	}
	if m.notice != "" {
		m.notice += ". "
	}
	m.notice += text
	return nil
}

// keptTable are the predictions once they are read, without the answers.
type keptTable struct {
	mu sync.Mutex
	t  *prediction.Table
}

// keep takes what the scores of examples need: they stay on disk.
func (k *keptTable) keep(t *prediction.Table) {
	slim := &prediction.Table{Classes: t.Classes, IDs: t.IDs, Labels: t.Labels}
	for _, v := range t.Variants {
		v.Members = slices.Clone(v.Members)
		for i := range v.Members {
			v.Members[i].Predicted = prediction.Column{}
		}
		slim.Variants = append(slim.Variants, v)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.t = slim
}

func (k *keptTable) get() *prediction.Table {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.t
}
