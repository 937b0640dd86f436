package study

import (
	"errors"
	"fmt"
	"math"

	"github.com/lethe-audit/lethe/stat/agree"
	"github.com/lethe-audit/lethe/stat/interval"
	"github.com/lethe-audit/lethe/stat/multiple"
	"github.com/lethe-audit/lethe/stat/permutation"
	"github.com/lethe-audit/lethe/stat/power"
)

// Result is what people said about PIEs and about the others.
type Result struct {
	Properties []Property
	Family     int // properties that were tested together
	Pairs      int // in the study
	Complete   bool
}

// Group is what people said about the images of one group, for one property.
type Group struct {
	Share    float64 // mean over images of the share of yes
	Interval interval.Interval
	Answers  int // yes and no that count
	Unsure   int // "cannot say"
}

// Property is the answer to one question.
type Property struct {
	Question   Question
	Pairs      int   // with an answer about both images by the same person
	PIE, Other Group // undefined if Pairs is 0
	Left       int   // yes and no without a counterpart about the pair's other image

	Difference float64 // PIE.Share − Other.Share
	Interval   interval.Interval
	Test       permutation.FlipResult
	Tested     bool // in the family: enough pairs differ to reach the level
	BH         float64
	Holm       float64
	BY         float64
	MDE        *float64 // smallest difference that would have been found in 4 of 5 such studies

	Kappa, Alpha       agree.Result // over images
	KappaErr, AlphaErr error        // why one is not measurable
	KappaImages        int          // images with an answer from all who were asked
}

// IncompleteError says what is not answered yet.
type IncompleteError struct {
	Missing []string // "ann (3 of 100 images)"
	Images  int
}

// Error names the annotators.
func (e *IncompleteError) Error() string {
	s := fmt.Sprintf("study: %d images are not answered yet", e.Images)
	for i, m := range e.Missing {
		if i == 10 {
			return s + fmt.Sprintf(" and %d more", len(e.Missing)-i)
		}
		if i == 0 {
			s += ": " + m
			continue
		}
		s += ", " + m
	}
	return s
}

// incomplete is an [*IncompleteError], or nil if all is answered.
func incomplete(s *Study, sheets []Sheet) error {
	e := &IncompleteError{}
	for i := range s.Annotators {
		a := &s.Annotators[i]
		if left := len(a.Images) - sheets[i].Done(a); left > 0 {
			e.Images += left
			e.Missing = append(e.Missing, fmt.Sprintf("%s (%d of %d left)", a.Name, left, len(a.Images)))
		}
	}
	if e.Images > 0 {
		return e
	}
	return nil
}

// Unblind computes the result of a study. Unless partial is true it fails with
// an [*IncompleteError] where an answer is missing.
func Unblind(s *Study, k *Key, sheets []Sheet, partial bool) (*Result, error) {
	if len(sheets) != len(s.Annotators) {
		return nil, fmt.Errorf("study: %d sheets of answers for %d annotators", len(sheets), len(s.Annotators))
	}
	missing := incomplete(s, sheets)
	if missing != nil && !partial {
		return nil, missing
	}
	r := &Result{Pairs: len(k.Pairs), Complete: missing == nil}
	for q := range s.Questionnaire.Questions {
		p, err := property(s, k, sheets, q)
		if err != nil {
			return nil, err
		}
		r.Properties = append(r.Properties, *p)
	}
	return r, r.correct()
}

// answered are the answers about both images of a pair.
type answered struct{ pie, other, yesPIE, yesOther int }

// property counts and tests one property.
func property(s *Study, k *Key, sheets []Sheet, q int) (*Property, error) {
	p := &Property{Question: s.Questionnaire.Questions[q]}
	var pie, other interval.Clusters
	var differences []float64
	for _, pair := range k.Pairs {
		n := p.count(pair, sheets, q)
		if n.pie == 0 {
			continue
		}
		x, y := float64(n.yesPIE)/float64(n.pie), float64(n.yesOther)/float64(n.other)
		pie.Means, other.Means = append(pie.Means, x), append(other.Means, y)
		// A difference of whole numbers over one denominator: 0 is exactly 0.
		differences = append(differences, float64(n.yesPIE-n.yesOther)/float64(n.pie))
		pie.Answers += n.pie
		other.Answers += n.other
	}
	p.Pairs, p.PIE.Answers, p.Other.Answers = len(differences), pie.Answers, other.Answers
	p.agreement(s, sheets, q)
	if p.Pairs == 0 {
		return p, nil
	}
	return p, p.compare(pie, other, differences, k.level(), k.alpha())
}

