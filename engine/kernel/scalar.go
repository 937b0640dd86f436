package kernel

// scalarKernels are the functions in plain Go.
func scalarKernels() *Kernels {
	return &Kernels{lanes: scalarLanes, maxVec: 1, micro: scalarMicro()}
}
