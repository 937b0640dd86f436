package html

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/reporttest"
)

func render(t testing.TB, spec reporttest.Spec, o Options) string {
	t.Helper()
	return renderBytes(t, reporttest.Stored(t, spec), o)
}

func renderBytes(t testing.TB, stored []byte, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Replay(bytes.NewReader(stored), New(&b, o)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// body is the page without its style and script, and without their digests.
func body(page string) string {
	page = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`).ReplaceAllString(page, "")
	return regexp.MustCompile(`sha256-[^ ]*&#39;`).ReplaceAllString(page, "sha256-DIGEST&#39;")
}

// TestPolicyAdmitsOwnStyleAndScript: the digests in the policy are those of the
// style and the script as they stand in the page, so that browsers use them.
func TestPolicyAdmitsOwnStyleAndScript(t *testing.T) {
	page := render(t, reporttest.Tiny(), DefaultOptions())
	policy := html.UnescapeString(regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)[1])
	for _, e := range []string{"style", "script"} {
		inline := regexp.MustCompile(`(?s)<` + e + `>(.*?)</` + e + `>`).FindStringSubmatch(page)[1]
		sum := sha256.Sum256([]byte(inline))
		if want := e + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("the policy %s lacks %s", policy, want)
		}
	}
}

func TestGolden(t *testing.T) {
	golden.Equal(t, "tiny.html", []byte(body(render(t, reporttest.Tiny(), DefaultOptions()))))
}

// TestSelfContained: the page loads nothing, runs nothing but its own script,
// and styles nothing outside its style sheet.
func TestSelfContained(t *testing.T) {
	page := render(t, reporttest.Small(), DefaultOptions())
	rest := body(page)
	for _, bad := range []string{"http:", "https:", "<link", "<img", "<iframe", " src=", " style=", "javascript:", "<script", "@import", "url("} {
		if strings.Contains(rest, bad) {
			i := strings.Index(rest, bad)
			t.Errorf("the page holds %q: %s", bad, rest[max(0, i-60):min(len(rest), i+60)])
		}
	}
	if m := regexp.MustCompile(` on[a-z]+="`).FindString(rest); m != "" {
		t.Errorf("the page holds a handler %q", m)
	}
	if strings.Contains(page, "@import") || strings.Contains(page, "url(") {
		t.Error("the style sheet loads something")
	}
	if strings.Count(page, "<script>") != 1 || strings.Count(page, "<style>") != 1 {
		t.Error("more than one script or style")
	}
	if !strings.Contains(page, `content="default-src &#39;none&#39;; style-src &#39;sha256-`) {
		t.Error("no content security policy that names the style's digest")
	}
}

// TestEscapes: names that are markup stay text everywhere.
func TestEscapes(t *testing.T) {
	page := body(render(t, reporttest.Small(), DefaultOptions()))
	if strings.Contains(page, "alert(1)<") && strings.Contains(page, "<script>alert") {
		t.Error("a class name became markup")
	}
	if n := strings.Count(page, "&lt;script&gt;alert(1)&lt;/script&gt;"); n < 10 {
		t.Errorf("the class name stands %d times as text", n)
	}
}

