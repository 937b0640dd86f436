package onnx

import "fmt"

func inferBatchNorm(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, x.Shape)
	channels := Dim{}
	if x.Shape.Ranked() {
		if len(x.Shape) < 1 {
			return fmt.Errorf("input %v, want 1 dimension or more", x.Shape)
		}
		channels = Fixed(1)
		if len(x.Shape) > 1 {
			channels = x.Shape[1]
		}
	}
	for i := 1; i <= 4; i++ {
		s := c.shape(i)
		if !s.Ranked() {
			continue
		}
		if len(s) != 1 {
			return fmt.Errorf("input %d is %v, want one dimension", i, s)
		}
		d, err := same(channels, s[0])
		if err != nil {
			return fmt.Errorf("input %v has %v channels, input %d is %v", x.Shape, channels, i, s)
		}
		channels = d
	}
	// The running mean and variance have the type of the mean.
	for i := 1; i < len(c.out); i++ {
		c.set(i, c.in(3).Elem, Shape{channels})
	}
	return nil
}

func inferLayerNorm(c *call) error {
	x := c.in(0)
	c.set(0, x.Elem, x.Shape)
	stash := DataType(c.n.Int("stash_type", int64(Float)))
	c.set(1, stash, nil)
	c.set(2, stash, nil)
	if !x.Shape.Ranked() {
		return nil
	}
	a, err := axis(c.n.Int("axis", -1), len(x.Shape))
	if err != nil {
		return err
	}
	for i := 1; i <= 2; i++ {
		if err := c.addend(i, x.Shape); err != nil {
			return err
		}
	}
	s := x.Shape.Clone()
	for i := a; i < len(s); i++ {
		s[i] = Fixed(1)
	}
	c.set(1, stash, s)
	c.set(2, stash, s)
	return nil
}

// scaleFits checks the scale and zero point of a quantization: one, or one for
// each index along the axis. Blocked scales are not checked.
func (c *call) scaleFits(scale, zero int) error {
	x, s := c.shape(0), c.shape(scale)
	if c.has(zero) && !compatible(TypeShape{Shape: s}, TypeShape{Shape: c.shape(zero)}) {
		n, ok := s.Elements()
		z, zok := c.shape(zero).Elements()
		if !ok || !zok || n != 1 || z != 1 { // [] and [1] are both one
			return fmt.Errorf("scale %v and zero point %v differ", s, c.shape(zero))
		}
	}
	if !x.Ranked() || len(s) != 1 || c.n.Int("block_size", 0) != 0 {
		return nil
	}
	if n, ok := s[0].Size(); !ok || n == 1 {
		return nil
	}
	a, err := axis(c.n.Int("axis", 1), len(x))
	if err != nil {
		return err
	}
	if _, err := same(x[a], s[0]); err != nil {
		return fmt.Errorf("input %v has %v indices along axis %d, the scale is %v", x, x[a], a, s)
	}
	return nil
}

func inferQuantize(c *call) error {
	elem := DataType(c.n.Int("output_dtype", 0))
	switch {
	case c.has(2):
		elem = c.in(2).Elem
	case elem == Undefined:
		elem = Uint8
	}
	c.set(0, elem, c.shape(0))
	return c.scaleFits(1, 2)
}

func inferDequantize(c *call) error {
	elem := DataType(c.n.Int("output_dtype", 0))
	if elem == Undefined {
		elem = c.in(1).Elem
	}
	if c.has(2) {
		if err := c.sameElem(0, 2); err != nil {
			return err
		}
	}
	c.set(0, elem, c.shape(0))
	return c.scaleFits(1, 2)
}

func inferDynamicQuantize(c *call) error {
	c.set(0, Uint8, c.shape(0))
	c.set(1, Float, Shape{})
	c.set(2, Uint8, Shape{})
	return nil
}
