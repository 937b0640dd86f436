package html

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/report/reporttest"
)

// noise is a picture that does not compress.
func noise(t testing.TB, side int) []byte {
	t.Helper()
	draw := rand.New(rand.NewPCG(1, 1))
	im := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			im.Set(x, y, color.RGBA{uint8(draw.Uint32()), uint8(draw.Uint32()), uint8(draw.Uint32()), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pictures are options with n examples in the gallery.
func pictures(t testing.TB, n, side int) Options {
	t.Helper()
	top := finding.TopExamples{Variant: "int8", Total: 12345}
	for i := range n {
		top.Rows = append(top.Rows, finding.ExampleRow{
			ID: fmt.Sprintf(`e"<b>%d`, i), Variant: top.Variant, Label: 0, BaseModal: 0, VariantModal: 1, PIE: true, Flip: finding.FlipRightToWrong,
			BaseVotes: 29, BaseK: 30, VariantVotes: 4, VariantK: 30, Certified: i == 0,
		})
	}
	o := DefaultOptions()
	o.Gallery = []finding.TopExamples{top, {Variant: "empty"}}
	b := noise(t, side)
	o.Thumbnail = func(id string) []byte {
		if id == `e"<b>1` {
			return nil
		}
		return b
	}
	return o
}

// TestGallery: as many pictures as were given, with what both populations say,
// names escaped, and the id where there is no picture.
func TestGallery(t *testing.T) {
	page := body(render(t, reporttest.Tiny(), pictures(t, 20, 32)))
	if n := strings.Count(page, `<li class="tile">`); n != 20 {
		t.Errorf("%d tiles, want 20", n)
	}
	if n := strings.Count(page, `src="data:image/png;base64,`); n != 19 {
		t.Errorf("%d pictures, want 19: one has none, and tables repeat none", n)
	}
	for _, want := range []string{
		`id="forgotten"`, "20 of 12,345 examples with another label", `>29/30</span>`, `>4/30</span>`, `width="96.7"`, `width="13.3"`,
		`<code>e&#34;&lt;b&gt;1</code>`, `title="e&#34;&lt;b&gt;0"`, `<p class="more">certified</p>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, `"<b>`) {
		t.Error("an id became markup")
	}
	if strings.Contains(body(render(t, reporttest.Tiny(), DefaultOptions())), `id="forgotten"`) {
		t.Error("a section of pictures without pictures")
	}
}

// TestGalleryBudget: the file stays under its size, and says how many pictures
// were left out.
func TestGalleryBudget(t *testing.T) {
	for _, limit := range []int{500_000, 2_000_000, 5_000_000} {
		o := pictures(t, 1000, 96) // 27 kB each
		o.MaxBytes = limit
		page := render(t, reporttest.Tiny(), o)
		n := strings.Count(page, `<li class="tile">`)
		if len(page) >= limit {
			t.Errorf("limit %d: %d bytes", limit, len(page))
		}
		if least := limit / 5 * 2 / 40_000; n < least || n > 2*least {
			t.Errorf("limit %d: %d tiles, want at least %d", limit, n, least)
		}
		if want := fmt.Sprintf("%d pictures are left out", 1000-n); !strings.Contains(page, want) {
			t.Errorf("limit %d: the page does not say %q", limit, want)
		}
	}
}
