package onnx

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
)

// Facts is what [Inspect] says of a model. A nil pointer means that the number
// cannot be said.
type Facts struct {
	File      string          `json:"file,omitempty"`
	Bytes     int64           `json:"bytes"` // of all files
	Files     []FileInfo      `json:"files"`
	IRVersion int64           `json:"ir_version"`
	Opsets    []OpsetFact     `json:"opsets"`
	Producer  string          `json:"producer,omitempty"`
	Inputs    []ValueFact     `json:"inputs"` // those a caller must give
	Outputs   []ValueFact     `json:"outputs"`
	Operators []OperatorCount `json:"operators"`

	// Parameters is the number of elements of the constants that training sets:
	// weights, biases, scales and shifts of normalizations, embeddings; each
	// tensor once. Not counted: running means and variances, quantization scales
	// and zero points, constants that say a shape, an axis or a bound.
	Parameters int64 `json:"parameters"`
	// ConstantBytes is the size of all constants, counted or not.
	ConstantBytes int64         `json:"constant_bytes"`
	ElementTypes  []ElementFact `json:"element_types"`

	// MACs is the number of multiply-accumulate operations of one run with the
	// shapes of MACInputs, over all layers. An unknown leading dimension of an
	// input, the batch, is taken as 1.
	MACs      *int64      `json:"macs"`
	MACInputs []ValueFact `json:"mac_inputs"`
	Layers    []LayerFact `json:"layers"`
	// LayerWeights is the number of weights of all layers whose weights are
	// constants; ZeroShare, QuantizedShare and BitsPerWeight are over them: the
	// share that is zero (in a quantized tensor: equal to the zero point), the
	// share stored in integers or floats of at most 8 bits, and the mean size.
	LayerWeights   int64    `json:"layer_weights"`
	ZeroShare      *float64 `json:"zero_share"`
	QuantizedShare *float64 `json:"quantized_share"`
	BitsPerWeight  *float64 `json:"bits_per_weight"`

	// WeightsDigest is the SHA-256 of all constants that nodes read, in the order
	// of their first use by the nodes in topological order: element type,
	// dimensions and values, but no names and nothing of how they are stored.
	WeightsDigest string `json:"weights_digest"`
	// UnknownOperators are operators that are not listed by [Operators].
	UnknownOperators []string `json:"unknown_operators"`

	// Inspect does not fill in the rest; who knows it does. Nil is not known.
	BytesZstd            *int64   `json:"bytes_zstd,omitempty"`            // of all files after zstd
	CompressedParameters *float64 `json:"compressed_parameters,omitempty"` // share in layers that are pruned or in fewer than 32 bits
	CompressedMACs       *float64 `json:"compressed_macs,omitempty"`       // share of the multiply-accumulates in such layers
}

// OpsetFact is an imported operator set.
type OpsetFact struct {
	Domain  string `json:"domain"`
	Version int64  `json:"version"`
}

// ValueFact is an input or an output. Shape is null without a known rank.
type ValueFact struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Shape Shape  `json:"shape"`
}

// OperatorCount is how often an operator is used, subgraphs included.
type OperatorCount struct {
	Operator string `json:"operator"`
	Count    int    `json:"count"`
}

// ElementFact is the parameters of one element type.
type ElementFact struct {
	Type       string `json:"type"`
	Tensors    int    `json:"tensors"`
	Parameters int64  `json:"parameters"`
	Bytes      int64  `json:"bytes"`
}

// LayerFact is a convolution or matrix product.
type LayerFact struct {
	Node     string `json:"node"`
	Operator string `json:"operator"`
	// Weight is the constant behind the layer's weights, "" where they are
	// computed (as in attention).
	Weight    string   `json:"weight,omitempty"`
	Type      string   `json:"type,omitempty"` // as stored
	Dims      []int64  `json:"dims,omitempty"` // as stored
	Weights   int64    `json:"weights"`        // elements of Weight
	Zeros     *int64   `json:"zeros"`
	ZeroShare *float64 `json:"zero_share"`
	Quantized bool     `json:"quantized"` // stored in at most 8 bits
	MACs      *int64   `json:"macs"`
}

// Inspect collects the facts of a model. inputs gives shapes of inputs to count
// operations with (see [Infer]); nil takes the declared ones.
func Inspect(m *Model, inputs map[string]Shape) (Facts, error) {
	f := Facts{
		File: m.Path, IRVersion: m.IRVersion, Files: append([]FileInfo{}, m.Files...),
		// Lists are written as lists in JSON, also where they are empty.
		Opsets: []OpsetFact{}, Inputs: []ValueFact{}, Outputs: []ValueFact{}, Operators: []OperatorCount{},
		ElementTypes: []ElementFact{}, MACInputs: []ValueFact{}, Layers: []LayerFact{}, UnknownOperators: []string{},
	}
	for _, x := range m.Files {
		f.Bytes += x.Bytes
	}
	for _, o := range m.Opsets {
		f.Opsets = append(f.Opsets, OpsetFact{cmp.Or(o.Domain, "ai.onnx"), o.Version})
	}
	f.Producer = strings.TrimSpace(m.Producer.Name + " " + m.Producer.Version)
	for _, v := range m.Graph.DataInputs() {
		f.Inputs = append(f.Inputs, ValueFact{v.Name, v.Type.Elem.String(), v.Type.Shape})
	}
	f.countOperators(m)

	shapes := batchOfOne(m.Graph, inputs)
	types, err := Infer(m, shapes)
	if err != nil {
		return Facts{}, err
	}
	for _, v := range m.Graph.DataInputs() {
		f.MACInputs = append(f.MACInputs, ValueFact{v.Name, types[v.Name].Elem.String(), types[v.Name].Shape})
	}
	// Outputs are shown for the declared inputs, symbols and all.
	symbolic, err := Infer(m, inputs)
	if err != nil {
		return Facts{}, err
	}
	for _, v := range m.Graph.Outputs {
		t := symbolic[v.Name]
		f.Outputs = append(f.Outputs, ValueFact{v.Name, t.Elem.String(), t.Shape})
	}
	s := newSurvey(m, types)
	digest := make(chan string, 1)
	go func() { digest <- weightsDigest(s) }() // on another core: it reads all weights, as countLayers does
	f.countConstants(s)
	f.countLayers(s)
	f.WeightsDigest = <-digest
	return f, nil
}

