package html

import (
	"bytes"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/reporttest"
)

// address spells a target, so that tests can read it from the page.
func address(t report.Target) string {
	q := url.Values{}
	set := func(k, v string) {
		if v != "" {
			q.Set(k, v)
		}
	}
	number := func(k string, n *int) {
		if n != nil {
			q.Set(k, fmt.Sprint(*n))
		}
	}
	share := func(k string, b *report.Bounds) {
		if b != nil {
			q.Set(k, fmt.Sprintf("%.3f-%.3f", b.Low, b.High))
		}
	}
	set("variant", t.Variant)
	set("kind", t.Kind)
	set("shift", t.Shift)
	set("id", t.Example)
	number("truth", t.Truth)
	number("label", t.Label)
	for _, g := range t.Groups {
		q.Add("group", g.Attribute+"="+g.Value)
	}
	share("base_share", t.BaseShare)
	share("variant_share", t.VariantShare)
	return "/wall?" + q.Encode()
}

// live renders a stream as a live page would.
func live(t testing.TB, spec reporttest.Spec) string {
	t.Helper()
	var c report.Collector
	if err := report.Replay(bytes.NewReader(reporttest.Stored(t, spec)), &c); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Link = address
	o.Image = func(id string) string { return "/thumb?id=" + url.QueryEscape(id) }
	o.Pages = []report.Link{{Text: "Images", URL: "/wall"}}
	var b, again bytes.Buffer
	if err := Render(&b, &c, o); err != nil {
		t.Fatal(err)
	}
	if err := Render(&again, &c, o); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Fatalf("a second rendering differs (error %v)", err)
	}
	return b.String()
}

// links are the targets that the page links to, with how often.
func links(page string) map[string]int {
	out := map[string]int{}
	for _, m := range regexp.MustCompile(`href="(/wall\?[^"]*)"`).FindAllStringSubmatch(page, -1) {
		out[html.UnescapeString(m[1])]++
	}
	return out
}

// TestLinksReachEveryExample: every class, subgroup, confusion cell, kind of
// example and listed example of the audit is a link of the live page.
func TestLinksReachEveryExample(t *testing.T) {
	page := live(t, reporttest.Small())
	found := links(page)
	var c report.Collector
	targets := map[string]report.Target{}
	collect := func(m *finding.Message) {
		switch f := m.Finding; {
		case f == nil:
		case f.Check == "classimpact" && f.Question == "harm" && f.Scope.Kind == finding.Class:
			targets["class "+f.Scope.Name] = report.Target{Variant: f.Variant, Truth: f.Scope.Class}
		case f.Check == "slice" && f.Question == "harm" && f.Scope.Kind == finding.Subgroup:
			targets["subgroup "+f.Scope.Name] = report.Target{Variant: f.Variant, Groups: f.Scope.Groups}
		case f.Check == "pie" && f.Question == "certified":
			targets["certified "+f.Variant] = report.Target{Variant: f.Variant, Kind: "certified"}
		case f.Check == "summary" && f.Question == "accuracy":
			targets["accuracy "+f.Variant] = report.Target{Variant: f.Variant}
			targets["pie "+f.Variant] = report.Target{Variant: f.Variant, Kind: "pie"}
		}
		if m.Table != nil && m.Table.Name == "top-examples" {
			for _, row := range m.Table.Rows {
				id, _ := row[0].(string)
				targets["example "+id] = report.Target{Variant: m.Table.Variant, Example: id}
			}
		}
		if err := report.Send(&c, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range reporttest.Stream(reporttest.Small()) {
		collect(&m)
	}
	if len(targets) < 50 {
		t.Fatalf("the stream has %d targets only", len(targets))
	}
	for what, target := range targets {
		if found[address(target)] == 0 {
			t.Errorf("no link to %s: %s", what, address(target))
		}
	}
	cells := 0
	for u := range found {
		if strings.Contains(u, "label=") && strings.Contains(u, "truth=") {
			cells++
		}
	}
	if cells < 10 {
		t.Errorf("%d links to cells of the confusion, want at least 10", cells)
	}
}

// TestHeadlineLinks: what the headline names is the first link under it.
func TestHeadlineLinks(t *testing.T) {
	page := live(t, reporttest.Small())
	answer := page[strings.Index(page, `id="answer"`):]
	first := regexp.MustCompile(`<a href="(/wall[^"]*)">([^<]*)</a>`).FindStringSubmatch(answer)
	headline := regexp.MustCompile(`Hardest hit: (.+) under (\S+),`).FindStringSubmatch(answer)
	if first == nil || headline == nil {
		t.Fatal("no link, or no group named, in the answer")
	}
	if want := "See the examples of " + headline[1] + " under " + headline[2] + ", worst first"; first[2] != want {
		t.Errorf("the first link is %q, want %q", first[2], want)
	}
}

// TestNoLinksInFiles: a file links to nothing outside itself.
func TestNoLinksInFiles(t *testing.T) {
	page := body(render(t, reporttest.Small(), DefaultOptions()))
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "#") {
			t.Errorf("a link to %q", m[1])
		}
	}
	if strings.Contains(page, `class="go"`) || strings.Contains(page, `class="look"`) {
		t.Error("a row or list that looks like a link")
	}
}

// TestLinksAreEscaped: an address cannot leave its attribute.
func TestLinksAreEscaped(t *testing.T) {
	var c report.Collector
	if err := report.Replay(bytes.NewReader(reporttest.Stored(t, reporttest.Small())), &c); err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Link = func(report.Target) string { return `/"><script>alert(2)</script>` }
	o.Image = func(id string) string { return `/"><script>alert(3)</script>` }
	o.Pages = []report.Link{{Text: "<b>", URL: "javascript:alert(4)"}}
	var b bytes.Buffer
	if err := Render(&b, &c, o); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script>alert(2)", "<script>alert(3)", "<b>", "javascript:alert(4)"} {
		if bad == "<b>" {
			if strings.Contains(b.String(), `"><b></a>`) {
				t.Error("the name of a page became markup")
			}
			continue
		}
		if strings.Contains(b.String(), bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
}

// TestLivePolicy: a page with images of its server may load those and nothing
// else.
func TestLivePolicy(t *testing.T) {
	page := live(t, reporttest.Tiny())
	if !strings.Contains(page, "img-src &#39;self&#39; data:;") || !strings.Contains(page, `src="/thumb?id=`) {
		t.Error("the live page has no images, or does not allow them")
	}
	if strings.Contains(render(t, reporttest.Tiny(), DefaultOptions()), "&#39;self&#39;") {
		t.Error("the file allows images of a server")
	}
}
