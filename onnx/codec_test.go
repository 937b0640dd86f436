package onnx

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	return must(os.ReadFile(path))(t)
}

// TestEncodeRealModels: what is read and written again is the same model, and
// for the 167 models that ONNX's own test generator wrote the same bytes.
func TestEncodeRealModels(t *testing.T) {
	same := 0
	for _, path := range realModels(t) {
		b := readFile(t, path)
		m := must(Decode(b))(t)
		got := must(Encode(m))(t)
		if bytes.Equal(got, b) {
			same++
		}
		again := must(Decode(got))(t)
		if !reflect.DeepEqual(again, m) {
			t.Errorf("%s: not the same model after encoding and decoding", testName(path))
		}
		if twice := must(Encode(again))(t); !bytes.Equal(twice, got) {
			t.Errorf("%s: encoding twice gives other bytes", testName(path))
		}
	}
	if same != 167 {
		t.Errorf("%d models were written with the same bytes, want the 167 node tests", same)
	}
}

// TestEncodeTensorFiles does the same for the tensors of the node tests.
func TestEncodeTensorFiles(t *testing.T) {
	n := 0
	nodeTests(t, func(t *testing.T, m *Model, in, out []*Tensor) {
		for _, x := range append(in, out...) {
			b := must(EncodeTensor(x))(t)
			if again := must(DecodeTensor(b))(t); !reflect.DeepEqual(again, x) {
				t.Errorf("%s: not the same tensor after encoding and decoding", x.Name)
			}
			n++
		}
	})
	if n < 400 {
		t.Errorf("only %d tensors", n)
	}
}

// message builds an encoded message by hand.
type message []byte

func (m message) varint(num protowire.Number, v int64) message {
	return protowire.AppendVarint(protowire.AppendTag(slices.Clip(m), num, protowire.VarintType), uint64(v))
}

func (m message) bytes(num protowire.Number, v []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(slices.Clip(m), num, protowire.BytesType), v)
}

func (m message) string(num protowire.Number, v string) message { return m.bytes(num, []byte(v)) }

func (m message) fixed32(num protowire.Number, v float32) message {
	return protowire.AppendFixed32(protowire.AppendTag(slices.Clip(m), num, protowire.Fixed32Type), math.Float32bits(v))
}

func packed(v ...int64) []byte {
	var b []byte
	for _, x := range v {
		b = protowire.AppendVarint(b, uint64(x))
	}
	return b
}

// TestTypedData: elements in the typed fields, packed or not, come out as the
// bytes that raw_data would have.
func TestTypedData(t *testing.T) {
	two := message{}.varint(1, 2)
	for _, c := range []struct {
		name string
		typ  DataType
		msg  message
		want []byte
	}{
		{"float, single", Float, two.fixed32(4, 1).fixed32(4, -2), []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}},
		{"float, packed", Float, two.bytes(4, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}), []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}},
		{"float, mixed", Float, two.bytes(4, []byte{0, 0, 0x80, 0x3f}).fixed32(4, -2), []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}},
		{"int64", Int64, two.bytes(7, packed(-2, 300)), []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x2c, 1, 0, 0, 0, 0, 0, 0}},
		{"int64, single", Int64, two.varint(7, -2).varint(7, 300), []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x2c, 1, 0, 0, 0, 0, 0, 0}},
		{"int32", Int32, two.bytes(5, packed(-1, 258)), []byte{0xff, 0xff, 0xff, 0xff, 2, 1, 0, 0}},
		{"int8", Int8, two.bytes(5, packed(-1, 127)), []byte{0xff, 0x7f}},
		{"uint8", Uint8, two.bytes(5, packed(255, 1)), []byte{255, 1}},
		{"bool", Bool, two.bytes(5, packed(1, 0)), []byte{1, 0}},
		{"float16", Float16, two.bytes(5, packed(0x3c00, 0xc000)), []byte{0, 0x3c, 0, 0xc0}},
		{"uint32", Uint32, two.bytes(11, packed(1, 0xffffffff)), []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
		{"int4, two in an entry", Int4, two.bytes(5, packed(0x7f)), []byte{0x7f}},
		{"raw", Uint16, two.bytes(9, []byte{1, 2, 3, 4}), []byte{1, 2, 3, 4}},
	} {
		x, err := DecodeTensor(c.msg.varint(2, int64(c.typ)))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !bytes.Equal(x.Raw, c.want) {
			t.Errorf("%s: % x, want % x", c.name, x.Raw, c.want)
		}
	}
}