// batchOfOne is the given shapes and, for the other inputs, the declared ones
// with an unknown leading dimension set to 1.
func batchOfOne(g *Graph, given map[string]Shape) map[string]Shape {
	out := map[string]Shape{}
	for name, s := range given {
		out[name] = s
	}
	for _, v := range g.DataInputs() {
		s := v.Type.Shape
		if _, ok := out[v.Name]; ok || len(s) == 0 {
			continue
		}
		if _, known := s[0].Size(); !known {
			s = s.Clone()
			s[0] = Fixed(1)
			out[v.Name] = s
		}
	}
	return out
}

func (f *Facts) countOperators(m *Model) {
	count := map[string]int{}
	var walk func(g *Graph)
	walk = func(g *Graph) {
		for _, n := range g.Nodes {
			count[qualified(n.Domain, n.Op)]++
			for _, s := range n.Subgraphs() {
				walk(s)
			}
		}
	}
	walk(m.Graph)
	for op, n := range count {
		f.Operators = append(f.Operators, OperatorCount{op, n})
	}
	slices.SortFunc(f.Operators, func(a, b OperatorCount) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(a.Operator, b.Operator))
	})
	for _, e := range Unknown(m) {
		if !slices.Contains(f.UnknownOperators, e.Op) {
			f.UnknownOperators = append(f.UnknownOperators, e.Op)
		}
	}
	slices.Sort(f.UnknownOperators)
}

func (f *Facts) countConstants(s *survey) {
	by := map[DataType]*ElementFact{}
	for _, c := range s.constants {
		f.ConstantBytes += c.tensor.bytes()
		if !c.parameter {
			continue
		}
		n, _ := c.tensor.Elements()
		e := by[c.tensor.Type]
		if e == nil {
			e = &ElementFact{Type: c.tensor.Type.String()}
			by[c.tensor.Type] = e
		}
		e.Tensors++
		e.Parameters += n
		e.Bytes += c.tensor.bytes()
		f.Parameters += n
	}
	for _, e := range by {
		f.ElementTypes = append(f.ElementTypes, *e)
	}
	slices.SortFunc(f.ElementTypes, func(a, b ElementFact) int {
		return cmp.Or(cmp.Compare(b.Parameters, a.Parameters), strings.Compare(a.Type, b.Type))
	})
}

// bytes is the size of the elements.
func (t *Tensor) bytes() int64 {
	n := int64(len(t.Raw))
	for _, s := range t.Strings {
		n += int64(len(s))
	}
	return n
}

// weightsDigest is over types, dimensions and values of all constants.
func weightsDigest(s *survey) string {
	h := sha256.New()
	h.Write([]byte("lethe weights 1\n"))
	for _, c := range s.constants {
		digestTensor(h, c.tensor)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func digestTensor(h hash.Hash, t *Tensor) {
	put := func(v int64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(v))
		h.Write(b[:])
	}
	put(int64(t.Type))
	put(int64(len(t.Dims)))
	for _, d := range t.Dims {
		put(d)
	}
	h.Write(t.Raw)
	for _, s := range t.Strings {
		put(int64(len(s)))
		h.Write(s)
	}
}

func (f *Facts) countLayers(s *survey) {
	var zeros, quantized, bits, total int64
	allMACs, countable := true, true
	for _, l := range s.layers() {
		f.Layers = append(f.Layers, l.fact)
		if l.fact.MACs == nil {
			allMACs = false
		} else {
			total += *l.fact.MACs
		}
		if l.tensor == nil {
			continue
		}
		f.LayerWeights += l.fact.Weights
		bits += l.fact.Weights * int64(l.tensor.Type.Bits())
		if l.fact.Quantized {
			quantized += l.fact.Weights
		}
		if l.fact.Zeros == nil {
			countable = false
		} else {
			zeros += *l.fact.Zeros
		}
	}
	if allMACs && len(f.UnknownOperators) == 0 {
		f.MACs = &total
	}
	if f.LayerWeights == 0 {
		return
	}
	f.QuantizedShare = share(quantized, f.LayerWeights)
	f.BitsPerWeight = share(bits, f.LayerWeights)
	if countable {
		f.ZeroShare = share(zeros, f.LayerWeights)
	}
}

func share(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	v := float64(part) / float64(whole)
	return &v
}
