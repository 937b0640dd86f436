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
		k.lanes, k.maxVec = 8, 2
		useAVX2(k)
	case AVX512:
		k.lanes, k.maxVec = 16, 2
		useAVX512(k)
	default:
		return
	}
	k.transposeBlocks = transpose8x8
	k.halfToFloat, k.floatToHalf = halfToFloat8, floatToHalf8
}

func useAVX2(k *Kernels) {
	k.micro, k.peak = microAVX2(), peakAVX2
	k.grouped = map[int][]microFunc{4: grouped4ofAVX2()}
	k.depthwise, k.maxPool, k.sumPool = depthwiseAVX2(), maxPoolAVX2(), sumPoolAVX2()
	k.unary = [unaryCount]unaryFunc{
		OpAbs: absAVX2, OpSqrt: sqrtAVX2, OpReciprocal: reciprocalAVX2, OpAffine: affineAVX2,
		OpExp: expAVX2, OpErf: erfAVX2, OpTanh: tanhAVX2, OpSigmoid: sigmoidAVX2,
		opClip: clipAVX2, opLeaky: leakyAVX2, opHardSigmoid: hardSigmoidAVX2, opHardSwish: hardSwishAVX2,
		opSiLU: siluAVX2, opGelu: geluAVX2, opGeluTanh: geluTanhAVX2,
	}
	k.binary = [binaryCount][operandCount]binaryFunc{
		Add: {addVVAVX2, addVSAVX2, nil},
		Sub: {subVVAVX2, subVSAVX2, subSVAVX2},
		Mul: {mulVVAVX2, mulVSAVX2, nil},
		Div: {divVVAVX2, divVSAVX2, divSVAVX2},
		Min: {minVVAVX2, minVSAVX2, nil},
		Max: {maxVVAVX2, maxVSAVX2, nil},
	}
	k.affineRows = affineRowsAVX2
	k.maxOf, k.sumOf, k.sumSquares = maxOfAVX2, sumOfAVX2, sumSquaresAVX2
	k.expSum, k.normRow = expSumAVX2, normRowAVX2
	k.int8 = int8AVX2()
	k.winogradInput, k.winogradOutput = winogradInputAVX2, winogradOutputAVX2
	k.train = trainAVX2()
}

func useAVX512(k *Kernels) {
	k.micro, k.peak = microAVX512(), peakAVX512
	k.grouped = map[int][]microFunc{4: grouped4ofAVX512(), 8: grouped8ofAVX512()}
	k.depthwise, k.maxPool, k.sumPool = depthwiseAVX512(), maxPoolAVX512(), sumPoolAVX512()
	k.unary = [unaryCount]unaryFunc{
		OpAbs: absAVX512, OpSqrt: sqrtAVX512, OpReciprocal: reciprocalAVX512, OpAffine: affineAVX512,
		OpExp: expAVX512, OpErf: erfAVX512, OpTanh: tanhAVX512, OpSigmoid: sigmoidAVX512,
		opClip: clipAVX512, opLeaky: leakyAVX512, opHardSigmoid: hardSigmoidAVX512, opHardSwish: hardSwishAVX512,
		opSiLU: siluAVX512, opGelu: geluAVX512, opGeluTanh: geluTanhAVX512,
	}
	k.binary = [binaryCount][operandCount]binaryFunc{
		Add: {addVVAVX512, addVSAVX512, nil},
		Sub: {subVVAVX512, subVSAVX512, subSVAVX512},
		Mul: {mulVVAVX512, mulVSAVX512, nil},
		Div: {divVVAVX512, divVSAVX512, divSVAVX512},
		Min: {minVVAVX512, minVSAVX512, nil},
		Max: {maxVVAVX512, maxVSAVX512, nil},
	}
	k.affineRows = affineRowsAVX512
	k.maxOf, k.sumOf, k.sumSquares = maxOfAVX512, sumOfAVX512, sumSquaresAVX512
	k.expSum, k.normRow = expSumAVX512, normRowAVX512
	k.int8 = int8AVX512(cpu.X86.HasAVX512VNNI)
	k.winogradInput, k.winogradOutput = winogradInputAVX512, winogradOutputAVX512
	k.train = trainAVX512()
}
