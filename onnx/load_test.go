package onnx

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// conv is a model with weights of several types and sizes.
func conv(t testing.TB) *Model {
	t.Helper()
	m := modelOf(13, TypeShape{Float, Shape{Symbol("N"), Fixed(3), Fixed(8), Fixed(8)}},
		[]*Tensor{floats(t, "w", 8, 3, 3, 3), floats(t, "b", 8), ints(t, "r", 0, -1), {Name: "labels", Type: String, Dims: []int64{2}, Strings: [][]byte{[]byte("cat"), []byte("dog")}}},
		nodeOf("Conv", "x w b", "c"), nodeOf("Constant", "", "k", TensorAttr("value", floats(t, "", 8, 6, 6))),
		nodeOf("Add", "c k", "a"), nodeOf("Reshape", "a r", "y"))
	m.SetMeta("author", "a test")
	return m
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	for _, e := range must(os.ReadDir(dir))(t) {
		out = append(out, e.Name())
	}
	return out
}

// TestSaveLoad: in one file and with external data, what is loaded is what was
// saved.
func TestSaveLoad(t *testing.T) {
	want := must(Encode(conv(t)))(t)
	for _, o := range []SaveOptions{DefaultSaveOptions(), {ExternalFrom: 16}, {ExternalFrom: 500}} {
		dir := t.TempDir()
		path := filepath.Join(dir, "m.onnx")
		for range 2 { // writing over it works too, while it is mapped
			if err := Save(conv(t), path, o); err != nil {
				t.Fatal(err)
			}
			m := load(t, path)
			if got := must(Encode(m))(t); !bytes.Equal(got, want) {
				t.Errorf("%+v: not the model that was saved", o)
			}
			if len(m.Files) != len(names(t, dir)) {
				t.Errorf("%+v: %d files were read, there are %v", o, len(m.Files), names(t, dir))
			}
		}
		if o.ExternalFrom > 0 {
			m := must(Decode(readFile(t, path)))(t)
			x := m.Graph.Initializer("w").External
			if x == nil || x.Location != "m.onnx.data" || x.Length != 864 || x.Offset%externalAlign != 0 {
				t.Errorf("%+v: external data %+v, want 864 aligned bytes in m.onnx.data", o, x)
			}
			_, err := m.Graph.Initializer("w").Float32s()
			wantError(t, err, ErrExternal, "m.onnx.data", "has not been read")
		}
		if got := names(t, dir); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, ".") }) {
			t.Errorf("temporary files are left: %v", got)
		}
	}
}

// TestLoadWrites: the bytes of a loaded model may be changed; the file stays.
func TestLoadWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := Save(conv(t), path, DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, path)
	m := load(t, path)
	w := must(m.Graph.Initializer("w").Float32s())(t)
	w[0] = 42
	if got := must(m.Graph.Initializer("w").Float32s())(t)[0]; got != 42 {
		t.Errorf("the change is not seen: %v", got)
	}
	if !bytes.Equal(readFile(t, path), before) {
		t.Error("the file changed")
	}
}

func TestExternalRefuses(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		location       string
		offset, length int64
		says           string
	}{
		{"parent", "../secret", 0, 864, "outside"},
		{"absolute", outside, 0, 864, "outside"},
		{"hidden parent", "a/../../secret", 0, 864, "outside"},
		{"link", "link", 0, 864, "link"},
		{"missing", "none.data", 0, 864, "no such file"},
		{"folder", "folder", 0, 864, "not a regular file"},
		{"too short", "short", 0, 864, "of a file of 800"},
		{"offset past the end", "short", 1 << 40, 864, "of a file of 800"},
		{"offset past int64", "short", 1<<63 - 1, 864, "of a file of 800"},
		{"length", "short", 0, 7, "needs 864 bytes, the external data has 7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(os.WriteFile(filepath.Join(dir, "short"), make([]byte, 800), 0o644),
				os.Symlink(outside, filepath.Join(dir, "link")), os.Mkdir(filepath.Join(dir, "folder"), 0o755)); err != nil {
				t.Fatal(err)
			}
			m := conv(t)
			w := m.Graph.Initializer("w")
			w.Raw, w.External = nil, &External{Location: c.location, Offset: c.offset, Length: c.length}
			path := filepath.Join(dir, "m.onnx")
			if err := os.WriteFile(path, must(Encode(m))(t), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			if c.name == "length" {
				wantError(t, err, ErrShape, c.says, path, `"w"`)
			} else {
				wantError(t, err, ErrExternal, c.says, path, `"w"`)
			}
			if err := Save(m, filepath.Join(dir, "n.onnx"), DefaultSaveOptions()); !errors.Is(err, ErrExternal) {
				t.Errorf("a model whose data is not there was saved: %v", err)
			}
		})
	}
}

