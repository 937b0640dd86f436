package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// seeds adds the small models of testdata, which use every part of the format.
func seeds(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "models", "*.onnx"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 4000 { // large seeds slow the fuzzer down
			f.Add(b)
		}
	}
}

// FuzzDecode: any bytes give an error or a model that encodes to bytes which
// decode to the same bytes again, and that can be checked and inspected without
// a panic.
func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		once, err := Encode(m)
		if err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("what was encoded does not decode: %v", err)
		}
		twice, err := Encode(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("encoding is not stable: %v\n%q\n%q", err, once, twice)
		}
		if Validate(m) != nil {
			return
		}
		if err := m.Graph.Sort(); err != nil {
			t.Fatalf("a valid graph cannot be sorted: %v", err)
		}
		if facts, err := Inspect(m, nil); err == nil {
			var text bytes.Buffer
			if err := facts.WriteText(&text); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzDecodeTensor: any bytes give an error or a tensor whose elements can be
// read.
func FuzzDecodeTensor(f *testing.F) {
	f.Add([]byte(message{}.varint(1, 2).varint(2, 1).fixed32(4, 1).fixed32(4, 2)))
	f.Add([]byte(message{}.varint(1, 3).varint(2, int64(Int4)).bytes(9, []byte{1, 2})))
	f.Add([]byte(message{}.varint(1, 1).varint(2, int64(String)).string(6, "s")))
	f.Add([]byte(message{}.varint(1, 2).varint(2, int64(Int64)).bytes(7, packed(-1, 5)).string(8, "n")))
	f.Add([]byte(message{}.varint(2, int64(Float8E5M2)).varint(5, 7)))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := DecodeTensor(b)
		if err != nil {
			return
		}
		n, ok := x.Elements()
		if !ok {
			t.Fatalf("dimensions %v were accepted", x.Dims)
		}
		if v, err := x.AsFloat64s(); err == nil && int64(len(v)) != n {
			t.Fatalf("%d elements, dimensions %v", len(v), x.Dims)
		}
		if v, err := x.AsInt64s(); err == nil && int64(len(v)) != n {
			t.Fatalf("%d elements, dimensions %v", len(v), x.Dims)
		}
		once, err := EncodeTensor(x)
		if err != nil {
			t.Fatalf("what was decoded does not encode: %v", err)
		}
		if _, err := DecodeTensor(once); err != nil {
			t.Fatalf("what was encoded does not decode: %v", err)
		}
	})
}
