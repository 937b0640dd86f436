package kernel

import "unsafe"

// Scratch is the working memory of one goroutine. It grows to what the largest
// call needed and is kept between calls. The zero value is ready to use.
type Scratch struct {
	micro  microArgs
	window windowArgs
	buf    []float32
	tile   []float32
	sums   []int32

	winograd winogradArgs
	products []float32
	third    []float32 // beside those of floats and second

	norm      normArgs
	depthwise depthwiseArgs
	poolGrad  poolGradArgs
}

// floats returns n floats with undefined contents, aligned to a cache line.
func (s *Scratch) floats(n int) []float32 {
	if cap(s.buf) < n {
		s.buf = Aligned(n)
	}
	return s.buf[:n]
}

// second returns n floats beside those of floats.
func (s *Scratch) second(n int) []float32 {
	if cap(s.products) < n {
		s.products = Aligned(n)
	}
	return s.products[:n]
}

// bytes returns n bytes with undefined contents, aligned to a cache line, in
// the place of floats.
func (s *Scratch) bytes(n int) []byte {
	f := s.floats((n + 3) / 4)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), n)
}

// ints returns n integers with undefined contents, aligned to a cache line.
func (s *Scratch) ints(n int) []int32 {
	if cap(s.sums) < n {
		s.sums = alignedInts(n)
	}
	return s.sums[:n]
}

// Aligned returns n zero floats that start at a cache line (64 bytes). Vector
// loads that cross lines cost twice, so tensors should be made this way.
func Aligned(n int) []float32 {
	const line = 16
	buf := make([]float32, n+line)
	skip := 0
	if rest := uintptr(unsafe.Pointer(&buf[0])) % (4 * line); rest != 0 {
		skip = line - int(rest/4)
	}
	return buf[skip : skip+n : skip+n]
}

func ptr(s []float32, i int) unsafe.Pointer { return unsafe.Pointer(&s[i]) }
