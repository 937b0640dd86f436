package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// decodeAttr decodes an attribute; depth is that of the graph around it.
func decodeAttr(f field, depth int) (*Attr, error) {
	b, err := f.bytes()
	if err != nil {
		return nil, err
	}
	a := &Attr{}
	seen := AttrUndefined
	err = eachField("attribute", b, func(f field) error {
		t, err := a.field(f, depth)
		if t != AttrUndefined {
			seen = t
		}
		return err
	})
	if err != nil {
		return nil, inAttr(err, a.Name)
	}
	if a.Name == "" {
		return nil, malformed("an attribute without a name")
	}
	if a.Type == AttrUndefined && a.Ref == "" {
		a.Type = seen // written before attributes had a type
	}
	if err := a.complete(); err != nil {
		return nil, err
	}
	return a, nil
}

func inAttr(err error, name string) error {
	if e, ok := err.(*Error); ok && e.Node == "" {
		e.Msg = "attribute " + clean(name) + ": " + e.Msg
	}
	return err
}

// field decodes one field and returns the type of the value in it.
func (a *Attr) field(f field, depth int) (AttrType, error) {
	switch f.num {
	case 1:
		return AttrUndefined, f.string(&a.Name)
	case 2:
		a.F = math.Float32frombits(uint32(f.v))
		return AttrFloat, f.want(protowire.Fixed32Type)
	case 3:
		return AttrInt, f.int64(&a.I)
	case 4:
		a.S = append([]byte{}, f.b...)
		return AttrString, f.want(protowire.BytesType)
	case 7:
		return AttrFloats, f.float32s(&a.Floats)
	case 8:
		return AttrInts, f.int64s(&a.Ints)
	case 9:
		a.Strings = append(a.Strings, append([]byte{}, f.b...))
		return AttrStrings, f.want(protowire.BytesType)
	case 5, 6, 10, 11:
		return a.nested(f, depth)
	case 20:
		a.Type = AttrType(int32(f.v))
		return AttrUndefined, f.want(protowire.VarintType)
	case 21:
		return AttrUndefined, f.string(&a.Ref)
	}
	a.extra = append(a.extra, f.raw...)
	return AttrUndefined, nil
}

// nested decodes the fields that hold tensors and graphs.
func (a *Attr) nested(f field, depth int) (AttrType, error) {
	if f.num == 6 || f.num == 11 {
		g, err := decodeGraph(f, depth+1)
		switch {
		case err != nil:
			return AttrGraph, err
		case f.num == 11:
			a.Graphs = append(a.Graphs, g)
			return AttrGraphs, nil
		}
		a.G = g
		return AttrGraph, nil
	}
	b, err := f.bytes()
	if err != nil {
		return AttrTensor, err
	}
	t, err := decodeTensor(b)
	switch {
	case err != nil:
		return AttrTensor, err
	case f.num == 10:
		a.Tensors = append(a.Tensors, t)
		return AttrTensors, nil
	}
	a.T = t
	return AttrTensor, nil
}

// complete refuses an attribute whose type says that a message is there which
// is not. (Numbers and strings that are absent are zero.)
func (a *Attr) complete() error {
	switch {
	case a.Ref != "":
		return nil
	case a.Type == AttrTensor && a.T == nil, a.Type == AttrGraph && a.G == nil:
		return malformed("attribute %s is a %v that is not there", clean(a.Name), a.Type)
	case a.Type <= AttrUndefined || a.Type > AttrTypeProtos:
		return malformed("attribute %s has %v", clean(a.Name), a.Type)
	}
	return nil
}

func decodeFunction(f field) (*Function, error) {
	b, err := f.bytes()
	if err != nil {
		return nil, err
	}
	fn := &Function{}
	err = eachField("function", b, func(f field) error {
		switch f.num {
		case 1:
			return f.string(&fn.Name)
		case 4:
			return f.strings(&fn.Inputs)
		case 5:
			return f.strings(&fn.Outputs)
		case 6:
			return f.strings(&fn.Attrs)
		case 7:
			n, err := decodeNode(f, 0)
			if err != nil {
				return atNode(err, n, len(fn.Nodes))
			}
			fn.Nodes = append(fn.Nodes, n)
			return nil
		case 9:
			return decodeOpset(f, &fn.Opsets)
		case 10:
			return f.string(&fn.Domain)
		case 11:
			a, err := decodeAttr(f, 0)
			fn.Defaults = append(fn.Defaults, a)
			return err
		case 13:
			return f.string(&fn.Overload)
		}
		fn.extra = append(fn.extra, f.raw...)
		return nil
	})
	if err == nil && fn.Name == "" {
		err = malformed("a function without a name")
	}
	fn.Domain = domainOf(fn.Domain)
	return fn, err
}
