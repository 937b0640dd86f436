package onnx

import (
	"encoding/binary"
	"runtime"
	"slices"
	"unsafe"
)

// littleEndian reports whether the machine stores numbers as ONNX files do.
func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// loadsUnaligned reports whether the machine loads numbers from any address.
// The bytes of a tensor start wherever the protobuf encoding put them.
func loadsUnaligned() bool { return runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" }

// view is raw as numbers: the same memory where the machine allows, else a
// copy. Bytes that do not fill an element are left out.
func view[T Number](raw []byte) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	n := len(raw) / size
	if n == 0 {
		return []T{}
	}
	p := unsafe.Pointer(unsafe.SliceData(raw))
	if littleEndian() && (loadsUnaligned() || uintptr(p)%unsafe.Alignof(zero) == 0) {
		return unsafe.Slice((*T)(p), n)
	}
	out := make([]T, n)
	copy(rawBytes(out), raw[:n*size])
	if !littleEndian() {
		swapElements(rawBytes(out), size)
	}
	return out
}

// bytesOf is data as little-endian bytes: the same memory where the machine
// stores numbers so, else a copy.
func bytesOf[T Number](data []T) []byte {
	if littleEndian() {
		return rawBytes(data)
	}
	var zero T
	out := slices.Clone(rawBytes(data))
	swapElements(out, int(unsafe.Sizeof(zero)))
	return out
}

func rawBytes[T Number](data []T) []byte {
	if len(data) == 0 {
		return []byte{}
	}
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*int(unsafe.Sizeof(zero)))
}

// swapElements reverses the bytes of every element.
func swapElements(b []byte, size int) {
	for i := 0; i+size <= len(b); i += size {
		slices.Reverse(b[i : i+size])
	}
}
