package gallery

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/internal/webserve"
)

var (
	tileID   = regexp.MustCompile(`<li class="tile" id="t-\d+" data-id="([^"]*)"`)
	hrefs    = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	headline = regexp.MustCompile(`<h1>([\d,]+) examples?</h1>`)
	facetRow = regexp.MustCompile(`<li><a href="([^"]*)"[^>]*><span class="name">.*?</span> <span class="count">([\d,]*)</span>`)
	nextPage = regexp.MustCompile(`rel="next" id="more" href="([^"]*)"`)
)

// found are the matches of a pattern's first group, unescaped.
func found(p *regexp.Regexp, text string) []string {
	var out []string
	for _, m := range p.FindAllStringSubmatch(text, -1) {
		out = append(out, html.UnescapeString(m[1]))
	}
	return out
}

// all are the ids of all pages of a wall.
func (w *world) all(address string) []string {
	w.t.Helper()
	var ids []string
	for address != "" {
		text := w.page(address)
		ids = append(ids, found(tileID, text)...)
		next := found(nextPage, text)
		if address = ""; len(next) > 0 {
			address = next[0]
		}
	}
	return ids
}

// TestWallIsTheAudit compares walls with the rows of the audit's own table, for
// every variant and kind, over all their pages.
func TestWallIsTheAudit(t *testing.T) {
	w := newWorld(t, nil)
	for _, variant := range []string{"pruned-50", "pruned-90", "int8"} {
		for key, match := range map[string]func(*finding.ExampleRow) bool{
			"pie":     func(r *finding.ExampleRow) bool { return r.PIE },
			"tie":     func(r *finding.ExampleRow) bool { return r.Tie },
			"changed": func(r *finding.ExampleRow) bool { return r.Changed },
		} {
			if err := sameIDs(w.all(address("/wall", "variant", variant, key, "1")), w.want(variant, match)); err != nil {
				t.Errorf("%s %s: %v", variant, key, err)
			}
		}
		got := w.all(address("/wall", "variant", variant, "flip", "right_to_wrong", "truth", evilClass))
		if err := sameIDs(got, w.want(variant, func(r *finding.ExampleRow) bool { return r.Flip == finding.FlipRightToWrong && r.Label == 0 })); err != nil {
			t.Errorf("%s, right to wrong of class 0: %v", variant, err)
		}
	}
}

// TestCountsAreKept follows every choice of several walls: what opens has as
// many examples as the choice said.
func TestCountsAreKept(t *testing.T) {
	w := newWorld(t, nil)
	w.mark("planted-0000007", mark.Ambiguous)
	for _, start := range []string{
		address("/wall", "variant", "pruned-90", "pie", "1"),
		address("/wall", "variant", "pruned-90", "truth", evilClass, "flip", "right_to_wrong"),
		address("/wall", "variant", "int8", "a."+w.table.Attributes[0].Name, evilValue, "share_low", "0.2"),
		address("/wall", "variant", "pruned-50", "marked", "none", "pie", "1", "reverse", "1"),
	} {
		text, followed := w.page(start), 0
		for _, m := range facetRow.FindAllStringSubmatch(text, -1) {
			if m[2] == "" {
				continue
			}
			link := html.UnescapeString(m[1])
			now := w.page(link)
			if got := found(headline, now); len(got) != 1 || (got[0] != m[2] && !removes(link, start)) {
				t.Errorf("%s: %s has %v examples, the choice said %s", start, link, got, m[2])
			}
			followed++
		}
		if followed < 15 {
			t.Errorf("%s: only %d choices", start, followed)
		}
	}
}

// removes reports whether a link takes a filter out or adds an alternative, so
// that it leads to more than the choice counts.
func removes(link, from string) bool {
	a, _ := url.Parse(link)
	b, _ := url.Parse(from)
	for k, v := range b.Query() {
		if k != "reverse" && !slices.Equal(v, a.Query()[k]) {
			return true
		}
	}
	return false
}

