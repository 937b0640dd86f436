package compress

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The names of the schemes.
const (
	Float16     = "float16"
	Int8Dynamic = "int8-dynamic"
	Int8Static  = "int8-static"
	Int4Weights = "int4-weights"
	Sparsity    = "sparsity"
)

// Names lists the schemes, the mildest first.
func Names() []string { return []string{Float16, Int8Dynamic, Int8Static, Int4Weights, Sparsity} }

// Spec names a scheme as it is written on the command line.
type Spec struct {
	Scheme string // one of [Names]
	// Sparsity is the share of weights to remove, in [0, 1); Pattern is "2:4"
	// where 2 of every 4 neighbours stay, and "" otherwise. For the scheme
	// sparsity only.
	Sparsity float64
	Pattern  string
}

// String writes the spec so that [Parse] gives it back.
func (s Spec) String() string {
	switch {
	case s.Scheme != Sparsity:
		return s.Scheme
	case s.Pattern != "":
		return Sparsity + "=" + s.Pattern
	}
	return Sparsity + "=" + strconv.FormatFloat(s.Sparsity, 'g', -1, 64)
}

// Parse reads a spec: "float16", "int8-static", "sparsity=0.7", "sparsity=2:4".
func Parse(text string) (Spec, error) {
	name, value, valued := strings.Cut(text, "=")
	switch {
	case !slices.Contains(Names(), name):
		return Spec{}, fmt.Errorf("scheme %q: %w; the schemes are %s and %s=S", text, ErrSpec, strings.Join(Names()[:4], ", "), Sparsity)
	case name != Sparsity && valued:
		return Spec{}, fmt.Errorf("scheme %q: %w: %s takes no value", text, ErrSpec, name)
	case name != Sparsity:
		return Spec{Scheme: name}, nil
	case value == "2:4":
		return Spec{Scheme: name, Sparsity: 0.5, Pattern: value}, nil
	}
	s, err := sparsityOf(text, value)
	return Spec{Scheme: name, Sparsity: s}, err
}

func sparsityOf(text, value string) (float64, error) {
	s, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0, fmt.Errorf("scheme %q: %w: want a share of weights to remove, such as sparsity=0.7, or sparsity=2:4", text, ErrSpec)
	}
	if !(s >= 0 && s < 1) {
		return 0, fmt.Errorf("scheme %q: %w: want a share of weights to remove, from 0 and below 1", text, ErrSparsity)
	}
	return s, nil
}

// maxLadder limits the steps of one range.
const maxLadder = 100

// ParseLadder reads a list of specs separated by commas, in which
// sparsity=FROM:TO:STEP stands for every sparsity from FROM to TO, both
// included. A scheme that occurs twice is an error.
func ParseLadder(text string) ([]Spec, error) {
	var out []Spec
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		some, err := parseRange(part)
		if err != nil {
			return nil, err
		}
		for _, s := range some {
			if slices.Contains(out, s) {
				return nil, fmt.Errorf("ladder %q: %w: %s occurs twice", text, ErrSpec, s)
			}
			out = append(out, s)
		}
	}
	return out, nil
}

func parseRange(part string) ([]Spec, error) {
	name, value, _ := strings.Cut(part, "=")
	ends := strings.Split(value, ":")
	if name != Sparsity || len(ends) != 3 {
		s, err := Parse(part)
		return []Spec{s}, err
	}
	var v [3]float64
	for i, end := range ends {
		var err error
		if v[i], err = sparsityOf(part, end); err != nil {
			return nil, err
		}
	}
	steps := (v[1] - v[0]) / v[2]
	if !(v[2] > 0 && steps >= 0 && steps < maxLadder) {
		return nil, fmt.Errorf("scheme %q: %w: want sparsity=FROM:TO:STEP with FROM at most TO and at most %d steps", part, ErrSpec, maxLadder)
	}
	var out []Spec
	for i := range int(steps+1e-9) + 1 {
		out = append(out, Spec{Scheme: Sparsity, Sparsity: decimal(v[0] + float64(i)*v[2])})
	}
	return out, nil
}

// decimal takes what binary steps leave behind off a share: 0.3 + 2·0.2 is 0.7.
func decimal(v float64) float64 { return math.Round(v*1e9) / 1e9 }
