package kernel

// FMA runs rounds of fused multiply-adds on registers only and returns how
// many floating-point operations that was: the yardstick that the speed of the
// other kernels is compared with. It returns 0 at level Scalar.
func (k *Kernels) FMA(rounds int) (flops int) {
	if k.peak == nil || rounds < 1 {
		return 0
	}
	k.peak(rounds)
	return rounds * 12 * k.lanes * 2
}
