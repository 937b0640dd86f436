package index

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/finding"
)

// The keys of a query in an address. Where a key is repeated one of its values
// must hold; an empty value does not filter, so that a form may send all its
// fields.
const (
	keyVariant   = "variant"
	keyTruth     = "truth" // a class by name, or by number where no class has that name
	keyBase      = "base"
	keyLabel     = "label"
	keyAttribute = "a."      // a.NAME=VALUE
	keyMissing   = "missing" // missing=NAME: the attribute is not known
	keyFlip      = "flip"
	keyPIE       = "pie" // 1 or true
	keyCertified = "certified"
	keyChanged   = "changed"
	keyTie       = "tie"
	keyMargin    = "margin" // margin_low=SHARE, margin_high=SHARE
	keyBaseShare = "base"   // base_low=SHARE, base_high=SHARE
	keyShare     = "share"
	keyLow       = "_low"
	keyHigh      = "_high"
	keyShift     = "shift"
	keyText      = "q"
	keySort      = "sort"
	keyReverse   = "reverse"
)

// ParseQuery reads a query from the values of an address. Unknown keys and
// names are errors that say the nearest known; also are keys that the caller
// reads itself. Names of groups are known when the predictions have been read,
// and a query that has some waits for them.
func ParseQuery(v url.Values, x *Index, also ...string) (Query, error) {
	p := &parser{x: x, values: v, known: append([]string{keyMissing}, also...)}
	q := Query{
		Variant: p.one(keyVariant), Truth: p.classes(keyTruth), Base: p.classes(keyBase), Label: p.classes(keyLabel),
		PIE: p.flag(keyPIE), Certified: p.flag(keyCertified), Changed: p.flag(keyChanged), Tie: p.flag(keyTie),
		Margin: p.shares(keyMargin), BaseShare: p.shares(keyBaseShare), VariantShare: p.shares(keyShare),
		Shift: p.one(keyShift), Text: p.one(keyText), Sort: Sort(p.one(keySort)), Reverse: p.flag(keyReverse),
	}
	for _, f := range p.all(keyFlip) {
		q.Flips = append(q.Flips, finding.Flip(f))
		p.check("flip", f, names(flips()))
	}
	q.Attributes = p.attributes()
	if _, err := x.numberOf(q.Variant); err != nil {
		p.fail(err)
	}
	if q.Sort != "" {
		p.check("order", string(q.Sort), names(Sorts()))
	}
	if q.Shift != "" {
		p.check("shift", q.Shift, x.Shifts())
	}
	if len(q.Text) > maxText {
		p.fail(errText)
	}
	p.rest()
	if p.err != nil {
		return Query{}, p.err
	}
	return q.canonical(x), nil
}

// parser reads keys; the first error stays.
type parser struct {
	x      *Index
	values url.Values
	known  []string // keys that were looked for
	err    error
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *parser) check(what, name string, known []string) {
	if !slices.Contains(known, name) {
		p.fail(unknown(what, name, known))
	}
}

// all are the values of a key that are not empty.
func (p *parser) all(key string) []string {
	p.known = append(p.known, key)
	var out []string
	for _, v := range p.values[key] {
		if v != "" {
			out = append(out, v)
		}
	}
	return out
}

// one is the value of a key that is given once.
func (p *parser) one(key string) string {
	all := p.all(key)
	if len(all) == 0 {
		return ""
	}
	for _, v := range all[1:] {
		if v != all[0] {
			p.fail(fmt.Errorf("gallery: %s is given twice, as %q and %q", key, shortened(all[0]), shortened(v)))
		}
	}
	return all[0]
}

func (p *parser) flag(key string) bool {
	switch v := p.one(key); v {
	case "", "0", "false":
		return false
	case "1", "true", "on":
		return true
	default:
		p.fail(fmt.Errorf("gallery: %s=%q, want 1 or 0", key, shortened(v)))
		return false
	}
}

func (p *parser) classes(key string) []int {
	var out []int
	for _, name := range p.all(key) {
		class, ok := p.x.classNo[name]
		if !ok {
			n, err := strconv.Atoi(name)
			if ok = err == nil && n >= 0 && n < len(p.x.classes); ok {
				class = n
			}
		}
		if !ok {
			p.fail(unknown("class", name, p.x.classes))
		}
		out = append(out, class)
	}
	return out
}

