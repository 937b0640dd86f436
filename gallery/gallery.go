// Package gallery shows the examples behind an audit on a local page: the
// report with links from its numbers, a wall of examples worst first that can
// be filtered and sorted, a page for each example, and people's marks.
//
// Pages are made on the server from the templates of internal/webui, which
// escape all that comes from files; filters are links and marks are forms, so
// that everything works without scripts. A request names examples by their ids
// and pictures by known corruptions, never files. What a page may load and who
// may ask for it is decided by internal/webserve, in front of the handler.
package gallery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"sync"
	"time"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/gallery/thumb"
	"github.com/lethe-audit/lethe/internal/webserve"
	"github.com/lethe-audit/lethe/internal/webui"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/report"
)

// Options are what a gallery shows.
type Options struct {
	Name   string            // what the audit is called on every page
	Index  *index.Index      // of the audit's examples; the caller closes it
	Report *report.Collector // the audit's findings, complete
	Marks  *mark.Journal     // people's marks; the caller closes it
	Author string            // who marks, for Mark.By; a user's own token goes before

	// Pictures are those of the examples; nil where the data are not at hand.
	// Notice says so at the top of every page, and how to give them.
	Pictures *thumb.Store
	Notice   string
	// Original gives the picture of an example as it is in the data, for
	// exports; nil where the data are not at hand.
	Original func(context.Context, dataset.ExampleID) (*dataset.Image, error)

	// Corruptions are the names under which the picture of an example is shown,
	// each at severities 1 to Severities; Shift makes one. Empty: none.
	Corruptions []string
	Severities  int
	Shift       func(name string, severity int) (dataset.Shift, error)

	// Table gives the predictions once they are read, for full scores; nil, or a
	// nil table, where there are none.
	Table func() *prediction.Table
	// Stored reads what is stored of one example, row counted from 0, by the named
	// variants, but full scores; needed with Table.
	Stored func(ctx context.Context, row int, variants ...string) (*prediction.Table, error)
	// Triage gives what the audit guessed about an example; nil where it made no
	// guesses.
	Triage func(id string) (finding.TriageRow, bool)

	Variant string           // that the wall opens with; "": the first
	PerPage int              // tiles on a page of the wall
	Now     func() time.Time // the time of marks; nil: the clock
}

// DefaultOptions show 60 tiles a page.
func DefaultOptions() Options { return Options{PerPage: 60} }

// server is the handler's state; all of it is safe for concurrent use.
type server struct {
	o     Options
	x     *index.Index
	tmpl  *template.Template
	files map[string]asset // by path
	css   string           // path of the style sheet
	js    string

	reportOnce sync.Once
	reportPage []byte
	reportErr  error
}

type asset struct{ kind, body string }

// New makes the handler. It serves everything below "/" and expects to stand
// behind a [webserve.Server].
func New(o Options) (http.Handler, error) {
	if o.Index == nil || o.Marks == nil || len(o.Index.Variants()) == 0 {
		return nil, errors.New("gallery: an index with at least one variant and a journal of marks are needed")
	}
	if o.PerPage < 1 {
		return nil, fmt.Errorf("gallery: %d tiles a page, want at least 1", o.PerPage)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Variant == "" {
		o.Variant = o.Index.Variants()[0].Name
	}
	t, err := template.ParseFS(webui.GalleryTemplates, "*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("gallery: templates: %w", err)
	}
	s := &server{o: o, x: o.Index, tmpl: t, files: map[string]asset{}}
	s.css = s.asset("gallery", ".css", "text/css; charset=utf-8", webui.CSS+webui.GalleryCSS)
	s.js = s.asset("gallery", ".js", "text/javascript; charset=utf-8", webui.GalleryJS)
	return s.routes(), nil
}

// asset keeps a file under a name that changes with its content.
func (s *server) asset(name, ext, kind, body string) string {
	sum := sha256.Sum256([]byte(body))
	path := "/static/" + name + "-" + hex.EncodeToString(sum[:6]) + ext
	s.files[path] = asset{kind, body}
	return path
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}": s.report, "GET /wall": s.wall, "GET /example": s.example, "GET /marks": s.marks,
		"GET /thumb": s.thumb, "GET /image": s.image, "GET /static/": s.static,
		"GET /export": s.export, "POST /mark": s.mark, "POST /undo": s.undo,
		"GET /favicon.ico": func(w http.ResponseWriter, _ *http.Request) error { // browsers ask for one
			w.WriteHeader(http.StatusNoContent)
			return nil
		},
		"GET /": func(http.ResponseWriter, *http.Request) error {
			return &fault{http.StatusNotFound, "There is no such page."}
		},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	return mux
}

// fault is an error that the person at the browser can do something about.
type fault struct {
	status int
	words  string
}

func (f *fault) Error() string { return f.words }

// bad is a request that does not make sense.
func bad(format string, args ...any) error {
	return &fault{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// fail answers with a page that says what went wrong, or with plain text where
// no page was asked for.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault
	if !errors.As(err, &f) {
		if r.Context().Err() != nil {
			return // nobody is there to read it
		}
		f = &fault{http.StatusInternalServerError, err.Error()}
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet || wantsJSON(r) || r.URL.Path == "/thumb" || r.URL.Path == "/image" || r.FormValue("part") != "" {
		http.Error(w, f.words, f.status)
		return
	}
	headline := map[int]string{http.StatusBadRequest: "That address does not make sense here", http.StatusNotFound: "Not found"}[f.status]
	if headline == "" {
		headline = "This did not work"
	}
	page := struct {
		Page            page
		Headline, Words string
	}{s.page(r, headline), headline, f.words}
	if err := s.render(w, "failure", f.status, page); err != nil {
		http.Error(w, f.words, f.status)
	}
}

// render writes a page whole or fails before anything is written.
func (s *server) render(w http.ResponseWriter, name string, status int, data any) error {
	var b bytes.Buffer
	if err := s.tmpl.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("gallery: page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	_ = err // a client that has gone
	return nil
}

// page is what all pages share.
type page struct {
	Title, Name, Notice string
	CSS, JS, CSRF       string
	WallLink            string
	Marked              string
	OnWall, OnMarks     bool
}

func (s *server) page(r *http.Request, title string) page {
	return page{
		Title: title + " · " + s.o.Name, Name: s.o.Name, Notice: s.o.Notice,
		CSS: s.css, JS: s.js, CSRF: webserve.CSRF(r), WallLink: "/wall", Marked: count(len(s.o.Marks.Marks())),
	}
}

func (s *server) static(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.files[r.URL.Path]
	if !ok {
		return &fault{http.StatusNotFound, "There is no such file."}
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	_, err := w.Write([]byte(a.body))
	_ = err // a client that has gone
	return nil
}