// TestEveryLinkLeads follows every link, picture and file of every kind of
// page, the report first.
func TestEveryLinkLeads(t *testing.T) {
	w := newWorld(t, nil)
	w.mark(evilID, mark.Mislabelled)
	seen := map[string]bool{}
	walls, examples := 0, 0
	for _, start := range []string{
		"/", address("/wall", "variant", "pruned-90", "pie", "1", "page", "2"), "/marks", address("/wall", "variant", "pruned-90", "q", "no such id"),
		address("/example", "variant", "pruned-90", "pie", "1", "id", w.want("pruned-90", func(r *finding.ExampleRow) bool { return r.PIE })[1]),
		address("/example", "variant", "int8", "id", evilID),
	} {
		for _, link := range found(hrefs, w.page(start)) {
			link, _, _ = strings.Cut(link, "#")
			if link == "" || link == "data:," || seen[link] || strings.HasPrefix(link, "data:image") {
				continue
			}
			seen[link] = true
			if !strings.HasPrefix(link, "/") || strings.HasPrefix(link, "//") {
				t.Errorf("%s links away: %s", start, link)
				continue
			}
			if start == "/" && strings.HasPrefix(link, "/wall") {
				walls++
			}
			if start == "/" && strings.HasPrefix(link, "/example") {
				examples++
			}
			if code := w.get(link).Code; code != http.StatusOK && code != http.StatusFound {
				t.Errorf("%s: %s gives %d", start, link, code)
			}
		}
	}
	if walls < 20 || examples == 0 {
		t.Errorf("the report links to %d walls and %d examples", walls, examples)
	}
}

// TestNamesAreText looks for names that would be elements on every page.
func TestNamesAreText(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Notice = evilValue })
	w.markNote(evilID, mark.Confirmed, `</textarea><script>alert("note")</script>`)
	scripts := regexp.MustCompile(`<script[^>]*>`)
	for _, start := range []string{
		"/", "/wall?pie=1", "/marks", address("/example", "id", evilID), address("/wall", "truth", evilClass, "q", `<script>`),
		address("/example", "id", "../../../etc/passwd", "variant", "pruned-90", "truth", evilClass),
	} {
		text := w.page(start)
		if start != "/" && !strings.Contains(text, html.EscapeString(evilClass)) && !strings.Contains(text, "&lt;script&gt;") && start != "/marks" {
			t.Errorf("%s: the class is not there", start)
		}
		for _, bad := range []string{"<script>alert", "<img src=x", "onerror=alert('value')>\"", "<b>id", "</textarea><s"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %s is in the page", start, bad)
			}
		}
		if n := len(scripts.FindAllString(text, -1)); n != 1 {
			t.Errorf("%s: %d scripts, want its own", start, n)
		}
		if strings.Contains(text, ` style="`) || regexp.MustCompile(` on\w+="`).MatchString(strings.ReplaceAll(text, html.EscapeString(evilValue), "")) {
			t.Errorf("%s: inline style or handler, which the policy forbids", start)
		}
	}
}

// TestBadAddresses are answered 400 or 404 with words, on a page.
func TestBadAddresses(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		address string
		status  int
		words   string
	}{
		{address("/wall", "variant", "prunned-90"), 400, `the nearest known is &#34;pruned-90&#34;`},
		{address("/wall", "truth", "no class"), 400, "class"},
		{address("/wall", "sort", "best"), 400, "order"},
		{address("/wall", "flip", "sideways"), 400, "flip"},
		{address("/wall", "pie", "maybe"), 400, "want 1 or 0"},
		{address("/wall", "margin_low", "NaN"), 400, "share"},
		{address("/wall", "base_low", "0.9", "base_high", "0.1"), 400, "lower first"},
		{address("/wall", "pie", "1", "page", "0"), 400, "whole number"},
		{address("/wall", "pie", "1", "page", "99999999999999999999"), 400, "whole number"},
		{address("/wall", "marked", "maybe"), 400, "any, none"},
		{address("/wall", "colour", "red"), 400, "colour"},
		{address("/wall", "a.nothing", "x"), 400, "nothing"},
		{address("/wall", "shift", "fog:3"), 400, "shift"},
		{address("/wall", "q", strings.Repeat("x", 10_000)), 400, ""},
		{address("/example", "id", "nobody"), 404, "no example"},
		{address("/example"), 404, "no example"},
		{address("/example", "id", "planted-0000007", "severity", "9"), 400, "1 to 5"},
		{address("/export", "format", "exe"), 400, "csv"},
		{address("/marks", "x", "1"), 400, "no settings"},
		{"/nothing", 404, "no such page"},
		{"/static/../gallery.go", 404, ""},
		{"/static/gallery.css", 404, "no such file"},
	} {
		rec := w.get(c.address)
		if rec.Code == http.StatusMovedPermanently || rec.Code == http.StatusTemporaryRedirect { // the mux cleans paths
			rec = w.get(rec.Header().Get("Location"))
		}
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.words) {
			t.Errorf("%s: %d, want %d with %q:\n%s", c.address, rec.Code, c.status, c.words, firstLines(rec.Body.String()))
		}
	}
}

