package kernel

import (
	"fmt"
	"unsafe"
)

// QuantSpec is what is known of a convolution of 8-bit integers before its
// input's size. A matrix product is a 1×1 convolution whose pixels are the
// rows of the left-hand side.
type QuantSpec struct {
	In, Out              int  // channels
	KH, KW               int  // kernel height and width
	StrideH, StrideW     int  // 0 means 1
	DilationH, DilationW int  // 0 means 1
	Groups               int  // divides In and Out; 0 means 1
	XSigned, WSigned     bool // int8, else uint8
}

func (s QuantSpec) geometry() ConvSpec {
	return ConvSpec{In: s.In, Out: s.Out, KH: s.KH, KW: s.KW, StrideH: s.StrideH, StrideW: s.StrideW,
		DilationH: s.DilationH, DilationW: s.DilationW, Groups: s.Groups}
}

// QuantWeights are 8-bit weights packed for one level. They are read-only and
// may be shared.
//
// The products are exact in every form that the weights are packed in:
//
//   - bytes: unsigned inputs by signed weights, four to a lane (AVX-512 VNNI,
//     and the scalar twin). Inputs of type int8 have 128 added; zero points of
//     the inputs are taken off at the end by the sums of the weights.
//   - words: both without their zero points as 16-bit integers, two to a lane.
//     For processors without VNNI and for weights with zero points.
//   - a depthwise convolution has words of one channel to a lane.
type QuantWeights struct {
	k      *Kernels
	spec   ConvSpec // sizes filled in
	signed bool     // inputs are int8
	form   quantForm
	lanes  int
	units  int // lanes' worth of channels of a group: 4 bytes or 2 words each
	panels []panel
	data   []int32 // panels: KH, KW, units, columns; depthwise: KH, KW, channels
	sums   []int32 // bytes: sum of the weights of each column, panel by panel
}

type quantForm int

const (
	quantBytes quantForm = iota
	quantWords
	quantDepthwise
)

// per is how many channels a lane takes in one step.
func (f quantForm) per() int { return [...]int{4, 2, 1}[f] }

// PackQuant packs weights[Out][In/Groups][KH][KW], bytes that are int8 or
// uint8 as the spec says. Zero has no element (all 0), one, or one for each
// output channel. The slices are not kept.
func (k *Kernels) PackQuant(spec QuantSpec, weights []byte, zero []int32) (*QuantWeights, error) {
	geo, err := spec.geometry().normalized()
	if err != nil {
		return nil, err
	}
	cin, taps := geo.In/geo.Groups, geo.KH*geo.KW
	if want := geo.Out * cin * taps; len(weights) != want {
		return nil, fmt.Errorf("kernel: integer convolution: %w: %d weights, want %d", ErrShape, len(weights), want)
	}
	if len(zero) > 1 && len(zero) != geo.Out {
		return nil, fmt.Errorf("kernel: integer convolution: %w: %d zero points for %d channels", ErrShape, len(zero), geo.Out)
	}
	w := &QuantWeights{k: k, spec: geo, signed: spec.XSigned, form: k.quantForm(geo, spec.WSigned, zero)}
	w.units = ceilDiv(cin, w.form.per())
	if w.form == quantDepthwise {
		w.packDepthwise(weights, spec.WSigned, zero)
		return w, nil
	}
	maxVec := 0
	w.lanes, maxVec = k.int8.lanes, len(w.micro())
	var size, columns int
	w.panels, size, columns = cutPanels(geo.Groups, geo.Out/geo.Groups, taps*w.units, w.lanes, maxVec)
	w.data, w.sums = alignedInts(size), make([]int32, columns)
	for _, p := range w.panels {
		for c := range p.cols(w.lanes) {
			w.packColumn(p, c, weights[(p.col+c)*cin*taps:][:cin*taps], valueOf(spec.WSigned, w.form, zero, p.col+c))
		}
	}
	return w, nil
}

// quantForm chooses how weights are packed.
func (k *Kernels) quantForm(geo ConvSpec, signed bool, zero []int32) quantForm {
	if geo.depthwise() {
		return quantDepthwise
	}
	middle := int32(0)
	if !signed {
		middle = 128
	}
	plain := k.int8.bytes != nil && (len(zero) > 0 || middle == 0)
	for _, z := range zero {
		plain = plain && z == middle
	}
	if plain {
		return quantBytes
	}
	return quantWords
}

// valueOf gives the packed value of a weight of output channel c: without its
// zero point, which for bytes is 0 (int8) or 128 (uint8).
func valueOf(signed bool, form quantForm, zero []int32, c int) func(b byte) int32 {
	var z int32
	switch {
	case len(zero) == 1:
		z = zero[0]
	case len(zero) > 1:
		z = zero[c]
	}
	if signed {
		return func(b byte) int32 { return int32(int8(b)) - z }
	}
	return func(b byte) int32 { return int32(b) - z }
}

func (w *QuantWeights) micro() [][]microFunc {
	if w.form == quantBytes {
		return w.k.int8.bytes
	}
	return w.k.int8.words
}

// packColumn writes one column of a panel from its weights [In/Groups][taps].
func (w *QuantWeights) packColumn(p panel, c int, weights []byte, value func(b byte) int32) {
	per, width := w.form.per(), p.width(w.lanes)
	taps := w.spec.KH * w.spec.KW
	cin := len(weights) / taps
	var sum int32
	for t := range taps {
		for u := range w.units {
			var lane uint32
			for j := 0; j < per && u*per+j < cin; j++ {
				v := value(weights[(u*per+j)*taps+t])
				sum += v
				lane |= (uint32(v) & (1<<(32/per) - 1)) << (j * 32 / per)
			}
			w.data[p.data+(t*w.units+u)*width+c] = int32(lane)
		}
	}
	w.sums[p.bias+c] = sum
}

func (w *QuantWeights) packDepthwise(weights []byte, signed bool, zero []int32) {
	w.lanes = w.k.int8.lanes
	taps, pitch := w.spec.KH*w.spec.KW, roundUp(w.spec.Out, w.lanes)
	w.data = alignedInts(taps * pitch)
	for c := range w.spec.Out {
		value := valueOf(signed, w.form, zero, c)
		for t := range taps {
			// The upper word is 0: lanes multiply it by the 0 above each input.
			w.data[t*pitch+c] = value(weights[c*taps+t]) & 0xffff
		}
	}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// cutPanels is Kernels.panels for columns in lanes of another width.
func cutPanels(groups, cols, depth, lanes, maxVec int) (out []panel, data, columns int) {
	for g := range groups {
		for c := 0; c < cols; c += lanes * maxVec {
			n := min(cols-c, lanes*maxVec)
			vecs := ceilDiv(n, lanes)
			p := panel{data: data, bias: columns, col: g*cols + c, vecs: vecs, tail: n - (vecs-1)*lanes, group: g}
			out = append(out, p)
			data += depth * p.width(lanes)
			columns += p.width(lanes)
		}
	}
	return out, data, columns
}

// alignedInts is n zeros that start at a cache line.
func alignedInts(n int) []int32 {
	f := Aligned(n)
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(f))), n)
}
