package tflite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// errDamaged says that an offset or a length points out of the file.
var errDamaged = errors.New("damaged FlatBuffers file")

// buffer is a FlatBuffers file. The first read outside of it is kept in err,
// and every read after it gives zero.
type buffer struct {
	b   []byte
	err error
}

// bytes is n bytes from at.
func (f *buffer) bytes(at, n int) []byte {
	if f.err == nil && (at < 0 || n < 0 || at > len(f.b) || n > len(f.b)-at) {
		f.err = fmt.Errorf("%w: %d bytes at %d of %d", errDamaged, n, at, len(f.b))
	}
	if f.err != nil {
		return nil
	}
	return f.b[at : at+n]
}

func (f *buffer) u8(at int) int {
	if b := f.bytes(at, 1); b != nil {
		return int(b[0])
	}
	return 0
}

func (f *buffer) u16(at int) int {
	if b := f.bytes(at, 2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (f *buffer) i32(at int) int {
	if b := f.bytes(at, 4); b != nil {
		return int(int32(binary.LittleEndian.Uint32(b)))
	}
	return 0
}

// u32 is an unsigned offset, length or index.
func (f *buffer) u32(at int) int {
	if b := f.bytes(at, 4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// table is a table at a position; position 0 is one that is not there.
type table struct {
	f  *buffer
	at int
}

// root is the file's table.
func (f *buffer) root() table { return table{f, f.u32(0)} }

// field is the position of field i; 0 if the table leaves it to its default.
func (t table) field(i int) int {
	if t.at == 0 {
		return 0
	}
	v := t.at - t.f.i32(t.at)
	slot := 4 + 2*i
	if slot >= t.f.u16(v) {
		return 0
	}
	if o := t.f.u16(v + slot); o != 0 {
		return t.at + o
	}
	return 0
}

// byte is field i, of one byte.
func (t table) byte(i, def int) int {
	if p := t.field(i); p != 0 {
		return t.f.u8(p)
	}
	return def
}

// int is field i, of four bytes with a sign.
func (t table) int(i, def int) int {
	if p := t.field(i); p != 0 {
		return t.f.i32(p)
	}
	return def
}

// index is field i, of four bytes without a sign.
func (t table) index(i int) int {
	if p := t.field(i); p != 0 {
		return t.f.u32(p)
	}
	return 0
}

// sub is the table that field i refers to.
func (t table) sub(i int) table {
	p := t.field(i)
	if p == 0 {
		return table{f: t.f}
	}
	return table{t.f, p + t.f.u32(p)}
}

// vector is the position and the length of the vector in field i.
func (t table) vector(i, size int) (at, n int) {
	p := t.field(i)
	if p == 0 {
		return 0, 0
	}
	p += t.f.u32(p)
	n = t.f.u32(p)
	if n > math.MaxInt32/size || t.f.bytes(p+4, n*size) == nil {
		return 0, 0
	}
	return p + 4, n
}

// tables is the vector of tables in field i.
func (t table) tables(i int) []table {
	at, n := t.vector(i, 4)
	out := make([]table, n)
	for k := range out {
		p := at + 4*k
		out[k] = table{t.f, p + t.f.u32(p)}
	}
	return out
}

// ints is the vector of int32 in field i.
func (t table) ints(i int) []int {
	at, n := t.vector(i, 4)
	out := make([]int, n)
	for k := range out {
		out[k] = t.f.i32(at + 4*k)
	}
	return out
}

// longs is the vector of int64 in field i.
func (t table) longs(i int) []int64 {
	at, n := t.vector(i, 8)
	out := make([]int64, n)
	for k := range out {
		out[k] = int64(binary.LittleEndian.Uint64(t.f.bytes(at+8*k, 8)))
	}
	return out
}

// floats is the vector of float32 in field i.
func (t table) floats(i int) []float32 {
	at, n := t.vector(i, 4)
	out := make([]float32, n)
	for k := range out {
		out[k] = math.Float32frombits(binary.LittleEndian.Uint32(t.f.bytes(at+4*k, 4)))
	}
	return out
}

// raw is the vector of bytes, or the string, in field i.
func (t table) raw(i int) []byte {
	at, n := t.vector(i, 1)
	if n == 0 {
		return nil
	}
	return t.f.bytes(at, n)
}