// TestPicturesStayInside asks for pictures by names that would be files.
func TestPicturesStayInside(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		address string
		status  int
		kind    string
	}{
		{address("/thumb", "id", "planted-0000007"), 200, "image/png"},
		{address("/image", "id", "planted-0000007"), 200, "image/png"},
		{address("/thumb", "id", "planted-0000007", "shift", "fog:3"), 200, "image/png"},
		{address("/thumb", "id", evilID), 200, "image/png"},
		{address("/thumb", "id", "../../../etc/passwd"), 200, "image/png"}, // an example that is called so
		{address("/thumb", "id", "planted-0000005"), 200, "image/svg+xml"}, // missing
		{address("/thumb", "id", "../../../etc/shadow"), 404, "text/plain"},
		{address("/thumb", "id", ""), 404, "text/plain"},
		{address("/thumb", "id", "planted-0000007", "shift", "../fog:3"), 400, "text/plain"},
		{address("/thumb", "id", "planted-0000007", "shift", "fog:99"), 400, "text/plain"},
		{address("/image", "id", "planted-0000007", "shift", "fog"), 400, "text/plain"},
		{address("/image", "id", "planted-0000007", "shift", "snow:3"), 400, "text/plain"}, // real, but not shown here
	} {
		rec := w.get(c.address)
		if rec.Code != c.status || !strings.HasPrefix(rec.Header().Get("Content-Type"), c.kind) {
			t.Errorf("%s: %d %s, want %d %s", c.address, rec.Code, rec.Header().Get("Content-Type"), c.status, c.kind)
		}
		if strings.Contains(rec.Body.String(), "root:") {
			t.Errorf("%s: a file of the system", c.address)
		}
	}
	rec := w.get(address("/thumb", "id", "planted-0000005"))
	if rec.Header().Get("Cache-Control") != "no-store" || !strings.Contains(rec.Body.String(), "planted-0000005") {
		t.Errorf("placeholder: %v %s", rec.Header(), rec.Body)
	}
	r := httptest.NewRequest(http.MethodGet, address("/thumb", "id", "planted-0000007"), nil)
	r.Header.Set("If-None-Match", w.do(r).Header().Get("ETag"))
	if rec := w.do(r); rec.Code != http.StatusNotModified || rec.Body.Len() > 0 {
		t.Errorf("asked again: %d, %d bytes", rec.Code, rec.Body.Len())
	}
}

// TestWithoutData shows placeholders and says how to give the pictures.
func TestWithoutData(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Pictures, o.Original, o.Notice = nil, nil, "start with --data SRC" })
	text := w.page("/wall?pie=1")
	if !strings.Contains(text, "start with --data SRC") || len(found(tileID, text)) != 60 {
		t.Error("no tiles, or not said how to give pictures")
	}
	rec := w.get(address("/thumb", "id", "planted-0000007"))
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), "planted-0000007") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if text := w.page("/marks"); strings.Contains(text, "format=fiftyone") || !strings.Contains(text, "needs --data") {
		t.Error("a format with pictures is offered")
	}
	if code := w.get("/export?format=fiftyone").Code; code != http.StatusBadRequest {
		t.Errorf("status %d", code)
	}
}

// TestFirstAddress leads to what the wall opens with.
func TestFirstAddress(t *testing.T) {
	w := newWorld(t, nil)
	rec := w.get("/wall")
	if to := rec.Header().Get("Location"); rec.Code != http.StatusFound || to != "/wall?pie=1&variant=pruned-90" {
		t.Errorf("%d to %s", rec.Code, to)
	}
}

// TestWeight is what a wall costs before its pictures.
func TestWeight(t *testing.T) {
	w := newWorld(t, nil)
	text := w.page("/wall?pie=1")
	bytes := len(text)
	for _, f := range found(hrefs, text) {
		if strings.HasPrefix(f, "/static/") {
			bytes += w.get(f).Body.Len()
		}
	}
	if bytes > 300_000 {
		t.Errorf("a wall has %d bytes before pictures, want at most 300,000", bytes)
	}
}

// TestMore are the tiles that the script asks for: those of the next page.
func TestMore(t *testing.T) {
	w := newWorld(t, nil)
	page2 := found(tileID, w.page("/wall?pie=1&page=2"))
	rec := w.get("/wall?pie=1&page=2&part=tiles")
	if got := found(tileID, rec.Body.String()); !slices.Equal(got, page2) || len(got) == 0 {
		t.Errorf("%d tiles, want those of page 2", len(got))
	}
	if strings.Contains(rec.Body.String(), "<body") || !strings.Contains(rec.Header().Get("X-Next"), "page=3") || !strings.HasPrefix(rec.Header().Get("X-Shown"), "120 of") {
		t.Errorf("%v", rec.Header())
	}
}