// TestWellFormed: elements are closed, ids are unique, links lead somewhere,
// every picture has a name and its numbers.
func TestWellFormed(t *testing.T) {
	page := body(render(t, reporttest.Small(), DefaultOptions()))
	for _, e := range []string{"main", "nav", "section", "div", "figure", "figcaption", "details", "summary", "table", "thead", "tbody", "tr", "ul", "ol", "li", "dl", "svg", "g", "title", "text", "p", "h3", "h4", "sup", "span"} {
		open := len(regexp.MustCompile(`<`+e+`[ >]`).FindAllString(page, -1))
		if closed := strings.Count(page, "</"+e+">"); open != closed {
			t.Errorf("%d %s are opened and %d closed", open, e, closed)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("id %q is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !ids[m[1]] {
			t.Errorf("a link to #%s leads nowhere", m[1])
		}
	}
	if a, b := strings.Count(page, `role="img" aria-label="`), strings.Count(page, `<svg class="chart chart-`); a != b || a == 0 {
		t.Errorf("%d pictures, %d with a name", b, a)
	}
	if a, b := strings.Count(page, `<figure`), strings.Count(page, `<details class="numbers">`); a != b {
		t.Errorf("%d figures, %d with their numbers", a, b)
	}
}

// TestSections: every part of the report that readers are promised is there.
func TestSections(t *testing.T) {
	page := render(t, reporttest.Small(), DefaultOptions())
	for _, want := range []string{
		`id="answer"`, `id="accuracy"`, `id="classes"`, `id="subgroups"`, `id="examples"`, `id="flips"`, `id="confusion"`, `id="curves"`, `id="longtail"`, `id="calibration"`, `id="inputs"`, `id="notes"`,
		"chart-volcano", "chart-ranked", "chart-floors", "chart-grid", "chart-heat", "chart-curve", "chart-reliability",
		"prefers-color-scheme: dark", "@media print", "lethe explain classimpact", "sha256:8d74beec1be996322ad76813bafb92d40839895d6dd7ee808b17ca201eac98be",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

// TestSize: the largest audit stays under 5 MB and says what it leaves out;
// under a smaller limit tables shrink, then pictures go, then it is an error.
func TestSize(t *testing.T) {
	large := reporttest.Stored(t, reporttest.Large())
	page := renderBytes(t, large, DefaultOptions())
	if len(page) >= 5_000_000 {
		t.Errorf("%d bytes, want less than 5 MB", len(page))
	}
	if !strings.Contains(page, "200 of 1,000 shown; see findings.jsonl") {
		t.Error("the page does not say that rows are left out")
	}
	o := DefaultOptions()
	o.MaxBytes = 2_500_000
	if page := renderBytes(t, large, o); len(page) >= o.MaxBytes || !strings.Contains(page, "<svg") {
		t.Errorf("limit %d: %d bytes", o.MaxBytes, len(page))
	}
	o.MaxBytes = 700_000
	if page := renderBytes(t, large, o); len(page) >= o.MaxBytes || strings.Contains(page, "chart-volcano\"") {
		t.Errorf("limit %d: %d bytes, or with pictures", o.MaxBytes, len(page))
	}
	o.MaxBytes = 10_000
	err := report.Replay(bytes.NewReader(reporttest.Bytes(t, reporttest.Stream(reporttest.Tiny()))), New(&bytes.Buffer{}, o))
	if err == nil || !strings.Contains(err.Error(), "more than the 10000 it may have") {
		t.Errorf("error %v, want one that names the limit", err)
	}
}

// TestThumbnails: images are inlined while there is room, others are left out.
func TestThumbnails(t *testing.T) {
	o := DefaultOptions()
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 2000)...)
	o.Thumbnail = func(id string) []byte {
		if id == "test/00000.png" {
			return []byte("<svg onload=alert(1)>")
		}
		return png
	}
	page := render(t, reporttest.Tiny(), o)
	if n := strings.Count(page, `<img class="thumb" alt="" src="data:image/png;base64,`); n != 99 {
		t.Errorf("%d thumbnails, want 99 of 100: one is no image", n)
	}
	o.MaxBytes = 400_000
	if page := render(t, reporttest.Tiny(), o); len(page) >= o.MaxBytes || strings.Count(page, "<img") == 0 {
		t.Errorf("%d bytes with %d thumbnails under a limit of %d", len(page), strings.Count(page, "<img"), o.MaxBytes)
	}
}

func BenchmarkLarge(b *testing.B) {
	stored := reporttest.Bytes(b, reporttest.Stream(reporttest.Large()))
	for b.Loop() {
		if err := report.Replay(bytes.NewReader(stored), New(&bytes.Buffer{}, DefaultOptions())); err != nil {
			b.Fatal(err)
		}
	}
}
