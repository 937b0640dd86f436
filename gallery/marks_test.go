package gallery

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery/mark"
)

func (w *world) mark(id string, v mark.Verdict) { w.markNote(id, v, "") }

func (w *world) markNote(id string, v mark.Verdict, note string) {
	w.t.Helper()
	rec := w.post("/mark", url.Values{"id": {id}, "variant": {"pruned-90"}, "verdict": {string(v)}, "note": {note}}, true)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("mark %s: %d %s", id, rec.Code, rec.Body)
	}
}

// TestMarks gives, changes, shows, filters by and takes back marks.
func TestMarks(t *testing.T) {
	w := newWorld(t, nil)
	ids := w.want("pruned-90", func(r *finding.ExampleRow) bool { return r.PIE })
	rec := w.post("/mark", url.Values{"id": {ids[0]}, "variant": {"pruned-90"}, "verdict": {"mislabelled"}, "note": {" a \r\nnote "}}, true)
	var a answer
	must(t, json.Unmarshal(rec.Body.Bytes(), &a))
	if a.ID != ids[0] || a.Verdict != "mislabelled" || a.Note != "a \nnote" || a.Marked != "1" || !strings.Contains(a.HTML, "mislabelled") {
		t.Errorf("%+v", a)
	}
	m, ok := w.marks.Get("" + w.table.ID(rowOf(w, ids[0])))
	if !ok || m.By != "ada" || !m.At.Equal(w.now) || m.Variant != "pruned-90" {
		t.Errorf("saved %+v", m)
	}
	w.mark(ids[1], mark.Confirmed)
	for marked, want := range map[string][]string{"any": ids[:2], "mislabelled": ids[:1], "confirmed": ids[1:2], "none": ids[2:], "ambiguous": nil} {
		if err := sameIDs(w.all(address("/wall", "pie", "1", "variant", "pruned-90", "marked", marked)), want); err != nil {
			t.Errorf("marked %s: %v", marked, err)
		}
	}
	if text := w.page(address("/wall", "variant", "pruned-90", "q", ids[0])); !strings.Contains(text, `data-verdict="mislabelled" data-note="a`) {
		t.Error("the tile does not show its mark")
	}
	rec = w.post("/undo", nil, true)
	must(t, json.Unmarshal(rec.Body.Bytes(), &a))
	if a.ID != ids[1] || a.Verdict != "" || a.Marked != "1" {
		t.Errorf("undo: %+v", a)
	}
	w.post("/undo", nil, true)
	if rec := w.post("/undo", nil, true); rec.Code != http.StatusConflict {
		t.Errorf("nothing to undo: %d", rec.Code)
	}
}

func rowOf(w *world, id string) int {
	row, _ := w.index.Find(id)
	return int(row)
}

// TestMarksRefused are marks that cannot be kept.
func TestMarksRefused(t *testing.T) {
	w := newWorld(t, nil)
	for words, form := range map[string]url.Values{
		"no example": {"id": {"nobody"}, "verdict": {"confirmed"}},
		"no variant": {"id": {"planted-0000007"}, "variant": {"x"}, "verdict": {"confirmed"}},
		"verdict":    {"id": {"planted-0000007"}, "verdict": {"fine"}},
		"bytes":      {"id": {"planted-0000007"}, "verdict": {"confirmed"}, "note": {strings.Repeat("x", 1<<15)}},
		"UTF-8":      {"id": {"planted-0000007"}, "verdict": {"confirmed"}, "note": {"\xff"}},
	} {
		rec := w.post("/mark", form, true)
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), words) {
			t.Errorf("%s: %d %s", words, rec.Code, rec.Body)
		}
	}
	if n := len(w.marks.Marks()); n != 0 {
		t.Errorf("%d marks were kept", n)
	}
}

// TestFormsWithoutScript saves and goes back, but never to another site.
func TestFormsWithoutScript(t *testing.T) {
	w := newWorld(t, nil)
	here := address("/example", "id", "planted-0000007", "pie", "1")
	for back, want := range map[string]string{
		here: here, "https://evil.example/wall": "/wall", "//evil.example/wall": "/wall", "/\\evil.example": "/wall",
		"javascript:alert(1)": "/wall", "/static/x": "/wall", "": "/wall", "/wall?pie=1\r\nX: y": "/wall",
	} {
		rec := w.post("/mark", url.Values{"id": {"planted-0000007"}, "verdict": {"confirmed"}, "back": {back}}, false)
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != want {
			t.Errorf("back %q: %d to %q, want %q", back, rec.Code, rec.Header().Get("Location"), want)
		}
	}
	w.post("/mark", url.Values{"id": {"planted-0000007"}, "verdict": {"confirmed"}, "note": {"x"}, "clear": {"1"}}, false)
	if _, ok := w.marks.Get("planted-0000007"); ok {
		t.Error("the mark was not taken back")
	}
}

// TestExports downloads every format that the page offers.
func TestExports(t *testing.T) {
	w := newWorld(t, nil)
	w.mark("planted-0000007", mark.Confirmed)
	w.mark(evilID, mark.Mislabelled)
	for _, f := range mark.Formats() {
		rec := w.get("/export?format=" + string(f))
		if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != f.ContentType() || rec.Body.Len() == 0 ||
			!strings.Contains(rec.Header().Get("Content-Disposition"), f.FileName()) {
			t.Errorf("%s: %d %v, %d bytes", f, rec.Code, rec.Header(), rec.Body.Len())
		}
	}
	csv := w.get("/export?format=csv").Body.String()
	if !strings.Contains(csv, "planted-0000007,pruned-90,confirmed,,ada,") {
		t.Error(csv)
	}
}
