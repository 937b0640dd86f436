package onnx

import (
	"math/rand/v2"
	"testing"
)

// Zeros of float types are counted alike by the loops over bytes and element by
// element, signs and NaN included.
func TestZerosOfFloats(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, typ := range []DataType{Float, Float16, BFloat16, Double} {
		size := typ.Bits() / 8
		raw := make([]byte, 997*size)
		for i := range 997 {
			v := raw[i*size : (i+1)*size]
			switch rng.IntN(4) {
			case 0: // +0
			case 1:
				v[size-1] = 0x80 // -0
			case 2:
				v[rng.IntN(size)] = 1 << rng.IntN(7)
			default:
				for k := range v {
					v[k] = byte(rng.Uint32())
				}
			}
		}
		x, err := NewTensor("w", typ, []int64{997}, raw)
		if err != nil {
			t.Fatal(err)
		}
		var want int64
		for i := range 997 {
			if x.bitsAt(i)&(1<<(typ.Bits()-1)-1) == 0 {
				want++
			}
		}
		if got, ok := (weight{tensor: x, zeroFixed: true}).zeros(); !ok || got != want || want < 300 {
			t.Errorf("%v: %d zeros, %v; want %d", typ, got, ok, want)
		}
	}
}

// So are those of bytes with one zero point.
func TestZerosOfBytes(t *testing.T) {
	raw := make([]byte, 4096)
	rng := rand.New(rand.NewPCG(2, 1))
	for i := range raw {
		raw[i] = byte(rng.Uint32())
	}
	for _, typ := range []DataType{Int8, Uint8} {
		x, err := NewTensor("w", typ, []int64{4096}, raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, z := range []int64{-128, -1, 0, 3, 127, 128, 255, 256} {
			point, err := TensorOf("z", []int64{z})
			if err != nil {
				t.Fatal(err)
			}
			var want int64
			for i := range raw {
				if v, _ := (cell{typ, x.bitsAt(i)}).int64(); v == z {
					want++
				}
			}
			if got, ok := (weight{tensor: x, zero: point, zeroFixed: true}).zeros(); !ok || got != want {
				t.Errorf("%v, zero point %d: %d zeros, %v; want %d", typ, z, got, ok, want)
			}
		}
	}
}
