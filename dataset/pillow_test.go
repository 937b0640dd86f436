package dataset

import (
	"compress/zlib"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// table reads a CSV file with a comment and a head.
func table(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
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
	if len(rows) < 10 {
		t.Fatalf("%s: %d rows", name, len(rows))
	}
	return rows[1:]
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// source draws the picture of gen.py's function of that name.
func source(w, h, channels int) *Image {
	im := NewImage(w, h, channels)
	s := uint32(w*65537 + h*257 + channels)
	for i := range im.Pix {
		s = s*1664525 + 1013904223
		im.Pix[i] = uint8(s >> 24)
	}
	return im
}

// Resizing gives the bytes of Pillow 9.4.0 (testdata/gen.py) exactly.
func TestResizeIsPillows(t *testing.T) {
	for _, row := range table(t, "resized.csv") {
		w, h, c := number(t, row[0]), number(t, row[1]), number(t, row[2])
		p := DefaultPreprocess()
		p.Resize = Size{Height: number(t, row[4]), Width: number(t, row[3])}
		p.Filter = Filter(row[5])
		pp, err := NewPreprocessor(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pp.Fit(source(w, h, c))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(got.Pix)
		if hex.EncodeToString(sum[:]) != row[6] {
			t.Errorf("%v: other bytes than Pillow's", row[:6])
		}
	}
}

// jpegBounds are how far a decoded JPEG may be from Pillow's: the two inverse
// cosine transforms round differently, by 1 in a component; a colour is up to
// 1.77 times a component. The share is of all bytes.
func jpegBounds(name string) (largest int, share float64) {
	switch {
	case !strings.HasPrefix(name, "jpeg_"):
		return 0, 0
	case name == "jpeg_gray.jpg" || name == "jpeg_cmyk.jpg":
		return 1, 0.03
	default:
		return 3, 0.06
	}
}

// Decoding gives the bytes of Pillow 9.4.0 (testdata/gen.py), for JPEG within
// the bounds above.
func TestDecodeIsPillows(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "pictures", "decoded.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zlib.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range table(t, "decoded.csv") {
		name, w, h := row[0], number(t, row[1]), number(t, row[2])
		want := make([]uint8, 3*w*h)
		if _, err := io.ReadFull(z, want); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join("testdata", "pictures", name))
		if err != nil {
			t.Fatal(err)
		}
		im, err := Decode(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if im.Width != w || im.Height != h || im.Channels != 3 {
			t.Errorf("%s: %dx%d pixels of %d channels, want %dx%d of 3", name, im.Width, im.Height, im.Channels, w, h)
			continue
		}
		largest, count := difference(im.Pix, want)
		most, share := jpegBounds(name)
		if largest > most || float64(count) > share*float64(len(want)) {
			t.Errorf("%s: %d of %d bytes differ, by at most %d", name, count, len(want), largest)
		}
	}
}

func difference(a, b []uint8) (largest, count int) {
	for i := range a {
		if d := max(int(a[i])-int(b[i]), int(b[i])-int(a[i])); d > 0 {
			largest, count = max(largest, d), count+1
		}
	}
	return largest, count
}
