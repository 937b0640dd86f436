package study

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/finding"
)

// Match says in what the images of a pair are alike.
type Match string

// The ways to match.
const (
	MatchClass  Match = "class"        // same true class
	MatchMargin Match = "class+margin" // and margins no further apart than Options.Caliper
)

// MinPairs is the fewest pairs that a study may have: with fewer than 6 that
// differ no answer reaches .05.
const MinPairs = 10

// Options say what is drawn.
type Options struct {
	Variant    string   // whose PIEs
	Kind       string   // of examples, as [finding.ExampleFilter] knows them: "pie", "certified", ...
	Pairs      int      // how many PIEs, and as many others; at least [MinPairs]
	Match      Match    // in what the others are like them
	Caliper    float64  // largest difference of margins in a pair, for MatchMargin, in [0, 1]
	Annotators []string // names, distinct; letters, digits, ".", "-" and "_"
	Overlap    int      // people who judge each image; 1 to len(Annotators)
	Seed       uint64   // of everything that is drawn
	Data       string   // the source that images come from, "" if it is named later
}

// DefaultOptions draw 100 PIEs and as many others of the same classes, each
// judged by two people.
func DefaultOptions() Options {
	return Options{Kind: "pie", Pairs: 100, Match: MatchClass, Caliper: 0.1, Overlap: 2, Seed: 1}
}

// Study is the blind part of a plan: all that the server knows.
type Study struct {
	Version       int           `json:"version"`
	Questionnaire Questionnaire `json:"questionnaire"`
	Data          string        `json:"data,omitempty"` // source of the images
	Images        []Image       `json:"images"`         // in random order; annotators are given numbers of them
	Annotators    []Annotator   `json:"annotators"`
	KeyDigest     string        `json:"key_digest"` // of key.json, so that a key of another plan is noticed
}

// Image is one image to judge.
type Image struct {
	ID    string `json:"id"`
	Label string `json:"label,omitempty"` // name of the true class
}

// Annotator is one person's work: places in Study.Images, in the order they are
// shown.
type Annotator struct {
	Name   string `json:"name"`
	Images []int  `json:"images"`
}

// Key says which image is in which group. It stays away from annotators.
type Key struct {
	Version int                   `json:"version"`
	Audit   finding.Config        `json:"audit"` // of the audit: the baseline and the variant only
	Variant string                `json:"variant"`
	Kind    string                `json:"kind"`
	Match   Match                 `json:"match"`
	Caliper *float64              `json:"caliper,omitempty"` // for MatchMargin
	Seed    uint64                `json:"seed"`
	Overlap int                   `json:"overlap"`
	PIEs    int                   `json:"pies"`              // that there were to draw from
	Others  int                   `json:"others"`            // non-PIEs that there were
	Skipped int                   `json:"skipped,omitempty"` // PIEs that were drawn and had no match
	Pairs   []Pair                `json:"pairs"`             // in the order they were drawn
	Inputs  []finding.InputDigest `json:"inputs,omitempty"`  // what was read
	Tool    string                `json:"tool,omitempty"`    // that made the plan
}

// Pair are two images that go together, as places in Study.Images.
type Pair struct {
	PIE   int `json:"pie"`
	Other int `json:"other"`
	Class int `json:"class"`

	PIEMargin   float64 `json:"pie_margin"`
	OtherMargin float64 `json:"other_margin"`
}

// TooFewError says that there are not enough examples for a study.
type TooFewError struct {
	Want, Have int    // pairs
	PIEs       int    // examples of the kind
	Kind       string // what was drawn
	Variant    string
	Match      Match
	Short      []string // classes that ran out of others: "cat (2 of 12)"
}

// Error says how many there are and what would do.
func (e *TooFewError) Error() string {
	s := fmt.Sprintf("study: %d pairs were asked for and %d can be made: %s has %d examples of the kind %q", e.Want, e.Have, e.Variant, e.PIEs, e.Kind)
	if len(e.Short) > 0 {
		s += fmt.Sprintf("; matched by %s, others run out for %s", e.Match, strings.Join(e.Short, ", "))
	}
	if e.Have >= MinPairs {
		return s + fmt.Sprintf("; ask for %d pairs or fewer", e.Have)
	}
	return s + fmt.Sprintf("; a study needs at least %d", MinPairs)
}

// annotatorName is what a file of answers may be called.
var annotatorName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// validate says what is wrong with options.
func (o *Options) validate() error {
	switch {
	case o.Pairs < MinPairs:
		return fmt.Errorf("study: %d pairs, want at least %d", o.Pairs, MinPairs)
	case o.Match != MatchClass && o.Match != MatchMargin:
		return fmt.Errorf("study: match by %q, want %s or %s", o.Match, MatchClass, MatchMargin)
	case !(o.Caliper >= 0 && o.Caliper <= 1):
		return fmt.Errorf("study: caliper %v, want a difference of margins in [0, 1]", o.Caliper)
	case o.Kind == "all" || o.Kind == "ties":
		return fmt.Errorf("study: examples of the kind %q are no group to compare with others", o.Kind)
	case len(o.Annotators) == 0:
		return errors.New("study: there are no annotators")
	case o.Overlap < 1 || o.Overlap > len(o.Annotators):
		return fmt.Errorf("study: every image judged by %d of %d annotators; want 1 to %d", o.Overlap, len(o.Annotators), len(o.Annotators))
	}
	seen := map[string]bool{}
	for _, name := range o.Annotators {
		if !annotatorName.MatchString(name) {
			return fmt.Errorf("study: annotator %q: want up to 40 letters, digits, dots, hyphens and underscores", name)
		}
		if seen[strings.ToLower(name)] {
			return fmt.Errorf("study: two annotators are called %q", name)
		}
		seen[strings.ToLower(name)] = true
	}
	return nil
}

