package onnx

import (
	"errors"
	"fmt"
)

// Window is how a convolution or pooling moves over the spatial dimensions,
// with one entry a dimension and all defaults filled in.
type Window struct {
	Kernel, Stride, Dilation []int64
	// PadBegin and PadEnd are elements of padding before and after; with AutoPad
	// SAME they depend on the input and are set by [Window.Pads].
	PadBegin, PadEnd []int64
	AutoPad          string // "NOTSET", "SAME_UPPER", "SAME_LOWER" or "VALID"
	Ceil             bool   // the last window may reach past the padding
}

// WindowOf reads the attributes of a Conv, ConvInteger, QLinearConv or pooling
// node with a number of spatial dimensions. kernel is used where the node has
// no kernel_shape; nil if there is nothing to use.
func WindowOf(n *Node, spatial int, kernel []int64) (Window, error) {
	w := Window{AutoPad: n.Str("auto_pad", "NOTSET"), Ceil: n.Int("ceil_mode", 0) != 0}
	var err error
	list := func(name string, count int, def int64, least int64) []int64 {
		v, ok := n.Ints(name)
		if !ok {
			v = make([]int64, count)
			for i := range v {
				v[i] = def
			}
		}
		if len(v) != count && err == nil {
			err = fmt.Errorf("%s has %d entries, want %d", name, len(v), count)
		}
		for _, x := range v {
			if (x < least || x > maxWindow) && err == nil {
				err = fmt.Errorf("%s %v, want %d to %d", name, v, least, int64(maxWindow))
			}
		}
		return v
	}
	w.Stride = list("strides", spatial, 1, 1)
	w.Dilation = list("dilations", spatial, 1, 1)
	w.Kernel = kernel
	if k, ok := n.Ints("kernel_shape"); ok || kernel == nil {
		w.Kernel = list("kernel_shape", spatial, 1, 1)
		for i := range kernel {
			if err == nil && k[i] != kernel[i] {
				err = fmt.Errorf("kernel_shape %v, the weights have %v", k, kernel)
			}
		}
	}
	pads := list("pads", 2*spatial, 0, 0)
	if err != nil {
		return Window{}, err
	}
	w.PadBegin, w.PadEnd = pads[:spatial], pads[spatial:]
	switch w.AutoPad {
	case "NOTSET", "SAME_UPPER", "SAME_LOWER":
	case "VALID":
		w.PadBegin, w.PadEnd = make([]int64, spatial), make([]int64, spatial)
	default:
		return Window{}, fmt.Errorf("auto_pad %q, want NOTSET, SAME_UPPER, SAME_LOWER or VALID", w.AutoPad)
	}
	return w, nil
}

// maxWindow bounds kernels, strides, dilations and padding so that sums and
// products of two stay in int64.
const maxWindow = 1 << 24

// reach is the number of input elements from the first to the last of a window.
func (w Window) reach(i int) int64 { return (w.Kernel[i]-1)*w.Dilation[i] + 1 }

// Pads is the padding before and after dimension i for an input of size in.
func (w Window) Pads(i int, in int64) (begin, end int64) {
	if w.AutoPad != "SAME_UPPER" && w.AutoPad != "SAME_LOWER" {
		return w.PadBegin[i], w.PadEnd[i]
	}
	out := (in + w.Stride[i] - 1) / w.Stride[i]
	total := max((out-1)*w.Stride[i]+w.reach(i)-in, 0)
	if w.AutoPad == "SAME_UPPER" {
		return total / 2, total - total/2
	}
	return total - total/2, total / 2
}

