//go:build linux || darwin || freebsd

package onnx

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps size bytes of f; nil if that cannot be done.
func mapFile(f *os.File, size int64) *mapping {
	if int64(int(size)) != size {
		return nil
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	return &mapping{data: data, unmap: func() error { return unix.Munmap(data) }}
}
