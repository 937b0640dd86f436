package html

import (
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/report/reporttest"
)

// TestShiftedGolden holds the section on shifted data alone.
func TestShiftedGolden(t *testing.T) {
	page := body(render(t, reporttest.Shifted(), DefaultOptions()))
	_, rest, ok := strings.Cut(page, `<section class="section" id="robust"`)
	section, _, end := strings.Cut(rest, "</section>")
	if !ok || !end {
		t.Fatalf("there is no section on shifted data in\n%s", page)
	}
	golden.Equal(t, "shifted.html", []byte(`<section class="section" id="robust"`+section+"</section>\n"))
}