// TestExternalExtras: keys that are not modelled, such as a checksum, are kept;
// a length that is left out is the one the shape gives.
func TestExternalExtras(t *testing.T) {
	entry := func(k, v string) message { return message{}.string(1, k).string(2, v) }
	b := message{}.varint(1, 3).varint(2, 1).string(8, "w").
		bytes(13, entry("location", "sub/w.bin")).bytes(13, entry("offset", "8")).bytes(13, entry("checksum", "abc")).varint(14, 1)
	graph := message{}.bytes(5, b).bytes(12, message{}.string(1, "w"))
	model := message{}.varint(1, 8).bytes(7, graph).bytes(8, message{}.string(1, "").varint(2, 13))
	if got := must(Encode(must(Decode(model))(t)))(t); !bytes.Equal(got, model) {
		t.Errorf("got\n%q\nwant\n%q", got, model)
	}
	dir := t.TempDir()
	data := append(make([]byte, 8), bytesOf([]float32{1, 2, 3})...)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "m.onnx"), model, 0o644), os.Mkdir(filepath.Join(dir, "sub"), 0o755),
		os.WriteFile(filepath.Join(dir, "sub", "w.bin"), data, 0o644)); err != nil {
		t.Fatal(err)
	}
	m := load(t, filepath.Join(dir, "m.onnx"))
	if got := must(m.Graph.Initializers[0].Float32s())(t); !reflect.DeepEqual(got, []float32{1, 2, 3}) {
		t.Errorf("%v, want [1 2 3]", got)
	}
	if len(m.Files) != 2 || m.Files[1].Bytes != 20 {
		t.Errorf("files %v, want the model and 20 bytes of data", m.Files)
	}
}

// TestMoreThanTwoGiB: such a model cannot be one file; its weights go to a
// second one. The tensors share their bytes, so that the test needs little memory.
func TestMoreThanTwoGiB(t *testing.T) {
	m := conv(t)
	large := make([]byte, 64<<20)
	for i := range 40 {
		w := must(NewTensor("large"+string(rune('A'+i)), Uint8, []int64{int64(len(large))}, large))(t)
		m.Graph.Initializers = append(m.Graph.Initializers, w)
	}
	_, err := Encode(m)
	wantError(t, err, ErrUnsupported, "external data")
	r, data, err := m.layout("m.onnx", DefaultSaveOptions())
	if err != nil {
		t.Fatal(err)
	}
	if r.size > 1<<20 || data == nil || data.size < 40*int64(len(large)) {
		t.Errorf("the model has %d bytes and its data %v", r.size, data)
	}
	_, _, err = m.layout("m.onnx", SaveOptions{ExternalFrom: 1 << 30})
	wantError(t, err, ErrUnsupported, "more than a protobuf")
}

// TestSaveLeavesNothing: a model that cannot be written leaves no file.
func TestSaveLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	m := conv(t)
	if err := Save(m, filepath.Join(dir, "none", "m.onnx"), DefaultSaveOptions()); err == nil {
		t.Error("saved in a folder that is not there")
	}
	if err := os.Mkdir(filepath.Join(dir, "m.onnx"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Save(m, filepath.Join(dir, "m.onnx"), DefaultSaveOptions()); err == nil {
		t.Error("a folder was replaced")
	}
	m.Graph.Initializer("w").Dims = []int64{5}
	wantError(t, Save(m, filepath.Join(dir, "n.onnx"), DefaultSaveOptions()), ErrShape, `"w"`, "n.onnx")
	if got := names(t, dir); !reflect.DeepEqual(got, []string{"m.onnx"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty.onnx": "", "text.onnx": "not a model", "zeros.onnx": "\x00\x00\x00\x00"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		wantError(t, err, ErrMalformed, path)
	}
	if _, err := Load(filepath.Join(dir, "none.onnx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	_, err := LoadTensor(filepath.Join(dir, "text.onnx"))
	wantError(t, err, ErrMalformed, "text.onnx")
}

// TestReadMapping: where a file cannot be mapped it is read.
func TestReadMapping(t *testing.T) {
	path := filepath.Join("testdata", "models", "view.onnx")
	f := must(os.Open(path))(t)
	defer f.Close()
	m := must(readMapping(f))(t)
	if want := readFile(t, path); !bytes.Equal(m.data, want) {
		t.Error("not the bytes of the file")
	}
	if err := m.close(); err != nil {
		t.Error(err)
	}
}