func (p *parser) shares(key string) Range {
	low, high := p.one(key+keyLow), p.one(key+keyHigh)
	if low == "" && high == "" {
		return Range{}
	}
	r := Range{Low: 0, High: 1, Set: true}
	for _, b := range []struct {
		text string
		to   *float64
	}{{low, &r.Low}, {high, &r.High}} {
		if b.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(b.text, 64)
		if err != nil {
			p.fail(fmt.Errorf("gallery: %s=%q, want a share from 0 to 1", key, shortened(b.text)))
		}
		*b.to = v + 0 // -0 is 0
	}
	if err := r.check(key); err != nil {
		p.fail(err)
	}
	return r
}

// attributes reads the groups. An empty value is one only where the attribute
// has it.
func (p *parser) attributes() []Value {
	var out []Value
	for _, key := range sortedKeys(p.values) {
		name, ok := strings.CutPrefix(key, keyAttribute)
		if !ok || slices.Contains(p.known, key) {
			continue
		}
		p.known = append(p.known, key)
		for _, v := range p.values[key] {
			out = append(out, Value{Name: name, Value: v})
		}
	}
	for _, name := range p.all(keyMissing) {
		out = append(out, Value{Name: name, Missing: true})
	}
	if len(out) == 0 {
		return nil
	}
	if err := p.x.groups(); err != nil {
		p.fail(err)
		return nil
	}
	kept := out[:0]
	for _, v := range out {
		_, err := p.x.loaded.rowsOf(v)
		if err != nil && v.Value == "" && !v.Missing {
			if _, err = p.x.loaded.attribute(v.Name); err == nil {
				continue
			}
		}
		if err != nil {
			p.fail(err)
		}
		kept = append(kept, v)
	}
	return kept
}

// rest refuses keys that nobody reads.
func (p *parser) rest() {
	for _, key := range sortedKeys(p.values) {
		if !slices.Contains(p.known, key) {
			p.fail(unknown("parameter", key, append(slices.Clone(p.known), keyAttribute+"NAME")))
		}
	}
}

func sortedKeys(v url.Values) []string {
	out := make([]string, 0, len(v))
	for k := range v {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Values writes the query for an address; [ParseQuery] reads the same query
// from it. [Query.Only] is left out.
func (q Query) Values(x *Index) url.Values {
	q = q.canonical(x)
	v := url.Values{keyVariant: {q.Variant}}
	for key, classes := range map[string][]int{keyTruth: q.Truth, keyBase: q.Base, keyLabel: q.Label} {
		for _, c := range classes {
			v.Add(key, x.className(c))
		}
	}
	for _, a := range q.Attributes {
		if a.Missing {
			v.Add(keyMissing, a.Name)
		} else {
			v.Add(keyAttribute+a.Name, a.Value)
		}
	}
	for _, f := range q.Flips {
		v.Add(keyFlip, string(f))
	}
	for key, on := range map[string]bool{keyPIE: q.PIE, keyCertified: q.Certified, keyChanged: q.Changed, keyTie: q.Tie, keyReverse: q.Reverse} {
		if on {
			v.Set(key, "1")
		}
	}
	for key, r := range map[string]Range{keyMargin: q.Margin, keyBaseShare: q.BaseShare, keyShare: q.VariantShare} {
		if r.Set {
			v.Set(key+keyLow, strconv.FormatFloat(r.Low, 'g', -1, 64))
			v.Set(key+keyHigh, strconv.FormatFloat(r.High, 'g', -1, 64))
		}
	}
	for key, text := range map[string]string{keyShift: q.Shift, keyText: q.Text} {
		if text != "" {
			v.Set(key, text)
		}
	}
	if q.Sort != SortWorst {
		v.Set(keySort, string(q.Sort))
	}
	return v
}

// className is what an address calls a class: its name, or its number where
// the name is empty.
func (x *Index) className(c int) string {
	if c < 0 || c >= len(x.classes) || x.classes[c] == "" {
		return strconv.Itoa(c)
	}
	return x.classes[c]
}
