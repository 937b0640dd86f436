package tflite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The builtin operators and the element types that are read, numbered as in
// schema.fbs.
const (
	opAdd            = 0
	opAveragePool2D  = 1
	opConv2D         = 3
	opFullyConnected = 9
	opReshape        = 22
	opSoftmax        = 25

	typeFloat32 = 0
	typeInt32   = 2
	typeInt8    = 9
)

// ErrUnsupported says that a file holds what this package does not rebuild.
var ErrUnsupported = errors.New("not supported")

// array is a tensor of the file: its shape, and its elements if constant.
type array struct {
	name string
	dims []int
	typ  int
	data []byte

	// Of a quantized tensor: real = scale · (stored − zero), one of both for the
	// tensor or for each index of axis.
	scale []float32
	zero  []int64
	axis  int
}

// elements is the number of elements of a constant, which must have data for
// them.
func (a *array) elements(size int) (int, error) {
	n := 1
	for _, d := range a.dims {
		if d <= 0 || n > math.MaxInt32/d {
			return 0, fmt.Errorf("tflite: tensor %q: shape %v", a.name, a.dims)
		}
		n *= d
	}
	if len(a.data) != size*n {
		return 0, fmt.Errorf("tflite: tensor %q: %w: %d bytes of type %d for shape %v, want a constant", a.name, ErrUnsupported, len(a.data), a.typ, a.dims)
	}
	return n, nil
}

// words is the elements of a constant of 4 bytes each, as f makes them.
func words[T any](a *array, f func(uint32) T) ([]T, error) {
	n, err := a.elements(4)
	if err != nil {
		return nil, err
	}
	out := make([]T, n)
	for i := range out {
		out[i] = f(binary.LittleEndian.Uint32(a.data[4*i:]))
	}
	return out, nil
}

// bytes is the elements of a constant int8 tensor.
func (a *array) bytes() ([]int8, error) {
	n, err := a.elements(1)
	if err != nil {
		return nil, err
	}
	out := make([]int8, n)
	for i := range out {
		out[i] = int8(a.data[i])
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
		q := t.sub(4)
		a.scale, a.zero, a.axis = q.floats(2), q.longs(3), q.int(6, 0)
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
