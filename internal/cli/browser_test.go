package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/browsertest"
	"github.com/lethe-audit/lethe/internal/realdata"
)

// TestGalleryInBrowser walks the gallery of the bundled predictions of
// CIFAR-10: from the headline to the images and to one of them in two clicks,
// on a desktop and a phone, in light and dark; a filter; a mark by key, which is
// there after the server was started again.
func TestGalleryInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser")
	}
	browser := browsertest.Start(t)
	browsertest.NeedsAxe(t)
	bundle, err := filepath.Abs(filepath.Join("..", "..", "examples", "cifar10-resnet8", "predictions"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(realdata.CIFARTest(t), filepath.Join(dir, "cifar-10-batches-bin")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	must(t, dir, "audit", bundle, "-o", "audit")
	server := startServe(t, dir)
	for _, w := range browsertest.Windows() {
		t.Run(w.Name(), func(t *testing.T) {
			p := browser.Open(t, server.url, w)
			p.Screenshot("gallery-report")
			p.Follow("#answer > .look a") // the first click: the images behind the headline
			p.Until(`(function () { var i = document.querySelector(".tile img"); return i && i.complete && i.naturalWidth > 0; })()`)
			if n := p.Count(".tile .open img"); n < 20 {
				t.Errorf("%d images after one click, want at least 20", n)
			}
			p.Fits()
			p.Screenshot("gallery-wall")
			p.Audit()
			p.Follow(".tile .open") // the second: one of them
			p.Until(`(function () { var i = document.querySelector(".picture img"); return i && i.complete && i.naturalWidth > 0; })()`)
			p.Fits()
			p.Screenshot("gallery-example")
			p.Audit()
		})
	}
	if t.Failed() {
		return
	}
	p := browser.Open(t, server.url, browsertest.Desktop())
	p.Follow("#answer > .look a")
	before := p.URL()
	p.Follow("#filters .panel[open] .facet a:not([aria-current])")
	if p.URL() == before {
		t.Error("a click on a filter leads nowhere")
	}
	p.Goto(before)
	p.Press("j")
	p.Press("c")
	p.Wait(".tile .badge.confirmed")
	var id string
	p.Eval(`document.querySelector(".tile:has(.badge.confirmed)").dataset.id`, &id)
	server.kill()
	again := startServe(t, dir)
	defer again.kill()
	q := browser.Open(t, again.url, browsertest.Desktop())
	q.Goto(again.url + before[strings.Index(before, "/wall"):])
	q.Wait(".tile .badge.confirmed")
	var after string
	q.Eval(`document.querySelector(".tile:has(.badge.confirmed)").dataset.id`, &after)
	if after != id || id == "" {
		t.Errorf("after a restart %q is marked, want %q", after, id)
	}
	q.Screenshot("gallery-marked")
}
