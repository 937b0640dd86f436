package train

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
)

func randomImage(r *rand.Rand, w, h, c int) *dataset.Image {
	im := dataset.NewImage(w, h, c)
	for i := range im.Pix {
		im.Pix[i] = uint8(r.Uint32())
	}
	return im
}

// TestShiftAndMirror finds every result among those that a plain padding and
// cutting gives, and sees all of them.
func TestShiftAndMirror(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, fill := range []string{FillBlack, FillReflect} {
		for _, channels := range []int{1, 3} {
			im := randomImage(r, 5, 4, channels)
			const pad = 2
			want := map[string]bool{}
			for dy := -pad; dy <= pad; dy++ {
				for dx := -pad; dx <= pad; dx++ {
					for _, flip := range []bool{false, true} {
						want[naive(im, dx, dy, flip, fill == FillReflect)] = false
					}
				}
			}
			g, err := newAugmenter(Augment{Crop: Crop{Pad: pad, Fill: fill}, Flip: true}, dataset.Size{Height: 4, Width: 5}, plainNumbers())
			if err != nil {
				t.Fatal(err)
			}
			before := slices.Clone(im.Pix)
			dst := make([]float32, len(im.Pix))
			for range 2000 {
				if err := g.apply(dst, im, r); err != nil {
					t.Fatal(err)
				}
				key := string(planes(dst))
				if _, ok := want[key]; !ok {
					t.Fatalf("%s: a picture that no shift gives: %v", fill, dst)
				}
				want[key] = true
			}
			for _, seen := range want {
				if !seen {
					t.Errorf("%s, %d channels: a shift never came up", fill, channels)
				}
			}
			if !slices.Equal(before, im.Pix) {
				t.Error("the image was changed")
			}
		}
	}
}

// plainNumbers leaves pixels as they are.
func plainNumbers() dataset.Preprocess {
	p := dataset.DefaultPreprocess()
	p.Scale = 1
	return p
}

func planes(v []float32) []byte {
	out := make([]byte, len(v))
	for i, x := range v {
		out[i] = byte(x)
	}
	return out
}

// naive is the picture moved, channel by channel.
func naive(im *dataset.Image, dx, dy int, flip, reflected bool) string {
	var out []byte
	outside := func(i, n int) int { // numpy.pad(mode="reflect")
		if i < 0 {
			return -i
		}
		if i >= n {
			return 2*n - 2 - i
		}
		return i
	}
	for c := range im.Channels {
		for y := range im.Height {
			for x := range im.Width {
				sx, sy := x, y+dy
				if flip {
					sx = im.Width - 1 - x
				}
				sx += dx
				if reflected {
					sx, sy = outside(sx, im.Width), outside(sy, im.Height)
				}
				v := byte(0)
				if sx >= 0 && sx < im.Width && sy >= 0 && sy < im.Height {
					v = im.Pix[(sy*im.Width+sx)*im.Channels+c]
				}
				out = append(out, v)
			}
		}
	}
	return string(out)
}

// TestColours compares with colorsys and torchvision's formulas
// (testdata/colours.py) in float64; the bound is some roundings of float32.
func TestColours(t *testing.T) {
	pixels := []uint8{255, 0, 0, 10, 200, 30, 0, 0, 255, 128, 128, 128, 250, 240, 5, 17, 99, 180}
	var p []float32
	for _, row := range readCSV(t, "colours.csv") {
		f := float32(row.number(t, "factor"))
		if row["pixel"] == "0" {
			p = make([]float32, len(pixels))
			for i, v := range pixels {
				p[i] = float32(v) / 255
			}
			switch row["what"] {
			case "brightness":
				brighten(p, f)
			case "contrast":
				contrasted(p, 3, f)
			case "saturation":
				saturate(p, f)
			case "hue":
				turnHue(p, f)
			}
		}
		i := int(row.number(t, "pixel"))
		for c, name := range []string{"red", "green", "blue"} {
			if want := row.number(t, name); math.Abs(float64(p[3*i+c])-want) > 2e-6 {
				t.Errorf("%s %g, pixel %d, %s: %.7f, want %.7f", row["what"], f, i, name, p[3*i+c], want)
			}
		}
	}
}

// TestJitter: no jitter is no change, grey stays grey, and values stay in range.
func TestJitter(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	im := randomImage(r, 6, 6, 3)
	g := &augmenter{a: Augment{Jitter: Jitter{Hue: 1e-9}}}
	for i, v := range g.jitter(im, r).Pix {
		if v != im.Pix[i] {
			t.Fatalf("pixel value %d became %d", im.Pix[i], v)
		}
	}
	g.a.Jitter = Jitter{.8, .8, .8, .5}
	grey := randomImage(r, 6, 6, 1)
	g.jitter(grey, r) // must not panic
	for i := range 36 {
		copy(im.Pix[3*i:], []uint8{grey.Pix[i], grey.Pix[i], grey.Pix[i]})
	}
	out := g.jitter(im, r)
	for i := 0; i < len(out.Pix); i += 3 {
		if d := int(out.Pix[i]) - int(out.Pix[i+1]); d < -1 || d > 1 { // the weights add up to .9999
			t.Fatalf("grey became %v", out.Pix[i:i+3])
		}
	}
}

