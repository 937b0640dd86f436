package kernel

import "unsafe"

func scalarWinograd(k *Kernels) {
	k.winogradInput = func(p *winogradArgs) { winogradInputScalar(p, k.lanes) }
	k.winogradOutput = func(p *winogradArgs) { winogradOutputScalar(p, k.lanes) }
}

// winogradInputScalar is the scalar twin of the input transform, for vectors of
// so many lanes.
func winogradInputScalar(p *winogradArgs, lanes int) {
	for t := range p.n {
		src, dst := unsafe.Add(p.src, 2*t*p.pix), unsafe.Add(p.dst, t*p.tile)
		for ch := range p.vecs * lanes {
			var u [16]float32
			for r := range 4 {
				d := func(c int) float32 { return *at(src, r*p.row+c*p.pix+4*ch) }
				u[4*r], u[4*r+1], u[4*r+2], u[4*r+3] = d(0)-d(2), d(1)+d(2), d(2)-d(1), d(1)-d(3)
			}
			for c := range 4 {
				v := [4]float32{u[c] - u[8+c], u[4+c] + u[8+c], u[8+c] - u[4+c], u[4+c] - u[12+c]}
				for r, x := range v {
					*at(dst, (4*r+c)*p.pos+4*ch) = x
				}
			}
		}
	}
}

// winogradOutputScalar is the scalar twin of the output transform.
func winogradOutputScalar(p *winogradArgs, lanes int) {
	act := Activation{Kind: ActKind(p.act), Lo: p.lo, Hi: p.hi, Alpha: p.alpha, Beta: p.beta}
	for t := range p.n {
		src, dst := unsafe.Add(p.src, t*p.tile), unsafe.Add(p.dst, 2*t*p.pix)
		for ch := range p.vecs * lanes {
			for i, v := range winogradSums(src, p.pos, ch) {
				r, c := i/2, i%2
				if p.bias != nil {
					v += *at(p.bias, 4*ch)
				}
				if p.res != nil {
					v += *at(p.res, 2*t*p.resPix+r*p.resRow+c*p.resPix+4*ch)
				}
				*at(dst, r*p.row+c*p.pix+4*ch) = act.scalar(v)
			}
		}
	}
}

// winogradSums is Aᵀ·M·A of one column: two rows of two results.
func winogradSums(m unsafe.Pointer, pos, ch int) (y [4]float32) {
	var s [8]float32
	for r := range 4 {
		at := func(c int) float32 { return *at(m, (4*r+c)*pos+4*ch) }
		s[2*r], s[2*r+1] = (at(1)+at(2))+at(0), (at(1)-at(2))-at(3)
	}
	for c := range 2 {
		y[c], y[2+c] = (s[2+c]+s[4+c])+s[c], (s[2+c]-s[4+c])-s[6+c]
	}
	return y
}
