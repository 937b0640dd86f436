package kernel

import "unsafe"

// Winograd's algorithm for the weight gradient: with V = Bᵀ·x·B of a tile of 4×4
// pixels and M = A·dy·Aᵀ of its 2×2 results, dw = Gᵀ·[Σ V ⊙ M]·G, the sum being
// over tiles: for each of the 16 places a matrix product of input by output
// channels. Channels are cut into blocks so that the sums stay in the
// second-level cache.

const (
	winogradBlock = 64 // channels of a block on either side
	winogradRow   = 64 // at least a block, and at least a panel's columns
	winogradDepth = 64 // tiles of 4×4 pixels that are multiplied at a time
)

// winogradWeights says whether the weight gradient uses Winograd's algorithm.
func (s ConvSpec) winogradWeights() bool { return s.winogradFits() }

// winogradWeightPlan cuts the work into blocks of channels and chunks of tiles.
type winogradWeightPlan struct {
	in, out      int // channels
	ty, tx       int // tiles of an image
	rows, images int // rows of tiles of an image, and images, of a chunk
	lanes        int
}

func newWinogradWeightPlan(t *TrainConv) winogradWeightPlan {
	p := winogradWeightPlan{in: t.w.spec.In, out: t.w.spec.Out, lanes: t.w.k.lanes}
	p.ty, p.tx = t.forward.winogradTiles()
	p.rows, p.images = min(p.ty, ceilDiv(winogradDepth, p.tx)), 1
	if p.rows == p.ty {
		p.images = max(1, winogradDepth/(p.ty*p.tx))
	}
	return p
}

func (p *winogradWeightPlan) blocks() int {
	return ceilDiv(p.in, winogradBlock) * ceilDiv(p.out, winogradBlock)
}

// size is the floats of a group's sums: per block 16 places by input channels by
// winogradBlock columns.
func (p *winogradWeightPlan) size() int {
	return p.blocks() * 16 * winogradBlock * winogradBlock
}

// block returns the channels of a block.
func (p *winogradWeightPlan) block(i int) (in, nIn, out, nOut int) {
	across := ceilDiv(p.out, winogradBlock)
	in, out = i/across*winogradBlock, i%across*winogradBlock
	return in, min(winogradBlock, p.in-in), out, min(winogradBlock, p.out-out)
}

// weightWinograd sums a block over images from..to.
func (t *TrainConv) weightWinograd(block, from, to int, x, dy, part []float32, s *Scratch) {
	p := &t.weight.wino
	in, nIn, out, nOut := p.block(block)
	part = part[block*16*winogradBlock*winogradBlock:][:16*winogradBlock*winogradBlock]
	pitchIn, pitchOut := roundUp(nIn, p.lanes), roundUp(nOut, p.lanes)
	most := p.images * p.rows * p.tx
	buf := s.second(16 * (placePitch(most, pitchIn) + placePitch(most, pitchOut)))
	v, m := buf[:16*placePitch(most, pitchIn)], buf[16*placePitch(most, pitchIn):]
	s.micro.acc = 0
	for image := from; image < to; image += p.images {
		images := min(p.images, to-image)
		for row := 0; row < p.ty; row += p.rows {
			rows := min(p.rows, p.ty-row)
			n := images * rows * p.tx
			for i := range images {
				at := i * rows * p.tx
				t.winogradX(x, v[at*pitchIn:], image+i, row, rows, in, nIn, n, s)
				t.winogradDY(dy, m[at*pitchOut:], image+i, row, rows, out, nOut, n, s)
			}
			t.winogradBlockProducts(v, m, part, n, nIn, nOut, s)
			s.micro.acc = 1
		}
	}
}

// winogradX transforms rows of tiles of some channels of the input; n is the
// tiles of the whole chunk.
func (t *TrainConv) winogradX(x, v []float32, image, row, rows, channel, channels, n int, s *Scratch) {
	p, sh := &t.weight.wino, t.s
	pitch := roundUp(channels, p.lanes)
	cols := 2*p.tx + 2
	win := s.floats((2*rows + 2) * cols * pitch)
	src := window{src: x[image*sh.H*sh.W*sh.XPitch+channel:], h: sh.H, w: sh.W, pitch: sh.XPitch, channels: channels}
	src.copy(win, 2*row-sh.PadTop, -sh.PadLeft, 2*rows+2, cols, pitch)
	a := &s.winograd
	a.n, a.vecs = p.tx, pitch/p.lanes
	a.row, a.pix, a.pos, a.tile = 4*cols*pitch, 4*pitch, 4*placePitch(n, pitch), 4*pitch
	for r := range rows {
		a.src, a.dst = ptr(win, 2*r*cols*pitch), ptr(v, r*p.tx*pitch)
		t.w.k.winogradInput(a)
	}
}

