package index

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/finding"
)

// Row is what happened to one example under one variant. Labels are class
// numbers; votes are numbers of members.
type Row struct {
	Row     int32
	ID      string
	Variant string

	Truth       int // true class
	Base, Label int // modal labels of the baseline and of the variant

	BaseK, VariantK         int // members
	BaseVotes, VariantVotes int // that predict the true class
	BaseTop, VariantTop     int // that predict the modal label

	Margin  float64 // lead of the baseline's first label, in [0, 1]
	Taxicab float64 // distance of the two vote distributions, in [0, 2]

	Flip                         finding.Flip
	PIE, Tie, Changed, Certified bool

	P, Q                   *float64 // vote changed; nil where it could not be tested
	CertifiedP, CertifiedQ *float64 // majority label changed
}

// Row returns what happened to an example under a variant; "" is the first.
func (x *Index) Row(variant string, row int32) (Row, error) {
	v, d, err := x.ready(variant)
	if err == nil {
		err = x.inRange(row)
	}
	if err != nil {
		return Row{}, err
	}
	s, i := &x.shared, int(row)
	k0, kt := x.baseline.K, x.variants[v].K
	flags, t := d.flags[i], d.tests[d.test.At(i)]
	return Row{
		Row: row, ID: string(x.ids.at(row)), Variant: x.variants[v].Name,
		Truth: s.truth.At(i), Base: s.modal.At(i), Label: d.modal.At(i),
		BaseK: k0, VariantK: kt, BaseVotes: s.votes.At(i), VariantVotes: d.votes.At(i), BaseTop: s.top.At(i), VariantTop: d.top.At(i),
		Margin: float64(s.margin.At(i)) / float64(k0), Taxicab: float64(d.taxicab.At(i)) / (float64(k0) * float64(kt)),
		Flip: flips()[flags&flipMask], PIE: flags&isPIE != 0, Tie: flags&isTie != 0, Changed: flags&isChanged != 0, Certified: flags&isCertified != 0,
		P: t.p.pointer(), Q: t.q.pointer(), CertifiedP: t.certifiedP.pointer(), CertifiedQ: t.certifiedQ.pointer(),
	}, nil
}

// Vote is how many members predict a class.
type Vote struct{ Class, N int }

// Votes are all votes of a population on an example, most votes first. The
// population is a variant or the baseline, by name.
func (x *Index) Votes(population string, row int32) ([]Vote, error) {
	if err := x.inRange(row); err != nil {
		return nil, err
	}
	v, side, k := 0, 0, x.baseline.K
	if population != x.baseline.Name {
		var err error
		if v, err = x.numberOf(population); err != nil {
			return nil, err
		}
		side, k = 1, x.variants[v].K
	}
	text := ""
	at := int64(v)*int64(x.n) + int64(row)
	if err := x.in.Examples.Texts("votes", at, 1, func(_ int, b []byte) error { text = string(b); return nil }); err != nil {
		return nil, fmt.Errorf("gallery: %w", err)
	}
	votes, err := parseVotes(text, side, len(x.classes), k)
	if err != nil {
		return nil, fmt.Errorf("gallery: example %q of variant %s: %w", x.ids.at(row), x.variants[v].Name, err)
	}
	return votes, nil
}

// parseVotes reads one side of "3:29 5:1|5:26 3:4".
func parseVotes(text string, side, classes, k int) ([]Vote, error) {
	sides := strings.Split(text, "|")
	if len(sides) != 2 {
		return nil, fmt.Errorf("votes %q: want CLASS:MEMBERS of the baseline, |, and those of the variant", text)
	}
	var out []Vote
	sum := 0
	for field := range strings.FieldsSeq(sides[side]) {
		class, members, ok := strings.Cut(field, ":")
		c, err1 := strconv.Atoi(class)
		n, err2 := strconv.Atoi(members)
		if !ok || err1 != nil || err2 != nil || c < 0 || c >= classes || n < 1 || n > k {
			return nil, fmt.Errorf("votes %q: %q is not CLASS:MEMBERS of %d classes and %d members", text, field, classes, k)
		}
		sum += n
		out = append(out, Vote{c, n})
	}
	if sum != k {
		return nil, fmt.Errorf("votes %q: %d votes of %d members", text, sum, k)
	}
	return out, nil
}

// Point is what one population makes of an example.
type Point struct {
	Variant  string
	Level    *float64
	Modal    int // modal label
	Votes, K int // members that predict the true class, and all
	// Lost is set where the baseline's modal label is the true class and this
	// population's is not.
	Lost bool
}

// Forgetting is what becomes of an example from the baseline, which is first,
// through the variants in the audit's order. It waits until all have been
// read.
func (x *Index) Forgetting(row int32) ([]Point, error) {
	if err := x.inRange(row); err != nil {
		return nil, err
	}
	s, i := &x.shared, int(row)
	truth := s.truth.At(i)
	right := s.modal.At(i) == truth
	out := []Point{{x.baseline.Name, x.baseline.Level, s.modal.At(i), s.votes.At(i), x.baseline.K, false}}
	for v := range x.data {
		if err := x.variant(v); err != nil {
			return nil, err
		}
		d := &x.data[v]
		out = append(out, Point{x.variants[v].Name, x.variants[v].Level, d.modal.At(i), d.votes.At(i), x.variants[v].K, right && d.modal.At(i) != truth})
	}
	return out, nil
}