// Out is the output size of dimension i for an input of size in. It fails if
// not one window fits.
func (w Window) Out(i int, in int64) (int64, error) {
	if w.AutoPad == "SAME_UPPER" || w.AutoPad == "SAME_LOWER" {
		return (in + w.Stride[i] - 1) / w.Stride[i], nil
	}
	room := in + w.PadBegin[i] + w.PadEnd[i] - w.reach(i)
	if room < 0 && !w.Ceil || room <= -w.Stride[i] {
		return 0, fmt.Errorf("the input has %d elements with padding in spatial dimension %d, the window needs %d",
			in+w.PadBegin[i]+w.PadEnd[i], i, w.reach(i))
	}
	if !w.Ceil {
		return room/w.Stride[i] + 1, nil
	}
	out := (room+w.Stride[i]-1)/w.Stride[i] + 1
	if (out-1)*w.Stride[i] >= in+w.PadBegin[i] {
		out-- // no window starts in the padding at the end
	}
	return out, nil
}

// spatialOut is [Window.Out] for dimensions that may be unknown.
func (w Window) spatialOut(in Shape) (Shape, error) {
	out := make(Shape, len(in))
	for i, d := range in {
		n, ok := d.Size()
		if !ok {
			continue
		}
		m, err := w.Out(i, n)
		if err != nil {
			return nil, err
		}
		out[i] = Fixed(m)
	}
	return out, nil
}

// convShape is the shape of a convolution of input x with weights w.
func (c *call) convShape(x, w Shape) (Shape, error) {
	if !x.Ranked() || !w.Ranked() {
		return nil, nil
	}
	if len(x) < 3 || len(w) != len(x) {
		return nil, fmt.Errorf("input %v and weights %v: want the same number of dimensions, 3 or more", x, w)
	}
	group := c.n.Int("group", 1)
	if group < 1 {
		return nil, fmt.Errorf("group %d, want 1 or more", group)
	}
	m, mok := w[0].Size()
	k, kok := w[1].Size()
	in, iok := x[1].Size()
	switch {
	case iok && kok && (in%group != 0 || in/group != k):
		return nil, fmt.Errorf("input %v has %d channels, weights %v in %d groups want %d", x, in, w, group, k*group)
	case mok && m%group != 0:
		return nil, fmt.Errorf("weights %v have %d filters, not a multiple of %d groups", w, m, group)
	}
	kernel, known := w[2:].Sizes()
	if !known {
		if _, ok := c.n.Ints("kernel_shape"); !ok {
			return append(Shape{x[0], w[0]}, make(Shape, len(x)-2)...), nil
		}
		kernel = nil
	}
	win, err := WindowOf(c.n, len(x)-2, kernel)
	if err != nil {
		return nil, err
	}
	spatial, err := win.spatialOut(x[2:])
	return append(Shape{x[0], w[0]}, spatial...), err
}

// bias checks that input i, if it is there, has one element for each filter.
func (c *call) bias(i int, s Shape) error {
	b := c.shape(i)
	if !c.has(i) || !b.Ranked() || !s.Ranked() {
		return nil
	}
	if !compatible(TypeShape{Shape: b}, TypeShape{Shape: Shape{s[1]}}) {
		return fmt.Errorf("bias %v, want [%v]", b, s[1])
	}
	return nil
}

func inferConv(c *call) error {
	if err := c.sameElem(0, 1); err != nil {
		return err
	}
	s, err := c.convShape(c.shape(0), c.shape(1))
	if err != nil {
		return err
	}
	c.set(0, c.in(0).Elem, s)
	return c.bias(2, s)
}

func inferConvInteger(c *call) error {
	s, err := c.convShape(c.shape(0), c.shape(1))
	c.set(0, Int32, s)
	return err
}

func inferQLinearConv(c *call) error {
	s, err := c.convShape(c.shape(0), c.shape(3))
	if err != nil {
		return err
	}
	c.set(0, c.in(7).Elem, s)
	return c.bias(8, s)
}

func inferPool(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, nil)
	c.set(1, Int64, nil)
	if !x.Shape.Ranked() {
		return nil
	}
	if len(x.Shape) < 3 {
		return fmt.Errorf("input %v, want 3 dimensions or more", x.Shape)
	}
	w, err := WindowOf(c.n, len(x.Shape)-2, nil)
	if err != nil {
		return err
	}
	s, err := w.spatialOut(x.Shape[2:])
	if err != nil {
		return err
	}
	s = append(x.Shape[:2:2], s...)
	c.set(0, x.Elem, s)
	c.set(1, Int64, s)
	return nil
}

