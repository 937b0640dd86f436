package op

import (
	"errors"
	"fmt"
	"slices"
)

// Window is the attributes that convolutions and pooling share. Lists are as
// long as there are spatial axes; a nil list stands for ones (Strides,
// Dilations) or zeros (Pads).
type Window struct {
	Kernel    []int // lengths; may be nil for a convolution: from the weights
	Strides   []int
	Dilations []int
	Pads      []int  // all starts, then all ends
	AutoPad   string // NOTSET, VALID, SAME_UPPER or SAME_LOWER
	Ceil      bool   // pooling: round the number of windows up
}

func windowOf(n node) Window {
	return Window{
		Kernel:    n.ints("kernel_shape"),
		Strides:   n.ints("strides"),
		Dilations: n.ints("dilations"),
		Pads:      n.ints("pads"),
		AutoPad:   n.Str("auto_pad", "NOTSET"),
		Ceil:      n.bool("ceil_mode"),
	}
}

// Placed is a window on an input of known size: every list has one entry for
// each spatial axis.
type Placed struct {
	In, Out           []int // lengths of input and output
	Kernel            []int
	Strides           []int
	Dilations         []int
	PadStart, PadStop []int
}

// Place computes where the windows lie on an input with the given spatial
// lengths. Kernel is used if w has none of its own.
func (w Window) Place(in, kernel []int) (Placed, error) {
	n := len(in)
	if w.Kernel != nil {
		if kernel != nil && !slices.Equal(w.Kernel, kernel) {
			return Placed{}, fmt.Errorf("kernel_shape %v, but the weights have %v", w.Kernel, kernel)
		}
		kernel = w.Kernel
	}
	p := Placed{In: in, Out: make([]int, n), Kernel: kernel,
		Strides: orElse(w.Strides, n, 1), Dilations: orElse(w.Dilations, n, 1)}
	pads := orElse(w.Pads, 2*n, 0)
	if len(kernel) != n || len(p.Strides) != n || len(p.Dilations) != n || len(pads) != 2*n {
		return Placed{}, fmt.Errorf("%d spatial axes, but kernel %v, strides %v, dilations %v, pads %v",
			n, kernel, p.Strides, p.Dilations, pads)
	}
	p.PadStart, p.PadStop = slices.Clone(pads[:n]), slices.Clone(pads[n:])
	for i := range n {
		if err := w.placeAxis(&p, i); err != nil {
			return Placed{}, err
		}
	}
	return p, nil
}

func orElse(v []int, n, def int) []int {
	if v != nil {
		return v
	}
	return slices.Repeat([]int{def}, n)
}

func (w Window) placeAxis(p *Placed, i int) error {
	const limit = 1 << 30 // keeps the sums below from overflowing
	k, s, d := p.Kernel[i], p.Strides[i], p.Dilations[i]
	if k < 1 || s < 1 || d < 1 || k > limit || s > limit || d > limit/k || p.In[i] > limit {
		return fmt.Errorf("kernel %d, stride %d, dilation %d on length %d do not make a window", k, s, d, p.In[i])
	}
	if min(p.PadStart[i], p.PadStop[i]) < 0 || max(p.PadStart[i], p.PadStop[i]) > limit {
		return errors.New("pads must not be negative")
	}
	reach := (k-1)*d + 1
	switch w.AutoPad {
	case "", "NOTSET":
	case "VALID":
		p.PadStart[i], p.PadStop[i] = 0, 0
	case "SAME_UPPER", "SAME_LOWER":
		out := (p.In[i] + s - 1) / s
		total := max((out-1)*s+reach-p.In[i], 0)
		p.PadStart[i] = total / 2
		if w.AutoPad == "SAME_LOWER" {
			p.PadStart[i] = total - total/2
		}
		p.PadStop[i] = total - p.PadStart[i]
	default:
		return fmt.Errorf("auto_pad %q is not known", w.AutoPad)
	}
	room := p.In[i] + p.PadStart[i] + p.PadStop[i] - reach
	if room < 0 {
		return fmt.Errorf("window of %d does not fit into length %d with pads %d and %d",
			reach, p.In[i], p.PadStart[i], p.PadStop[i])
	}
	p.Out[i] = room/s + 1
	// A further window counts if it starts before the padding at the end does.
	if w.Ceil && room%s != 0 && p.Out[i]*s < p.In[i]+p.PadStart[i] {
		p.Out[i]++
	}
	return nil
}

// Whole reports whether there is one window, which covers the input exactly.
func (p *Placed) Whole() bool {
	for i, n := range p.In {
		if p.Out[i] != 1 || p.Kernel[i] != n || p.Dilations[i] != 1 || p.PadStart[i] != 0 || p.PadStop[i] != 0 {
			return false
		}
	}
	return true
}

// line is a run of windows along the last axis of which all meet the input at
// one kernel position: output out+j is fed by input in+j·stride, j < n.
type line struct{ tap, out, in, n int }

// lines lists every (kernel position, run of outputs) of one channel, by kernel
// position. Positions in the padding are left out. Offsets are row-major.
func (p *Placed) lines() []line {
	last := len(p.In) - 1
	var all []line
	var walk func(axis int, l line)
	walk = func(axis int, l line) {
		for k := range p.Kernel[axis] {
			lo, hi := p.run(axis, k)
			shift := k*p.Dilations[axis] - p.PadStart[axis]
			next := line{tap: l.tap*p.Kernel[axis] + k, out: l.out * p.Out[axis], in: l.in * p.In[axis]}
			if axis == last {
				if lo < hi {
					all = append(all, line{next.tap, next.out + lo, next.in + lo*p.Strides[axis] + shift, hi - lo})
				}
				continue
			}
			for o := lo; o < hi; o++ {
				walk(axis+1, line{next.tap, next.out + o, next.in + o*p.Strides[axis] + shift, 0})
			}
		}
	}
	walk(0, line{})
	slices.SortStableFunc(all, func(a, b line) int { return a.tap - b.tap })
	return all
}

// run is the outputs lo to hi-1 along an axis whose input for kernel index k
// lies inside the input.
func (p *Placed) run(axis, k int) (lo, hi int) {
	off := k*p.Dilations[axis] - p.PadStart[axis]
	s := p.Strides[axis]
	if off < 0 {
		lo = (-off + s - 1) / s
	}
	if last := p.In[axis] - 1 - off; last >= 0 {
		hi = min(last/s+1, p.Out[axis])
	}
	return lo, max(hi, lo)
}
