package cifar

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/internal/realdata"
)

func open(t *testing.T, k dataset.Kind, dir string, split dataset.Split) dataset.Dataset {
	t.Helper()
	d, err := k.Open(t.Context(), dataset.Request{Path: dir, Split: split})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// records makes n records; record i has the given labels and pixel p of
// channel c has the value i + 3 p + 101 c.
func records(n int, labels func(i int) []byte) []byte {
	var out []byte
	for i := range n {
		out = append(out, labels(i)...)
		for c := range 3 {
			for p := range side * side {
				out = append(out, uint8(i+3*p+101*c))
			}
		}
	}
	return out
}

func write(t *testing.T, dir string, files map[string][]byte) string {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// folder10 is a small CIFAR-10: 4 records in each training file, 5 to test.
func folder10(t *testing.T) string {
	files := map[string][]byte{"test_batch.bin": records(5, func(i int) []byte { return []byte{byte(9 - i)} })}
	for b := range 5 {
		files[fmt.Sprintf("data_batch_%d.bin", b+1)] = records(4, func(i int) []byte { return []byte{byte(b + i)} })
	}
	return write(t, t.TempDir(), files)
}

func folder100(t *testing.T) string {
	both := func(i int) []byte { return []byte{byte(i % 20), byte(99 - i)} }
	return write(t, t.TempDir(), map[string][]byte{
		"cifar-100-binary/train.bin": records(6, both), "cifar-100-binary/test.bin": records(3, both),
	})
}

func TestSuite(t *testing.T) {
	dir10, dir100 := folder10(t), folder100(t)
	for _, split := range []dataset.Split{dataset.SplitTest, dataset.SplitTrain} {
		t.Run("cifar10/"+string(split), func(t *testing.T) {
			datasettest.Run(t, 50, nil, func(t *testing.T) dataset.Dataset { return open(t, CIFAR10(), dir10, split) })
		})
		t.Run("cifar100/"+string(split), func(t *testing.T) {
			datasettest.Run(t, 50, nil, func(t *testing.T) dataset.Dataset { return open(t, CIFAR100(), dir100, split) })
		})
	}
}

func TestRecords(t *testing.T) {
	d := open(t, CIFAR10(), folder10(t), dataset.SplitTrain)
	defer d.Close()
	if d.Len() != 20 {
		t.Fatalf("%d examples, want 20", d.Len())
	}
	// Record 2 of data_batch_4.bin is example 14.
	e := d.Example(14)
	if e.ID != "train/00014" || e.Label != 5 || e.Split != dataset.SplitTrain {
		t.Errorf("example 14 is %+v", e)
	}
	im, err := d.Image(t.Context(), 14)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ x, y, channel int }{{0, 0, 0}, {31, 0, 1}, {5, 17, 2}, {31, 31, 2}} {
		p := c.y*side + c.x
		if got, want := im.Pix[3*p+c.channel], uint8(2+3*p+101*c.channel); got != want {
			t.Errorf("pixel %+v is %d, want %d", c, got, want)
		}
	}
	coarse := open(t, CIFAR100(), folder100(t), dataset.SplitTest)
	defer coarse.Close()
	if e := coarse.Example(2); e.Label != 97 || e.Attributes[0] != 2 {
		t.Errorf("example 2 of CIFAR-100 is %+v, want class 97 in superclass 2", e)
	}
}

// The names are sorted, so one that is missing or misspelled out of order is
// seen.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  int
	}{{classes10(), 10}, {fine100(), 100}, {coarse100(), 20}} {
		if len(c.names) != c.want {
			t.Errorf("%d names, want %d", len(c.names), c.want)
		}
		for i := 1; i < len(c.names); i++ {
			if c.names[i-1] >= c.names[i] {
				t.Errorf("%s and %s are out of order", c.names[i-1], c.names[i])
			}
		}
	}
}

