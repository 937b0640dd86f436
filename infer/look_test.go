package infer

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/prediction"
)

// TestMeasureReference compares with numpy and scipy on pictures made by a
// formula (testdata/look.py).
func TestMeasureReference(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "look.csv"))
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
		var n [7]float64
		for i, s := range row {
			if n[i], err = strconv.ParseFloat(s, 64); err != nil {
				t.Fatal(err)
			}
		}
		w, h, c, a, b := int(n[0]), int(n[1]), int(n[2]), int(n[3]), int(n[4])
		im := dataset.NewImage(w, h, c)
		for i := range im.Pix {
			k, x, y := i%c, i/c%w, i/c/w
			im.Pix[i] = uint8((a*x + b*y + 53*k + x*y/7) % 256)
		}
		contrast, sharpness := measure(im.Gray())
		if !near(contrast, n[5]) || !near(sharpness, n[6]) {
			t.Errorf("%v: contrast %v and sharpness %v, numpy and scipy say %v and %v", row[:5], contrast, sharpness, n[5], n[6])
		}
	}
}

// near allows for float32.
func near(got float32, want float64) bool { return math.Abs(float64(got)-want) <= 1e-6*max(1e-3, want) }

// TestMeasureProperties: mirroring and turning a picture changes nothing,
// halving its range halves the contrast and quarters the sharpness, blurring
// lowers both, and both stay in their range.
func TestMeasureProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 50 {
		w, h := 3+r.IntN(30), 3+r.IntN(30)
		im := dataset.NewImage(w, h, 1)
		for i := range im.Pix {
			im.Pix[i] = uint8(2 * r.IntN(128))
		}
		contrast, sharpness := measure(im)
		if contrast < 0 || contrast > 0.5 || sharpness < 0 || sharpness > 16 {
			t.Errorf("contrast %v or sharpness %v is out of range", contrast, sharpness)
		}
		turned, half, blurred := dataset.NewImage(h, w, 1), dataset.NewImage(w, h, 1), dataset.NewImage(w, h, 1)
		for y := range h {
			for x := range w {
				v := im.Pix[y*w+x]
				turned.Pix[x*h+h-1-y] = v
				half.Pix[y*w+x] = v / 2
				blurred.Pix[y*w+x] = uint8((int(v) + int(im.Pix[y*w+max(x-1, 0)]) + int(im.Pix[y*w+min(x+1, w-1)])) / 3)
			}
		}
		if c, s := measure(turned); c != contrast || s != sharpness {
			t.Errorf("turned: %v and %v, before %v and %v", c, s, contrast, sharpness)
		}
		if c, s := measure(half); !near(c, float64(contrast)/2) || !near(s, float64(sharpness)/4) {
			t.Errorf("half the range: %v and %v, before %v and %v", c, s, contrast, sharpness)
		}
		if c, s := measure(blurred); c >= contrast || s >= sharpness {
			t.Errorf("blurred: %v and %v, before %v and %v", c, s, contrast, sharpness)
		}
	}
}

// TestLook: every example gets the numbers of its own image, whatever the number
// of threads and the bad images before it, and a second run takes up the first.
func TestLook(t *testing.T) {
	d := datasettest.NewMemory(700, 4, 12, 9, 3, 5)
	pre := dataset.DefaultPreprocess()
	pre.Crop = dataset.Size{Height: 6, Width: 6}
	bad := []badImage{{ID: string(d.Example(0).ID)}, {ID: string(d.Example(300).ID)}}
	table := skeleton(d, bad)
	var all [][]prediction.Measure
	for _, threads := range []int{1, 3} {
		job := &Job{Data: d, Preprocess: pre, Work: t.TempDir()}
		job.Engine.Threads = threads
		told := 0
		job.Looked = func(done, total int) {
			if total != 698 {
				t.Errorf("%d images in all, want 698", total)
			}
			told = max(told, done)
		}
		m, err := look(t.Context(), job, table, []byte("key"))
		if err != nil {
			t.Fatal(err)
		}
		if told != 698 {
			t.Errorf("told of %d images, want 698", told)
		}
		job.Looked = func(int, int) { t.Error("measured again") }
		again, err := look(t.Context(), job, table, []byte("key"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m, again)
	}
	pp, err := dataset.NewPreprocessor(pre)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		for row, id := range table.IDs {
			i := slices.IndexFunc(d.Examples, func(e dataset.Example) bool { return e.ID == id })
			c, s, err := lookOne(t.Context(), pp, d, i)
			if err != nil {
				t.Fatal(err)
			}
			if m[0].Values[row] != c || m[1].Values[row] != s {
				t.Fatalf("example %s has %v and %v, want %v and %v", id, m[0].Values[row], m[1].Values[row], c, s)
			}
		}
	}
	pre.Crop.Width = -1
	if _, err := look(t.Context(), &Job{Data: d, Preprocess: pre, Work: t.TempDir()}, table, nil); err == nil {
		t.Error("an impossible crop is accepted")
	}
}