func inferGlobalPool(c *call) error {
	s := c.shape(0).Clone()
	if s.Ranked() && len(s) < 2 {
		return fmt.Errorf("input %v, want 2 dimensions or more", s)
	}
	for i := 2; i < len(s); i++ {
		s[i] = Fixed(1)
	}
	c.set(0, c.in(0).Elem, s)
	return nil
}

// same is the one size of two dimensions that must agree.
func same(a, b Dim) (Dim, error) {
	if a.known && b.known && a != b {
		return Dim{}, fmt.Errorf("%v and %v", a, b)
	}
	if !a.known {
		return b, nil
	}
	return a, nil
}

func inferGemm(c *call) error {
	if err := c.sameElem(0, 1); err != nil {
		return err
	}
	a, b := c.shape(0), c.shape(1)
	c.set(0, c.in(0).Elem, nil)
	if !a.Ranked() || !b.Ranked() {
		return nil
	}
	if len(a) != 2 || len(b) != 2 {
		return fmt.Errorf("%v times %v, want matrices", a, b)
	}
	if c.n.Int("transA", 0) != 0 {
		a = Shape{a[1], a[0]}
	}
	if c.n.Int("transB", 0) != 0 {
		b = Shape{b[1], b[0]}
	}
	if _, err := same(a[1], b[0]); err != nil {
		return fmt.Errorf("%v times %v: inner sizes differ: %w", a, b, err)
	}
	s := Shape{a[0], b[1]}
	c.set(0, c.in(0).Elem, s)
	return c.addend(2, s)
}

// addend checks that input i, if it is there, can be broadcast to s.
func (c *call) addend(i int, s Shape) error {
	if !c.has(i) || !c.shape(i).Ranked() {
		return nil
	}
	t := c.shape(i)
	sum, err := broadcast(s, t)
	if err == nil && (len(sum) != len(s) || !compatible(TypeShape{Shape: sum}, TypeShape{Shape: s})) {
		err = errors.New("it is larger")
	}
	if err != nil {
		return fmt.Errorf("input %d is %v, it cannot be broadcast to %v", i, t, s)
	}
	return nil
}

// matMulShape is the shape of numpy.matmul.
func matMulShape(a, b Shape) (Shape, error) {
	if !a.Ranked() || !b.Ranked() {
		return nil, nil
	}
	if len(a) == 0 || len(b) == 0 {
		return nil, fmt.Errorf("%v times %v, want 1 dimension or more", a, b)
	}
	vecA, vecB := len(a) == 1, len(b) == 1
	x, y := a, b
	if vecA {
		x = Shape{Fixed(1), a[0]}
	}
	if vecB {
		y = Shape{b[0], Fixed(1)}
	}
	if _, err := same(x[len(x)-1], y[len(y)-2]); err != nil {
		return nil, fmt.Errorf("%v times %v: inner sizes differ: %w", a, b, err)
	}
	out, err := broadcast(x[:len(x)-2], y[:len(y)-2])
	if err != nil {
		return nil, err
	}
	if !vecA {
		out = append(out, x[len(x)-2])
	}
	if !vecB {
		out = append(out, y[len(y)-1])
	}
	return out, nil
}

func inferMatMul(c *call) error {
	if err := c.sameElem(0, 1); err != nil {
		return err
	}
	s, err := matMulShape(c.shape(0), c.shape(1))
	c.set(0, c.in(0).Elem, s)
	return err
}

func inferMatMulInteger(c *call) error {
	s, err := matMulShape(c.shape(0), c.shape(1))
	c.set(0, Int32, s)
	return err
}

func inferQLinearMatMul(c *call) error {
	s, err := matMulShape(c.shape(0), c.shape(3))
	c.set(0, c.in(7).Elem, s)
	return err
}
