package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of an encoded message.
type field struct {
	msg string // the message's name, for errors
	num protowire.Number
	typ protowire.Type
	v   uint64 // of a varint, a fixed32 or a fixed64
	b   []byte // of bytes, strings, messages and packed fields: a view
	raw []byte // the field with its tag: a view
}

// eachField calls f with every field of an encoded message in order.
func eachField(msg string, b []byte, f func(field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return malformed("%s: %v", msg, protowire.ParseError(n))
		}
		x := field{msg: msg, num: num, typ: typ}
		m := 0
		switch typ {
		case protowire.VarintType:
			x.v, m = protowire.ConsumeVarint(b[n:])
		case protowire.Fixed32Type:
			var v uint32
			v, m = protowire.ConsumeFixed32(b[n:])
			x.v = uint64(v)
		case protowire.Fixed64Type:
			x.v, m = protowire.ConsumeFixed64(b[n:])
		case protowire.BytesType:
			x.b, m = protowire.ConsumeBytes(b[n:])
		default:
			return malformed("%s: field %d has wire type %d, which ONNX does not use", msg, num, typ)
		}
		if m < 0 {
			return cutShort(msg, num, typ, b[n:], m)
		}
		n += m
		x.raw = b[:n:n]
		if err := f(x); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// cutShort says why a field with the code m of protowire could not be read.
func cutShort(msg string, num protowire.Number, typ protowire.Type, b []byte, m int) error {
	if size, n := protowire.ConsumeVarint(b); typ == protowire.BytesType && n > 0 && size > uint64(len(b)-n) {
		return malformed("%s: field %d should have %d bytes, %d are left: the file is cut short or damaged", msg, num, size, len(b)-n)
	}
	return malformed("%s: field %d: %v", msg, num, protowire.ParseError(m))
}

func (f field) want(typ protowire.Type) error {
	if f.typ != typ {
		return malformed("%s: field %d has wire type %d, want %d", f.msg, f.num, f.typ, typ)
	}
	return nil
}

// bytes is a view of a length-delimited field.
func (f field) bytes() ([]byte, error) { return f.b[:len(f.b):len(f.b)], f.want(protowire.BytesType) }

func (f field) string(dst *string) error {
	*dst = string(f.b)
	return f.want(protowire.BytesType)
}

func (f field) strings(dst *[]string) error {
	*dst = append(*dst, string(f.b))
	return f.want(protowire.BytesType)
}

func (f field) int64(dst *int64) error {
	*dst = int64(f.v)
	return f.want(protowire.VarintType)
}

// int64s reads a repeated integer, packed or not.
func (f field) int64s(dst *[]int64) error {
	if f.typ == protowire.VarintType {
		*dst = append(*dst, int64(f.v))
		return nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	for b := f.b; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return malformed("%s: field %d: %v", f.msg, f.num, protowire.ParseError(n))
		}
		*dst = append(*dst, int64(v))
		b = b[n:]
	}
	return nil
}

// float32s reads a repeated float, packed or not.
func (f field) float32s(dst *[]float32) error {
	if f.typ == protowire.Fixed32Type {
		*dst = append(*dst, math.Float32frombits(uint32(f.v)))
		return nil
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	if len(f.b)%4 != 0 {
		return malformed("%s: field %d: %d bytes are no whole number of floats", f.msg, f.num, len(f.b))
	}
	for b := f.b; len(b) > 0; b = b[4:] {
		v, _ := protowire.ConsumeFixed32(b)
		*dst = append(*dst, math.Float32frombits(v))
	}
	return nil
}

// gather appends the encoded elements of a repeated number to dst without
// their tags. The first packed run is not copied.
func (f field) gather(dst *[]byte, single protowire.Type) error {
	switch {
	case f.typ == protowire.BytesType && *dst == nil:
		*dst = f.b[:len(f.b):len(f.b)]
		return nil
	case f.typ == protowire.BytesType:
		*dst = append(*dst, f.b...)
		return nil
	case f.typ != single:
		return f.want(single)
	}
	switch single {
	case protowire.VarintType:
		*dst = protowire.AppendVarint(*dst, f.v)
	case protowire.Fixed32Type:
		*dst = protowire.AppendFixed32(*dst, uint32(f.v))
	default:
		*dst = protowire.AppendFixed64(*dst, f.v)
	}
	return nil
}

// rope is an encoded message in pieces: what is small is joined, long byte
// strings are only referred to, so that weights are not copied to be written.
type rope struct {
	parts [][]byte
	tail  []byte
	size  int64 // of parts and tail
}

// longPiece is the size from which bytes are referred to and not copied.
const longPiece = 1 << 12

func (r *rope) uint64(num protowire.Number, v uint64) {
	r.grow(protowire.AppendVarint(protowire.AppendTag(r.tail, num, protowire.VarintType), v))
}

func (r *rope) int64(num protowire.Number, v int64) { r.uint64(num, uint64(v)) }

// optInt64 leaves out a zero.
func (r *rope) optInt64(num protowire.Number, v int64) {
	if v != 0 {
		r.int64(num, v)
	}
}

func (r *rope) float32(num protowire.Number, v float32) {
	r.grow(protowire.AppendFixed32(protowire.AppendTag(r.tail, num, protowire.Fixed32Type), math.Float32bits(v)))
}

func (r *rope) bytes(num protowire.Number, v []byte) {
	r.grow(protowire.AppendVarint(protowire.AppendTag(r.tail, num, protowire.BytesType), uint64(len(v))))
	r.raw(v)
}

func (r *rope) string(num protowire.Number, v string) {
	r.grow(protowire.AppendString(protowire.AppendTag(r.tail, num, protowire.BytesType), v))
}

// optString leaves out an empty string.
func (r *rope) optString(num protowire.Number, v string) {
	if v != "" {
		r.string(num, v)
	}
}

func (r *rope) strings(num protowire.Number, v []string) {
	for _, s := range v {
		r.string(num, s)
	}
}

// message appends an encoded message as a field; m must not be used after it.
func (r *rope) message(num protowire.Number, m *rope) {
	r.grow(protowire.AppendVarint(protowire.AppendTag(r.tail, num, protowire.BytesType), uint64(m.size)))
	if len(m.parts) > 0 {
		r.flush()
		r.parts = append(r.parts, m.parts...)
		for _, p := range m.parts {
			r.size += int64(len(p))
		}
	}
	r.raw(m.tail)
}

// raw appends bytes that are encoded already.
func (r *rope) raw(b []byte) {
	if len(b) < longPiece {
		r.grow(append(r.tail, b...))
		return
	}
	r.flush()
	r.parts = append(r.parts, b)
	r.size += int64(len(b))
}

func (r *rope) grow(tail []byte) {
	r.size += int64(len(tail) - len(r.tail))
	r.tail = tail
}

func (r *rope) flush() {
	if len(r.tail) > 0 {
		r.parts = append(r.parts, r.tail)
		r.tail = nil
	}
}