// AnnotatorNames makes names of "3" or "ann,bob".
func AnnotatorNames(s string) ([]string, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 || n > 1000 {
			return nil, fmt.Errorf("study: %d annotators, want 1 to 1000", n)
		}
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf("annotator-%d", i+1))
		}
		return out, nil
	}
	var out []string
	for _, name := range strings.Split(s, ",") {
		out = append(out, strings.TrimSpace(name))
	}
	return out, nil
}

// Draw makes a plan from the examples of an audit. rows are those of its table
// of examples; config is the audit's, for the names of classes and variants.
// The same input and options give the same plan.
func Draw(config *finding.Config, rows iter.Seq2[*finding.ExampleRow, error], q Questionnaire, o Options) (*Study, *Key, error) {
	if err := o.validate(); err != nil {
		return nil, nil, err
	}
	audit, err := narrowed(config, o.Variant)
	if err != nil {
		return nil, nil, err
	}
	pool, err := gather(rows, &o)
	if err != nil {
		return nil, nil, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x7374756479)) // "study"
	drawn, err := pool.pairs(rng, &o, config.Classes)
	if err != nil {
		return nil, nil, err
	}
	k := &Key{
		Version: Version, Audit: *audit, Variant: o.Variant, Kind: o.Kind, Match: o.Match, Seed: o.Seed, Overlap: o.Overlap,
		PIEs: len(pool.pies), Others: pool.others, Skipped: drawn.skipped,
	}
	if o.Match == MatchMargin {
		k.Caliper = &o.Caliper
	}
	s := &Study{Version: Version, Questionnaire: q, Data: o.Data}
	place(s, k, drawn.list, config.Classes, rng)
	assign(s, k, &o, rng)
	return s, k, nil
}

// narrowed is an audit's configuration with the baseline and one variant.
func narrowed(config *finding.Config, variant string) (*finding.Config, error) {
	if len(config.Populations) == 0 {
		return nil, errors.New("study: the audit has no populations")
	}
	var names []string
	out := *config
	out.Populations = config.Populations[:1:1]
	for _, p := range config.Populations[1:] {
		names = append(names, p.Name)
		if p.Name == variant {
			out.Populations = append(out.Populations, p)
		}
	}
	if len(out.Populations) != 2 {
		return nil, fmt.Errorf("study: the audit has no variant %q; it has %s", variant, strings.Join(names, ", "))
	}
	out.Checks, out.Inputs, out.Warnings, out.Shifts, out.Join.Notes = nil, nil, nil, nil, nil
	return &out, nil
}

// place puts the images of pairs into a random order.
func place(s *Study, k *Key, pairs [][2]candidate, classes []string, rng *rand.Rand) {
	places := rng.Perm(2 * len(pairs))
	s.Images = make([]Image, len(places))
	label := func(class int32) string {
		if class >= 0 && int(class) < len(classes) {
			return classes[class]
		}
		return ""
	}
	for i, p := range pairs {
		at := [2]int{places[2*i], places[2*i+1]}
		for side, c := range p {
			s.Images[at[side]] = Image{ID: c.id, Label: label(c.class)}
		}
		k.Pairs = append(k.Pairs, Pair{
			PIE: at[0], Other: at[1], Class: int(p[0].class), PIEMargin: p[0].margin, OtherMargin: p[1].margin,
		})
	}
}

// assign gives every pair to Overlap annotators who have the least to do, and
// every annotator an order of their own.
func assign(s *Study, k *Key, o *Options, rng *rand.Rand) {
	load := make([]int, len(o.Annotators))
	for _, name := range o.Annotators {
		s.Annotators = append(s.Annotators, Annotator{Name: name})
	}
	for _, p := range k.Pairs {
		for _, i := range least(load, o.Overlap, rng) {
			load[i]++
			s.Annotators[i].Images = append(s.Annotators[i].Images, p.PIE, p.Other)
		}
	}
	for i := range s.Annotators {
		list := s.Annotators[i].Images
		rng.Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
	}
}

// least are n places with the smallest loads, equal ones drawn at random.
func least(load []int, n int, rng *rand.Rand) []int {
	order := rng.Perm(len(load))
	for i := range n { // selection: n is small
		best := i
		for j := i + 1; j < len(order); j++ {
			if load[order[j]] < load[order[best]] {
				best = j
			}
		}
		order[i], order[best] = order[best], order[i]
	}
	return order[:n]
}
