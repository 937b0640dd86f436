package dataset

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// CheckOptions say how thoroughly [Catalog.Check] looks.
type CheckOptions struct {
	Quick    bool    // labels and metadata only: no image is decoded, no file hashed
	BadLimit float64 // share of bad images, in [0, 1], from which it is a problem
	Workers  int     // goroutines that decode; 0 is one for each CPU that Go may use
	// Progress, if set, is called from time to time with the images of a split
	// that have been looked at.
	Progress func(split Split, done, of int)
}

// DefaultCheckOptions decode everything and bear 1 % of bad images.
func DefaultCheckOptions() CheckOptions { return CheckOptions{BadLimit: 0.01} }

// Check is what is there at a data source, and what is wrong with it.
type Check struct {
	Source   string       `json:"source"`
	Known    []Match      `json:"known,omitempty"` // published sets with files of these names
	Splits   []SplitCheck `json:"splits"`
	Problems []string     `json:"problems,omitempty"` // why it should not be used as it is; none: all is well
}

// SplitCheck is what is there in one split.
type SplitCheck struct {
	Split      Split            `json:"split"`
	Name       string           `json:"name,omitempty"`
	Examples   int              `json:"examples"`
	Classes    []Count          `json:"classes,omitempty"` // by class number
	Attributes []AttributeCount `json:"attributes,omitempty"`
	Notes      []string         `json:"notes,omitempty"`
	Digest     string           `json:"digest,omitempty"` // see [Digest]
	Error      string           `json:"error,omitempty"`  // why it cannot be read at all

	// Of the images; zero after a quick check.
	Decoded    int        `json:"decoded"`
	Smallest   Size       `json:"smallest"` // least height and least width
	Largest    Size       `json:"largest"`  // greatest height and greatest width
	Bad        []BadCheck `json:"bad,omitempty"`
	Duplicates Duplicates `json:"duplicates"`
}

// Count is a name and how many examples have it.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// AttributeCount is how many examples have each value of an attribute.
type AttributeCount struct {
	Name    string  `json:"name"`
	Values  []Count `json:"values"`
	Missing int     `json:"missing,omitempty"`
}

// BadCheck is one image that cannot be had.
type BadCheck struct {
	ID    ExampleID `json:"id"`
	Fault Fault     `json:"fault"`
	Error string    `json:"error"`
}

// Duplicates counts images with the very pixels of an earlier one, in this
// split or in one checked before it.
type Duplicates struct {
	Images     int `json:"images"`
	OtherLabel int `json:"other_label,omitempty"` // and another class than that one
	OtherSplit int `json:"other_split,omitempty"` // that one is in another split
}

// Check looks at every split that a source has, or at the one it names. What
// it finds wrong is in the result; the error is about the source as written,
// or an interruption.
func (c Catalog) Check(ctx context.Context, source string, o CheckOptions) (*Check, error) {
	src, err := ParseSource(source)
	if err != nil {
		return nil, err
	}
	kind, err := c.Kind(src.Kind)
	if err != nil {
		return nil, &SourceError{Source: source, Err: err}
	}
	req, _, err := kind.settings(src)
	if err != nil {
		return nil, &SourceError{Source: source, Err: err}
	}
	out := &Check{Source: source}
	if !o.Quick {
		if err := out.compare(ctx, kind, src.Path); err != nil {
			return nil, err
		}
	}
	splits, err := kind.splitsOf(ctx, src, req)
	if err != nil {
		return nil, kind.explain(src, err)
	}
	pixels := pixelIndex{first: map[[16]byte]seen{}}
	for _, s := range splits {
		one := src
		if s != SplitUnknown {
			one = src.With("split", string(s))
		}
		sc, err := c.checkSplit(ctx, one, s, o, &pixels)
		if err != nil {
			return nil, err
		}
		out.Splits = append(out.Splits, *sc)
	}
	out.judge(o)
	return out, nil
}

// splitsOf are the splits to check.
func (k *Kind) splitsOf(ctx context.Context, src Source, req Request) ([]Split, error) {
	if _, ok := src.Value("split"); ok {
		return []Split{req.Split}, nil
	}
	if k.FindSplits == nil {
		return k.Splits, nil
	}
	req.Split = SplitUnknown
	return k.FindSplits(ctx, req)
}

// compare keeps the known sets that fit the files best.
func (c *Check) compare(ctx context.Context, k *Kind, dir string) error {
	var found, same []Match
	for i := range k.Known {
		m, err := k.Known[i].Compare(ctx, dir)
		if err != nil {
			return err
		}
		if len(m.Same)+len(m.Differ) > 0 {
			found = append(found, *m)
		}
		if len(m.Same) > 0 {
			same = append(same, *m)
		}
	}
	c.Known = found
	if len(same) > 0 {
		c.Known = same
	}
	return nil
}

func (c Catalog) checkSplit(ctx context.Context, src Source, split Split, o CheckOptions, pixels *pixelIndex) (*SplitCheck, error) {
	sc := &SplitCheck{Split: split}
	opened, err := c.Open(ctx, src.String())
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		sc.Error = err.Error()
		return sc, nil
	}
	d := opened.Dataset
	sc.Name, sc.Examples, sc.Notes, sc.Digest = d.Name(), d.Len(), opened.Notes, Digest(d)
	sc.count(d)
	if !o.Quick {
		err = sc.decode(ctx, d, o, pixels)
	}
	return sc, errors.Join(err, d.Close())
}

