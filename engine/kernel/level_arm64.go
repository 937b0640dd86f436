package kernel

import "unsafe"

// supported: every arm64 processor that Go runs on has Advanced SIMD.
func supported(l Level) bool { return l == Scalar || l == NEON }

// accelerate replaces the scalar functions of k by those of k.level.
func accelerate(k *Kernels) {
	if k.level != NEON {
		return
	}
	k.lanes, k.maxVec, k.micro, k.wholeVectors = 4, 4, microNEON(), true
	k.depthwise = depthwiseNEON()
	for i, f := range k.depthwise {
		k.depthwise[i] = withTail(f, depthwiseScalar, i+1)
	}
}

// withTail adds the channels after the last whole vector of four to a kernel,
// with the scalar twin of one pixel.
func withTail(f, scalar windowFunc, pixels int) windowFunc {
	return func(p *windowArgs) {
		f(p)
		whole := p.channels &^ 3
		if whole == p.channels {
			return
		}
		q := *p
		q.channels -= whole
		for i := range pixels {
			q.x, q.y, q.w = unsafe.Add(p.x, i*p.xpix+4*whole), unsafe.Add(p.y, i*p.ypix+4*whole), unsafe.Add(p.w, 4*whole)
			if p.bias != nil {
				q.bias = unsafe.Add(p.bias, 4*whole)
			}
			if p.res != nil {
				q.res = unsafe.Add(p.res, i*p.rpix+4*whole)
			}
			scalar(&q)
		}
	}
}
