package prediction

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// Column holds one class number per example in 1, 2 or 4 bytes, whichever is
// the least that can hold the class count it was made for. The zero Column is
// empty.
type Column struct {
	b1 []uint8
	b2 []uint16
	b4 []uint32
}

// NewColumn returns a column of n zeros that can hold class numbers
// 0 to classes-1.
func NewColumn(n, classes int) Column {
	switch {
	case classes <= 1<<8:
		return Column{b1: make([]uint8, n)}
	case classes <= 1<<16:
		return Column{b2: make([]uint16, n)}
	default:
		return Column{b4: make([]uint32, n)}
	}
}

// ColumnOf copies class numbers into a column that can hold classes of them.
// It fails on a number outside [0, classes), naming its row counted from 0.
func ColumnOf[T ~int | ~int32 | ~int64](values []T, classes int) (Column, error) {
	c := NewColumn(len(values), classes)
	for i, v := range values {
		if int64(v) < 0 || int64(v) >= int64(classes) {
			return Column{}, fmt.Errorf("prediction: row %d: class %d is outside 0 to %d", i, int64(v), classes-1)
		}
		c.Set(i, int(v))
	}
	return c, nil
}

// Len is the number of examples.
func (c Column) Len() int { return len(c.b1) + len(c.b2) + len(c.b4) }

// Width is the number of bytes one class number takes: 1, 2 or 4.
func (c Column) Width() int {
	switch {
	case c.b4 != nil:
		return 4
	case c.b2 != nil:
		return 2
	default:
		return 1
	}
}

// At is the class number of example i.
func (c Column) At(i int) int {
	switch {
	case c.b1 != nil:
		return int(c.b1[i])
	case c.b2 != nil:
		return int(c.b2[i])
	default:
		return int(c.b4[i])
	}
}

// Set stores the class number of example i; it must fit the column's width.
func (c Column) Set(i, class int) {
	switch {
	case c.b1 != nil:
		c.b1[i] = uint8(class)
	case c.b2 != nil:
		c.b2[i] = uint16(class)
	default:
		c.b4[i] = uint32(class)
	}
}

// Read decodes the class numbers of examples from, from+1, ... into dst and
// returns how many it wrote: len(dst), or fewer at the end of the column.
// Loops over many examples read blocks instead of calling At for each.
func (c Column) Read(dst []int32, from int) int {
	n := min(len(dst), c.Len()-from)
	dst = dst[:n]
	switch {
	case c.b1 != nil:
		for i, v := range c.b1[from : from+n] {
			dst[i] = int32(v)
		}
	case c.b2 != nil:
		for i, v := range c.b2[from : from+n] {
			dst[i] = int32(v)
		}
	case c.b4 != nil:
		for i, v := range c.b4[from : from+n] {
			dst[i] = int32(v)
		}
	}
	return n
}

// Equal reports whether both columns hold the same class numbers.
func (c Column) Equal(d Column) bool {
	if c.Len() != d.Len() {
		return false
	}
	for i := range c.Len() {
		if c.At(i) != d.At(i) {
			return false
		}
	}
	return true
}

// Digest is "sha256:" and the hex sha256 of the class numbers in canonical
// form, 4 bytes little-endian each: the same predictions give the same digest
// whatever file or column width they are kept in.
func (c Column) Digest() string {
	h := sha256.New()
	var block [1024]int32
	var buf [4 * len(block)]byte
	for from := 0; from < c.Len(); {
		n := c.Read(block[:], from)
		for i, v := range block[:n] {
			binary.LittleEndian.PutUint32(buf[4*i:], uint32(v))
		}
		h.Write(buf[:4*n])
		from += n
	}
	return digestString(h)
}

// Max is the largest class number in the column, -1 if the column is empty.
func (c Column) Max() int {
	switch {
	case c.Len() == 0:
		return -1
	case c.b1 != nil:
		return int(slices.Max(c.b1))
	case c.b2 != nil:
		return int(slices.Max(c.b2))
	default:
		return int(slices.Max(c.b4))
	}
}

// truncated is a column of the same width and capacity without examples.
func (c Column) truncated() Column {
	return Column{b1: c.b1[:0], b2: c.b2[:0], b4: c.b4[:0]}
}

// appendAll adds class numbers at the end; each must fit the column's width.
func appendAll[T ~int32 | ~uint32](c *Column, values []T) {
	switch {
	case c.b1 != nil:
		for _, v := range values {
			c.b1 = append(c.b1, uint8(v))
		}
	case c.b2 != nil:
		for _, v := range values {
			c.b2 = append(c.b2, uint16(v))
		}
	default:
		for _, v := range values {
			c.b4 = append(c.b4, uint32(v))
		}
	}
}
