package prediction

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// sha256 of 3, 0, 255, 7 as four bytes each, little-endian:
//
//	printf '\3\0\0\0\0\0\0\0\377\0\0\0\7\0\0\0' | sha256sum
//
// (coreutils 9.1).
const digest3_0_255_7 = "sha256:97152d86c6c8716a920b35708dd387aa848ef15dfd91905facb2de74aa4e145c"

func TestDigest(t *testing.T) {
	for _, classes := range []int{256, 1000, 1 << 17} {
		c, err := ColumnOf([]int{3, 0, 255, 7}, classes)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Digest(); got != digest3_0_255_7 {
			t.Errorf("%d bytes wide: digest %s, want %s", c.Width(), got, digest3_0_255_7)
		}
	}
	// Longer than a block, so that blocks join without a seam.
	long := make([]int, 5000)
	for i := range long {
		long[i] = i % 251
	}
	a, _ := ColumnOf(long, 256)
	b, _ := ColumnOf(long, 70000)
	if a.Digest() != b.Digest() {
		t.Error("the digest depends on the width")
	}
	long[4999]++
	c, _ := ColumnOf(long, 256)
	if a.Digest() == c.Digest() {
		t.Error("another last class has the same digest")
	}
}

func TestMax(t *testing.T) {
	for _, classes := range []int{200, 1000, 1 << 17} {
		c, _ := ColumnOf([]int{3, 199, 0}, classes)
		if c.Max() != 199 {
			t.Errorf("%d bytes wide: max %d, want 199", c.Width(), c.Max())
		}
	}
	if m := NewColumn(0, 5).Max(); m != -1 {
		t.Errorf("max of nothing is %d, want -1", m)
	}
}

// Every binary16 goes to float32 and back unchanged.
func TestFloat16Exact(t *testing.T) {
	for h := range 1 << 16 {
		f := fromFloat16(uint16(h))
		if f != f {
			continue // a NaN's payload may change
		}
		got, ok := toFloat16(f)
		if !ok || got != uint16(h) {
			t.Fatalf("%#04x is %v and comes back as %#04x, %v", h, f, got, ok)
		}
	}
}

// Rounding against numpy: testdata/float16.csv, made by testdata/gen.py.
func TestFloat16Rounding(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "float16.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		bits, err1 := strconv.ParseUint(row[0], 16, 32)
		want, err2 := strconv.ParseUint(row[1], 16, 16)
		if err1 != nil || err2 != nil {
			t.Fatal(row)
		}
		v := math.Float32frombits(uint32(bits))
		got, ok := toFloat16(v)
		overflow := want&0x7fff == 0x7c00
		if ok == overflow || ok && got != uint16(want) {
			t.Errorf("%v (%s): %#04x, fits %v, want %#04x", v, row[0], got, ok, want)
		}
	}
	if len(rows) < 1000 {
		t.Errorf("only %d rows", len(rows))
	}
}
