package study

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/lethe-audit/lethe/internal/webserve"
	"github.com/lethe-audit/lethe/internal/webui"
)

// Pictures gives the image of an example by its id, ready for a browser, with
// its media type.
type Pictures func(ctx context.Context, id string) (content []byte, kind string, err error)

// Events are what whoever runs the server may want to show. A nil function is
// left out.
type Events struct {
	Answered func(annotator string, done, all int) // an image is completely answered
	Bad      func(id string, err error)            // an image that cannot be shown
}

// Handler serves the study's pages to the people whose tokens
// [webserve.Server] knows; it expects to stand behind one.
func Handler(d *Desk, pictures Pictures, e Events) (http.Handler, error) {
	t, err := template.New("study").Parse(webui.StudyTemplate)
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	h := &handler{desk: d, pictures: pictures, events: e, pages: t, now: time.Now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.person(h.start))
	mux.HandleFunc("GET /next", h.person(h.next))
	mux.HandleFunc("GET /image/{at}", h.person(h.question))
	mux.HandleFunc("GET /picture/{at}", h.person(h.picture))
	mux.HandleFunc("POST /answer", h.person(h.answer))
	for path, file := range map[string]struct{ kind, content string }{
		"/style.css": {"text/css", webui.CSS}, "/study.css": {"text/css", webui.StudyCSS}, "/study.js": {"text/javascript", webui.StudyJS},
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			send(w, file.kind+"; charset=utf-8", []byte(file.content))
		})
	}
	return mux, nil
}

type handler struct {
	desk     *Desk
	pictures Pictures
	events   Events
	pages    *template.Template
	now      func() time.Time
}

// send writes an answer; an error is a client that has gone.
func send(w http.ResponseWriter, kind string, content []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content)
}

// person finds out whose request it is.
func (h *handler) person(f func(w http.ResponseWriter, r *http.Request, annotator int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i := h.desk.Study.annotator(webserve.Name(r))
		if i < 0 {
			http.Error(w, "study: open your own link", http.StatusForbidden)
			return
		}
		f(w, r, i)
	}
}

// at is the image that a request names by its place in the annotator's order,
// counted from 1.
func (h *handler) at(w http.ResponseWriter, r *http.Request, value string, annotator int) (at int, ok bool) {
	all := len(h.desk.Study.Annotators[annotator].Images)
	at, err := strconv.Atoi(value)
	if err != nil || at < 1 || at > all {
		http.Error(w, fmt.Sprintf("study: there is no image %q; there are 1 to %d", value, all), http.StatusNotFound)
		return 0, false
	}
	return at - 1, true
}

func (h *handler) render(w http.ResponseWriter, name string, page any) {
	var b bytes.Buffer
	if err := h.pages.ExecuteTemplate(&b, name, page); err != nil {
		http.Error(w, "study: "+err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, "text/html; charset=utf-8", b.Bytes())
}

const languageCookie = "lethe-study-language"

// language is the one that the person chose, else what the browser prefers.
func (h *handler) language(w http.ResponseWriter, r *http.Request) string {
	there := h.desk.Study.Questionnaire.Languages
	for _, l := range there {
		if r.URL.Query().Get("lang") == l {
			http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: l, Path: "/", SameSite: http.SameSiteStrictMode, HttpOnly: true, MaxAge: 30 * 24 * 3600})
			return l
		}
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		for _, l := range there {
			if c.Value == l {
				return l
			}
		}
	}
	return Negotiate(r.Header.Get("Accept-Language"), there)
}

func (h *handler) start(w http.ResponseWriter, r *http.Request, annotator int) {
	p := startPage{frame: h.frame(w, r, annotator)}
	q := &h.desk.Study.Questionnaire
	p.Heading = q.Title.In(p.Lang, q.Languages)
	for _, text := range strings.Split(q.Intro.In(p.Lang, q.Languages), "\n\n") {
		if text = strings.TrimSpace(text); text != "" {
			p.Intro = append(p.Intro, text)
		}
	}
	for _, l := range q.Languages {
		p.Languages = append(p.Languages, languageLink{l, l == p.Lang})
	}
	p.Finished = p.All > 0 && p.Done == p.All
	h.render(w, "start", p)
}

