package dataset

import "image"

// Most photographs store colour (Cb and Cr) at half the resolution of
// brightness (Y). The standard library repeats a colour sample for its pixels;
// the decoders that models are trained with (libjpeg, libwebp) interpolate.
// At edges the difference is dozens of grey levels, so the functions here do
// as those libraries do, in the same integer arithmetic.

// plane is one component of an image.
type plane struct {
	pix           []uint8
	stride        int
	width, height int
}

func (p plane) row(y int) []uint8 {
	y = min(max(y, 0), p.height-1)
	return p.pix[y*p.stride : y*p.stride+p.width]
}

// chromaPlanes are Cb and Cr of m, cut to the samples that its pixels use.
func chromaPlanes(m *image.YCbCr) (cb, cr plane, h, v int) {
	h, v = 1, 1
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		h = 2
	case image.YCbCrSubsampleRatio420:
		h, v = 2, 2
	case image.YCbCrSubsampleRatio440:
		v = 2
	case image.YCbCrSubsampleRatio411:
		h = 4
	case image.YCbCrSubsampleRatio410:
		h, v = 4, 2
	}
	w, ht := (m.Rect.Dx()+h-1)/h, (m.Rect.Dy()+v-1)/v
	at := m.COffset(m.Rect.Min.X, m.Rect.Min.Y)
	return plane{m.Cb[at:], m.CStride, w, ht}, plane{m.Cr[at:], m.CStride, w, ht}, h, v
}

// jpegColours converts a decoded JPEG to RGB as libjpeg does with its default
// settings (jdsample.c "fancy upsampling", jdcolor.c).
func jpegColours(m *image.YCbCr) *Image {
	w := m.Rect.Dx()
	out := NewImage(w, m.Rect.Dy(), 3)
	cb, cr, h, v := chromaPlanes(m)
	u := jpegUpsampler{h: h, v: v, sums: make([]int32, cb.width)}
	rows := make([]uint8, 2*(cb.width*h))
	b, r := rows[:cb.width*h], rows[cb.width*h:]
	for y := range out.Height {
		u.row(b, cb, y)
		u.row(r, cr, y)
		luma := m.Y[m.YOffset(m.Rect.Min.X, m.Rect.Min.Y+y):]
		jpegRow(out.row(y), luma[:w], b[:w], r[:w])
	}
	return out
}

// jpegRow converts one row by ITU-R 601-1 in 16-bit fixed point.
func jpegRow(dst, luma, cb, cr []uint8) {
	const half = 1 << 15
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	for x, l := range luma {
		y, b, r := int32(l), int32(cb[x])-128, int32(cr[x])-128
		p := dst[3*x : 3*x+3 : 3*x+3]
		p[0] = clamp8(y + (91881*r+half)>>16)
		p[1] = clamp8(y + (-22554*b-46802*r+half)>>16)
		p[2] = clamp8(y + (116130*b+half)>>16)
	}
}

// clamp8 brings v into 0 to 255. Most values are: one branch, well predicted.
func clamp8(v int32) uint8 {
	if uint32(v) <= 255 {
		return uint8(v)
	}
	return uint8(^(v >> 31)) // all ones above, zero below
}

// jpegUpsampler brings rows of a component to full resolution.
type jpegUpsampler struct {
	h, v int     // pixels a sample stands for, across and down
	sums []int32 // scratch, one for each sample of a row
}

// row writes row y of the image from component p.
func (u *jpegUpsampler) row(dst []uint8, p plane, y int) {
	near := p.row(y / u.v)
	// The row on the other side of the pixel, three times as far away.
	far := p.row(y/u.v - 1 + 2*(y&1))
	switch {
	case u.h == 1 && u.v == 1:
		copy(dst, near)
	case u.h == 1 && u.v == 2:
		bias := int32(1 + (y & 1))
		for x := range near {
			dst[x] = uint8((3*int32(near[x]) + int32(far[x]) + bias) >> 2)
		}
	case u.h == 2 && u.v == 1 && p.width > 2:
		for x, s := range near {
			u.sums[x] = int32(s)
		}
		fancyRow(dst, u.sums, 1, 2, 2)
	case u.h == 2 && u.v == 2 && p.width > 2:
		for x := range near {
			u.sums[x] = 3*int32(near[x]) + int32(far[x])
		}
		fancyRow(dst, u.sums, 8, 7, 4)
	default:
		for x, s := range near {
			for i := range u.h {
				dst[x*u.h+i] = s
			}
		}
	}
}

// fancyRow doubles a row: each pixel is three quarters of the sample it lies in
// and one quarter of the neighbour it lies nearer to. Rounding is biased left
// and right in turn.
func fancyRow(dst []uint8, s []int32, left, right int32, shift uint) {
	n := len(s)
	dst = dst[:2*n]
	before, v := s[0], s[0]
	for x, after := range s[1:] {
		three := 3 * v
		pair := dst[2*x : 2*x+2 : 2*x+2]
		pair[0] = uint8((three + before + left) >> (shift & 31))
		pair[1] = uint8((three + after + right) >> (shift & 31))
		before, v = v, after
	}
	dst[2*n-2] = uint8((3*v + before + left) >> (shift & 31))
	dst[2*n-1] = uint8((4*v + right) >> (shift & 31))
}

// webpColours converts a decoded lossy WebP to RGB as libwebp does (upsampling.c,
// yuv.h): Y reaches from 16 to 235, colour is interpolated from four samples.
func webpColours(m *image.YCbCr) *Image {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := NewImage(w, h, 3)
	cb, cr, _, _ := chromaPlanes(m)
	b, r := make([]uint8, w+1), make([]uint8, w+1)
	for y := range h {
		// Pixel rows 2k-1 and 2k lie between sample rows k-1 and k.
		near, far := y/2, y/2-1+2*(y&1)
		webpUpsample(b[:w], cb.row(near), cb.row(far))
		webpUpsample(r[:w], cr.row(near), cr.row(far))
		luma := m.Y[m.YOffset(m.Rect.Min.X, m.Rect.Min.Y+y):]
		webpRow(out.row(y), luma[:w], b, r)
	}
	return out
}

// webpUpsample writes one row of pixels from the sample rows above and below:
// (9 near + 3 beside + 3 far + far beside + 8) / 16, in libwebp's order of
// halving.
func webpUpsample(dst, near, far []uint8) {
	n := len(dst)
	dst[0] = uint8((3*uint32(near[0]) + uint32(far[0]) + 2) >> 2)
	for x := 1; x <= (n-1)/2; x++ {
		nl, n1 := uint32(near[x-1]), uint32(near[x])
		fl, f1 := uint32(far[x-1]), uint32(far[x])
		all := nl + n1 + fl + f1 + 8
		dst[2*x-1] = uint8(((all+2*(n1+fl))>>3 + nl) >> 1)
		dst[2*x] = uint8(((all+2*(nl+f1))>>3 + n1) >> 1)
	}
	if n%2 == 0 {
		dst[n-1] = uint8((3*uint32(near[n/2-1]) + uint32(far[n/2-1]) + 2) >> 2)
	}
}

func webpRow(dst, luma, u, v []uint8) {
	for x, l := range luma {
		y := int32(l) * 19077 >> 8
		b, r := int32(u[x]), int32(v[x])
		dst[3*x] = clamp8((y + r*26149>>8 - 14234) >> 6)
		dst[3*x+1] = clamp8((y - b*6419>>8 - r*13320>>8 + 8708) >> 6)
		dst[3*x+2] = clamp8((y + b*33050>>8 - 17685) >> 6)
	}
}
