package gallery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// triageTable are an audit's guesses why an example was forgotten.
type triageTable struct {
	Lead string
	Rows []triageLine
}

// triageLine is one thing that was measured, and whether it is among the
// guesses.
type triageLine struct {
	What, Number string
	Holds        bool
}

func guessWords(g finding.Guess) string {
	switch g {
	case finding.GuessMislabelled:
		return "likely mislabelled"
	case finding.GuessAmbiguous:
		return "ambiguous to people"
	case finding.GuessLowContrast:
		return "low contrast"
	case finding.GuessBlurred:
		return "blurred"
	case finding.GuessNearBoundary:
		return "near the boundary"
	default:
		return "unexplained"
	}
}

// triaged are the guesses for an example, nil where the audit made none.
func (s *server) triaged(id string) *triageTable {
	if s.o.Triage == nil {
		return nil
	}
	r, ok := s.o.Triage(id)
	if !ok {
		return nil
	}
	t := &triageTable{Lead: "First guess: " + guessWords(r.Guess) + "."}
	reasons := strings.Fields(r.Reasons)
	add := func(g finding.Guess, text string) {
		if text != "" {
			t.Rows = append(t.Rows, triageLine{guessWords(g), text, slices.Contains(reasons, string(g))})
		}
	}
	add(finding.GuessMislabelled, s.labelWords(&r))
	add(finding.GuessAmbiguous, s.peopleWords(&r))
	add(finding.GuessLowContrast, rankWords(r.Contrast, r.ContrastClass, "contrast", "less"))
	add(finding.GuessBlurred, rankWords(r.Sharpness, r.SharpClass, "sharpness", "less"))
	add(finding.GuessNearBoundary, marginWords(&r))
	if len(t.Rows) == 0 {
		t.Rows = []triageLine{{"nothing measured", "no scores, pictures or people's labels were at hand", false}}
	}
	return t
}

func (s *server) labelWords(r *finding.TriageRow) string {
	if r.LabelScore == nil {
		return ""
	}
	text := "score " + num.Fixed2(*r.LabelScore)
	if r.Suggested != nil {
		text += ", suggested class " + s.class(int(*r.Suggested))
	}
	if r.By != nil {
		text += " by " + *r.By
	}
	if r.Given != nil && r.Other != nil {
		text += fmt.Sprintf("; the baseline gives it %s, the given class %s", num.Fixed2(*r.Other), num.Fixed2(*r.Given))
	}
	if r.Threshold != nil {
		text += ", threshold " + num.Fixed2(*r.Threshold)
	}
	return text
}

// peopleWords are the labels that people gave, "3:41 5:9" in the table.
func (s *server) peopleWords(r *finding.TriageRow) string {
	if r.People == nil {
		return ""
	}
	var parts []string
	for vote := range strings.FieldsSeq(*r.People) {
		class, n, _ := strings.Cut(vote, ":")
		if c, err := strconv.Atoi(class); err == nil {
			class = s.class(c)
		}
		parts = append(parts, class+" "+n)
	}
	text := strings.Join(parts, ", ")
	if r.PeopleShare != nil {
		text += "; " + num.Share(*r.PeopleShare) + " agree"
	}
	return text
}

func rankWords(value, rank *float64, what, less string) string {
	if value == nil {
		return ""
	}
	text := what + " " + num.Number(*value)
	if rank != nil {
		text += fmt.Sprintf("; %s of its class have %s", num.Share(*rank), less)
	}
	return text
}

func marginWords(r *finding.TriageRow) string {
	if r.Margin == nil {
		return ""
	}
	text := "margin of the baseline " + num.Fixed2(*r.Margin)
	if r.MarginRank != nil {
		text += fmt.Sprintf("; %s of examples have a smaller one", num.Share(*r.MarginRank))
	}
	if r.MarginP != nil {
		text += ", " + num.PValue(*r.MarginP)
	}
	return text
}
