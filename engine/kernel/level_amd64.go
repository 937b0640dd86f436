package kernel

import "golang.org/x/sys/cpu"

func supported(l Level) bool {
	avx2 := cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasF16C
	switch l {
	case Scalar:
		return true
	case AVX2:
		return avx2
	case AVX512:
		return avx2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL
	}
	return false
}

// accelerate replaces the scalar functions of k by those of k.level.
func accelerate(k *Kernels) {
	switch k.level {
	case AVX2:
		k.lanes, k.maxVec, k.micro = 8, 2, microAVX2()
		k.depthwise, k.maxPool, k.sumPool = depthwiseAVX2(), maxPoolAVX2(), sumPoolAVX2()
	case AVX512:
		k.lanes, k.maxVec, k.micro = 16, 2, microAVX512()
		k.depthwise, k.maxPool, k.sumPool = depthwiseAVX512(), maxPoolAVX512(), sumPoolAVX512()
	}
}
