package idx

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/internal/realdata"
)

// array writes an idx file.
func array(data []byte, dims ...int) []byte {
	out := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, uint32(d))
	}
	return append(out, data...)
}

func packedBytes(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func request(dir string, split dataset.Split) dataset.Request {
	return dataset.Request{Path: dir, Split: split, Options: map[string]string{}}
}

func count(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(7 * i)
	}
	return out
}

func TestSuite(t *testing.T) {
	images, labels := array(count(5*4*3), 5, 4, 3), array([]byte{3, 1, 4, 1, 5}, 5)
	for name, files := range map[string]map[string][]byte{
		"plain":  {"t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels},
		"packed": {"t10k-images-idx3-ubyte.gz": packedBytes(t, images), "t10k-labels-idx1-ubyte.gz": packedBytes(t, labels)},
		"dotted": {"t10k-images.idx3-ubyte": images, "t10k-labels.idx1-ubyte": labels},
		"emnist": {"emnist-digits-test-images-idx3-ubyte.gz": packedBytes(t, images), "emnist-digits-test-labels-idx1-ubyte": labels},
		"both":   {"t10k-images-idx3-ubyte": images, "t10k-images-idx3-ubyte.gz": packedBytes(t, images), "t10k-labels-idx1-ubyte": labels},
	} {
		dir := folder(t, files)
		t.Run(name, func(t *testing.T) {
			get := func(t *testing.T) dataset.Dataset {
				d, err := open(t.Context(), request(dir, dataset.SplitTest))
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			datasettest.Run(t, 10, nil, get)
			d := get(t)
			im, err := d.Image(t.Context(), 2)
			if err != nil {
				t.Fatal(err)
			}
			if e := d.Example(2); e.ID != "test/00002" || e.Label != 4 || im.Width != 3 || im.Height != 4 || im.Channels != 1 || !bytes.Equal(im.Pix, count(60)[24:36]) {
				t.Errorf("example 2 is %+v, %dx%d: %v", e, im.Width, im.Height, im.Pix)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	images, labels := array(count(60), 5, 4, 3), array([]byte{3, 1, 4, 1, 5}, 5)
	const imagesName, labelsName = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
	for name, c := range map[string]struct {
		images, labels []byte
		want           string
	}{
		"cut short":        {images[:50], labels, "promise 60 bytes, there are 34: the file is cut short"},
		"header cut short": {images[:9], labels, "the header is cut short"},
		"longer":           {append(slices.Clone(images), 1), labels, "more after the 60 bytes"},
		"empty":            {nil, labels, "the header is cut short"},
		"other format":     {[]byte("P5 28 28 255"), labels, "no idx file"},
		"floats":           {append([]byte{0, 0, 0xd}, images[3:]...), labels, "want unsigned bytes"},
		"enormous":         {array(nil, 1<<31, 1<<31, 1<<31), labels, "are more than"},
		"a promise":        {array(count(60), 100_000, 100, 100), labels, "the file is cut short"},
		"wrong dimensions": {array(count(60), 60), labels, "want images x rows x columns"},
		"fewer labels":     {images, array([]byte{1, 2}, 2), "2 labels, t10k-images-idx3-ubyte has 5 images"},
		"packed cut short": {packedBytes(t, images)[:40], labels, "cut short"},
		"bad checksum":     {flipped(packedBytes(t, images)), labels, "invalid checksum"},
	} {
		dir := folder(t, map[string][]byte{imagesName: c.images, labelsName: c.labels})
		_, err := open(t.Context(), request(dir, dataset.SplitTest))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	two := folder(t, map[string][]byte{"a-t10k-images-idx3-ubyte": images, "b-t10k-images-idx3-ubyte": images, labelsName: labels})
	if _, err := open(t.Context(), request(two, dataset.SplitTest)); err == nil || !strings.Contains(err.Error(), "several files") {
		t.Errorf("two data sets in a folder: %v", err)
	}
}

// flipped changes a bit of gzip's checksum.
func flipped(packed []byte) []byte {
	packed[len(packed)-8] ^= 1
	return packed
}

func TestClassNames(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"train-images-idx3-ubyte": array(count(2), 2, 1, 1), "train-labels-idx1-ubyte": array([]byte{0, 1}, 2),
		"names.txt": []byte("cat\n\ndog\n"), "one.txt": []byte("cat\n"), "twice.txt": []byte("cat\ncat\n"),
	})
	r := request(dir, dataset.SplitTrain)
	for file, want := range map[string]string{
		"": "0 1 2 3 4 5 6 7 8 9", "names.txt": "cat dog", "one.txt": "label 1 is class 1, there are names for 1", "twice.txt": `class "cat" is there twice`,
	} {
		r.Options = map[string]string{}
		if file != "" {
			r.Options["classes"] = filepath.Join(dir, file)
		}
		d, err := open(t.Context(), r)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = strings.Join(d.Classes(), " ")
		}
		if !strings.HasSuffix(got, want) {
			t.Errorf("classes=%s: %q, want %q", file, got, want)
		}
	}
}

// Memory follows what is there, not what the header promises.
func TestPromiseIsNotAllocated(t *testing.T) {
	data := array(count(100), 1000, 1000, 1000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Read(bytes.NewReader(data)); err == nil {
		t.Error("a file of 100 bytes was read as 1,000,000,000")
	}
	runtime.ReadMemStats(&after)
	bytesUsed := after.TotalAlloc - before.TotalAlloc
	if bytesUsed > 1<<20 {
		t.Errorf("%d bytes were allocated for a file of %d", bytesUsed, len(data))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(array(count(60), 5, 4, 3))
	f.Add(packedBytes(f, array([]byte{1, 2, 3}, 3)))
	f.Add([]byte{0, 0, 8, 4, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		size := 1
		for _, d := range a.Dims {
			size *= d
		}
		if size != len(a.Data) {
			t.Fatalf("dimensions %v, %d bytes", a.Dims, len(a.Data))
		}
		again, err := Read(bytes.NewReader(array(a.Data, a.Dims...)))
		if err != nil || !bytes.Equal(again.Data, a.Data) || !slices.Equal(again.Dims, a.Dims) {
			t.Fatalf("written and read again: %v", err)
		}
	})
}

func TestReal(t *testing.T) {
	dir := realdata.Path(t, "fashion-mnist")
	for split, n := range map[dataset.Split]int{dataset.SplitTest: 10000, dataset.SplitTrain: 60000} {
		if split == dataset.SplitTest {
			datasettest.Run(t, 100, nil, func(t *testing.T) dataset.Dataset {
				d, err := open(t.Context(), request(dir, split))
				if err != nil {
					t.Fatal(err)
				}
				return d
			})
		}
		d, err := open(t.Context(), request(dir, split))
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]int, 10)
		for i := range d.Len() {
			counts[d.Example(i).Label]++
		}
		if d.Name() != "fashion-mnist" || d.Len() != n || d.Classes()[9] != "Ankle boot" || slices.Min(counts) != n/10 || slices.Max(counts) != n/10 {
			t.Errorf("%s: %s, %d examples, by class %v", split, d.Name(), d.Len(), counts)
		}
	}
	for _, s := range known() {
		m, err := s.Compare(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if m.Whole() != (s.Name == "fashion-mnist") {
			t.Errorf("files compared with %s: %+v", s.Name, m)
		}
	}
}
