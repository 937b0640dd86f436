package onnx

import (
	"encoding/binary"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// DecodeTensor decodes a TensorProto, the format of ONNX's input_0.pb files.
// The elements are a view of b where they can be. A tensor whose data is in
// another file is refused.
func DecodeTensor(b []byte) (*Tensor, error) {
	t, err := decodeTensor(b)
	if err != nil {
		return nil, err
	}
	if t.External != nil {
		return nil, t.errorf(ErrExternal, "its data is in %q: only models may have that", t.External.Location)
	}
	return t, nil
}

// tensorData is the fields of a TensorProto that hold elements, still encoded.
type tensorData struct {
	raw                  []byte
	hasRaw               bool
	floats, doubles      []byte // fixed32, fixed64
	int32s, int64s, u64s []byte // varints
	external             []Property
	location             int64
}

func decodeTensor(b []byte) (*Tensor, error) {
	t := &Tensor{}
	var d tensorData
	err := eachField("tensor", b, func(f field) error { return t.field(&d, f) })
	if err != nil {
		return nil, named(err, t.Name)
	}
	if d.location == 1 {
		if t.External, err = decodeExternal(d.external); err != nil {
			return nil, named(err, t.Name)
		}
	} else if d.location != 0 {
		return nil, t.errorf(ErrUnsupported, "data location %d is not known", d.location)
	}
	if !t.Type.Valid() {
		return nil, t.errorf(ErrUnsupported, "element type %v is not known", t.Type)
	}
	if err := t.setData(&d); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return t, nil
}

// named adds the name of a value to an error that has none.
func named(err error, value string) error {
	if e, ok := err.(*Error); ok && e.Value == "" {
		e.Value = value
	}
	return err
}

func (t *Tensor) field(d *tensorData, f field) (err error) {
	switch f.num {
	case 1:
		return f.int64s(&t.Dims)
	case 2:
		t.Type = DataType(int32(f.v))
		return f.want(protowire.VarintType)
	case 3:
		return &Error{Msg: "a tensor in segments", Reason: ErrUnsupported}
	case 4:
		return f.gather(&d.floats, protowire.Fixed32Type)
	case 5:
		return f.gather(&d.int32s, protowire.VarintType)
	case 6:
		t.Strings = append(t.Strings, append([]byte{}, f.b...))
		return f.want(protowire.BytesType)
	case 7:
		return f.gather(&d.int64s, protowire.VarintType)
	case 8:
		return f.string(&t.Name)
	case 9:
		d.hasRaw = true
		d.raw, err = f.bytes()
		return err
	case 10:
		return f.gather(&d.doubles, protowire.Fixed64Type)
	case 11:
		return f.gather(&d.u64s, protowire.VarintType)
	case 13:
		p, err := decodeProperty(f)
		d.external = append(d.external, p)
		return err
	case 14:
		return f.int64(&d.location)
	}
	t.extra = append(t.extra, f.raw...)
	return nil
}

// setData sets Raw from the one field that may hold elements of the type.
func (t *Tensor) setData(d *tensorData) error {
	typed := map[string][]byte{
		"float_data": d.floats, "double_data": d.doubles,
		"int32_data": d.int32s, "int64_data": d.int64s, "uint64_data": d.u64s,
	}
	from := t.Type.dataField()
	for _, name := range []string{"float_data", "double_data", "int32_data", "int64_data", "uint64_data"} {
		switch {
		case len(typed[name]) == 0:
		case d.hasRaw && len(d.raw) > 0:
			return t.errorf(ErrMalformed, "data both in raw_data and in %s", name)
		case t.External != nil:
			return t.errorf(ErrMalformed, "data both in another file and in %s", name)
		case name != from:
			return t.errorf(ErrMalformed, "%v elements in %s, want them in %s", t.Type, name, from)
		}
	}
	switch {
	case t.Type == String && d.hasRaw:
		return t.errorf(ErrMalformed, "strings in raw_data")
	case t.Type != String && len(t.Strings) > 0:
		return t.errorf(ErrMalformed, "%v elements in string_data", t.Type)
	case t.External != nil && (len(d.raw) > 0 || t.Type == String):
		return t.errorf(ErrMalformed, "data both here and in another file, or strings in another file")
	case d.hasRaw && (len(d.raw) > 0 || len(typed[from]) == 0):
		t.Raw = d.raw
		return nil
	case from == "float_data" || from == "double_data":
		t.Raw = typed[from]
		return nil
	case t.Type == String || t.External != nil:
		return nil
	}
	raw, err := unpackVarints(typed[from], t.Type.cellBytes())
	if err != nil {
		return t.errorf(ErrMalformed, "%s: %v", from, err)
	}
	t.Raw = raw
	return nil
}

// dataField is the typed field that holds elements of the type.
func (t DataType) dataField() string {
	switch t {
	case Float, Complex64:
		return "float_data"
	case Double, Complex128:
		return "double_data"
	case Int64:
		return "int64_data"
	case Uint32, Uint64:
		return "uint64_data"
	case String:
		return "string_data"
	}
	return "int32_data"
}

// cellBytes is the number of bytes that one entry of the integer fields stands
// for: packed types have several elements in an entry.
func (t DataType) cellBytes() int { return max(t.Bits()/8, 1) }

// unpackVarints turns varints into little-endian integers of size bytes.
func unpackVarints(b []byte, size int) ([]byte, error) {
	n := 0
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	out := make([]byte, 0, n*size)
	for len(b) > 0 {
		v, m := protowire.ConsumeVarint(b)
		if m < 0 {
			return nil, protowire.ParseError(m)
		}
		var cell [8]byte
		binary.LittleEndian.PutUint64(cell[:], v)
		out = append(out, cell[:size]...)
		b = b[m:]
	}
	return out, nil
}

func decodeProperty(f field) (Property, error) {
	var p Property
	b, err := f.bytes()
	if err != nil {
		return p, err
	}
	return p, eachField("entry", b, func(f field) error {
		switch f.num {
		case 1:
			return f.string(&p.Key)
		case 2:
			return f.string(&p.Value)
		}
		return nil
	})
}

func decodeExternal(entries []Property) (*External, error) {
	x := &External{Length: -1}
	for _, p := range entries {
		var err error
		switch p.Key {
		case "location":
			x.Location = p.Value
		case "offset":
			x.Offset, err = strconv.ParseInt(p.Value, 10, 64)
		case "length":
			x.Length, err = strconv.ParseInt(p.Value, 10, 64)
			if err == nil && x.Length < 0 {
				return nil, malformed("external data: length %q, want a whole number", p.Value)
			}
		default:
			x.entries = append(x.entries, p)
		}
		if err != nil || x.Offset < 0 {
			return nil, malformed("external data: %s %q, want a whole number", p.Key, p.Value)
		}
	}
	if x.Location == "" {
		return nil, malformed("external data without a location")
	}
	return x, nil
}
