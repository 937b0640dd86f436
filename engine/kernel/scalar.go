package kernel

// scalarKernels are the functions in plain Go.
func scalarKernels() *Kernels {
	k := &Kernels{lanes: scalarLanes, maxVec: 1, micro: scalarMicro()}
	scalarWindows(k)
	scalarUnaries(k)
	scalarBinaries(k)
	scalarReductions(k)
	k.int8 = scalarInt8()
	scalarWinograd(k)
	scalarTrain(k)
	return k
}
