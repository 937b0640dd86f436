package importer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"codeberg.org/sbinet/npyio/npy"
)

// maxNPYHeader bounds the header of an npy file: numpy's own have 128 bytes.
const maxNPYHeader = 1 << 16

// npyArray says where the values of an array are in a file and what they are.
// The header is parsed by npyio; the values are not, because they are read in
// blocks, and because npyio lacks header version 3.
type npyArray struct {
	shape   []int
	fortran bool
	order   binary.ByteOrder
	kind    byte // b, i, u, f, U or S, as in numpy
	size    int  // bytes a value
	offset  int64
}

// parseNPY reads the header of an npy file of the given size, and checks that
// the file is as long as the header says.
func parseNPY(file string, at io.ReaderAt, size int64) (a npyArray, err error) {
	fail := func(want, got string) (npyArray, error) {
		return npyArray{}, &Error{File: file, Want: want, Got: got}
	}
	head := make([]byte, min(size, 12))
	if _, err := at.ReadAt(head, 0); err != nil && err != io.EOF {
		return a, wrap(file, "an npy header", err)
	}
	if len(head) < 12 || string(head[:6]) != "\x93NUMPY" {
		return fail("an npy header", fmt.Sprintf("%d bytes of something else", size))
	}
	length, start := int64(binary.LittleEndian.Uint16(head[8:])), int64(10)
	if head[6] >= 2 {
		length, start = int64(binary.LittleEndian.Uint32(head[8:])), 12
	}
	if head[6] < 1 || head[6] > 3 {
		return fail("npy version 1 to 3", fmt.Sprint(head[6]))
	}
	if length > maxNPYHeader || start+length > size {
		return fail(fmt.Sprintf("an npy header of at most %d bytes", min(maxNPYHeader, size-start)), fmt.Sprint(length))
	}
	raw := make([]byte, start+length)
	if _, err := at.ReadAt(raw, 0); err != nil && err != io.EOF {
		return a, wrap(file, "an npy header", err)
	}
	raw[6] = min(raw[6], 2) // version 3 differs in the text encoding only
	h, err := npyHeader(raw)
	if err != nil {
		return a, wrap(file, "an npy header", err)
	}
	a = npyArray{shape: h.Descr.Shape, fortran: h.Descr.Fortran, offset: start + length}
	if err := a.setType(strings.Trim(h.Descr.Type, `'"`)); err != nil {
		err.File = file
		return a, err
	}
	return a, a.checkSize(file, size)
}

// npyHeader parses a header with npyio, which panics on some damaged ones.
func npyHeader(raw []byte) (h npy.Header, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("it is damaged, or made to be")
		}
	}()
	r, err := npy.NewReader(bytes.NewReader(raw))
	if err != nil {
		return h, err
	}
	return r.Header, nil
}

// setType takes a numpy type such as "<f4" apart.
func (a *npyArray) setType(descr string) *Error {
	bad := &Error{Want: "an array of whole numbers, float16, float32, float64, bool or text", Got: "numpy type " + quoted(descr)}
	if len(descr) < 3 {
		return bad
	}
	size, err := strconv.Atoi(descr[2:])
	if err != nil {
		return bad
	}
	a.order, a.kind, a.size = binary.LittleEndian, descr[1], size
	switch descr[0] {
	case '>':
		a.order = binary.BigEndian
	case '<', '|', '=':
	default:
		return bad
	}
	ok := false
	switch a.kind {
	case 'b':
		ok = size == 1
	case 'i', 'u':
		ok = size == 1 || size == 2 || size == 4 || size == 8
	case 'f':
		ok = size == 2 || size == 4 || size == 8
	case 'S':
		ok = size > 0 && size <= 1<<12
	case 'U':
		ok = size > 0 && size <= 1<<12
		a.size *= 4 // stored as UTF-32
	}
	if !ok {
		return bad
	}
	return nil
}

// checkSize multiplies the shape out, with an eye on overflow, before anything
// is allocated by it.
func (a *npyArray) checkSize(file string, size int64) error {
	n := uint64(a.size)
	for _, d := range a.shape {
		hi, lo := bits.Mul64(n, uint64(d))
		if d < 0 || hi != 0 || lo > math.MaxInt64 {
			return &Error{File: file, Want: "a possible shape", Got: fmt.Sprint(a.shape)}
		}
		n = lo
	}
	if got := uint64(size - a.offset); got != n {
		what := "bytes"
		if got < n {
			what = "bytes: the file is truncated"
		}
		return &Error{File: file, Want: fmt.Sprintf("%d bytes of values for shape %v", n, a.shape), Got: fmt.Sprintf("%d %s", got, what)}
	}
	return nil
}

// raw reads n stored values from index from on.
func (a *npyArray) raw(at io.ReaderAt, from, n int) ([]byte, error) {
	b := make([]byte, n*a.size)
	if k, err := at.ReadAt(b, a.offset+int64(from)*int64(a.size)); k < len(b) {
		return nil, err
	}
	return b, nil
}

// values decodes stored numbers, in storage order, into dst.
func (a *npyArray) values(at io.ReaderAt, from int, dst []float64) error {
	b, err := a.raw(at, from, len(dst))
	if err != nil {
		return err
	}
	o := a.order
	switch a.kind {
	case 'f':
		switch a.size {
		case 2:
			for i := range dst {
				dst[i] = float16(o.Uint16(b[2*i:]))
			}
		case 4:
			for i := range dst {
				dst[i] = float64(math.Float32frombits(o.Uint32(b[4*i:])))
			}
		default:
			for i := range dst {
				dst[i] = math.Float64frombits(o.Uint64(b[8*i:]))
			}
		}
	default:
		for i := range dst {
			dst[i] = float64(a.integer(b[i*a.size:]))
		}
	}
	return nil
}

// integer decodes one whole number; unsigned numbers above 2^63 come out
// negative and are refused as class numbers like other negative ones.
func (a *npyArray) integer(b []byte) int64 {
	switch a.size {
	case 1:
		if a.kind == 'i' {
			return int64(int8(b[0]))
		}
		return int64(b[0])
	case 2:
		if v := a.order.Uint16(b); a.kind == 'i' {
			return int64(int16(v))
		} else {
			return int64(v)
		}
	case 4:
		if v := a.order.Uint32(b); a.kind == 'i' {
			return int64(int32(v))
		} else {
			return int64(v)
		}
	default:
		return int64(a.order.Uint64(b))
	}
}

// word decodes one text value.
func (a *npyArray) word(b []byte) string {
	if a.kind == 'S' {
		return strings.TrimRight(string(b[:a.size]), "\x00")
	}
	var s strings.Builder
	for i := 0; i+4 <= a.size; i += 4 {
		if r := rune(a.order.Uint32(b[i:])); r != 0 {
			s.WriteRune(r)
		}
	}
	return s.String()
}

// float16 is the value of an IEEE 754 binary16.
func float16(h uint16) float64 {
	sign := 1.0
	if h&0x8000 != 0 {
		sign = -1
	}
	exp, frac := int(h>>10&0x1f), float64(h&0x3ff)
	switch {
	case exp == 31 && frac != 0:
		return math.NaN()
	case exp == 31:
		return math.Inf(int(sign))
	case exp == 0:
		return sign * math.Ldexp(frac, -24)
	default:
		return sign * math.Ldexp(1024+frac, exp-25)
	}
}
