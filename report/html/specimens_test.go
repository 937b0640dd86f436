package html

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/report/reporttest"
)

// TestSpecimens: one example's picture under each corruption, in the column of its
// severity, as far as there is room; none without pictures.
func TestSpecimens(t *testing.T) {
	asked := map[string]int{}
	o := DefaultOptions()
	o.Specimen = "img/<1>"
	o.Shifted = func(id, shift string) []byte {
		if id != "img/<1>" {
			t.Errorf("asked for %q", id)
		}
		if asked[shift]++; shift == "fog:2" {
			return nil
		}
		im := image.NewRGBA(image.Rect(0, 0, 32, 32))
		for i := range im.Pix { // not to be packed
			im.Pix[i] = byte(i * i * len(shift) >> 3)
		}
		im.Set(0, 0, color.White)
		var b bytes.Buffer
		if err := png.Encode(&b, im); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	page := body(render(t, reporttest.Shifted(), o))
	_, rest, ok := strings.Cut(page, `id="robust-specimens"`)
	grid, _, _ := strings.Cut(rest, "</table>")
	if !ok || strings.Count(grid, "<tr>") != 1+4 || strings.Count(grid, "<img ") != 4+4*5-1 {
		t.Fatalf("%d rows, %d pictures\n%.2000s", strings.Count(grid, "<tr>"), strings.Count(grid, "<img "), grid)
	}
	if strings.Contains(grid, "imagenet-a") || !strings.Contains(grid, `alt="img/&lt;1&gt; under fog:5"`) || strings.Contains(grid, "fog:2") {
		t.Errorf("%.3000s", grid)
	}
	if asked["fog:3"] != 1 {
		t.Errorf("fog:3 was asked for %d times", asked["fog:3"])
	}
	room := len(page)
	o.MaxBytes = room / 2
	if page := body(render(t, reporttest.Shifted(), o)); !strings.Contains(page, "left out to keep this file small") {
		t.Error("no word of pictures that had no room")
	}
	o.Specimen = ""
	if page := render(t, reporttest.Shifted(), o); strings.Contains(page, "robust-specimens") {
		t.Error("pictures without an example")
	}
}