func TestDecodeTensorRefuses(t *testing.T) {
	f := message{}.varint(2, int64(Float))
	for _, c := range []struct {
		name   string
		msg    message
		reason error
		says   string
	}{
		{"too few bytes", f.varint(1, 3).bytes(9, make([]byte, 8)), ErrShape, "needs 12 bytes, there are 8"},
		{"no data", f.varint(1, 1<<40), ErrShape, "there are 0"},
		{"product past int64", f.varint(1, 1<<40).varint(1, 1<<40), ErrShape, "no number of elements"},
		{"bytes past int64", f.varint(1, 1<<62), ErrShape, "too large"},
		{"negative", f.varint(1, -1), ErrShape, "no number of elements"},
		{"two places", f.varint(1, 1).bytes(9, make([]byte, 4)).fixed32(4, 1), ErrMalformed, "both in raw_data and in float_data"},
		{"wrong field", f.varint(1, 1).varint(7, 1), ErrMalformed, "float32 elements in int64_data, want them in float_data"},
		{"type", message{}.varint(2, 99), ErrUnsupported, "type(99)"},
		{"no type", message{}.varint(1, 1), ErrUnsupported, "undefined"},
		{"segment", f.bytes(3, nil), ErrUnsupported, "segments"},
		{"strings in raw", message{}.varint(2, int64(String)).bytes(9, []byte("a")), ErrMalformed, "strings in raw_data"},
		{"external", f.varint(1, 1).varint(14, 1).bytes(13, message{}.string(1, "location").string(2, "w")), ErrExternal, `"w"`},
		{"external, offset", f.varint(14, 1).bytes(13, message{}.string(1, "offset").string(2, "-1")), ErrMalformed, `offset "-1"`},
		{"external, no place", f.varint(14, 1), ErrMalformed, "without a location"},
		{"wire type", f.bytes(2, []byte{1}), ErrMalformed, "wire type"},
		{"group", protowire.AppendTag(nil, 1, protowire.StartGroupType), ErrMalformed, "wire type 3"},
		{"truncated", f.bytes(9, make([]byte, 4))[:4], ErrMalformed, "should have 4 bytes, 0 are left: the file is cut short"},
		{"truncated varints", message{}.varint(2, int64(Int64)).varint(1, 1).bytes(7, []byte{0x80}), ErrMalformed, "int64_data"},
		{"length that is not there", append(message{}.varint(2, 1), 0x4a, 0xff, 0xff, 0xff, 0xff, 0x7f), ErrMalformed, "tensor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeTensor(c.msg)
			wantError(t, err, c.reason, c.says)
		})
	}
}

// TestDecodeTruncated: a model that is cut short anywhere is an error or, where
// the cut is between two fields, a smaller model; never a panic.
func TestDecodeTruncated(t *testing.T) {
	b := readFile(t, filepath.Join("testdata", "models", "windows.onnx"))
	failed := 0
	for n := range len(b) {
		if _, err := Decode(b[:n]); err != nil {
			wantError(t, err, ErrMalformed)
			failed++
		}
	}
	if failed < len(b)*9/10 {
		t.Errorf("%d of %d cuts were noticed", failed, len(b))
	}
}

func TestDecodeDepth(t *testing.T) {
	graph := message{}
	for range MaxDepth {
		attr := message{}.string(1, "body").bytes(6, graph).varint(20, int64(AttrGraph))
		graph = message{}.bytes(1, message{}.string(4, "Loop").bytes(5, attr))
	}
	model := func(g message) message { return message{}.varint(1, 8).bytes(7, g) }
	if _, err := Decode(model(graph)); err != nil {
		t.Errorf("%d graphs in one another: %v", MaxDepth, err)
	}
	attr := message{}.string(1, "body").bytes(6, graph).varint(20, int64(AttrGraph))
	_, err := Decode(model(message{}.bytes(1, message{}.string(4, "Loop").bytes(5, attr))))
	wantError(t, err, ErrMalformed, "nested")
}