// next sends the person to the first image with an open question.
func (h *handler) next(w http.ResponseWriter, r *http.Request, annotator int) {
	http.Redirect(w, r, address(h.desk.progress(annotator)), http.StatusSeeOther)
}

// address is where a person goes on.
func address(p progress) string {
	if p.next == p.all {
		return "/"
	}
	return fmt.Sprintf("/image/%d", p.next+1)
}

func (h *handler) question(w http.ResponseWriter, r *http.Request, annotator int) {
	at, ok := h.at(w, r, r.PathValue("at"), annotator)
	if !ok {
		return
	}
	p := h.questionPage(w, r, annotator, at)
	if r.URL.Query().Has("open") {
		p.Note = p.Word("unanswered")
	}
	h.render(w, "question", p)
}

func (h *handler) picture(w http.ResponseWriter, r *http.Request, annotator int) {
	at, ok := h.at(w, r, r.PathValue("at"), annotator)
	if !ok {
		return
	}
	id := h.desk.Study.Images[h.desk.Study.Annotators[annotator].Images[at]].ID
	content, kind, err := h.pictures(r.Context(), id)
	if err != nil {
		if r.Context().Err() != nil {
			return
		}
		if h.events.Bad != nil {
			h.events.Bad(id, err)
		}
		content, kind = placeholder(h.desk.Study.Questionnaire.word("missing", h.language(w, r)), id), "image/svg+xml"
	} else {
		w.Header().Set("Cache-Control", "private, max-age=3600")
	}
	send(w, kind, content)
}

// state is what the page's script is told after an answer.
type state struct {
	Done int    `json:"done"`
	Text string `json:"text"` // the same in words
	Next string `json:"next"`
}

// answer keeps what a form says about one image.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, annotator int) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "study: the form cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	at, ok := h.at(w, r, r.PostForm.Get("at"), annotator)
	if !ok {
		return
	}
	image := h.desk.Study.Annotators[annotator].Images[at]
	said := map[string]Answer{}
	for name, values := range r.PostForm {
		if id, ok := strings.CutPrefix(name, answerField); ok && len(values) == 1 {
			said[id] = Answer(values[0])
		}
	}
	script := strings.Contains(r.Header.Get("Accept"), "application/json")
	if len(said) == 0 && !script { // the form without any choice
		http.Redirect(w, r, fmt.Sprintf("/image/%d?open", at+1), http.StatusSeeOther)
		return
	}
	if err := h.check(said); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := h.desk.Record(annotator, image, said, h.now()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h.goOn(w, r, annotator, at, script)
}

// check refuses what no page of ours sends.
func (h *handler) check(said map[string]Answer) error {
	if len(said) == 0 {
		return fmt.Errorf("study: there is no answer")
	}
	for id, a := range said {
		if h.desk.Study.question(id) < 0 {
			return fmt.Errorf("study: there is no question %q", id)
		}
		if !a.valid() {
			return fmt.Errorf("study: answer %q, want yes, no or unsure", a)
		}
	}
	return nil
}

// goOn answers after an answer is kept.
func (h *handler) goOn(w http.ResponseWriter, r *http.Request, annotator, at int, script bool) {
	p := h.desk.progress(annotator)
	complete := h.desk.complete(annotator, at)
	if complete && h.events.Answered != nil {
		h.events.Answered(h.desk.Study.Annotators[annotator].Name, p.done, p.all)
	}
	next := h.desk.following(annotator, at)
	if script {
		lang := h.language(w, r)
		b, err := json.Marshal(state{Done: p.done, Text: fill(h.desk.Study.Questionnaire.word("done", lang), p.done, p.all), Next: next})
		if err != nil {
			http.Error(w, "study: "+err.Error(), http.StatusInternalServerError)
			return
		}
		send(w, "application/json", b)
		return
	}
	if !complete {
		next = fmt.Sprintf("/image/%d?open", at+1)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}
