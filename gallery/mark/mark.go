// Package mark keeps what people say about the examples of an audit: a verdict
// and a note for each, in an append-only file that survives a crash, and
// exports in the formats of the tools that people go on with.
//
// doc/format/marks.md describes the file and the exports.
package mark

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lethe-audit/lethe/dataset"
)

// Verdict is what a person says of an example.
type Verdict string

// The verdicts. None stands for a mark that was taken back, or for a note alone.
const (
	None        Verdict = ""
	Confirmed   Verdict = "confirmed"   // the label is right and the image is clear: the variant forgot it
	Mislabelled Verdict = "mislabelled" // the given label is wrong
	Ambiguous   Verdict = "ambiguous"   // people would not agree on one label
	LowQuality  Verdict = "low-quality" // too dark, blurred, cut or small to tell
)

// Verdicts are those that a person can give, in the order of the pages.
func Verdicts() []Verdict { return []Verdict{Confirmed, Mislabelled, Ambiguous, LowQuality} }

// ParseVerdict is the verdict of that name; "" is [None].
func ParseVerdict(s string) (Verdict, error) {
	if v := Verdict(s); v == None || slices.Contains(Verdicts(), v) {
		return v, nil
	}
	var names []string
	for _, v := range Verdicts() {
		names = append(names, string(v))
	}
	return None, fmt.Errorf("mark: unknown verdict %q: want %s", s, strings.Join(names, ", "))
}

// Mark is what a person said last of an example. It belongs to the example and
// not to a variant: whether a label is wrong does not depend on who forgot it.
type Mark struct {
	ID      dataset.ExampleID `json:"id"`
	Variant string            `json:"variant,omitempty"` // variant that the person looked at, "" if none
	Verdict Verdict           `json:"verdict"`
	Note    string            `json:"note,omitempty"`
	By      string            `json:"by,omitempty"` // who; "" where people have no names
	At      time.Time         `json:"at"`           // UTC
}

// Empty says that the mark says nothing: it was taken back.
func (m Mark) Empty() bool { return m.Verdict == None && m.Note == "" }

// Limits of a mark's texts, in bytes.
const (
	MaxID   = 4 << 10
	MaxNote = 8 << 10
	MaxName = 256 // variant and by
)

// InvalidError says why a mark cannot be kept; the mark comes from outside.
type InvalidError struct{ Reason string }

// Error says what is wrong.
func (e *InvalidError) Error() string { return "mark: " + e.Reason }

// check says why a mark cannot be kept.
func (m Mark) check() error {
	for _, t := range []struct {
		name, text string
		most       int
	}{
		{"id", string(m.ID), MaxID}, {"variant", m.Variant, MaxName},
		{"note", m.Note, MaxNote}, {"name of the person", m.By, MaxName},
	} {
		if len(t.text) > t.most {
			return &InvalidError{fmt.Sprintf("the %s has %d bytes, at most %d are kept", t.name, len(t.text), t.most)}
		}
		if !utf8.ValidString(t.text) {
			return &InvalidError{fmt.Sprintf("the %s is not valid UTF-8", t.name)}
		}
	}
	if m.ID == "" {
		return &InvalidError{"no id"}
	}
	if _, err := ParseVerdict(string(m.Verdict)); err != nil {
		return &InvalidError{strings.TrimPrefix(err.Error(), "mark: ")}
	}
	if m.At.IsZero() || m.At.Year() > 9999 || m.At.Year() < 1 {
		return &InvalidError{"no time"}
	}
	return nil
}
