package tflite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The builtin operators and the element type that are read, numbered as in
// schema.fbs.
const (
	opAdd            = 0
	opAveragePool2D  = 1
	opConv2D         = 3
	opFullyConnected = 9
	opReshape        = 22
	opSoftmax        = 25

	typeFloat32 = 0
)

// ErrUnsupported says that a file holds what this package does not rebuild.
var ErrUnsupported = errors.New("not supported")

// array is a tensor of the file: its shape, and its elements if constant.
type array struct {
	name string
	dims []int
	typ  int
	data []byte
}

// floats is the elements of a constant float32 tensor.
func (a *array) floats() ([]float32, error) {
	n := 1
	for _, d := range a.dims {
		if d <= 0 || n > math.MaxInt32/d {
			return nil, fmt.Errorf("tflite: tensor %q: shape %v", a.name, a.dims)
		}
		n *= d
	}
	if a.typ != typeFloat32 || len(a.data) != 4*n {
		return nil, fmt.Errorf("tflite: tensor %q: %w: want %d constant float32, has %d bytes of type %d", a.name, ErrUnsupported, n, len(a.data), a.typ)
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(a.data[4*i:]))
	}
	return out, nil
}

// operator is one step of the file's subgraph.
type operator struct {
	code    int
	in, out []int // tensors; -1: left out
	options table
}

// file is the one subgraph of a TFLite file.
type file struct {
	tensors         []array
	inputs, outputs []int
	ops             []operator
}

// parse reads the subgraph of a file.
func parse(b []byte) (*file, error) {
	if len(b) < 8 || string(b[4:8]) != "TFL3" {
		return nil, errors.New("tflite: not a TensorFlow Lite file: identifier TFL3 is missing")
	}
	f := &buffer{b: b}
	model := f.root()
	graphs := model.tables(2)
	if f.err == nil && len(graphs) != 1 {
		return nil, fmt.Errorf("tflite: %w: %d subgraphs, want 1", ErrUnsupported, len(graphs))
	}
	if f.err != nil {
		return nil, fmt.Errorf("tflite: %w", f.err)
	}
	out := &file{inputs: graphs[0].ints(1), outputs: graphs[0].ints(2)}
	buffers := model.tables(4)
	for _, t := range graphs[0].tables(0) {
		a := array{name: string(t.raw(3)), dims: t.ints(0), typ: t.byte(1, 0)}
		if k := t.index(2); k < len(buffers) {
			a.data = buffers[k].raw(0)
		}
		out.tensors = append(out.tensors, a)
	}
	codes := model.tables(1)
	for _, t := range graphs[0].tables(3) {
		k := t.index(0)
		if k >= len(codes) {
			return nil, fmt.Errorf("tflite: %w: operator code %d of %d", errDamaged, k, len(codes))
		}
		// Old files hold the code in a byte, new ones in four; the larger counts.
		code := max(codes[k].byte(0, 0), codes[k].int(3, 0))
		out.ops = append(out.ops, operator{code, t.ints(1), t.ints(2), t.sub(4)})
	}
	if f.err != nil {
		return nil, fmt.Errorf("tflite: %w", f.err)
	}
	return out, nil
}
