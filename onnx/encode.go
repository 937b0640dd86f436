package onnx

import (
	"fmt"
	"io"
	"strconv"
)

// MaxBytes is the largest model in one file: protobuf's limit. Larger models
// keep their weights in a second file (see [SaveOptions]).
const MaxBytes = 1<<31 - 1

// Encode is the model as one ONNX file. The bytes depend on the model only.
// It fails if they would be more than [MaxBytes].
func Encode(m *Model) ([]byte, error) {
	r := encodeModel(m, nil)
	if r.size > MaxBytes {
		return nil, &Error{Msg: fmt.Sprintf("%d bytes are more than a protobuf may have: save with external data", r.size), Reason: ErrUnsupported}
	}
	out := make([]byte, 0, r.size)
	for _, p := range r.parts {
		out = append(out, p...)
	}
	return append(out, r.tail...), nil
}

// EncodeTensor is a tensor as a TensorProto file.
func EncodeTensor(t *Tensor) ([]byte, error) {
	if t.External != nil {
		return nil, t.errorf(ErrExternal, "data in %q has not been read", t.External.Location)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	r := encodeTensor(t, nil)
	r.flush()
	var out []byte
	for _, p := range r.parts {
		out = append(out, p...)
	}
	return out, nil
}

// writeTo writes the pieces in order.
func (r *rope) writeTo(w io.Writer) error {
	for _, p := range r.parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	_, err := w.Write(r.tail)
	return err
}

// placement says where the data of tensors goes: tensors in it go to a second
// file, all others stay in the model.
type placement map[*Tensor]*External

func encodeModel(m *Model, at placement) *rope {
	r := &rope{}
	r.optInt64(1, m.IRVersion)
	r.optString(2, m.Producer.Name)
	r.optString(3, m.Producer.Version)
	r.optString(4, m.Domain)
	r.optInt64(5, m.Version)
	r.optString(6, m.Doc)
	r.message(7, encodeGraph(m.Graph, at))
	for _, o := range m.Opsets {
		r.message(8, encodeOpset(o))
	}
	for _, p := range m.Metadata {
		r.message(14, encodeProperty(p))
	}
	for _, f := range m.Functions {
		r.message(25, encodeFunction(f, at))
	}
	r.raw(m.extra)
	return r
}

func encodeOpset(o Opset) *rope {
	r := &rope{}
	r.string(1, o.Domain)
	r.int64(2, o.Version)
	return r
}

func encodeProperty(p Property) *rope {
	r := &rope{}
	r.string(1, p.Key)
	r.string(2, p.Value)
	return r
}

func encodeGraph(g *Graph, at placement) *rope {
	r := &rope{}
	for _, n := range g.Nodes {
		r.message(1, encodeNode(n, at))
	}
	r.optString(2, g.Name)
	for _, t := range g.Initializers {
		r.message(5, encodeTensor(t, at))
	}
	r.optString(10, g.Doc)
	for _, v := range g.Inputs {
		r.message(11, encodeValueInfo(v))
	}
	for _, v := range g.Outputs {
		r.message(12, encodeValueInfo(v))
	}
	for _, v := range g.ValueInfo {
		r.message(13, encodeValueInfo(v))
	}
	r.raw(g.extra)
	return r
}

func encodeNode(n *Node, at placement) *rope {
	r := &rope{}
	r.strings(1, n.Inputs)
	r.strings(2, n.Outputs)
	r.optString(3, n.Name)
	r.string(4, n.Op)
	for _, a := range n.Attrs {
		r.message(5, encodeAttr(a, at))
	}
	r.optString(7, n.Domain)
	r.raw(n.extra)
	return r
}

func encodeAttr(a *Attr, at placement) *rope {
	r := &rope{}
	r.string(1, a.Name)
	switch a.Type {
	case AttrFloat:
		r.float32(2, a.F)
	case AttrInt:
		r.int64(3, a.I)
	case AttrString:
		r.bytes(4, a.S)
	case AttrTensor:
		if a.T != nil {
			r.message(5, encodeTensor(a.T, at))
		}
	case AttrGraph:
		if a.G != nil {
			r.message(6, encodeGraph(a.G, at))
		}
	case AttrFloats:
		for _, v := range a.Floats {
			r.float32(7, v)
		}
	case AttrInts:
		for _, v := range a.Ints {
			r.int64(8, v)
		}
	case AttrStrings:
		for _, v := range a.Strings {
			r.bytes(9, v)
		}
	case AttrTensors:
		for _, t := range a.Tensors {
			r.message(10, encodeTensor(t, at))
		}
	case AttrGraphs:
		for _, g := range a.Graphs {
			r.message(11, encodeGraph(g, at))
		}
	}
	r.int64(20, int64(a.Type))
	r.optString(21, a.Ref)
	r.raw(a.extra)
	return r
}

func encodeTensor(t *Tensor, at placement) *rope {
	r := &rope{}
	for _, d := range t.Dims {
		r.int64(1, d)
	}
	r.int64(2, int64(t.Type))
	for _, s := range t.Strings {
		r.bytes(6, s)
	}
	r.optString(8, t.Name)
	x := t.External
	if to, ok := at[t]; ok {
		x = to
	}
	switch {
	case x != nil:
		r.external(x)
	case t.Type != String:
		r.bytes(9, t.Raw)
	}
	r.raw(t.extra)
	return r
}

func (r *rope) external(x *External) {
	entries := []Property{{"location", x.Location}, {"offset", strconv.FormatInt(x.Offset, 10)}}
	if x.Length >= 0 {
		entries = append(entries, Property{"length", strconv.FormatInt(x.Length, 10)})
	}
	for _, p := range append(entries, x.entries...) {
		r.message(13, encodeProperty(p))
	}
	r.int64(14, 1)
}

func encodeValueInfo(v *ValueInfo) *rope {
	r := &rope{}
	r.string(1, v.Name)
	switch {
	case v.Other != nil:
		r.bytes(2, v.Other)
	case v.Type.Elem != Undefined || v.Type.Shape.Ranked():
		tensor := &rope{}
		tensor.int64(1, int64(v.Type.Elem))
		if v.Type.Shape.Ranked() {
			tensor.message(2, encodeShape(v.Type.Shape))
		}
		typ := &rope{}
		typ.message(1, tensor)
		r.message(2, typ)
	}
	r.raw(v.extra)
	return r
}

func encodeShape(s Shape) *rope {
	r := &rope{}
	for _, d := range s {
		dim := &rope{}
		if n, ok := d.Size(); ok {
			dim.int64(1, n)
		} else {
			dim.optString(2, d.Name())
		}
		r.message(1, dim)
	}
	return r
}

func encodeFunction(f *Function, at placement) *rope {
	r := &rope{}
	r.string(1, f.Name)
	r.strings(4, f.Inputs)
	r.strings(5, f.Outputs)
	r.strings(6, f.Attrs)
	for _, n := range f.Nodes {
		r.message(7, encodeNode(n, at))
	}
	for _, o := range f.Opsets {
		r.message(9, encodeOpset(o))
	}
	r.optString(10, f.Domain)
	for _, a := range f.Defaults {
		r.message(11, encodeAttr(a, at))
	}
	r.optString(13, f.Overload)
	r.raw(f.extra)
	return r
}
