package gallery

import (
	"net/http/httptest"
	"testing"

	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/internal/browsertest"
)

// TestPagesAreAccessible audits every page in light and dark, on a desktop and
// on a phone.
func TestPagesAreAccessible(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browsertest.NeedsAxe(t)
	b := browsertest.Start(t)
	w := newWorld(t, nil)
	w.markNote("planted-0000007", mark.LowQuality, "a note")
	server := httptest.NewServer(w.handler)
	defer server.Close()
	for _, window := range browsertest.Windows() {
		for name, path := range map[string]string{
			"wall": "/wall?variant=pruned-90&pie=1", "example": "/example?id=planted-0000007&variant=pruned-90", "marks": "/marks",
		} {
			p := b.Open(t, server.URL+path, window)
			p.OpenDetails()
			p.Audit()
			p.Fits()
			p.Screenshot("gallery-" + name + "-" + window.Name())
		}
	}
}