// TestChoosePart: parts lie inside, areas and shapes in their ranges up to
// whole pixels, and images of extreme shape get a middle part.
func TestChoosePart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	g := &augmenter{a: Augment{ResizedCrop: ResizedCrop{Area: []float64{.08, 1}}}}
	var least, most = 1.0, 0.0
	for range 5000 {
		x, y, w, h := g.choosePart(100, 80, r)
		if x < 0 || y < 0 || w < 1 || h < 1 || x+w > 100 || y+h > 80 {
			t.Fatalf("%d %d %d %d", x, y, w, h)
		}
		share, shape := float64(w*h)/8000, float64(w)/float64(h)
		if share < .07 || shape < .7 || shape > 1.43 {
			t.Fatalf("share %g, shape %g", share, shape)
		}
		least, most = min(least, share), max(most, share)
	}
	if least > .1 || most < .9 {
		t.Errorf("shares from %g to %g", least, most)
	}
	g.a.ResizedCrop.Area = []float64{1, 1}
	if x, y, w, h := g.choosePart(300, 20, r); x != 136 || y != 0 || w != 27 || h != 20 { // 20*4/3 = 26.7
		t.Errorf("of a wide image %d %d %d %d", x, y, w, h)
	}
}

func TestCutout(t *testing.T) {
	im := dataset.NewImage(6, 5, 2)
	for x := range 6 {
		for y := range 5 {
			dst := make([]float32, 60)
			for i := range dst {
				dst[i] = 1
			}
			cutout(dst, im, 3, x, y)
			for i, v := range dst {
				px, py := i%6, i/6%5
				if inside := px >= x-1 && px <= x+1 && py >= y-1 && py <= y+1; inside != (v == 0) {
					t.Fatalf("centre %d,%d: pixel %d,%d is %g", x, y, px, py, v)
				}
			}
		}
	}
}

// TestFeed: batches do not depend on the number of goroutines or on where the
// feed starts, an epoch has every image at most once, and epochs differ.
func TestFeed(t *testing.T) {
	d := pictures(50, 6, 4)
	index := make([]int, 50)
	for i := range index {
		index[i] = i
	}
	p := dataset.DefaultPreprocess()
	collect := func(first, workers int) (x [][]float32, orders [][]int) {
		f := &feed{from: newImages(d, index, &p), seed: 3, augment: Augment{Crop: Crop{Pad: 2, Fill: FillBlack}, Flip: true, Cutout: 2},
			size: dataset.Size{Height: 6, Width: 6}, numbers: p, batch: 8, image: 108}
		f.start(context.Background(), first, 20, workers)
		defer f.close()
		for range 20 - first {
			b, err := f.next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for slot, k := range b.order {
				if b.labels[slot] != int32(d.Examples[k].Label) {
					t.Fatalf("label %d of image %d", b.labels[slot], k)
				}
			}
			x, orders = append(x, slices.Clone(b.x)), append(orders, slices.Clone(b.order))
		}
		return x, orders
	}
	want, orders := collect(0, 1)
	for _, c := range []struct{ first, workers int }{{0, 2}, {0, 5}, {7, 1}, {13, 3}} {
		got, _ := collect(c.first, c.workers)
		for i := range got {
			if !slices.Equal(got[i], want[c.first+i]) {
				t.Fatalf("from step %d with %d goroutines: step %d has other images", c.first, c.workers, c.first+i)
			}
		}
	}
	for epoch := range 3 { // six batches an epoch; two images are left out of each
		seen := map[int]bool{}
		for _, o := range orders[6*epoch : 6*epoch+6] {
			for _, k := range o {
				if seen[k] {
					t.Errorf("image %d twice in epoch %d", k, epoch)
				}
				seen[k] = true
			}
		}
	}
	if slices.Equal(orders[0], orders[6]) {
		t.Error("two epochs begin with the same images")
	}
}

// TestSplit: the share of each class, every image once, the same for all.
func TestSplit(t *testing.T) {
	d := pictures(103, 4, 1)
	train, held, err := split(d, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[dataset.Label]int{}
	for _, i := range held {
		counts[d.Example(i).Label]++
	}
	for c := range 4 {
		if counts[dataset.Label(c)] != 5 { // of 26 or 25
			t.Errorf("class %d: %d held out", c, counts[dataset.Label(c)])
		}
	}
	all := append(slices.Clone(train), held...)
	slices.Sort(all)
	if len(slices.Compact(all)) != 103 || !slices.IsSorted(train) || !slices.IsSorted(held) {
		t.Errorf("%d and %d images", len(train), len(held))
	}
}
