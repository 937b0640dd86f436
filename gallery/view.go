package gallery

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/gallery/index"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/internal/num"
)

// The keys of an address that pages read beside those of the query.
const (
	keyPage     = "page"
	keyPart     = "part"
	keyMarked   = "marked"
	keyID       = "id"
	keySeverity = "severity"
)

// The values of keyMarked beside the verdicts.
const (
	markedAny  = "any"
	markedNone = "none"
)

// view is what an address of the wall asks for. Its methods give the addresses
// of other views and do not change it.
type view struct {
	s      *server
	q      index.Query
	marked string // "", markedAny, markedNone or a verdict
}

// view reads an address.
func (s *server) view(v url.Values) (*view, error) {
	q, err := index.ParseQuery(v, s.x, keyPage, keyPart, keyMarked, keyID, keySeverity)
	if err != nil {
		return nil, bad("%s.", strings.TrimPrefix(err.Error(), "gallery: "))
	}
	if v.Get("variant") == "" {
		q.Variant = s.o.Variant
	}
	out := &view{s: s, q: q, marked: v.Get(keyMarked)}
	switch out.marked {
	case "", markedAny, markedNone:
	default:
		if !slices.Contains(mark.Verdicts(), mark.Verdict(out.marked)) {
			return nil, bad("marked=%q: want any, none or one of %s", out.marked, verdictList())
		}
	}
	return out, nil
}

func verdictList() string {
	var names []string
	for _, v := range mark.Verdicts() {
		names = append(names, string(v))
	}
	return strings.Join(names, ", ")
}

// rows are the examples that are marked as verdict says.
func (v *view) rows(verdict string) *roaring.Bitmap {
	b := roaring.New()
	for _, m := range v.s.o.Marks.Marks() {
		if verdict != markedAny && verdict != markedNone && string(m.Verdict) != verdict {
			continue
		}
		if row, ok := v.s.x.Find(string(m.ID)); ok {
			b.Add(uint32(row))
		}
	}
	if verdict == markedNone {
		b.Flip(0, uint64(v.s.x.Len()))
	}
	return b
}

// query is what to ask the index, marks included.
func (v *view) query() index.Query {
	q := v.q
	if v.marked != "" {
		q.Only = v.rows(v.marked)
	}
	return q
}

// with is the view after a change of its query, which gets a copy.
func (v *view) with(change func(*index.Query)) *view {
	out := *v
	out.q.Truth, out.q.Base, out.q.Label = slices.Clone(v.q.Truth), slices.Clone(v.q.Base), slices.Clone(v.q.Label)
	out.q.Attributes, out.q.Flips = slices.Clone(v.q.Attributes), slices.Clone(v.q.Flips)
	change(&out.q)
	return &out
}

// mark is the view of those marked in a way.
func (v *view) mark(as string) *view {
	out := *v
	out.marked = as
	return &out
}

// clear is the view of all examples of the variant.
func (v *view) clear() *view {
	return &view{s: v.s, q: index.Query{Variant: v.q.Variant, Sort: v.q.Sort, Reverse: v.q.Reverse}}
}

func (v *view) values() url.Values {
	out := v.q.Values(v.s.x)
	out.Set("variant", v.q.Variant)
	if v.marked != "" {
		out.Set(keyMarked, v.marked)
	}
	return out
}

// link is the address of the view's first page, without what the keys name.
func (v *view) link(without ...string) string {
	out := v.values()
	for _, k := range without {
		out.Del(k)
	}
	return "/wall?" + out.Encode()
}

// page is the address of one of the view's pages, counted from 1.
func (v *view) page(n int) string {
	out := v.values()
	if n > 1 {
		out.Set(keyPage, strconv.Itoa(n))
	}
	return "/wall?" + out.Encode()
}

// example is the address of an example's page in this view.
func (v *view) example(id string) string {
	out := v.values()
	out.Set(keyID, id)
	return "/example?" + out.Encode()
}

// pair is a hidden field of a form.
type pair struct{ Name, Value string }

// hidden are the fields of a form that sets the keys and keeps all else.
func (v *view) hidden(sets ...string) []pair {
	var out []pair
	values := v.values()
	for _, k := range sorted(values) {
		if slices.Contains(sets, k) {
			continue
		}
		for _, value := range values[k] {
			out = append(out, pair{k, value})
		}
	}
	return out
}

func sorted(v url.Values) []string {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// toggle puts x into a list, or takes it out.
func toggle[T comparable](list []T, x T) []T {
	if i := slices.Index(list, x); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return append(list, x)
}

// number reads a whole number from an address, within bounds.
func number(r *http.Request, key string, low, high, otherwise int) (int, error) {
	text := r.URL.Query().Get(key)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, bad("%s=%q: want a whole number from %d to %d", key, text, low, high)
	}
	return n, nil
}

func count(n int) string { return num.Count(n) }

// flipWords say what happened to an example.
func flipWords(f finding.Flip) string {
	switch f {
	case finding.FlipRightToWrong:
		return "right to wrong"
	case finding.FlipWrongToRight:
		return "wrong to right"
	case finding.FlipWrongToWrong:
		return "wrong to other wrong"
	default:
		return "same label"
	}
}

// tone is the color of a change from one share of votes to another.
func tone(before, after float64) string {
	switch {
	case after < before:
		return "worse"
	case after > before:
		return "better"
	default:
		return "none"
	}
}
