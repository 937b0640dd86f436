package onnx

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Decode decodes a model from memory; tensors are views of b, which must not
// change while the model is in use. The graph is not checked beyond the
// encoding (see [Validate]), and external data is not read.
func Decode(b []byte) (*Model, error) {
	m := &Model{}
	err := eachField("model", b, m.field)
	if err != nil {
		return nil, err
	}
	if m.Graph == nil {
		return nil, malformed("a model without a graph")
	}
	return m, nil
}

func (m *Model) field(f field) (err error) {
	switch f.num {
	case 1:
		return f.int64(&m.IRVersion)
	case 2:
		return f.string(&m.Producer.Name)
	case 3:
		return f.string(&m.Producer.Version)
	case 4:
		return f.string(&m.Domain)
	case 5:
		return f.int64(&m.Version)
	case 6:
		return f.string(&m.Doc)
	case 7:
		if m.Graph != nil {
			return malformed("model: two graphs")
		}
		m.Graph, err = decodeGraph(f, 0)
		return err
	case 8:
		return decodeOpset(f, &m.Opsets)
	case 14:
		p, err := decodeProperty(f)
		m.Metadata = append(m.Metadata, p)
		return err
	case 25:
		fn, err := decodeFunction(f)
		if err != nil {
			return err
		}
		m.Functions = append(m.Functions, fn)
		return nil
	}
	m.extra = append(m.extra, f.raw...)
	return nil
}

// domainOf gives the default domain its short name.
func domainOf(s string) string {
	if s == "ai.onnx" {
		return ""
	}
	return s
}

func decodeOpset(f field, dst *[]Opset) error {
	b, err := f.bytes()
	if err != nil {
		return err
	}
	var o Opset
	err = eachField("operator set", b, func(f field) error {
		switch f.num {
		case 1:
			return f.string(&o.Domain)
		case 2:
			return f.int64(&o.Version)
		}
		return nil
	})
	o.Domain = domainOf(o.Domain)
	*dst = append(*dst, o)
	return err
}

func decodeGraph(f field, depth int) (*Graph, error) {
	b, err := f.bytes()
	if err != nil {
		return nil, err
	}
	if depth > MaxDepth {
		return nil, malformed("graphs are nested more than %d deep", MaxDepth)
	}
	g := &Graph{}
	return g, eachField("graph", b, func(f field) error { return g.field(f, depth) })
}

func (g *Graph) field(f field, depth int) error {
	switch f.num {
	case 1:
		n, err := decodeNode(f, depth)
		if err != nil {
			return atNode(err, n, len(g.Nodes))
		}
		g.Nodes = append(g.Nodes, n)
		return nil
	case 2:
		return f.string(&g.Name)
	case 5:
		b, err := f.bytes()
		if err != nil {
			return err
		}
		t, err := decodeTensor(b)
		if err != nil {
			return err
		}
		if t.Name == "" {
			return malformed("initializer #%d has no name", len(g.Initializers))
		}
		g.Initializers = append(g.Initializers, t)
		return nil
	case 10:
		return f.string(&g.Doc)
	case 11:
		return decodeValueInfo(f, &g.Inputs)
	case 12:
		return decodeValueInfo(f, &g.Outputs)
	case 13:
		return decodeValueInfo(f, &g.ValueInfo)
	case 15:
		return &Error{Msg: "sparse initializers", Reason: ErrUnsupported}
	}
	g.extra = append(g.extra, f.raw...)
	return nil
}

// atNode adds a node to an error that has none yet.
func atNode(err error, n *Node, i int) error {
	if e, ok := err.(*Error); ok && e.Node == "" {
		e.Node = "#" + strconv.Itoa(i)
		if n != nil {
			e.Node, e.Op = n.label(i), qualified(n.Domain, n.Op)
		}
	}
	return err
}

// label is the node's name, "#i" if it has none.
func (n *Node) label(i int) string {
	if n.Name != "" {
		return n.Name
	}
	return "#" + strconv.Itoa(i)
}

// qualified is the operator's name with its domain, if that is not the default.
func qualified(domain, op string) string {
	if domain == "" {
		return op
	}
	return domain + "." + op
}

func decodeNode(f field, depth int) (*Node, error) {
	b, err := f.bytes()
	if err != nil {
		return nil, err
	}
	n := &Node{}
	err = eachField("node", b, func(f field) error {
		switch f.num {
		case 1:
			return f.strings(&n.Inputs)
		case 2:
			return f.strings(&n.Outputs)
		case 3:
			return f.string(&n.Name)
		case 4:
			return f.string(&n.Op)
		case 5:
			a, err := decodeAttr(f, depth)
			n.Attrs = append(n.Attrs, a)
			return err
		case 7:
			return f.string(&n.Domain)
		}
		n.extra = append(n.extra, f.raw...)
		return nil
	})
	if err == nil && n.Op == "" {
		err = malformed("a node without an operator")
	}
	n.Domain = domainOf(n.Domain)
	return n, err
}

func decodeValueInfo(f field, dst *[]*ValueInfo) error {
	b, err := f.bytes()
	if err != nil {
		return err
	}
	v := &ValueInfo{}
	err = eachField("value info", b, func(f field) error {
		switch f.num {
		case 1:
			return f.string(&v.Name)
		case 2:
			b, err := f.bytes()
			if err != nil {
				return err
			}
			return v.decodeType(b)
		}
		v.extra = append(v.extra, f.raw...)
		return nil
	})
	*dst = append(*dst, v)
	return named(err, v.Name)
}

// decodeType decodes a TypeProto. Anything but a dense tensor is kept encoded.
func (v *ValueInfo) decodeType(b []byte) error {
	tensor := false
	err := eachField("type", b, func(f field) error {
		if f.num != 1 {
			return nil
		}
		tensor = true
		b, err := f.bytes()
		if err != nil {
			return err
		}
		return eachField("tensor type", b, func(f field) error {
			switch f.num {
			case 1:
				v.Type.Elem = DataType(int32(f.v))
				return f.want(protowire.VarintType)
			case 2:
				v.Type.Shape = Shape{}
				return decodeShape(f, &v.Type.Shape)
			}
			return nil
		})
	})
	if err == nil && !tensor {
		v.Other = append([]byte{}, b...)
	}
	return err
}

func decodeShape(f field, dst *Shape) error {
	b, err := f.bytes()
	if err != nil {
		return err
	}
	return eachField("shape", b, func(f field) error {
		if f.num != 1 {
			return nil
		}
		b, err := f.bytes()
		if err != nil {
			return err
		}
		var d Dim
		err = eachField("dimension", b, func(f field) error {
			switch f.num {
			case 1: // a negative size is how some tools write an unknown one
				d = Dim{}
				if n := int64(f.v); n >= 0 {
					d = Fixed(n)
				}
				return f.want(protowire.VarintType)
			case 2:
				d = Symbol(string(f.b))
				return f.want(protowire.BytesType)
			}
			return nil
		})
		*dst = append(*dst, d)
		return err
	})
}
