package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// none is a cell that has nothing to say.
const none = "-"

// change is an estimate in percentage points with its interval.
func change(f *finding.Finding) string {
	switch {
	case f == nil:
		return none
	case f.Estimate == nil:
		return "cannot say"
	case f.Interval == nil:
		return num.PPValue(*f.Estimate)
	}
	return strings.Replace(num.PPInterval(*f.Estimate, f.Interval.Low, f.Interval.High), " pp", "", 1) // the heading has the unit
}

// marked is change, bold where the finding is worse or better beyond chance.
func marked(f *finding.Finding) string {
	if f != nil && (f.Outcome == finding.Worse || f.Outcome == finding.Better) {
		return "**" + change(f) + "**"
	}
	return change(f)
}

func share(v *float64) string {
	if v == nil {
		return none
	}
	return num.Share(*v)
}

// count is how many of the findings hold, of how many that could be tested.
func count(found []*finding.Finding, holds func(*finding.Finding) bool) string {
	n, of := 0, 0
	for _, f := range found {
		if f.Test == nil || f.Test.P == nil {
			continue
		}
		of++
		if holds(f) {
			n++
		}
	}
	if of == 0 {
		return "cannot say"
	}
	return fmt.Sprintf("%d of %d", n, of)
}

func detected(f *finding.Finding) bool {
	return f.Outcome == finding.Worse || f.Outcome == finding.Better
}

// classesTable is the paper's first table: accuracy, and how many classes change
// otherwise than the model does.
func classesTable(a *audits) (*table, error) {
	if a.paper == nil {
		return nil, errors.New("the table needs an audit in paper mode too")
	}
	t := columns("population", ">members", ">top-1", ">change, pp [95 %]", ">paper: p ≤ .05", ">corrected: q ≤ .05", ">lost recall: q ≤ .05")
	base := a.audit.config.Populations[0]
	t.row(base.Name, fmt.Sprint(len(base.Members)), num.Share(mean(base)), none, none, none, none)
	for i, v := range a.audit.variants() {
		p := a.audit.config.Populations[i+1]
		t.row(v, fmt.Sprint(len(p.Members)), num.Share(mean(p)), marked(a.audit.one("summary", "accuracy", v, finding.Overall)),
			count(a.paper.all("classimpact", "disproportion", v, finding.Class), func(f *finding.Finding) bool { return *f.Test.P <= 0.05 }),
			count(a.audit.all("classimpact", "disproportion", v, finding.Class), detected),
			count(a.audit.all("classimpact", "harm", v, finding.Class), func(f *finding.Finding) bool { return f.Outcome == finding.Worse }))
	}
	return t, nil
}

func mean(p finding.Population) float64 {
	sum := 0.0
	for _, m := range p.Members {
		sum += m.Accuracy
	}
	return sum / float64(len(p.Members))
}

// eachClassTable is the normalized recall difference of every class.
func eachClassTable(a *audits) (*table, error) {
	variants := a.audit.variants()
	head := []string{"class"}
	for _, v := range variants {
		head = append(head, ">"+v)
	}
	t := columns(head...)
	for c, name := range a.audit.config.Classes {
		row := []string{name}
		for _, v := range variants {
			cell := none
			for _, f := range a.audit.all("classimpact", "disproportion", v, finding.Class) {
				if f.Scope.Class != nil && *f.Scope.Class == c {
					cell = marked(f)
				}
			}
			row = append(row, cell)
		}
		t.row(row...)
	}
	return t, nil
}

// piesTable is about the examples whose modal label changes.
func piesTable(a *audits) (*table, error) {
	if a.paper == nil {
		return nil, errors.New("the table needs an audit in paper mode too")
	}
	t := columns("population", ">PIEs", ">by chance", ">beyond chance, pp", ">p", ">paper: dense on PIEs", ">paper: variant on PIEs", ">other members: change on PIEs, pp [95 %]", ">by chance, pp")
	for _, v := range a.audit.variants() {
		all := a.audit.one("pie", "pie-share", v, finding.Overall)
		row := []string{v, none, none, none, none, none, none, none, none}
		if all != nil {
			row[1] = share(all.Estimate)
			row[2] = share(all.Reference)
		}
		row[3], row[4] = beyond(a.audit, v, &row[2])
		if f := a.paper.one("pie", "accuracy-on-pie-paper", v, finding.Examples); f != nil {
			row[5], row[6] = share(f.BaseValue), share(f.Value)
		}
		if f := a.audit.one("pie", "accuracy-on-pie", v, finding.Examples); f != nil {
			row[7] = marked(f)
			if f.Reference != nil {
				row[8] = num.PPValue(*f.Reference)
			}
		}
		t.row(row...)
	}
	return t, nil
}

// beyond is the PIE share beyond the noise floor: over random swaps of baseline
// and variant where they share lineages (chance is then theirs), over pairs of
// disjoint halves of the baseline otherwise.
func beyond(s *stream, variant string, chance *string) (excess, p string) {
	if f := s.one("pie", "swap-excess", variant, finding.Overall); f != nil {
		if f.Reference != nil {
			*chance = share(f.Reference)
		}
		if f.Test != nil && f.Test.P != nil {
			p = num.PValue(*f.Test.P)
		}
		return change(f), p
	}
	f := s.one("pie", "floor-excess", variant, finding.Overall)
	if f != nil && f.Test != nil && f.Test.P != nil {
		p = num.PValue(*f.Test.P)
	}
	return marked(f), p
}