func TestRefused(t *testing.T) {
	good := records(2, func(int) []byte { return []byte{1} })
	cases := []struct {
		name  string
		files map[string][]byte
		split dataset.Split
		want  string
	}{
		{"cut short", map[string][]byte{"test_batch.bin": good[:len(good)-1]}, dataset.SplitTest, "no whole number of records"},
		{"empty file", map[string][]byte{"test_batch.bin": nil}, dataset.SplitTest, "no whole number of records"},
		{"class too high", map[string][]byte{"test_batch.bin": records(2, func(i int) []byte { return []byte{byte(10 * i)} })}, dataset.SplitTest, "record 1: class 10, want 0 to 9"},
		{"half there", map[string][]byte{"data_batch_1.bin": good, "data_batch_3.bin": good}, dataset.SplitTrain, "data_batch_2.bin, data_batch_4.bin, data_batch_5.bin (2 of 5 files"},
		{"empty folder", nil, dataset.SplitTest, "test_batch.bin"},
		{"names cut short", map[string][]byte{"test_batch.bin": good, "batches.meta.txt": []byte("airplane\n")}, dataset.SplitTest, "1 names, want 10"},
	}
	for _, c := range cases {
		_, err := CIFAR10().Open(t.Context(), dataset.Request{Path: write(t, t.TempDir(), c.files), Split: c.split})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	_, err := CIFAR10().Open(t.Context(), dataset.Request{Path: filepath.Join(t.TempDir(), "nowhere"), Split: dataset.SplitTest})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func FuzzLabels(f *testing.F) {
	f.Add(records(2, func(int) []byte { return []byte{1} }), false)
	f.Add(records(1, func(int) []byte { return []byte{19, 99} }), true)
	f.Add([]byte{1, 2, 3}, false)
	f.Fuzz(func(t *testing.T, data []byte, hundred bool) {
		k, name := CIFAR10(), "test_batch.bin"
		if hundred {
			k, name = CIFAR100(), "test.bin"
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := k.Open(t.Context(), dataset.Request{Path: dir, Split: dataset.SplitTest})
		if err != nil {
			return
		}
		defer d.Close()
		for i := range d.Len() {
			if l := d.Example(i).Label; l < 0 || int(l) >= len(d.Classes()) {
				t.Fatalf("class %d of %d", l, len(d.Classes()))
			}
			if _, err := d.Image(t.Context(), i); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestReal writes CIFAR-10's test set from the real pictures in its official
// layout and reads it: every record must come back, and the published digest
// of the file must be known.
func TestReal(t *testing.T) {
	sprite := realdata.Path(t, "cifar10", "test_batch.png")
	labels := realdata.Path(t, "cifar10", "labels.u8")
	data, err := os.ReadFile(sprite)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := dataset.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(labels)
	if err != nil {
		t.Fatal(err)
	}
	const n, across = 10000, 100
	file := make([]byte, 0, n*(1+pixels))
	for i := range n {
		file = append(file, all[50000+i])
		for c := range 3 {
			for p := range side * side {
				x, y := i%across*side+p%side, i/across*side+p/side
				file = append(file, sheet.Pix[3*(y*sheet.Width+x)+c])
			}
		}
	}
	sum := sha256.Sum256(file)
	if want := known10().Files[5].Digest; "sha256:"+hex.EncodeToString(sum[:]) != want {
		t.Fatalf("rebuilt test_batch.bin has sha256 %x, published is %s", sum, want)
	}
	dir := write(t, t.TempDir(), map[string][]byte{"cifar-10-batches-bin/test_batch.bin": file})
	datasettest.Run(t, 500, nil, func(t *testing.T) dataset.Dataset { return open(t, CIFAR10(), dir, dataset.SplitTest) })
	d := open(t, CIFAR10(), dir, dataset.SplitTest)
	defer d.Close()
	counts := make([]int, 10)
	for i := range d.Len() {
		counts[d.Example(i).Label]++
	}
	for c, k := range counts {
		if k != 1000 {
			t.Errorf("class %d has %d test images, want 1000", c, k)
		}
	}
	for _, i := range []int{0, 4321, 9999} {
		im, err := d.Image(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		for y := range side {
			at := 3 * ((i/across*side+y)*sheet.Width + i%across*side)
			if !bytes.Equal(im.Pix[3*y*side:3*(y+1)*side], sheet.Pix[at:at+3*side]) {
				t.Fatalf("row %d of example %d is not that of the picture", y, i)
			}
		}
	}
}
