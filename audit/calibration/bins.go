package calibration

import "math"

// bins is the number of bins of equal width or of equal mass.
const bins = 15

// unit is what a confidence of 1 counts. Confidences are summed as integers,
// so that a sum does not depend on the order of the examples; rounding is at
// most 2⁻³³ an example, and sums of 2³¹ examples fit.
const unit = 1 << 32

// bin is the sum of the examples in one bin.
type bin struct {
	n, right   int64
	confidence int64 // in 1/unit
}

func (b *bin) add(o bin) {
	b.n += o.n
	b.right += o.right
	b.confidence += o.confidence
}

func (b *bin) subtract(o bin) {
	b.n -= o.n
	b.right -= o.right
	b.confidence -= o.confidence
}

// partition is the examples of one member in bins.
type partition [bins]bin

func (p *partition) total() bin {
	var t bin
	for _, b := range p {
		t.add(b)
	}
	return t
}

// ece is the expected calibration error, a share; n must not be 0.
func (p *partition) ece() float64 {
	var gap, n int64
	for _, b := range p {
		d := b.right*unit - b.confidence
		gap += max(d, -d)
		n += b.n
	}
	return float64(gap) / unit / float64(n)
}

// overconfidence is mean confidence minus accuracy.
func (p *partition) overconfidence() float64 {
	t := p.total()
	return float64(t.confidence-t.right*unit) / unit / float64(t.n)
}

// expected is the mean ECE of answers that are right with exactly the mean
// confidence of their bin.
func (p *partition) expected() float64 {
	sum, n := 0.0, int64(0)
	for _, b := range p {
		n += b.n
		if b.n > 0 {
			sum += meanDeviation(b.n, min(1, float64(b.confidence)/unit/float64(b.n)))
		}
	}
	return sum / float64(n)
}

// meanDeviation is E|X − np| for X binomial (n, p): De Moivre's formula
// 2 ν C(n, ν) p^ν (1−p)^(n−ν+1), ν = ⌊np⌋ + 1 (Diaconis and Zabell 1991,
// Statistical Science 6(3), 284-302).
func meanDeviation(n int64, p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	v := math.Floor(float64(n)*p) + 1
	if v > float64(n) { // np rounded up to n
		v = float64(n)
	}
	lg := func(x float64) float64 { y, _ := math.Lgamma(x); return y }
	choose := lg(float64(n)+1) - lg(v+1) - lg(float64(n)-v+1)
	return 2 * v * math.Exp(choose+v*math.Log(p)+(float64(n)-v+1)*math.Log1p(-p))
}

// width is the bin of equal width that a confidence in [0, 1] falls into.
func width(confidence float32) int {
	return min(bins-1, int(float64(confidence)*bins))
}

// buckets of the fine histogram from which bins of equal mass are made: the
// upper bits of 1 − confidence, so that they are finest near 1, where
// confidences crowd.
const (
	bucketShift = 14
	buckets     = 0x3f800000>>bucketShift + 1 // 0x3f800000 are the bits of float32(1)
)

func bucket(confidence float32) int {
	return int(math.Float32bits(1-confidence) >> bucketShift)
}

// equalMass assigns each bucket to one of the bins, from the lowest confidence
// up; a bucket is never split.
func equalMass(histogram []int64, n int64) []uint8 {
	of := make([]uint8, len(histogram))
	var before int64
	for b := len(histogram) - 1; b >= 0; b-- { // large buckets are low confidences
		middle := before + histogram[b]/2
		of[b] = uint8(min(bins-1, middle*bins/max(1, n)))
		before += histogram[b]
	}
	return of
}