// count counts the people who answered about both images of a pair.
func (p *Property) count(pair Pair, sheets []Sheet, q int) (n answered) {
	for _, sheet := range sheets {
		a, b := said(sheet, pair.PIE, q), said(sheet, pair.Other, q)
		for side, v := range []Answer{a, b} {
			if v == Unsure {
				[]*Group{&p.PIE, &p.Other}[side].Unsure++
			}
		}
		switch x, y := decided(a), decided(b); {
		case x && y:
			n.pie++
			n.other++
			n.yesPIE += one(a == Yes)
			n.yesOther += one(b == Yes)
		case x || y:
			p.Left++
		}
	}
	return n
}

func said(s Sheet, image, q int) Answer {
	if list, ok := s[image]; ok {
		return list[q]
	}
	return None
}

func decided(a Answer) bool { return a == Yes || a == No }

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compare fills in shares, intervals and the test.
func (p *Property) compare(pie, other interval.Clusters, differences []float64, level, alpha float64) (err error) {
	var err1, err2, err3 error
	p.PIE.Share, p.Other.Share = pie.Mean(), other.Mean()
	p.PIE.Interval, err1 = interval.WilsonClusters(pie, level)
	p.Other.Interval, err2 = interval.WilsonClusters(other, level)
	p.Interval, err3 = interval.NewcombeClusters(pie, other, level)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("study: %s: %w", p.Question.ID, err)
	}
	p.Difference = p.PIE.Share - p.Other.Share
	p.Test, err = permutation.SignFlip(differences)
	switch {
	case errors.Is(err, permutation.ErrNoSpread):
		return nil
	case err != nil:
		return fmt.Errorf("study: %s: %w", p.Question.ID, err)
	}
	p.Difference = p.Test.Mean
	// The smallest P of all signs is 2/2^n: with fewer it cannot reach the level.
	p.Tested = p.Test.NonZero >= minNonZero(alpha)
	p.detectable(differences, alpha)
	return nil
}

// minNonZero is the number of pairs that must differ before the sign-flip test
// can reach the level.
func minNonZero(alpha float64) int {
	n := 1
	for p := 1.0; p > alpha && n < 64; p /= 2 {
		n++
	}
	return n
}

// detectable estimates the smallest difference that the test would find at 80 %
// power, from the spread of the pairs.
func (p *Property) detectable(differences []float64, alpha float64) {
	var squares float64
	for _, d := range differences {
		squares += (d - p.Difference) * (d - p.Difference)
	}
	n := float64(len(differences))
	if n < 2 || squares == 0 {
		return
	}
	nc, err := power.Noncentrality(n-1, alpha, 0.8)
	if err != nil {
		return
	}
	mde := nc * math.Sqrt(squares/(n-1)/n)
	p.MDE = &mde
}

// agreement measures how far people agree about the property, over all images
// of both groups.
func (p *Property) agreement(s *Study, sheets []Sheet, q int) {
	rows := make([][]int, len(s.Images))
	asked := make([]int, len(s.Images))
	for i := range rows {
		rows[i] = make([]int, 2)
	}
	for a, sheet := range sheets {
		for _, image := range s.Annotators[a].Images {
			asked[image]++
			if v := said(sheet, image, q); decided(v) {
				rows[image][one(v == Yes)]++
			}
		}
	}
	var full [][]int
	for i, row := range rows {
		if row[0]+row[1] == asked[i] {
			full = append(full, row)
		}
	}
	p.KappaImages = len(full)
	p.Kappa, p.KappaErr = agree.Fleiss(agree.Table{Rows: full})
	p.Alpha, p.AlphaErr = agree.Krippendorff(agree.Table{Rows: rows})
}

// correct adjusts the p-values of the family.
func (r *Result) correct() error {
	var p []float64
	var at []int
	for i := range r.Properties {
		if r.Properties[i].Tested {
			p, at = append(p, r.Properties[i].Test.P), append(at, i)
		}
	}
	bh, err1 := multiple.BenjaminiHochberg(p)
	holm, err2 := multiple.Holm(p)
	by, err3 := multiple.BenjaminiYekutieli(p)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	for j, i := range at {
		r.Properties[i].BH, r.Properties[i].Holm, r.Properties[i].BY = bh[j], holm[j], by[j]
	}
	r.Family = len(p)
	return nil
}

// level and alpha are the audit's.
func (k *Key) level() float64 {
	if v := k.Audit.Settings.Level; v > 0 && v < 1 {
		return v
	}
	return 0.95
}

func (k *Key) alpha() float64 {
	if v := k.Audit.Settings.Alpha; v > 0 && v < 1 {
		return v
	}
	return 0.05
}

// fdr is the correction that decides: the audit's, but never none.
func (k *Key) fdr() string {
	switch v := k.Audit.Settings.FDR; v {
	case "bh", "by", "holm":
		return v
	}
	return "holm"
}