// TestUnknownFieldsKept: fields that are not modelled come back as they were, at
// every level.
func TestUnknownFieldsKept(t *testing.T) {
	const num = 1000
	x := func(m message, what string) message { return m.string(num, "kept in "+what) }
	tensor := x(message{}.varint(1, 1).varint(2, 1).string(8, "w").bytes(9, make([]byte, 4)), "tensor")
	attr := x(message{}.string(1, "alpha").fixed32(2, 0.5).varint(20, 1), "attribute")
	node := x(message{}.string(1, "x").string(2, "y").string(4, "LeakyRelu").bytes(5, attr), "node")
	info := x(message{}.string(1, "x").bytes(2, message{}.bytes(1, message{}.varint(1, 1))), "value")
	graph := x(message{}.bytes(1, node).bytes(5, tensor).bytes(11, info).bytes(12, message{}.string(1, "y")), "graph")
	b := x(message{}.varint(1, 8).bytes(7, graph).bytes(8, message{}.string(1, "").varint(2, 17)), "model")
	got := must(Encode(must(Decode(b))(t)))(t)
	if !bytes.Equal(got, b) {
		t.Errorf("got\n%q\nwant\n%q", got, b)
	}
}

// TestAttributesWithoutType are read as the field that is there (IR version 1).
func TestAttributesWithoutType(t *testing.T) {
	attrs := [][]byte{
		message{}.string(1, "f").fixed32(2, 0.5), message{}.string(1, "i").varint(3, -7),
		message{}.string(1, "s").string(4, "v"), message{}.string(1, "is").varint(8, 1).bytes(8, packed(2, 3)),
	}
	node := message{}.string(4, "Op")
	for _, a := range attrs {
		node = node.bytes(5, a)
	}
	n := must(Decode(message{}.bytes(7, message{}.bytes(1, node))))(t).Graph.Nodes[0]
	list, ok := n.Ints("is")
	if n.Float("f", 0) != 0.5 || n.Int("i", 0) != -7 || n.Str("s", "") != "v" || !ok || !reflect.DeepEqual(list, []int64{1, 2, 3}) {
		t.Errorf("got %v %v %q %v", n.Float("f", 0), n.Int("i", 0), n.Str("s", ""), list)
	}
	if n.Float("i", 9) != 9 || n.Int("none", 4) != 4 {
		t.Error("an attribute of another type, or none, must give the default")
	}
}

// TestHalf compares the 16-bit types with numpy (testdata/half.csv).
func TestHalf(t *testing.T) {
	types := map[string]DataType{"float16": Float16, "bfloat16": BFloat16}
	for _, r := range readCSV(t, "half.csv") {
		bits := must(strconv.ParseUint(r["bits"], 10, 16))(t)
		want := must(strconv.ParseUint(r["float32_bits"], 10, 32))(t)
		got := smallFloat(types[r["type"]], bits)
		if w := math.Float32frombits(uint32(want)); math.Float32bits(got) != uint32(want) && w == w {
			t.Errorf("%s %#04x: %v, numpy has %v", r["type"], bits, got, w)
		}
	}
	if v := smallFloat(Float16, 0x7e00); v == v {
		t.Errorf("float16 0x7e00 is %v, want NaN", v)
	}
}

// TestSmallFloats has the corner values that the specifications list: OCP 8-bit
// Floating Point 1.0 table 2, OCP Microscaling Formats 1.0 table 5, and ONNX's
// float8 page for the FNUZ types.
func TestSmallFloats(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		typ  DataType
		bits uint64
		want float64
	}{
		{Float8E4M3FN, 0x7e, 448}, {Float8E4M3FN, 0x08, 0x1p-6}, {Float8E4M3FN, 0x07, 0.875 * 0x1p-6}, {Float8E4M3FN, 0x01, 0x1p-9}, {Float8E4M3FN, 0xb8, -1},
		{Float8E5M2, 0x7b, 57344}, {Float8E5M2, 0x04, 0x1p-14}, {Float8E5M2, 0x03, 0.75 * 0x1p-14}, {Float8E5M2, 0x01, 0x1p-16}, {Float8E5M2, 0x7c, inf}, {Float8E5M2, 0xfc, -inf},
		{Float8E4M3FNUZ, 0x7f, 240}, {Float8E4M3FNUZ, 0x08, 0x1p-7}, {Float8E4M3FNUZ, 0x01, 0x1p-10},
		{Float8E5M2FNUZ, 0x7f, 57344}, {Float8E5M2FNUZ, 0x04, 0x1p-15}, {Float8E5M2FNUZ, 0x01, 0x1p-17},
		{Float8E8M0, 0x00, 0x1p-127}, {Float8E8M0, 0x7f, 1}, {Float8E8M0, 0xfe, 0x1p127},
		{Float4E2M1, 0x1, 0.5}, {Float4E2M1, 0x2, 1}, {Float4E2M1, 0x7, 6}, {Float4E2M1, 0xf, -6}, {Float4E2M1, 0x9, -0.5},
	} {
		if got := smallFloat(c.typ, c.bits); float64(got) != c.want {
			t.Errorf("%v %#02x is %v, want %v", c.typ, c.bits, got, c.want)
		}
	}
	for typ, bits := range map[DataType]uint64{Float8E4M3FN: 0xff, Float8E4M3FNUZ: 0x80, Float8E5M2: 0x7d, Float8E5M2FNUZ: 0x80, Float8E8M0: 0xff} {
		if got := smallFloat(typ, bits); got == got {
			t.Errorf("%v %#02x is %v, want NaN", typ, bits, got)
		}
	}
}

