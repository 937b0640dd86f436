package study

import (
	"encoding/csv"
	"fmt"
	"io"

	"github.com/lethe-audit/lethe/finding"
)

// annotators is a table with one row a person: how much was answered, how
// often yes, and how often others agreed. It shows who misread a question.
func (e *emitter) annotators() *finding.Table {
	t := &finding.Table{
		Name: TableAnnotators, Check: Check, Variant: e.key.Variant, Title: "Annotators",
		Note: "Agreement is the share of this person's yes and no that another person's answer to the same question about the same image equals.",
		Columns: []finding.Column{
			{Name: "annotator"}, {Name: "images", Unit: finding.Count, Doc: "completely answered"}, {Name: "asked", Unit: finding.Count},
			{Name: "yes", Unit: finding.Share, Doc: "of yes and no"}, {Name: "cannot say", Unit: finding.Share, Doc: "of all answers"}, {Name: "agreement", Unit: finding.Share},
		},
	}
	judged := e.counts()
	for i := range e.study.Annotators {
		a, c := &e.study.Annotators[i], judged[i]
		row := []any{a.Name, e.sheets[i].Done(a), len(a.Images), nil, nil, nil}
		for j, share := range [][2]int{{c.yes, c.yes + c.no}, {c.unsure, c.yes + c.no + c.unsure}, {c.equal, c.compared}} {
			if share[1] > 0 {
				row[3+j] = float64(share[0]) / float64(share[1])
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// judge are the counts of one annotator.
type judge struct{ yes, no, unsure, equal, compared int }

func (e *emitter) counts() []judge {
	type cell struct{ image, question int }
	all := map[cell][2]int{} // no and yes of everybody
	for _, sheet := range e.sheets {
		for image, list := range sheet {
			for q, v := range list {
				if decided(v) {
					n := all[cell{image, q}]
					n[one(v == Yes)]++
					all[cell{image, q}] = n
				}
			}
		}
	}
	out := make([]judge, len(e.sheets))
	for i, sheet := range e.sheets {
		c := &out[i]
		for image, list := range sheet {
			for q, v := range list {
				if !decided(v) {
					c.unsure += one(v == Unsure)
					continue
				}
				c.yes += one(v == Yes)
				c.no += one(v == No)
				n := all[cell{image, q}]
				c.equal += n[one(v == Yes)] - 1
				c.compared += n[0] + n[1] - 1
			}
		}
	}
	return out
}

// WriteRatings writes every answer with the group of its image as CSV, in the
// order of pairs.
func WriteRatings(w io.Writer, s *Study, k *Key, sheets []Sheet) error {
	out := csv.NewWriter(w)
	// csv.Writer keeps its first error for Flush.
	_ = out.Write([]string{"id", "label", "pair", "group", "margin", "annotator", "question", "answer"})
	for i, p := range k.Pairs {
		for side, image := range []int{p.PIE, p.Other} {
			group, margin := "pie", p.PIEMargin
			if side == 1 {
				group, margin = "non-pie", p.OtherMargin
			}
			for a, sheet := range sheets {
				for q, v := range sheet[image] {
					if v == None {
						continue
					}
					_ = out.Write([]string{
						s.Images[image].ID, s.Images[image].Label, fmt.Sprint(i + 1), group, fmt.Sprint(margin),
						s.Annotators[a].Name, s.Questionnaire.Questions[q].ID, string(v),
					})
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}
