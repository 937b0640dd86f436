package study

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/internal/webserve"
)

// answerField comes before a question's id in the names of a form's fields.
const answerField = "a."

// frame is what every page has.
type frame struct {
	Heading, Lang, Dir string
	Done, All          int
	Progress           string
	q                  *Questionnaire
}

// Word is a word of the page in its language.
func (f frame) Word(name string) string { return f.q.word(name, f.Lang) }

// fill puts numbers into a text of the page.
func fill(text string, number, all int) string {
	return strings.NewReplacer("{number}", strconv.Itoa(number), "{all}", strconv.Itoa(all)).Replace(text)
}

func (h *handler) frame(w http.ResponseWriter, r *http.Request, annotator int) frame {
	f := frame{q: &h.desk.Study.Questionnaire, Lang: h.language(w, r)}
	f.Dir = direction(f.Lang)
	f.Done, f.All = h.desk.Progress(annotator)
	f.Progress = fill(f.Word("done"), f.Done, f.All)
	return f
}

type languageLink struct {
	Tag     string
	Current bool
}

// startPage is the page before the first image and after the last.
type startPage struct {
	frame
	Languages []languageLink
	Intro     []string
	Finished  bool
}

// questionPage is one image with its questions.
type questionPage struct {
	frame
	CSRF, Position, Label string
	At                    int // counted from 1
	Back, Next, Preload   string
	Complete              bool
	Note                  string
	Questions             []shownQuestion
}

type shownQuestion struct {
	ID, Text, Help string
	Choices        []choice
}

type choice struct {
	Name, Value, Text, Key string
	Checked                bool
}

// questionPage is the page of the image at a place of the annotator's order.
func (h *handler) questionPage(w http.ResponseWriter, r *http.Request, annotator, at int) *questionPage {
	f := h.frame(w, r, annotator)
	order := h.desk.Study.Annotators[annotator].Images
	p := &questionPage{
		frame: f, CSRF: webserve.CSRF(r), At: at + 1, Label: h.desk.Study.Images[order[at]].Label,
		Position: f.Word("image") + " " + fill(f.Word("of"), at+1, len(order)), Next: "/", Complete: h.desk.complete(annotator, at),
	}
	p.Heading = p.Position
	if at > 0 {
		p.Back = fmt.Sprintf("/image/%d", at)
	}
	if at+1 < len(order) {
		p.Next, p.Preload = fmt.Sprintf("/image/%d", at+2), fmt.Sprintf("/picture/%d", at+2)
	}
	given := h.desk.answers(annotator, order[at])
	for i, q := range f.q.Questions {
		s := shownQuestion{ID: q.ID, Text: q.Text.In(f.Lang, f.q.Languages), Help: q.Help.In(f.Lang, f.q.Languages)}
		for _, c := range []struct {
			answer Answer
			word   string
			key    string
		}{{Yes, "yes", "yes-key"}, {No, "no", "no-key"}, {Unsure, "unsure", "space"}} {
			s.Choices = append(s.Choices, choice{answerField + q.ID, string(c.answer), f.Word(c.word), f.Word(c.key), given[i] == c.answer})
		}
		p.Questions = append(p.Questions, s)
	}
	return p
}

// complete says whether the image at a place of the annotator's order is
// answered.
func (d *Desk) complete(annotator, at int) bool {
	s := d.seat[annotator]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.sheet.Complete(d.Study.Annotators[annotator].Images[at])
}

// following is the page after the image at a place: the next one with an open
// question, from the beginning if there is none behind it, else the start.
func (d *Desk) following(annotator, at int) string {
	s := d.seat[annotator]
	s.mu.Lock()
	defer s.mu.Unlock()
	order := d.Study.Annotators[annotator].Images
	for i := range order {
		to := (at + 1 + i) % len(order)
		if !s.journal.sheet.Complete(order[to]) {
			return fmt.Sprintf("/image/%d", to+1)
		}
	}
	return "/"
}

// placeholder stands for an image that cannot be shown.
func placeholder(text, id string) []byte {
	safe := func(s string) string {
		var b bytes.Buffer
		// A bytes.Buffer does not fail; what is no character becomes U+FFFD.
		_ = xml.EscapeText(&b, []byte(s))
		return b.String()
	}
	if r := []rune(id); len(r) > 60 {
		id = string(r[:20]) + "…" + string(r[len(r)-39:])
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="480" height="320" viewBox="0 0 480 320" role="img">`+
		`<rect width="480" height="320" fill="#8884"/><g font-family="sans-serif" font-size="16" text-anchor="middle" fill="#888">`+
		`<text x="240" y="150">%s</text><text x="240" y="180" font-size="12">%s</text></g></svg>`, safe(text), safe(id))
}