func TestConversions(t *testing.T) {
	packed := must(NewTensor("p", Int4, []int64{3}, []byte{0x8f, 0x07}))(t)
	if got := must(packed.AsInt64s())(t); !reflect.DeepEqual(got, []int64{-1, -8, 7}) {
		t.Errorf("int4: %v, want [-1 -8 7]", got)
	}
	two := must(NewTensor("p", Uint2, []int64{5}, []byte{0b11100100, 0b10}))(t)
	if got := must(two.AsFloat32s())(t); !reflect.DeepEqual(got, []float32{0, 1, 2, 3, 2}) {
		t.Errorf("uint2: %v, want [0 1 2 3 2]", got)
	}
	large := must(TensorOf("l", []uint64{1 << 63}, 1))(t)
	if got := must(large.AsFloat64s())(t)[0]; got != 0x1p63 {
		t.Errorf("uint64: %v, want 2^63", got)
	}
	_, err := large.AsInt64s()
	wantError(t, err, ErrShape, "does not fit")
	_, err = floats(t, "f", 2).AsInt64s()
	wantError(t, err, ErrShape, "float32, want an integer type")
	_, err = floats(t, "f", 2).Int64s()
	wantError(t, err, ErrShape, `"f"`, "float32, want int64")
	double := must(TensorOf("d", []float64{0.1}))(t)
	if got := must(double.AsFloat32s())(t)[0]; got != float32(0.1) {
		t.Errorf("double: %v", got)
	}
	yes := must(NewTensor("b", Bool, []int64{3}, []byte{0, 1, 2}))(t)
	if got := must(yes.Bools())(t); !reflect.DeepEqual(got, []bool{false, true, true}) {
		t.Errorf("bool: %v", got)
	}
}

// TestView: numbers start at any address of a file.
func TestView(t *testing.T) {
	buf := make([]byte, 64)
	for shift := range 8 {
		raw := bytesOf([]float32{1.5, -2, 3})
		at := buf[shift : shift+len(raw)]
		copy(at, raw)
		if got := view[float32](at); !reflect.DeepEqual(got, []float32{1.5, -2, 3}) {
			t.Errorf("shifted by %d: %v", shift, got)
		}
	}
	swapped := []byte{1, 2, 3, 4}
	if swapElements(swapped, 2); !bytes.Equal(swapped, []byte{2, 1, 4, 3}) {
		t.Errorf("swapped: %v", swapped)
	}
	b := []byte{1, 0, 0, 0}
	x := must(NewTensor("v", Int32, nil, b))(t)
	b[0] = 7
	if got := must(x.Int32s())(t)[0]; got != 7 {
		t.Errorf("a tensor must be a view: %d, want 7", got)
	}
}

func TestDataTypeBytes(t *testing.T) {
	for _, c := range []struct {
		typ  DataType
		n    int64
		want int64
		ok   bool
	}{
		{Float, 3, 12, true}, {Int4, 3, 2, true}, {Uint2, 5, 2, true}, {Uint2, 4, 1, true}, {Int4, 0, 0, true},
		{Complex128, 2, 32, true}, {String, 1, 0, false}, {Float, -1, 0, false}, {Double, 1 << 60, 0, false}, {Int4, 1<<63 - 1, 1 << 62, true},
	} {
		if got, ok := c.typ.Bytes(c.n); got != c.want || ok != c.ok {
			t.Errorf("%v.Bytes(%d) = %d, %v, want %d, %v", c.typ, c.n, got, ok, c.want, c.ok)
		}
	}
}
