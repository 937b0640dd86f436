//go:build !amd64 && !arm64

package kernel

func supported(l Level) bool { return l == Scalar }

// accelerate has nothing to replace on this architecture.
func accelerate(*Kernels) {}
