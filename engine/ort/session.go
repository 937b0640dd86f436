//go:build ort && (linux || darwin)

package ort

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// session is an [engine.Session] in ONNX Runtime.
type session struct {
	lib     *Library
	handle  handle
	inputs  []engine.Value
	outputs []engine.Value
	wanted  []string // outputs that Run gives
}

// Inputs implements [engine.Session].
func (s *session) Inputs() []engine.Value { return s.inputs }

// Outputs implements [engine.Session].
func (s *session) Outputs() []engine.Value { return s.outputs }

// Close implements [engine.Session].
func (s *session) Close() error {
	if s.handle != nil {
		s.lib.api.releaseSession(s.handle)
		s.handle = nil
	}
	return nil
}

// Run implements [engine.Session].
func (s *session) Run(ctx context.Context, inputs map[string]engine.Tensor) (map[string]engine.Tensor, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(inputs) != len(s.inputs) {
		return nil, fmt.Errorf("ort: %d inputs, the model has %d", len(inputs), len(s.inputs))
	}
	// What ONNX Runtime is given must stay where it is while it runs.
	var pin runtime.Pinner
	defer pin.Unpin()
	c := call{session: s, pin: &pin}
	defer c.free()
	for _, v := range s.inputs {
		t, ok := inputs[v.Name]
		if !ok || !t.Present() {
			return nil, fmt.Errorf("ort: input %q is missing", v.Name)
		}
		if err := c.input(v.Name, t); err != nil {
			return nil, fmt.Errorf("ort: input %q: %w", v.Name, err)
		}
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	out := make(map[string]engine.Tensor, len(s.wanted))
	for i, name := range s.wanted {
		t, err := s.lib.api.read(c.results[i])
		if err != nil {
			return nil, fmt.Errorf("ort: output %q: %w", name, err)
		}
		out[name] = t
	}
	return out, nil
}

// call is what one Run hands over.
type call struct {
	session *session
	pin     *runtime.Pinner
	names   []*byte
	values  []handle
	results []handle
}

// free gives the values of both sides back.
func (c *call) free() {
	for _, v := range slices.Concat(c.values, c.results) {
		if v != nil {
			c.session.lib.api.releaseValue(v)
		}
	}
}

// text is a C string.
func (c *call) text(s string) *byte {
	b := append([]byte(s), 0)
	c.pin.Pin(&b[0])
	return &b[0]
}

// input wraps a tensor, whose elements are not copied.
func (c *call) input(name string, t tensor.Tensor) error {
	data, err := pointer(t)
	if err != nil {
		return err
	}
	if data != nil {
		c.pin.Pin(data)
	}
	dims := make([]int64, t.Rank()+1) // one more, so that a scalar has an address too
	for i, d := range t.Shape() {
		dims[i] = int64(d)
	}
	l := c.session.lib
	var v handle
	if err := l.api.check(l.api.createTensor(l.memory, data, uintptr(t.Bytes()), &dims[0], uintptr(t.Rank()), int32(t.Type()), &v)); err != nil {
		return err
	}
	c.values = append(c.values, v)
	c.names = append(c.names, c.text(name))
	return nil
}

// run computes the results. When ctx is cancelled ONNX Runtime stops after the
// node that it is at.
func (c *call) run(ctx context.Context) error {
	a, s := c.session.lib.api, c.session
	var options handle
	if err := a.check(a.createRunOptions(&options)); err != nil {
		return err
	}
	defer a.releaseRunOptions(options)
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = a.check(a.setTerminate(options)) // it sets a flag and does not fail
	})
	names := make([]*byte, len(s.wanted))
	for i, w := range s.wanted {
		names[i] = c.text(w)
	}
	c.results = make([]handle, len(s.wanted))
	// A model without inputs has constants only; the lists then need an address.
	inNames, in := append(c.names, nil), append(c.values, nil)
	err := a.check(a.run(s.handle, options, &inNames[0], &in[0], uintptr(len(c.values)), &names[0], uintptr(len(names)), &c.results[0]))
	if !stop() {
		<-ended // the flag must be set before the options are freed
		if err != nil {
			return ctx.Err()
		}
	}
	return err
}

// read copies a value of ONNX Runtime.
func (a *api) read(v handle) (t tensor.Tensor, err error) {
	var kind int32
	if err := a.check(a.valueType(v, &kind)); err != nil {
		return t, err
	}
	if kind != 1 { // ONNX_TYPE_TENSOR
		return t, fmt.Errorf("is of kind %d, no dense tensor", kind)
	}
	typ, shape, err := a.shape(v)
	if err != nil {
		return t, err
	}
	if t, err = tensor.Make(typ, shape); err != nil || t.Len() == 0 {
		return t, err
	}
	var data unsafe.Pointer
	if err := a.check(a.tensorData(v, &data)); err != nil {
		return t, err
	}
	to, err := pointer(t)
	if err != nil {
		return t, err
	}
	copy(unsafe.Slice((*byte)(to), t.Bytes()), unsafe.Slice((*byte)(data), t.Bytes()))
	return t, nil
}

// shape is the element type and the shape of a value. The element types are
// numbered as in ONNX.
func (a *api) shape(v handle) (typ tensor.Type, shape []int, err error) {
	var info handle
	if err := a.check(a.tensorShape(v, &info)); err != nil {
		return 0, nil, err
	}
	defer a.freeShape(info)
	var elem int32
	var rank uintptr
	err = errors.Join(a.check(a.elemType(info, &elem)), a.check(a.rank(info, &rank)))
	if err != nil {
		return 0, nil, err
	}
	dims := make([]int64, rank+1)
	if err := a.check(a.dims(info, &dims[0], rank)); err != nil {
		return 0, nil, err
	}
	shape = make([]int, rank)
	for i := range shape {
		shape[i] = int(dims[i])
	}
	return tensor.Type(elem), shape, nil
}

// pointer is the address of a tensor's elements; nil if it has none.
func pointer(t tensor.Tensor) (unsafe.Pointer, error) {
	switch t.Type() {
	case tensor.Float32:
		return first[float32](t), nil
	case tensor.Float64:
		return first[float64](t), nil
	case tensor.F16:
		return first[tensor.Float16](t), nil
	case tensor.BF16:
		return first[tensor.BFloat16](t), nil
	case tensor.Int8:
		return first[int8](t), nil
	case tensor.Int16:
		return first[int16](t), nil
	case tensor.Int32:
		return first[int32](t), nil
	case tensor.Int64:
		return first[int64](t), nil
	case tensor.Uint8:
		return first[uint8](t), nil
	case tensor.Uint16:
		return first[uint16](t), nil
	case tensor.Uint32:
		return first[uint32](t), nil
	case tensor.Uint64:
		return first[uint64](t), nil
	case tensor.Bool:
		return first[bool](t), nil
	}
	return nil, fmt.Errorf("element type %v", t.Type())
}

func first[T tensor.Element](t tensor.Tensor) unsafe.Pointer {
	d := tensor.Data[T](t)
	if len(d) == 0 {
		return nil
	}
	return unsafe.Pointer(unsafe.SliceData(d))
}
