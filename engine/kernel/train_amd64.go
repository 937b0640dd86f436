package kernel

// trainAVX2 and trainAVX512 are the kernels of training.
func trainAVX2() trainFuncs {
	return trainFuncs{
		winogradGrad: winogradGradAVX2,
		depthwise:    depthwiseGradAVX2(),
		colSum:       colSumAVX2,
		colSquares:   colSquaresAVX2,
		normForward:  [2]func(p *normArgs){normForwardAVX2, normForwardAddAVX2},
		normReduce:   [normMasks]func(p *normArgs){normReduceAVX2, normReduceInputAVX2, normReduceOutputAVX2},
		normBackward: [2][2]func(p *normArgs){{normBackwardAVX2, normBackwardAddAVX2}, {normBackwardInputAVX2, normBackwardInputAddAVX2}},
		actGrad: [actCount]func(dx, dy, v *float32, n int, a, b float32){
			ActClip: clipGradAVX2, ActLeaky: leakyGradAVX2, ActHardSwish: hardSwishGradAVX2, ActHardSigmoid: hardSigmoidGradAVX2,
			ActSigmoid: sigmoidGradAVX2, ActSiLU: siluGradAVX2, ActTanh: tanhGradAVX2, ActGelu: geluGradAVX2, ActGeluTanh: geluTanhGradAVX2,
		},
		maxPoolGrad:  maxPoolGradAVX2,
		meanPoolGrad: meanPoolGradAVX2,
	}
}

func trainAVX512() trainFuncs {
	return trainFuncs{
		winogradGrad: winogradGradAVX512,
		depthwise:    depthwiseGradAVX512(),
		colSum:       colSumAVX512,
		colSquares:   colSquaresAVX512,
		normForward:  [2]func(p *normArgs){normForwardAVX512, normForwardAddAVX512},
		normReduce:   [normMasks]func(p *normArgs){normReduceAVX512, normReduceInputAVX512, normReduceOutputAVX512},
		normBackward: [2][2]func(p *normArgs){{normBackwardAVX512, normBackwardAddAVX512}, {normBackwardInputAVX512, normBackwardInputAddAVX512}},
		actGrad: [actCount]func(dx, dy, v *float32, n int, a, b float32){
			ActClip: clipGradAVX512, ActLeaky: leakyGradAVX512, ActHardSwish: hardSwishGradAVX512, ActHardSigmoid: hardSigmoidGradAVX512,
			ActSigmoid: sigmoidGradAVX512, ActSiLU: siluGradAVX512, ActTanh: tanhGradAVX512, ActGelu: geluGradAVX512, ActGeluTanh: geluTanhGradAVX512,
		},
		maxPoolGrad:  maxPoolGradAVX512,
		meanPoolGrad: meanPoolGradAVX512,
	}
}
