package index

import (
	"math/rand/v2"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
)

// oddNames is an audit whose classes have names that an address and a page
// must take care of.
func oddNames(t testing.TB) *Index {
	p := defaultPlan()
	p.n, p.classPrefix = 60, "<script>a&b=c;é +%/"
	return p.make(t).index(t)
}

// TestQueriesRoundTrip: an address gives back the query it was made of.
func TestQueriesRoundTrip(t *testing.T) {
	for name, p := range plans() {
		p.classPrefix = "<script>a&b=c;é +%/"
		m := p.make(t)
		x := m.index(t)
		random := rand.New(rand.NewPCG(p.seed, 10))
		for range 500 {
			q := drawQuery(random, m, x)
			q.Only = nil
			address := q.Values(x).Encode()
			values, err := url.ParseQuery(address)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ParseQuery(values, x)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, address, err)
			}
			if want := q.canonical(x); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %q: %+v, want %+v", name, address, got, want)
			}
		}
	}
}

func TestParseQuery(t *testing.T) {
	x := defaultPlan().make(t).index(t)
	for address, want := range map[string]Query{
		"": {Variant: "pruned-1", Sort: SortWorst},
		"variant=&truth=&pie=&q=&missing=&sort=&margin_low=": {Variant: "pruned-1", Sort: SortWorst},
		"a.light=&a.a%3Db%26c=":                              {Variant: "pruned-1", Sort: SortWorst, Attributes: []Value{{Name: "a=b&c"}}}, // only this one has the value ""
		"variant=pruned-2&truth=class+3&truth=1&truth=class+1&pie=1&certified=0&tie=on": {
			Variant: "pruned-2", Truth: []int{1, 3}, PIE: true, Tie: true, Sort: SortWorst},
		"a.light=day&missing=a%3Db%26c&flip=wrong_to_right&flip=none&margin_high=.5&share_low=1&share_high=1": {
			Variant: "pruned-1", Attributes: []Value{{Name: "a=b&c", Missing: true}, {Name: "light", Value: "day"}},
			Flips: []finding.Flip{finding.FlipNone, finding.FlipWrongToRight}, Margin: Range{0, 0.5, true}, VariantShare: Range{1, 1, true}, Sort: SortWorst},
		"base=2&base_low=0.25&label=0&shift=fog:2&q=cat&sort=drop&reverse=true&page=7&token=x": {
			Variant: "pruned-1", Base: []int{2}, Label: []int{0}, BaseShare: Range{0.25, 1, true}, Shift: "fog:2", Text: "cat", Sort: SortDrop, Reverse: true},
	} {
		values, err := url.ParseQuery(address)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseQuery(values, x, "page", "token")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v, want %+v", address, got, err, want)
		}
	}
}

func TestParseQueryRefuses(t *testing.T) {
	x := defaultPlan().make(t).index(t)
	for address, want := range map[string]string{
		"variant=pruned-9":               `variant "pruned-9" is unknown; the nearest known is "pruned-`,
		"variant=pruned-1&variant=x":     `variant is given twice, as "pruned-1" and "x"`,
		"truth=clas+3":                   `class "clas 3" is unknown; the nearest known is "class 3"`,
		"label=5":                        `class "5" is unknown`,
		"flip=right":                     `flip "right" is unknown`,
		"pie=yes":                        `pie="yes", want 1 or 0`,
		"margin_low=1.5":                 `margin: from 1.5 to 1`,
		"margin_low=NaN":                 `margin: from NaN to 1`,
		"share_low=half":                 `share="half", want a share from 0 to 1`,
		"base_low=.5&base_high=.4":       `base: from 0.5 to 0.4`,
		"shift=frog:1":                   `shift "frog:1" is unknown; the nearest known is "fog:1"`,
		"sort=best":                      `order "best" is unknown`,
		"a.lihgt=day":                    `attribute "lihgt" is unknown; the nearest known is "light"`,
		"a.lihgt=":                       `attribute "lihgt" is unknown`,
		"a.light=dya":                    `value of attribute light "dya" is unknown; the nearest known is "day"`,
		"missing=day":                    `attribute "day" is unknown`,
		"turth=cat":                      `parameter "turth" is unknown; the nearest known is "truth"`,
		"page=1":                         `parameter "page" is unknown`,
		"q=" + strings.Repeat("x", 1001): `longer than 1,000 bytes`,
	} {
		values, err := url.ParseQuery(address)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := ParseQuery(values, x); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want an error with %q, got %+v, %v", address, want, q, err)
		}
	}
}

// FuzzParseQuery: whatever an address says, it is refused or it is a query that
// can be answered and that its own address gives back.
func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{
		"", "variant=pruned-2&truth=1&base=0&label=4", "pie=1&certified=1&changed=0&tie=true", "flip=none&flip=right_to_wrong",
		"margin_low=0.1&margin_high=1&base_low=-0&share_high=1e-3", "a.light=day&a.light=&missing=light", "shift=fog:1&q=CAT%26&sort=variant-share&reverse=on",
		"truth=%3Cscript%3Ea%26b%3Dc%3B%C3%A9+%2B%25%2F3", "a.=&missing=&a.a%3Db%26c=100+%25+%3D+all", "q=%ff%fe", "sort=&sort=row", "%zz=1", "page=3",
	} {
		f.Add(seed)
	}
	x := oddNames(f)
	f.Fuzz(func(t *testing.T, address string) {
		values, err := url.ParseQuery(address)
		if err != nil {
			return
		}
		q, err := ParseQuery(values, x)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "gallery: ") || len(err.Error()) > 1000 {
				t.Errorf("%q: %v", address, err)
			}
			return
		}
		r, err := x.Select(q)
		if err != nil {
			t.Fatalf("%q is read as %+v, which Select refuses: %v", address, q, err)
		}
		if got := r.Page(0, x.Len()); len(got) != r.Total {
			t.Errorf("%q: %d rows, the total is %d", address, len(got), r.Total)
		}
		again, err := ParseQuery(q.Values(x), x)
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Errorf("%q: %+v reads back as %+v, %v", address, q, again, err)
		}
	})
}
