package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/webserve"
)

// site serves a study as the command does and returns how each annotator opens
// a page.
func site(t *testing.T, d *Desk, pictures Pictures) []func(method, path string, form url.Values, accept string) (int, string) {
	t.Helper()
	users, err := d.Users()
	if err != nil {
		t.Fatal(err)
	}
	server, err := webserve.Listen(webserve.Options{Users: users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	h, err := Handler(d, pictures, Events{})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(server.Handler(h))
	t.Cleanup(front.Close)
	var out []func(string, string, url.Values, string) (int, string)
	for _, u := range users {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Jar: jar}
		open := func(method, path string, form url.Values, accept string) (int, string) {
			t.Helper()
			r, err := http.NewRequest(method, front.URL+path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", accept)
			r.Header.Set("Accept-Language", "de;q=0.9, fr")
			if form != nil {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, string(b)
		}
		if code, _ := open("GET", "/?token="+u.Token, nil, "text/html"); code != http.StatusOK {
			t.Fatalf("%s: %d", u.Name, code)
		}
		out = append(out, open)
	}
	return out
}

func noPictures(context.Context, string) ([]byte, string, error) {
	return nil, "", errors.New("no such file")
}

var csrfOf = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// Two simulated people answer a whole study over its pages; the differences that
// were planted come out.
func TestEndToEnd(t *testing.T) {
	dir, s, k := planned(t, options(60, 2, 2))
	d := openDesk(t, dir)
	group := map[int]int{}
	for _, p := range k.Pairs {
		group[p.Other] = 1
	}
	truth := [][2]float64{{0.6, 0.1}, {0.2, 0.2}, {0.7, 0.2}, {0.3, 0.3}, {0.1, 0.1}, {0.1, 0.7}}
	for a, open := range site(t, d, noPictures) {
		_, page := open("GET", "/next", nil, "text/html")
		csrf := csrfOf.FindStringSubmatch(page)
		if csrf == nil {
			t.Fatalf("no token in %s", page)
		}
		for at, image := range s.Annotators[a].Images {
			form := url.Values{"csrf": {csrf[1]}, "at": {fmt.Sprint(at + 1)}}
			rng := rand.New(rand.NewPCG(uint64(image), 1)) // both people see the same
			for q, question := range s.Questionnaire.Questions {
				v := "no"
				if rng.Float64() < truth[q][group[image]] {
					v = "yes"
				}
				form.Set("a."+question.ID, v)
			}
			code, body := open("POST", "/answer", form, "application/json")
			var st state
			if err := json.Unmarshal([]byte(body), &st); err != nil || code != 200 || st.Done != at+1 {
				t.Fatalf("answer %d: %d %s", at, code, body)
			}
		}
		if _, page := open("GET", "/next", nil, "text/html"); !strings.Contains(page, "Thank you") {
			t.Errorf("after the last image: %s", page)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	sheets, err := ReadAnswers(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Unblind(s, k, sheets, false)
	if err != nil {
		t.Fatal(err)
	}
	for q, p := range r.Properties {
		want := truth[q][0] - truth[q][1]
		if !p.Interval.Contains(want) && q != 1 {
			t.Errorf("%s: %+v does not hold %.2f", p.Question.ID, p.Interval, want)
		}
		if found := p.Tested && p.BH <= 0.05; found != (want != 0) {
			t.Errorf("%s: planted %.2f, found %v (q = %v)", p.Question.ID, want, found, p.BH)
		}
		if p.KappaErr != nil || p.Kappa.Value != 1 || p.Alpha.Value != 1 {
			t.Errorf("%s: kappa %v (%v), alpha %v between people who see the same", p.Question.ID, p.Kappa.Value, p.KappaErr, p.Alpha.Value)
		}
	}
}

// Pages tell nothing about groups, escape what comes from files, and refuse
// what no page of ours sends.
func TestPages(t *testing.T) {
	dir, s, _ := planned(t, options(10, 2, 2))
	d := openDesk(t, dir)
	d.Study.Images[s.Annotators[0].Images[0]].Label = "<script>alert(1)</script>"
	d.Study.Images[s.Annotators[0].Images[0]].ID = "<b>&.png"
	open := site(t, d, noPictures)[0]
	_, page := open("GET", "/image/1", nil, "text/html")
	if strings.Contains(page, "<script>alert") || !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("the label is not escaped")
	}
	for _, word := range []string{"PIE", "pie", "int8", "margin", "img/"} {
		if strings.Contains(page, word) {
			t.Errorf("the page says %q", word)
		}
	}
	code, svg := open("GET", "/picture/1", nil, "image/*")
	if code != 200 || !strings.Contains(svg, "&lt;b&gt;&amp;.png") || strings.Contains(svg, "<b>") {
		t.Errorf("placeholder: %d %s", code, svg)
	}
	csrf := csrfOf.FindStringSubmatch(page)[1]
	for name, c := range map[string]struct {
		method, path string
		form         url.Values
		want         int
	}{
		"no such image":   {"GET", "/image/21", nil, 404},
		"image 0":         {"GET", "/image/0", nil, 404},
		"no number":       {"GET", "/picture/..%2Fkey.json", nil, 404},
		"a file":          {"GET", "/key.json", nil, 404},
		"no csrf":         {"POST", "/answer", url.Values{"at": {"1"}, "a.atypical": {"yes"}}, 403},
		"no question":     {"POST", "/answer", url.Values{"csrf": {csrf}, "at": {"1"}, "a.colour": {"yes"}}, 400},
		"no such answer":  {"POST", "/answer", url.Values{"csrf": {csrf}, "at": {"1"}, "a.atypical": {"maybe"}}, 400},
		"no place":        {"POST", "/answer", url.Values{"csrf": {csrf}, "a.atypical": {"yes"}}, 404},
		"GET of a change": {"GET", "/answer", nil, 405},
	} {
		if code, body := open(c.method, c.path, c.form, "text/html"); code != c.want {
			t.Errorf("%s: %d %s, want %d", name, code, body, c.want)
		}
	}
	// Without scripts: the form of an image, half filled in, comes back with a word.
	_, page = open("POST", "/answer", url.Values{"csrf": {csrf}, "at": {"1"}, "a.atypical": {"yes"}}, "text/html")
	if !strings.Contains(page, "Some questions of this image have no answer yet.") || !strings.Contains(page, `value="yes" checked`) {
		t.Errorf("half an image: %s", page)
	}
}
