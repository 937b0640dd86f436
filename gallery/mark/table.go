package mark

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/lethe-audit/lethe/dataset"
)

// record is a mark as it is exported in rows and lines; what the audit does not
// say is null.
type record struct {
	ID        dataset.ExampleID `json:"id"`
	Variant   string            `json:"variant"`
	Verdict   Verdict           `json:"verdict"`
	Note      string            `json:"note"`
	By        string            `json:"by"`
	At        string            `json:"at"`
	Truth     *string           `json:"truth"`
	Base      *string           `json:"baseline_label"`
	BaseVotes *int              `json:"baseline_votes"`
	BaseK     *int              `json:"baseline_members"`
	Label     *string           `json:"variant_label"`
	Votes     *int              `json:"variant_votes"`
	K         *int              `json:"variant_members"`
	Flip      *string           `json:"flip"`
	PIE       *bool             `json:"pie"`
	Certified *bool             `json:"certified"`
}

// when is a time as exports write it.
func when(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (it *item) record() record {
	r := record{ID: it.ID, Variant: it.Variant, Verdict: it.Verdict, Note: it.Note, By: it.By, At: when(it.At)}
	if it.known {
		f := it.Facts
		r.Truth, r.Base, r.BaseVotes, r.BaseK = &f.Truth, &f.Base, &f.BaseVotes, &f.BaseK
	}
	if it.compared() {
		f := it.Facts
		r.Label, r.Votes, r.K, r.Flip, r.PIE, r.Certified = &f.Label, &f.Votes, &f.K, &f.Flip, &f.PIE, &f.Certified
	}
	return r
}

func (e *Export) jsonl(w io.Writer) (Summary, error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	items := e.items(JSONL)
	for i := range items {
		if err := enc.Encode(items[i].record()); err != nil {
			return Summary{Marks: i}, err
		}
	}
	return Summary{Marks: len(items)}, nil
}

// columns are the CSV's, in the order of record's fields.
func columns() []string {
	return []string{"id", "variant", "verdict", "note", "by", "at", "truth", "baseline_label", "baseline_votes",
		"baseline_members", "variant_label", "variant_votes", "variant_members", "flip", "pie", "certified"}
}

// cells are a record in the order of columns; null is an empty cell.
func (r *record) cells() []string {
	return []string{string(r.ID), r.Variant, string(r.Verdict), r.Note, r.By, r.At,
		text(r.Truth), text(r.Base), number(r.BaseVotes), number(r.BaseK),
		text(r.Label), number(r.Votes), number(r.K), text(r.Flip), truth(r.PIE), truth(r.Certified)}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func truth(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

func (e *Export) csv(w io.Writer) (Summary, error) {
	c := csv.NewWriter(w)
	items := e.items(CSV)
	rows := make([][]string, 0, len(items)+1)
	rows = append(rows, columns())
	for i := range items {
		r := items[i].record()
		rows = append(rows, r.cells())
	}
	if err := c.WriteAll(rows); err != nil {
		return Summary{}, err
	}
	return Summary{Marks: len(items)}, nil
}