// TestExample compares the page of an example with its row.
func TestExample(t *testing.T) {
	w := newWorld(t, nil)
	pies := found(tileID, w.page("/wall?pie=1&variant=pruned-90"))
	text := w.page(address("/example", "id", pies[3], "pie", "1", "variant", "pruned-90", "severity", "2"))
	i := slices.IndexFunc(w.rows, func(r finding.ExampleRow) bool { return r.Variant == "pruned-90" && r.ID == pies[3] })
	row := w.rows[i]
	plain := html.UnescapeString(text)
	for _, want := range []string{
		fmt.Sprintf("says %s (%d of %d members right)", w.table.Classes[row.BaseModal], row.BaseVotes, row.BaseK),
		fmt.Sprintf("says %s (%d of %d members right)", w.table.Classes[row.VariantModal], row.VariantVotes, row.VariantK),
		"4 of ", "shift=fog:2", "shift=contrast:2", "fog 2", "Forgetting curve", "Nearest examples", "Votes",
		`/example?` + url.Values{"id": {pies[2]}, "pie": {"1"}, "variant": {"pruned-90"}}.Encode(),
		`/example?` + url.Values{"id": {pies[4]}, "pie": {"1"}, "variant": {"pruned-90"}}.Encode(),
		"/wall?pie=1&variant=pruned-90#t-" + strconv.FormatInt(row.Row, 10),
	} {
		if !strings.Contains(strings.ReplaceAll(plain, "%3A", ":"), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	votes := regexp.MustCompile(`</svg><b>(\d+)</b></span></td>`).FindAllStringSubmatch(text, -1)
	sum := [2]int{}
	for j, v := range votes {
		n, _ := strconv.Atoi(v[1])
		sum[j%2] += n
	}
	if sum != [2]int{int(row.BaseK), int(row.VariantK)} {
		t.Errorf("histograms sum to %v, want %d and %d", sum, row.BaseK, row.VariantK)
	}
	if outside := w.page(address("/example", "id", pies[3], "variant", "pruned-90", "flip", "none")); !strings.Contains(outside, "not among the") {
		t.Error("an example outside the list has a place in it")
	}
}

// TestGuard sends the gallery behind webserve what it has to refuse.
func TestGuard(t *testing.T) {
	w := newWorld(t, nil)
	o := webserve.DefaultOptions()
	o.Token = "correct-horse-battery"
	s, err := webserve.Listen(o)
	must(t, err)
	defer s.Close()
	h := s.Handler(w.handler)
	ask := func(method, path string, header http.Header, body string) int {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Host = strings.TrimSuffix(strings.TrimPrefix(s.Address(), "http://"), "/")
		r.Header = header
		if r.Header == nil {
			r.Header = http.Header{}
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Code
	}
	token := func() http.Header { return http.Header{"Authorization": {"Bearer correct-horse-battery"}} }
	form := "id=planted-0000007&verdict=confirmed"
	for name, c := range map[string]struct {
		got, want int
	}{
		"no token":      {ask("GET", "/wall?pie=1", nil, ""), 401},
		"picture":       {ask("GET", "/thumb?id=planted-0000007", nil, ""), 401},
		"token":         {ask("GET", "/wall?pie=1", token(), ""), 200},
		"mark, nothing": {ask("POST", "/mark", nil, form), 401},
		"mark, no csrf": {ask("POST", "/mark", token(), form), 403},
		"undo, no csrf": {ask("POST", "/undo", token(), "a=b"), 403},
		"mark, foreign": {ask("POST", "/mark", http.Header{"Authorization": {"Bearer correct-horse-battery"}, "Sec-Fetch-Site": {"cross-site"}, "X-Csrf-Token": {s.CSRF()}}, form), 403},
		"mark by GET":   {ask("GET", "/mark?"+form, token(), ""), 404},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", name, c.got, c.want)
		}
	}
	if n := len(w.marks.Marks()); n != 0 {
		t.Fatalf("%d marks were saved", n)
	}
	if got := ask("POST", "/mark", token(), form+"&csrf="+s.CSRF()); got != http.StatusSeeOther || len(w.marks.Marks()) != 1 {
		t.Errorf("a good mark: %d, %d marks", got, len(w.marks.Marks()))
	}
}
