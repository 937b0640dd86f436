package prediction

import "fmt"

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
