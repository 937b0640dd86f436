package tensor

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// Every float16 survives the way through float32, and every float32 between
// two of them rounds to the nearer, the even one of two equally near.
func TestFloat16(t *testing.T) {
	for bits := range 1 << 16 {
		h := Float16(bits)
		f := h.Float32()
		if f != f {
			if back := NewFloat16(f); back.Float32() == back.Float32() || h&0x7c00 != 0x7c00 {
				t.Fatalf("%#x is NaN, back %#x", bits, back)
			}
			continue
		}
		if back := NewFloat16(f); back != h {
			t.Fatalf("%#x is %g, back %#x", bits, f, back)
		}
		if h&0x7fff >= 0x7bff {
			continue // nothing finite above
		}
		next := (h + 1).Float32()
		mid := float32((float64(f) + float64(next)) / 2)
		even := h
		if h&1 == 1 {
			even = h + 1
		}
		if got := NewFloat16(mid); got != even {
			t.Fatalf("%g between %#x and the next gives %#x, want %#x", mid, bits, got, even)
		}
		if got := NewFloat16(math.Nextafter32(mid, f)); got != h {
			t.Fatalf("just towards %#x from the middle gives %#x", bits, got)
		}
		if got := NewFloat16(math.Nextafter32(mid, next)); got != h+1 {
			t.Fatalf("just away from %#x gives %#x", bits, got)
		}
	}
	for f, want := range map[float32]Float16{65519.996: 0x7bff, 65520: 0x7c00, 1e30: 0x7c00, -1e30: 0xfc00, 1: 0x3c00, -2: 0xc000} {
		if got := NewFloat16(f); got != want {
			t.Errorf("NewFloat16(%g) = %#x, want %#x", f, got, want)
		}
	}
}

func TestBFloat16(t *testing.T) {
	for bits := range 1 << 16 {
		h := BFloat16(bits)
		if f := h.Float32(); f == f && NewBFloat16(f) != h {
			t.Fatalf("%#x does not survive float32", bits)
		}
	}
	// Halfway: 1 + 2^-8 is between 1 and 1 + 2^-7.
	for f, want := range map[float32]BFloat16{1 + 1.0/256: 0x3f80, 1 + 3.0/256: 0x3f82, 1 + 1.0/255: 0x3f81} {
		if got := NewBFloat16(f); got != want {
			t.Errorf("NewBFloat16(%g) = %#x, want %#x", f, got, want)
		}
	}
	if f := NewBFloat16(float32(math.NaN())).Float32(); f == f {
		t.Error("NaN became a number")
	}
}

func TestShapes(t *testing.T) {
	if _, err := New([]int{2, 3}, make([]int8, 5)); err == nil {
		t.Error("5 elements fit [2 3]")
	}
	for _, shape := range [][]int{{-1}, {1 << 40, 1 << 40}, {math.MaxInt, 2}} {
		if _, err := Make(Int64, shape); err == nil {
			t.Errorf("made %v", shape)
		}
	}
	if _, err := Make(Float32, []int{1 << 20, 1 << 20}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("4 TiB: %v", err)
	}
	if n, err := Elements([]int{0, 1 << 40}); n != 0 || err != nil {
		t.Errorf("an empty shape has %d elements, %v", n, err)
	}
	if _, err := Make(Type(8), nil); err == nil {
		t.Error("made a tensor of strings")
	}
	x := Must(New([]int{3, 2}, []float32{0, 1, 2, 3, 4, 5}))
	rows := x.Slice(1, 3)
	Data[float32](rows)[0] = 9
	if !slices.Equal(Data[float32](x), []float32{0, 1, 9, 3, 4, 5}) || !slices.Equal(rows.Shape(), []int{2, 2}) {
		t.Errorf("rows %v of %v", rows, x)
	}
	c := x.Clone()
	Data[float32](c)[0] = 7
	if Data[float32](x)[0] != 0 || !Equal(x, x) || Equal(x, c) {
		t.Error("a clone shares elements")
	}
	if _, err := x.Reshape([]int{4}); err == nil {
		t.Error("6 elements reshaped to 4")
	}
	if s := Scalar(true); s.Len() != 1 || s.Rank() != 0 || (Tensor{}).Len() != 0 || (Tensor{}).Present() {
		t.Error("a scalar has one element, the zero Tensor none")
	}
}

// Tensors over memory share it, whatever their type.
func TestOver(t *testing.T) {
	mem := make([]byte, 64)
	for typ := Undefined; typ <= BF16; typ++ {
		if typ.Size() == 0 {
			continue
		}
		v, err := Over(typ, []int{2}, mem)
		if err != nil || v.Type() != typ || v.Len() != 2 || v.Bytes() != 2*typ.Size() {
			t.Errorf("%v: %v, %v", typ, v, err)
		}
		if typ.Size() > 1 {
			if _, err := Over(typ, []int{1}, mem[1:]); err == nil {
				t.Errorf("%v at an odd address", typ)
			}
		}
	}
	v := Must(Over(Int32, []int{2}, mem))
	Data[int32](v)[1] = -1
	if mem[4] != 0xff || mem[0] != 0 {
		t.Errorf("memory %v", mem[:8])
	}
	if _, err := Over(Float64, []int{9}, mem); err == nil {
		t.Error("9 float64 in 64 bytes")
	}
	if b := Must(Over(Int8, []int{64}, mem)).Bytes8(); &b[0] != &mem[0] {
		t.Error("the bytes of an int8 tensor are a copy")
	}
}
