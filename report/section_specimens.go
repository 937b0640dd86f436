package report

import (
	"fmt"
	"slices"
	"strings"
)

// Specimens is a block of one example as it is and under corruptions, which lie in
// rows by severity.
type Specimens struct {
	ID, Title string
	Example   string   // its id
	Cols      []string // severities
	Rows      []Specimen
}

// Specimen is a row of [Specimens].
type Specimen struct {
	Corruption string
	Shifts     []string // by column: "fog:3"; "" where the audit has none
}

func (*Specimens) block() {}

// specimens is a part with pictures of the audit's corruptions; nil where the caller
// named no example or no shift is a corruption.
func (b *builder) specimens() *Part {
	if b.o.Specimen == "" {
		return nil
	}
	s := &Specimens{ID: "robust-specimens", Title: "One example under every corruption", Example: b.o.Specimen}
	for _, name := range b.c.variants() {
		g := read(b.c.table("shifts", name), "shift", "corruption")
		for i := 0; g != nil && i < g.len(); i++ {
			s.add(g.text(i, "shift"), g.text(i, "corruption"))
		}
	}
	if len(s.Rows) == 0 {
		return nil
	}
	s.sort()
	return &Part{ID: "robust-pictures", Title: "What the corruptions look like", Blocks: []Block{s},
		Lead: []Text{{S: fmt.Sprintf("Example %s as it is, and under every corruption and severity of this audit.", b.o.Specimen)}}}
}

// add notes a corruption at a severity, once.
func (s *Specimens) add(shift, corruption string) {
	_, severity, ok := strings.Cut(shift, ":")
	if !ok || corruption == "" {
		return
	}
	at := slices.IndexFunc(s.Rows, func(r Specimen) bool { return r.Corruption == corruption })
	if at < 0 {
		at, s.Rows = len(s.Rows), append(s.Rows, Specimen{Corruption: corruption})
	}
	if !slices.Contains(s.Rows[at].Shifts, shift) {
		s.Rows[at].Shifts = append(s.Rows[at].Shifts, shift)
	}
	if !slices.Contains(s.Cols, severity) {
		s.Cols = append(s.Cols, severity)
	}
}

// sort puts severities into columns.
func (s *Specimens) sort() {
	slices.Sort(s.Cols)
	for i := range s.Rows {
		placed := make([]string, len(s.Cols))
		for _, shift := range s.Rows[i].Shifts {
			_, severity, _ := strings.Cut(shift, ":")
			placed[slices.Index(s.Cols, severity)] = shift
		}
		s.Rows[i].Shifts = placed
	}
}