// winogradDY transforms rows of tiles of some channels of the output's gradient,
// in place where tiles are whole.
func (t *TrainConv) winogradDY(dy, m []float32, image, row, rows, channel, channels, n int, s *Scratch) {
	p, c := &t.weight.wino, t.forward
	pitch := roundUp(channels, p.lanes)
	win, pix, cols := dy[image*c.oh*c.ow*t.s.YPitch+channel:], t.s.YPitch, c.ow
	first := 2 * row
	if channels%p.lanes != 0 || c.oh%2 != 0 || c.ow%2 != 0 {
		src := window{src: win, h: c.oh, w: c.ow, pitch: pix, channels: channels}
		pix, cols, first = pitch, 2*p.tx, 0
		win = s.floats(2 * rows * cols * pitch)
		src.copy(win, 2*row, 0, 2*rows, cols, pitch)
	}
	a := &s.winograd
	a.n, a.vecs = p.tx, pitch/p.lanes
	a.row, a.pix, a.pos, a.tile = 4*cols*pix, 4*pix, 4*placePitch(n, pitch), 4*pitch
	for r := range rows {
		a.src, a.dst = ptr(win, (first+2*r)*cols*pix), ptr(m, r*p.tx*pitch)
		t.w.k.train.winogradGrad(a)
	}
}

// winogradBlockProducts adds Vᵀ·M of n tiles to the sums, place by place.
func (t *TrainConv) winogradBlockProducts(v, m, part []float32, n, nIn, nOut int, s *Scratch) {
	k, p := t.w.k, &s.micro
	pitchIn, pitchOut := roundUp(nIn, k.lanes), roundUp(nOut, k.lanes)
	p.n, p.ak, p.bk = [3]int{n, 1, 1}, [3]int{4 * pitchIn, 0, 0}, [3]int{4 * pitchOut, 0, 0}
	p.am, p.cm, p.rm, p.act, p.bias, p.res = 4, 4*winogradBlock, 0, int(ActNone), nil, nil
	p.setTail(k.lanes, k.lanes)
	for pos := range 16 {
		for col := 0; col < pitchOut; col += k.panel() {
			vecs := min(k.maxVec, (pitchOut-col)/k.lanes)
			p.b = ptr(m, pos*placePitch(n, pitchOut)+col)
			segments(nIn, k.maxRows(vecs), func(first, rows int) {
				p.group(rows)
				p.a = ptr(v, pos*placePitch(n, pitchIn)+first)
				p.c = ptr(part, (pos*winogradBlock+first)*winogradBlock+col)
				k.invoke(s, vecs, rows)
			})
		}
	}
}

// winogradWeightSum makes the weight gradient of a block of channels from the
// groups' sums.
func (t *TrainConv) winogradWeightSum(block int, partials, dw []float32) {
	p := &t.weight.wino
	in, nIn, out, nOut := p.block(block)
	const place = winogradBlock * winogradBlock
	at := block * 16 * place
	for pos := range 16 {
		t.addGroups(partials, at+pos*place, nIn*winogradBlock)
	}
	var u [16]float32
	var rows [16][winogradRow]float32
	for i := range nIn {
		for pos := range rows { // they lie a power of two apart
			copy(rows[pos][:nOut], partials[at+pos*place+i*winogradBlock:])
		}
		for o := range nOut {
			for pos := range u {
				u[pos] = rows[pos][o]
			}
			winogradFold(&u, (*[9]float32)(dw[((out+o)*p.in+in+i)*9:]))
		}
	}
}

// winogradFold sets g = Gᵀ·u·G.
func winogradFold(u *[16]float32, g *[9]float32) {
	var t [12]float32
	for c := range 4 {
		a, b, d, e := u[c], u[4+c], u[8+c], u[12+c]
		s := (b + d) * 0.5
		t[c], t[4+c], t[8+c] = a+s, (b-d)*0.5, s+e
	}
	for r := range 3 {
		a, b, d, e := t[4*r], t[4*r+1], t[4*r+2], t[4*r+3]
		s := (b + d) * 0.5
		g[3*r], g[3*r+1], g[3*r+2] = a+s, (b-d)*0.5, s+e
	}
}

// winogradGradScalar is the scalar twin of the transform M = A·dy·Aᵀ of 2×2
// values to 16 places, for vectors of so many lanes.
func winogradGradScalar(p *winogradArgs, lanes int) {
	for t := range p.n {
		src, dst := unsafe.Add(p.src, 2*t*p.pix), unsafe.Add(p.dst, t*p.tile)
		for ch := range p.vecs * lanes {
			var rows [2][4]float32
			for r := range rows {
				a, b := *at(src, r*p.row+4*ch), *at(src, r*p.row+p.pix+4*ch)
				rows[r] = [4]float32{a, a + b, a - b, 0 - b}
			}
			for c := range 4 {
				a, b := rows[0][c], rows[1][c]
				for r, x := range [4]float32{a, a + b, a - b, 0 - b} {
					*at(dst, (4*r+c)*p.pos+4*ch) = x
				}
			}
		}
	}
}
