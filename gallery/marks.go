package gallery

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/internal/webserve"
)

// markView is a mark as the templates show it.
type markView struct{ Verdict, Word, Sign, Note, By, At string }

func verdictWord(v mark.Verdict) string { return strings.ReplaceAll(string(v), "-", " ") }

// verdictSign is what tells verdicts apart beside their color.
func verdictSign(v mark.Verdict) string {
	switch v {
	case mark.Confirmed:
		return "✓"
	case mark.Mislabelled:
		return "✗"
	case mark.Ambiguous:
		return "?"
	case mark.LowQuality:
		return "◌"
	default:
		return ""
	}
}

func viewOf(m mark.Mark) markView {
	out := markView{Verdict: string(m.Verdict), Word: verdictWord(m.Verdict), Sign: verdictSign(m.Verdict), Note: m.Note, By: m.By}
	if !m.At.IsZero() {
		out.At = m.At.UTC().Format("2006-01-02 15:04 UTC")
	}
	return out
}

// marked is the mark of an example.
func (s *server) marked(id string) markView {
	m, ok := s.o.Marks.Get(dataset.ExampleID(id))
	if !ok {
		return markView{}
	}
	return viewOf(m)
}

// verdictButton is one of the buttons that mark an example.
type verdictButton struct {
	Value, Text, Sign, Key, Help string
	On                           bool
}

func verdictButtons(now string) []verdictButton {
	help := map[mark.Verdict]string{
		mark.Confirmed:   "the label is right and the picture is clear: the loss is real",
		mark.Mislabelled: "the given class is wrong",
		mark.Ambiguous:   "people would not agree on one class",
		mark.LowQuality:  "too dark, blurred, cut or small to tell",
	}
	var out []verdictButton
	for _, v := range mark.Verdicts() {
		out = append(out, verdictButton{string(v), verdictWord(v), verdictSign(v), string(v)[:1], help[v], string(v) == now})
	}
	return out
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

// author is who marks: the owner of the request's token, else the author that
// the gallery was started with.
func (s *server) author(r *http.Request) string { return cmp.Or(webserve.Name(r), s.o.Author) }

// mark saves a mark from a form and goes back to where it came from.
func (s *server) mark(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return bad("The form cannot be read: %v", err)
	}
	m := mark.Mark{
		ID: dataset.ExampleID(r.PostForm.Get(keyID)), Variant: r.PostForm.Get("variant"), Verdict: mark.Verdict(r.PostForm.Get("verdict")),
		Note: strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get("note"), "\r\n", "\n")), By: s.author(r), At: s.o.Now(),
	}
	if r.PostForm.Get("clear") != "" {
		m.Verdict, m.Note = mark.None, ""
	}
	if _, ok := s.x.Find(string(m.ID)); !ok {
		return bad("The audit has no example %q.", m.ID)
	}
	if m.Variant != "" && !slices.ContainsFunc(s.x.Variants(), func(v index.Variant) bool { return v.Name == m.Variant }) {
		return bad("The audit has no variant %q.", m.Variant)
	}
	saved, err := s.o.Marks.Add(m)
	var invalid *mark.InvalidError
	if errors.As(err, &invalid) {
		return bad("%s.", invalid.Reason)
	}
	if err != nil {
		return err
	}
	return s.saved(w, r, saved, markWords(saved))
}

func markWords(m mark.Mark) string {
	switch {
	case m.Empty():
		return "Mark taken back"
	case m.Verdict == mark.None:
		return "Note saved"
	default:
		return "Marked " + verdictWord(m.Verdict)
	}
}

// undo takes the last mark of the person back.
func (s *server) undo(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return bad("The form cannot be read: %v", err)
	}
	m, ok, err := s.o.Marks.Undo(s.author(r))
	if err != nil {
		return err
	}
	if !ok {
		return &fault{http.StatusConflict, "There is nothing to undo."}
	}
	return s.saved(w, r, m, "Undone: "+string(m.ID))
}

// answer is what the script is told after a mark.
type answer struct {
	ID      string `json:"id"`
	Verdict string `json:"verdict"`
	Note    string `json:"note"`
	Words   string `json:"words"`
	HTML    string `json:"html"`   // the badge, made by the template
	Marked  string `json:"marked"` // marks there are
}

// saved answers a change: to the script with what is now, to a form with the
// page that it came from.
func (s *server) saved(w http.ResponseWriter, r *http.Request, m mark.Mark, words string) error {
	if !wantsJSON(r) {
		http.Redirect(w, r, safeBack(r.PostForm.Get("back")), http.StatusSeeOther)
		return nil
	}
	view := viewOf(m)
	var badge bytes.Buffer
	if err := s.tmpl.ExecuteTemplate(&badge, "badge", view); err != nil {
		return fmt.Errorf("gallery: badge: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(w).Encode(answer{string(m.ID), view.Verdict, view.Note, words, badge.String(), count(len(s.o.Marks.Marks()))})
	_ = err // a client that has gone
	return nil
}

// safeBack is a page of the gallery to go back to; another address than one of
// them gives the wall.
func safeBack(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || (u.Path != "/wall" && u.Path != "/example" && u.Path != "/marks") {
		return "/wall"
	}
	return u.Path + "?" + u.Query().Encode()
}

// rowsShown bounds the list of marks on its page.
const rowsShown = 500

// marksPage is what the template "marks" is given.
type marksPage struct {
	Page               page
	Headline, Sentence string
	Counts             []choice
	Exports            []export
	Rows               []markRow
	Cut                string
}

type markRow struct {
	ID, Link, Variant, Note string
	Mark                    markView
}

// marks is the page of all marks.
func (s *server) marks(w http.ResponseWriter, r *http.Request) error {
	for key := range r.URL.Query() {
		return bad("%q: this page has no settings.", key)
	}
	all := s.o.Marks.Marks()
	slices.SortStableFunc(all, func(a, b mark.Mark) int { return b.At.Compare(a.At) })
	p := &marksPage{Headline: num.Plural(len(all), "mark", "marks"), Exports: s.exports()}
	p.Sentence = "Saved at once, in a file that only grows."
	if len(all) == 0 {
		p.Sentence = "Nothing is marked yet: open an example, or move on the wall with j and k and press c, m, a or l."
	}
	home := &view{s: s, q: index.Query{Variant: s.o.Variant}}
	counts := s.o.Marks.Counts()
	for _, v := range mark.Verdicts() {
		if counts[v] > 0 {
			p.Counts = append(p.Counts, choice{Text: verdictSign(v) + " " + verdictWord(v), N: counts[v], Tone: "accent", Link: home.mark(string(v)).link()})
		}
	}
	scaled(p.Counts)
	for _, m := range all[:min(len(all), rowsShown)] {
		row := markRow{ID: string(m.ID), Variant: m.Variant, Note: m.Note, Mark: viewOf(m)}
		row.Mark.Note = "" // it has a column
		if _, ok := s.x.Find(row.ID); ok {
			v := home
			if slices.ContainsFunc(s.x.Variants(), func(t index.Variant) bool { return t.Name == m.Variant }) {
				v = home.with(func(q *index.Query) { q.Variant = m.Variant })
			}
			row.Link = v.mark(markedAny).example(row.ID)
		}
		p.Rows = append(p.Rows, row)
	}
	if n := len(all) - len(p.Rows); n > 0 {
		p.Cut = fmt.Sprintf("%s more; the exports have all.", count(n))
	}
	p.Page = s.page(r, p.Headline)
	p.Page.OnMarks = true
	return s.render(w, "marks", http.StatusOK, p)
}
