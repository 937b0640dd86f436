package browsertest

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

const fine = `<!doctype html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>Fine</title>
<style>body{background:#fff;color:#222}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}</style></head>
<body><main><h1>Fine</h1><form action="/next"><label>Name <input name="name"></label> <button>Go</button></form>
<p id="scheme"></p><script>document.getElementById("scheme").textContent=matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light"</script></main></body></html>`

const broken = `<!doctype html><html><head><title>Broken</title></head>
<body><main><h1>Broken</h1><p style="color:#aaa;background:#fff">pale</p><img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7">
<div style="width:2000px;height:10px">wide</div></main>
<script>console.error("a complaint"); fetch("http://192.0.2.1/"); throw new Error("an exception")</script></body></html>`

func serve(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/fine", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, fine) })
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, broken) })
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/next", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Next</title><main><h1>Hello %s</h1></main></html>`, r.FormValue("name"))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// TestDrives: a person's way through a page in every window.
func TestDrives(t *testing.T) {
	base := serve(t)
	b := Start(t)
	for _, w := range Windows() {
		t.Run(w.Name(), func(t *testing.T) {
			p := b.Open(t, base+"/fine", w)
			want := "light"
			if w.Dark {
				want = "dark"
			}
			if got := p.Text("#scheme"); got != want {
				t.Errorf("the page is %s, want %s", got, want)
			}
			var width int
			if p.Eval("innerWidth", &width); width != w.Width {
				t.Errorf("the window is %d wide, want %d", width, w.Width)
			}
			p.Fits()
			t.Setenv(ScreenshotsEnv, t.TempDir())
			b, err := os.ReadFile(p.Screenshot("fine"))
			if err != nil {
				t.Fatal(err)
			}
			picture, err := png.DecodeConfig(bytes.NewReader(b))
			if err != nil || picture.Width != w.Width || picture.Height != w.Height {
				t.Errorf("the screenshot is %dx%d (error %v), want %dx%d", picture.Width, picture.Height, err, w.Width, w.Height)
			}
			p.Type("input", "Ada")
			p.Press(kb.Tab)
			var focus string
			if p.Eval("document.activeElement.tagName", &focus); focus != "BUTTON" {
				t.Errorf("after the tab key %s has the focus, want the button", focus)
			}
			p.Follow("button")
			if got := p.Text("h1"); got != "Hello Ada" {
				t.Errorf("the form led to %q", got)
			}
			if !strings.HasSuffix(p.URL(), "/next?name=Ada") {
				t.Errorf("the form led to %s", p.URL())
			}
		})
	}
}

// TestAuditFinds: the audit finds what is wrong with a page, and nothing on a
// page that is right.
func TestAuditFinds(t *testing.T) {
	NeedsAxe(t)
	base := serve(t)
	b := Start(t)
	b.Open(t, base+"/fine", Desktop()).Audit()

	// A page is held to account when its test ends: this one by hand.
	p := b.Open(t, base+"/broken", Phone())
	rules := map[string]bool{}
	for _, v := range p.Violations() {
		rules[v.Rule] = true
	}
	for _, want := range []string{"color-contrast", "image-alt", "html-has-lang"} {
		if !rules[want] {
			t.Errorf("the audit does not find %s: %v", want, rules)
		}
	}
	all := strings.Join(p.Trouble(), "\n")
	for _, want := range []string{"a complaint", "an exception", "asked another host: http://192.0.2.1/"} {
		if !strings.Contains(all, want) {
			t.Errorf("the page's trouble lacks %q: %s", want, all)
		}
	}
	p.Expect("")
	if len(p.Trouble()) > 0 {
		t.Error("trouble that was expected is still trouble")
	}
}

// TestAbsent: without a browser the test is skipped, or fails where one is
// required.
func TestAbsent(t *testing.T) {
	t.Setenv(ChromiumEnv, "/nowhere/chromium")
	t.Setenv(RequiredEnv, "")
	if !t.Run("skipped", func(t *testing.T) {
		defer func() {
			if !t.Skipped() {
				t.Error("not skipped")
			}
		}()
		Chromium(t)
	}) {
		t.Error("a missing browser is not a skip")
	}
}
