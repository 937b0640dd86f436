package webserve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
)

// csrfHeader and csrfField carry the answer to [CSRF].
const (
	csrfHeader = "X-CSRF-Token"
	csrfField  = "csrf"
)

// visit is what a handler may ask about a request.
type visit struct{ name, csrf string }

type visitKey struct{}

func visitOf(r *http.Request) visit {
	v, _ := r.Context().Value(visitKey{}).(visit)
	return v
}

// CSRF is the token that a page made for this request must send back with every
// change: in the header X-CSRF-Token, or in the field "csrf" of a form. It is ""
// where the request did not come through a [Server].
func CSRF(r *http.Request) string { return visitOf(r).csrf }

// Name is the name of the [User] whose token the request carries, "" if it is
// Options.Token or there is none.
func Name(r *http.Request) string { return visitOf(r).name }

// refusal is an answer of the guard.
type refusal struct {
	status int
	words  string
}

// Handler is h behind all checks, as Serve uses it; for tests.
func (s *Server) Handler(h http.Handler) http.Handler {
	work := make(turns, s.o.MaxRequests)
	var cross http.CrossOriginProtection
	return http.HandlerFunc(func(raw http.ResponseWriter, r *http.Request) {
		w := newPacedWriter(raw, s.o.WriteTimeout)
		defer s.recover(w, r)
		s.headers(w.Header())
		if no := s.foreign(r, &cross); no != nil {
			s.refuse(w, no)
			return
		}
		p := s.tokens.admit(r, s.cookieName())
		if !p.accepted {
			w.Header().Set("WWW-Authenticate", `Bearer realm="lethe"`)
			s.refuse(w, &refusal{http.StatusUnauthorized, "this page needs its token: open the address that was printed when the server started"})
			return
		}
		if p.byQuery != "" && s.welcome(w, r, p.byQuery) {
			return
		}
		if !work.take(r.Context(), s.o.Queue) {
			w.Header().Set("Retry-After", "5")
			s.refuse(w, &refusal{http.StatusServiceUnavailable, "too many requests at once: try again"})
			return
		}
		defer work.leave()
		if no := s.change(w, r); no != nil {
			s.refuse(w, no)
			return
		}
		defer w.last()
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, visit{p.name, s.csrf})))
	})
}

// headers are those of every answer; a handler may set others.
func (s *Server) headers(h http.Header) {
	h.Set("Content-Security-Policy", s.o.CSP)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// Not no-referrer: browsers would send "Origin: null" with our own forms.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
}

// foreign refuses requests that call the server by a name it does not have, and
// those that pages of other sites make.
func (s *Server) foreign(r *http.Request, cross *http.CrossOriginProtection) *refusal {
	if !s.knows(r.Host) {
		return &refusal{http.StatusMisdirectedRequest, fmt.Sprintf("this server is not called %q: open %s", r.Host, s.Address())}
	}
	if err := cross.Check(r); err != nil {
		return &refusal{http.StatusForbidden, "a page of another site asked for a change"}
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "cross-site" || site == "same-site" { // another port of this host is the same site
		if r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document" {
			return &refusal{http.StatusForbidden, "a page of another site may link here, not embed"}
		}
	}
	return nil
}

// knows says whether a Host header names this server. The port is free, for it
// differs behind a tunnel; an address is no name that somebody could rebind.
func (s *Server) knows(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || !s.loopback
	}
	return s.hosts[strings.ToLower(strings.TrimSuffix(host, "."))]
}

// cookieName tells apart servers on one host, whose cookies browsers share.
func (s *Server) cookieName() string {
	return fmt.Sprintf("lethe-%d", s.listener.Addr().(*net.TCPAddr).Port)
}

// welcome gives the cookie for a token in the address. A browser is sent to the
// same address without it, and welcome is true; other clients get their answer
// at once. After a link on another site a redirection would not carry the
// strict cookie: a page that goes on by itself does.
func (s *Server) welcome(w http.ResponseWriter, r *http.Request, token string) bool {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: cookieValue(token), Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 30 * 24 * 3600,
	})
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	next := without(r.URL)
	w.Header().Set("Cache-Control", "no-store")
	if site := r.Header.Get("Sec-Fetch-Site"); site == "none" || site == "same-origin" {
		w.Header().Set("Location", next)
		w.WriteHeader(http.StatusSeeOther)
		return true
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// The only failure is a client that has gone.
	_ = welcomePage.Execute(w, next)
	return true
}

// without is the path and query of u without the token: never another host's,
// as //evil.example would be.
func without(u *url.URL) string {
	path := "/" + strings.TrimLeft(u.EscapedPath(), `/\`)
	q := u.Query()
	q.Del(tokenParam)
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

var welcomePage = template.Must(template.New("welcome").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={{.}}"><title>Lethe</title>
<p><a href="{{.}}">Continue</a></p></html>
`))

// change bounds the body and, unless the method only reads, asks for the page's
// token. It reads the body of a form, which handlers find in r.PostForm.
func (s *Server) change(w http.ResponseWriter, r *http.Request) *refusal {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("a request may have %d bytes", s.o.MaxBody)}
	if r.ContentLength > s.o.MaxBody {
		w.Header().Set("Connection", "close")
		return tooLarge
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.o.MaxBody)
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	given := r.Header.Get(csrfHeader)
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); given == "" && err == nil && kind == "application/x-www-form-urlencoded" {
		var large *http.MaxBytesError
		if err := r.ParseForm(); errors.As(err, &large) {
			return tooLarge
		} else if err != nil {
			return &refusal{http.StatusBadRequest, "the form cannot be read: " + err.Error()}
		}
		given = r.PostForm.Get(csrfField)
	}
	got, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.csrf))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return &refusal{http.StatusForbidden, "the change did not come from a page of this server, or the server was started again since: load the page again"}
	}
	return nil
}

func (s *Server) refuse(w http.ResponseWriter, no *refusal) {
	http.Error(w, "lethe: "+no.words, no.status)
}

// recover answers 500 to a request whose handler panicked, and logs it; the
// server goes on.
func (s *Server) recover(w *pacedWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.o.Log.Printf("%s %s: %v\n%s", r.Method, r.URL.Path, p, debug.Stack())
	if w.started {
		panic(http.ErrAbortHandler) // the client must see that the answer is cut short
	}
	s.refuse(w, &refusal{http.StatusInternalServerError, "this page could not be made; the server's log says why"})
}
