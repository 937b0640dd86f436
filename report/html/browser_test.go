package html

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/internal/browsertest"
	"github.com/lethe-audit/lethe/report/reporttest"
)

// TestFileInBrowser: the report as a file, with pictures, has no accessibility
// violation with everything in it opened, fits its window, and runs under its
// own policy, on a desktop and a phone, in light and dark.
func TestFileInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser")
	}
	browser := browsertest.Start(t)
	browsertest.NeedsAxe(t)
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(render(t, reporttest.Tiny(), pictures(t, 12, 32))), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, w := range browsertest.Windows() {
		t.Run(w.Name(), func(t *testing.T) {
			p := browser.Open(t, "file://"+path, w)
			p.Fits()
			p.Screenshot("report")
			p.OpenDetails()
			p.Fits()
			p.Audit()
			p.Eval(`document.getElementById("forgotten").scrollIntoView()`, nil)
			p.Screenshot("report-gallery")
		})
	}
}

// TestLiveInBrowser: the live page, whose numbers are links, has no violation
// either; a click anywhere in a row and on a chart leads to the examples.
func TestLiveInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser")
	}
	browser := browsertest.Start(t)
	browsertest.NeedsAxe(t)
	page := live(t, reporttest.Tiny())
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
	mux.HandleFunc("/wall", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Wall</title><main><h1>%s</h1></main></html>`, url.PathEscape(r.URL.RawQuery))
	})
	picture := noise(t, 32)
	mux.HandleFunc("/thumb", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(picture) })
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s := httptest.NewServer(mux)
	defer s.Close()
	for _, w := range browsertest.Windows() {
		t.Run(w.Name(), func(t *testing.T) {
			p := browser.Open(t, s.URL, w)
			p.Fits()
			p.Screenshot("live")
			p.OpenDetails()
			p.Fits()
			if w.Mobile == w.Dark { // two of the four: colors and sizes are those of the file
				p.Audit()
			}
			size := ".at-wide"
			if w.Mobile {
				size = ".at-narrow"
			}
			for _, click := range []string{"#answer > .look a", ".verdict dd a", "#classes tr.go a", "#confusion " + size + " .chart a", "#examples tr.go a"} {
				p.Goto(s.URL)
				p.OpenDetails()
				p.Follow(click)
				if got := p.Count("main > h1"); got != 1 || p.URL() == s.URL+"/" {
					t.Errorf("a click on %s leads to %s", click, p.URL())
				}
			}
		})
	}
}
