package cifar_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/cifar"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// npy is an npy file as numpy 1.24 writes it: the header ends at a multiple of
// 64 bytes.
func npy(descr, shape string, data []byte) []byte {
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	text += strings.Repeat(" ", 117-len(text)) + "\n"
	return append([]byte("\x93NUMPY\x01\x00\x76\x00"+text), data...)
}

// cubes are n images; each byte of image i is i + 1.
func cubes(n int) []byte {
	var out []byte
	for i := range n {
		for range 32 * 32 * 3 {
			out = append(out, uint8(i+1))
		}
	}
	return out
}

// corrupted is a folder like CIFAR-10-C's with 3 images.
func corrupted(t *testing.T) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		"labels.npy": npy("|u1", "15,", []byte("\x07\x01\x02\x07\x01\x02\x07\x01\x02\x07\x01\x02\x07\x01\x02")),
		"fog.npy":    npy("|u1", "15, 32, 32, 3", cubes(15)),
		"snow.npy":   npy("|u1", "15, 32, 32, 3", cubes(15)),
	}
}

func openShifted(t *testing.T, source string) (dataset.Dataset, error) {
	t.Helper()
	o, err := dataset.Catalog{cifar.CIFAR10C(), cifar.CIFAR101()}.Open(t.Context(), source)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { o.Dataset.Close() })
	return o.Dataset, nil
}

func TestCIFAR10C(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), corrupted(t))
	source := "cifar10c:" + dir + "?corruption=fog&severity=4"
	datasettest.Run(t, 3, nil, func(t *testing.T) dataset.Dataset {
		d, err := openShifted(t, source)
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
	d, err := openShifted(t, source)
	if err != nil {
		t.Fatal(err)
	}
	if d.Name() != "cifar10 fog:4" || d.Len() != 3 {
		t.Errorf("%s: %d examples", d.Name(), d.Len())
	}
	for i, label := range []dataset.Label{7, 1, 2} {
		e := d.Example(i)
		im, err := d.Image(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if want := dataset.ExampleID(fmt.Sprintf("test/%05d", i)); e.ID != want || e.Label != label || im.Pix[0] != uint8(9+i+1) || im.Pix[3071] != uint8(9+i+1) {
			t.Errorf("example %d: id %s, class %d, first byte %d", i, e.ID, e.Label, im.Pix[0])
		}
	}
}

func TestCIFAR101(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), map[string][]byte{
		"cifar10.1_v6_labels.npy": npy("<i4", "2,", []byte("\x03\x00\x00\x00\x09\x00\x00\x00")),
		"cifar10.1_v6_data.npy":   npy("|u1", "2, 32, 32, 3", cubes(2)),
	})
	datasettest.Run(t, 2, nil, func(t *testing.T) dataset.Dataset {
		d, err := openShifted(t, "cifar10.1:"+dir)
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
	d, err := openShifted(t, "cifar10.1:"+dir+"?version=v6")
	if err != nil {
		t.Fatal(err)
	}
	if e := d.Example(1); e.ID != "v6/00001" || e.Label != 9 || d.Name() != "cifar10.1 v6" {
		t.Errorf("%s: %+v", d.Name(), e)
	}
}

func TestShiftedBadInput(t *testing.T) {
	good := corrupted(t)
	for _, c := range []struct {
		file    string
		content []byte
		options string
		want    string
	}{
		{"", nil, "corruption=fgo&severity=1", `corruption "fgo"; did you mean fog? (there are: fog, snow)`},
		{"", nil, "corruption=fog&severity=6", "severity=6: want a whole number from 1 (least) to 5"},
		{"", nil, "corruption=fog&severity=0", "severity=0"},
		{"", nil, "corruption=fog", "want ?corruption=fog&severity=3"},
		{"", nil, "", "want ?corruption=fog&severity=3"},
		{"", nil, "corruption=../fog&severity=1", "want a name"},
		{"labels.npy", npy("|u1", "14,", make([]byte, 14)), "corruption=fog&severity=1", "14 labels are no whole number for each of 5 severities"},
		{"labels.npy", npy("|u1", "20,", make([]byte, 20)), "corruption=fog&severity=1", "20 labels, fog.npy has 15 images"},
		{"labels.npy", npy("|u1", "15,", append(make([]byte, 14), 1)), "corruption=fog&severity=1", "want the same 3 labels once for each of 5 severities"},
		{"labels.npy", npy("|u1", "15,", append(make([]byte, 14), 10)), "corruption=fog&severity=1", "want a class from 0 to 9"},
		{"labels.npy", npy("<f4", "15,", make([]byte, 60)), "corruption=fog&severity=1", "numbers of type <f4"},
		{"fog.npy", npy("|u1", "15, 32, 32, 3", cubes(14)), "corruption=fog&severity=1", "the file is cut short"},
		{"fog.npy", npy("|u1", "15, 3, 32, 32", cubes(15)), "corruption=fog&severity=1", "want N images of 32 x 32 x 3"},
		{"fog.npy", []byte("PK"), "corruption=fog&severity=1", "no npy file"},
	} {
		files := map[string][]byte{}
		for name, b := range good {
			files[name] = b
		}
		if c.file != "" {
			files[c.file] = c.content
		}
		source := "cifar10c:" + datasettest.Write(t, t.TempDir(), files)
		if c.options != "" {
			source += "?" + c.options
		}
		if _, err := openShifted(t, source); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: error %v, want %q", c.file, c.options, err, c.want)
		}
	}
	if _, err := openShifted(t, "cifar10c:"+t.TempDir()+"?corruption=fog&severity=1"); err == nil || !strings.Contains(err.Error(), "lethe data list cifar10c") {
		t.Errorf("error %v, want where the data comes from", err)
	}
	if _, err := openShifted(t, "cifar10.1:"+t.TempDir()); err == nil || !strings.Contains(err.Error(), "cifar10.1_v6_data.npy") {
		t.Errorf("error %v, want the files that are missing", err)
	}
	if _, err := openShifted(t, "cifar10.1:"+t.TempDir()+"?version=v5"); err == nil || !strings.Contains(err.Error(), `version "v5"`) {
		t.Errorf("error %v", err)
	}
}