// longtailTable is each class with the number of its training images.
func longtailTable(a *audits) (*table, error) {
	variants := a.audit.variants()
	head := []string{"class", ">training images", ">recall, dense"}
	for _, v := range variants {
		head = append(head, ">"+v+", pp [95 %]")
	}
	t := columns(head...)
	training := map[string]string{}
	for _, table := range a.audit.tables {
		if table.Name == "longtail" {
			for _, r := range table.Rows {
				if n, ok := r[2].(float64); ok {
					training[fmt.Sprint(r[1])] = num.Count(int64(n))
				}
			}
		}
	}
	for c, name := range a.audit.config.Classes {
		row := []string{name, training[name], none}
		for _, v := range variants {
			cell := none
			for _, f := range a.audit.all("classimpact", "harm", v, finding.Class) {
				if f.Scope.Class != nil && *f.Scope.Class == c {
					cell, row[2] = marked(f), share(f.BaseValue)
				}
			}
			row = append(row, cell)
		}
		t.row(row...)
	}
	for _, v := range variants {
		if f := a.audit.one("longtail", "class-frequency", v, finding.Overall); f != nil && f.Estimate != nil {
			text := fmt.Sprintf("Rank correlation of the change of recall with the number of training images, %s: %s", v, num.Number(*f.Estimate))
			if f.Interval != nil {
				text += " " + num.Bounds(f.Interval.Low, f.Interval.High)
			}
			t.notes = append(t.notes, text+".")
		}
	}
	return t, nil
}

// subgroupsTable is error, false positive and false negative rate by subgroup.
func subgroupsTable(a *audits) (*table, error) {
	head := []string{"subgroup", ">n", ">error, dense"}
	variants := a.audit.variants()
	for _, v := range variants {
		head = append(head, ">"+v+": error, pp [95 %]", ">FPR, pp [95 %]", ">FNR, pp [95 %]")
	}
	t := columns(head...)
	if len(variants) == 0 {
		return t, nil
	}
	for _, f := range a.audit.all("slice", "harm", variants[0], finding.Subgroup) {
		row := []string{strings.ReplaceAll(f.Scope.Name, "|", "/"), num.Count(f.N), none}
		if f.BaseValue != nil {
			row[2] = num.Share(1 - *f.BaseValue)
		}
		for _, v := range variants {
			row = append(row, flipped(in(a.audit, "harm", v, f.Scope.Name)), rate(in(a.audit, "fpr", v, f.Scope.Name)), rate(in(a.audit, "fnr", v, f.Scope.Name)))
		}
		t.row(row...)
	}
	return t, nil
}

func in(s *stream, question, variant, scope string) *finding.Finding {
	for _, f := range s.all("slice", question, variant, finding.Subgroup) {
		if f.Scope.Name == scope {
			return f
		}
	}
	return nil
}

// flipped is a change of accuracy as one of error.
func flipped(f *finding.Finding) string {
	if f == nil || f.Estimate == nil || f.Interval == nil {
		return change(f)
	}
	g := *f
	g.Estimate = finding.Float(-*f.Estimate)
	i := *f.Interval
	i.Low, i.High = -i.High, -i.Low
	g.Interval = &i
	return marked(&g)
}

// rate is a change of an error rate, after its value in the baseline.
func rate(f *finding.Finding) string {
	if f == nil || f.BaseValue == nil || f.Estimate == nil {
		return change(f)
	}
	return num.Share(*f.BaseValue) + " " + marked(f)
}

// shiftsTable is what each corruption costs beyond what clean data cost.
func shiftsTable(a *audits) (*table, error) {
	head := []string{"corruption"}
	variants := a.audit.variants()
	for _, v := range variants {
		head = append(head, ">"+v+", pp [95 %]")
	}
	t := columns(head...)
	if len(variants) == 0 {
		return t, nil
	}
	for _, first := range a.audit.all("robust", "excess", variants[0], finding.Corruption) {
		row := []string{first.Scope.Name}
		for _, v := range variants {
			cell := none
			for _, f := range a.audit.all("robust", "excess", v, finding.Corruption) {
				if f.Scope.Name == first.Scope.Name {
					cell = marked(f)
					if f.Word == finding.LosesMorePoints {
						cell = "*" + cell + "*"
					}
				}
			}
			row = append(row, cell)
		}
		t.row(row...)
	}
	return t, nil
}

// severitiesTable is accuracy under each shift.
func severitiesTable(a *audits) (*table, error) {
	var t *table
	var rows [][]string
	for _, v := range a.audit.variants() {
		for _, tab := range a.audit.tables {
			if tab.Name != "shifts" || tab.Variant != v {
				continue
			}
			at := map[string]int{}
			for i, c := range tab.Columns {
				at[c.Name] = i
			}
			if t == nil {
				t = columns("data", ">"+a.audit.config.Populations[0].Name)
				for _, r := range tab.Rows {
					rows = append(rows, []string{fmt.Sprint(r[at["shift"]]), cell(r[at["base_top1"]])})
				}
			}
			t.head, t.right = append(t.head, v), append(t.right, true)
			for i, r := range tab.Rows {
				rows[i] = append(rows[i], cell(r[at["top1"]]))
			}
		}
	}
	if t == nil {
		return nil, errors.New("the audit has no shifted data")
	}
	t.rows = rows
	return t, nil
}

func cell(v any) string {
	if f, ok := v.(float64); ok {
		return num.Share(f)
	}
	return none
}