// count fills in the counts of classes and attributes.
func (sc *SplitCheck) count(d Dataset) {
	for _, name := range d.Classes() {
		sc.Classes = append(sc.Classes, Count{Name: name})
	}
	for _, a := range d.Attributes() {
		ac := AttributeCount{Name: a.Name}
		for _, v := range a.Values {
			ac.Values = append(ac.Values, Count{Name: v})
		}
		sc.Attributes = append(sc.Attributes, ac)
	}
	for i := range d.Len() {
		e := d.Example(i)
		sc.Classes[e.Label].Count++
		for a, code := range e.Attributes {
			if code == Missing {
				sc.Attributes[a].Missing++
			} else {
				sc.Attributes[a].Values[code].Count++
			}
		}
	}
}

// looked is what became of one image.
type looked struct {
	size Size
	sum  [16]byte
	bad  *BadImage
	err  error
}

// decode looks at every image, a block at a time: workers decode, then the
// results are taken in order, so that the check says the same every time.
func (sc *SplitCheck) decode(ctx context.Context, d Dataset, o CheckOptions, pixels *pixelIndex) error {
	workers := o.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	block := make([]looked, 256)
	for from := 0; from < d.Len(); from += len(block) {
		n := min(len(block), d.Len()-from)
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for k := w; k < n; k += workers {
					block[k] = look(ctx, d, from+k)
				}
			})
		}
		wg.Wait()
		for k, l := range block[:n] {
			if l.err != nil {
				return fmt.Errorf("%s: example %s: %w", d.Name(), d.Example(from+k).ID, l.err)
			}
			sc.take(d.Example(from+k), l, pixels)
		}
		if o.Progress != nil {
			o.Progress(sc.Split, from+n, d.Len())
		}
	}
	return nil
}

func look(ctx context.Context, d Dataset, i int) looked {
	im, err := d.Image(ctx, i)
	if err != nil {
		var bad *BadImage
		if errors.As(err, &bad) {
			return looked{bad: bad}
		}
		return looked{err: err}
	}
	h := sha256.New()
	fmt.Fprintf(h, "%dx%dx%d\n", im.Height, im.Width, im.Channels)
	h.Write(im.Pix)
	l := looked{size: Size{im.Height, im.Width}}
	copy(l.sum[:], h.Sum(nil))
	return l
}

func (sc *SplitCheck) take(e Example, l looked, pixels *pixelIndex) {
	if l.bad != nil {
		sc.Bad = append(sc.Bad, BadCheck{e.ID, l.bad.Fault(), l.bad.Error()})
		return
	}
	if sc.Decoded == 0 {
		sc.Smallest, sc.Largest = l.size, l.size
	}
	sc.Decoded++
	sc.Smallest = Size{min(sc.Smallest.Height, l.size.Height), min(sc.Smallest.Width, l.size.Width)}
	sc.Largest = Size{max(sc.Largest.Height, l.size.Height), max(sc.Largest.Width, l.size.Width)}
	first, again := pixels.add(l.sum, e)
	if !again {
		return
	}
	sc.Duplicates.Images++
	if first.label != e.Label {
		sc.Duplicates.OtherLabel++
	}
	if first.split != e.Split {
		sc.Duplicates.OtherSplit++
	}
}

// pixelIndex knows the first example of every picture.
type pixelIndex struct{ first map[[16]byte]seen }

type seen struct {
	label Label
	split Split
}

func (p *pixelIndex) add(sum [16]byte, e Example) (first seen, again bool) {
	if first, again = p.first[sum]; !again {
		p.first[sum] = seen{e.Label, e.Split}
	}
	return first, again
}

// judge lists what should not be so.
func (c *Check) judge(o CheckOptions) {
	add := func(format string, args ...any) { c.Problems = append(c.Problems, fmt.Sprintf(format, args...)) }
	for _, m := range c.Known {
		if len(m.Same) > 0 && len(m.Differ) > 0 {
			add("%s: %d files have the published content and %d do not: %v", m.Set, len(m.Same), len(m.Differ), m.Differ)
		}
	}
	for i := range c.Splits {
		s := &c.Splits[i]
		where := ""
		if s.Split != SplitUnknown {
			where = string(s.Split) + ": "
		}
		if s.Error != "" {
			add("%s%s", where, s.Error)
			continue
		}
		if n := len(s.Bad); float64(n) > o.BadLimit*float64(s.Examples) {
			add("%s%d of %d images cannot be read, the limit is %g %%", where, n, s.Examples, 100*o.BadLimit)
		}
		if empty := emptyClasses(s.Classes); len(empty) > 0 {
			add("%s%d of %d classes have no example: %s", where, len(empty), len(s.Classes), ShortList(empty, 5))
		}
	}
}

func emptyClasses(counts []Count) []string {
	var out []string
	for _, k := range counts {
		if k.Count == 0 {
			out = append(out, k.Name)
		}
	}
	return out
}

// ShortList joins the first few names and says how many more there are.
func ShortList(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
