package calibrate

import (
	"fmt"
	"math"
)

// Range is the smallest and the largest number that a value is to represent.
type Range struct{ Low, High float64 }

// Union is the range that holds both.
func (r Range) Union(o Range) Range { return Range{min(r.Low, o.Low), max(r.High, o.High)} }

// Summary is what is kept of a value.
type Summary struct {
	Count     int64 // elements seen
	Low, High float64
	// Histogram counts elements in 2·[Bins] bins of the same width from -A to A,
	// where A is the largest magnitude; nil if it was not asked for.
	Histogram []uint64
	// Means is the mean of each channel (axis 1), over examples and positions;
	// nil if it was not asked for.
	Means []float64

	sums  []float64
	each  int64 // elements of one channel seen
	width float64
}

// NewSummary is a summary of nothing.
func NewSummary() *Summary { return &Summary{Low: math.Inf(1), High: math.Inf(-1)} }

// Extent is the largest magnitude.
func (s *Summary) Extent() float64 { return max(math.Abs(s.Low), math.Abs(s.High)) }

// see takes elements into the range; false if one is not finite.
func (s *Summary) see(v []float32) bool {
	if len(v) == 0 {
		return true
	}
	lo, hi, odd := v[0], v[0], float32(0)
	for _, x := range v {
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
		odd += x - x // not 0 for NaN and infinities
	}
	s.Count += int64(len(v))
	s.Low, s.High = min(s.Low, float64(lo)), max(s.High, float64(hi))
	return odd == 0
}

// bin starts the histogram, for elements within the range that was seen.
func (s *Summary) bin() {
	s.Histogram = make([]uint64, 2*Bins)
	s.width = s.Extent() / Bins
}

// count puts elements into the histogram. Elements beyond it, which only
// rounding can make, are counted in the last bins.
func (s *Summary) count(v []float32) {
	if s.width == 0 {
		s.Histogram[Bins] += uint64(len(v))
		return
	}
	for _, x := range v {
		k := int(math.Floor(float64(x)/s.width)) + Bins
		s.Histogram[min(max(k, 0), 2*Bins-1)]++
	}
}

// channels adds up the elements of each channel of one example.
func (s *Summary) channels(v []float32, n int) {
	if s.sums == nil {
		s.sums = make([]float64, n)
	}
	size := len(v) / n
	for c := range n {
		sum := 0.0
		for _, x := range v[c*size : (c+1)*size] {
			sum += float64(x)
		}
		s.sums[c] += sum
	}
	s.each += int64(size)
}

func (s *Summary) finish() {
	if s.sums == nil {
		return
	}
	s.Means = make([]float64, len(s.sums))
	for c, sum := range s.sums {
		s.Means[c] = sum / float64(s.each)
	}
}

// Constant reports whether all elements are the same.
func (s *Summary) Constant() bool { return s.Low == s.High }

// Range is the range that a method chooses. It lies within the smallest and
// the largest element.
func (s *Summary) Range(o Options) (Range, error) {
	if err := o.Validate(); err != nil {
		return Range{}, err
	}
	full := Range{s.Low, s.High}
	switch {
	case s.Count == 0:
		return full, ErrEmpty
	case o.Method == MinMax || s.Constant():
		return full, nil
	case s.Histogram == nil:
		return full, fmt.Errorf("calibrate: method %s needs a histogram", o.Method)
	}
	var r Range
	if o.Method == Percentile {
		r = s.percentile(o.Percentile)
	} else {
		t := s.threshold()
		r = Range{-t, t}
	}
	return Range{max(r.Low, full.Low), min(r.High, full.High)}, nil
}

// percentile is the range from the lower edge of a bin to the upper edge of
// another that leaves out at most 1 - p/100 of the elements.
func (s *Summary) percentile(p float64) Range {
	out := (100 - p) / 100
	below, above := out/2, out/2
	switch {
	case s.Low >= 0:
		below, above = 0, out
	case s.High <= 0:
		below, above = out, 0
	}
	// Whole elements; a share such as 0.1 % is a little less in binary.
	most := func(share float64) float64 { return math.Floor(share*float64(s.Count) + 1e-6) }
	edge := func(k int) float64 { return float64(k-Bins) * s.width }
	lo, hi := 0, 2*Bins
	for seen := 0.0; lo < hi-1 && seen+float64(s.Histogram[lo]) <= most(below); lo++ {
		seen += float64(s.Histogram[lo])
	}
	for seen := 0.0; hi > lo+1 && seen+float64(s.Histogram[hi-1]) <= most(above); hi-- {
		seen += float64(s.Histogram[hi-1])
	}
	return Range{edge(lo), edge(hi)}
}
