package corrupt

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
)

// impulse is a plane that is 1 in its middle.
func impulse(n int) plane {
	p := make(plane, n*n)
	p[n/2*n+n/2] = 1
	return p
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6 {
		t.Errorf("%s: %.8f, want %.8f", what, got, want)
	}
}

// TestGaussianKernel: the response to an impulse is the Gaussian, cut at
// truncate sigma and summing to 1.
func TestGaussianKernel(t *testing.T) {
	const n = 61
	for _, sigma := range []float64{0.4, 1, 2.5, 6} {
		p := impulse(n)
		smooth(p, n, n, gaussianWeights(sigma, 4), nearest)
		reach, total := int(4*sigma+0.5), 0.0
		g := func(d int) float64 {
			if max(d, -d) > reach {
				return 0
			}
			return math.Exp(-float64(d*d) / (2 * sigma * sigma))
		}
		for d := -reach; d <= reach; d++ {
			total += g(d)
		}
		for y := range n {
			for x := range n {
				near(t, "gaussian", float64(p[y*n+x]), g(x-n/2)*g(y-n/2)/(total*total))
			}
		}
	}
}

// TestDisk: the response to an impulse is the disk, smoothed. The weights of
// radius 3 with hardly any smoothing are 1 over the 29 places of the disk.
func TestDisk(t *testing.T) {
	const n = 41
	q, r := disk(3, 0.1)
	p := correlateQuadrant(impulse(n), n, n, q, r)
	for y := range n {
		for x := range n {
			want := 0.0
			if (x-n/2)*(x-n/2)+(y-n/2)*(y-n/2) <= 9 {
				want = 1.0 / 29
			}
			near(t, "disk of radius 3", float64(p[y*n+x]), want)
		}
	}
	for _, c := range definitions() {
		if c.name != "defocus_blur" {
			continue
		}
		for _, v := range append(c.imagenet[:], c.cifar[:]...) {
			q, r := disk(v[0], v[1])
			whole := correlateQuadrant(impulse(n), n, n, q, r)
			for y := range n {
				for x := range n {
					dx, dy := max(x-n/2, n/2-x), max(y-n/2, n/2-y)
					want := 0.0
					if dx <= r && dy <= r {
						want = float64(q[dy*(r+1)+dx])
					}
					near(t, "disk", float64(whole[y*n+x]), want)
				}
			}
		}
	}
}

// TestMotionKernel: radius 10, sigma 3 gives 21 weights of half a Gaussian; an
// impulse is drawn out in the direction of the angle.
func TestMotionKernel(t *testing.T) {
	w := motionWeights(10, 3)
	if len(w) != 21 {
		t.Fatalf("%d weights, want 21", len(w))
	}
	total := 0.0
	for i := range w {
		total += math.Exp(-float64(i*i) / 18)
	}
	const n = 61
	for _, c := range []struct {
		degrees float64
		dx, dy  float64
	}{{0, 1, 0}, {-90, 0, -1}, {45, math.Sqrt2 / 2, math.Sqrt2 / 2}, {36.86989764584402, 0.8, 0.6}} {
		p := impulse(n)
		p[n/2*n+n/2] = 1e6 // so that rounding to levels does not show
		p = move(p, n, n, w, motionOffsets(c.degrees, len(w)))
		want := make([]float64, n*n)
		for i := range w {
			// the pixel that sees the impulse lies on the other side
			x, y := n/2-int(math.Ceil(float64(i)*c.dx-0.5)), n/2-int(math.Ceil(float64(i)*c.dy-0.5))
			want[y*n+x] += math.Exp(-float64(i*i)/18) / total
		}
		for i := range want {
			if math.Abs(float64(p[i])/1e6-want[i]) > 2e-6 {
				t.Fatalf("%g degrees: %g at %d, %d, want %g", c.degrees, p[i]/1e6, i%n, i/n, want[i])
			}
		}
	}
}

// TestFolded: the matrix of a wide kernel does what convolution does.
func TestFolded(t *testing.T) {
	const n = 37
	r := rand.New(rand.NewPCG(1, 2))
	w := gaussianWeights(20, 3)
	p, want := make(plane, n*n), make(plane, n*n)
	for i := range p {
		p[i] = r.Float32()
	}
	copy(want, p)
	smooth(want, n, n, w, reflect)
	m := folded(w, n)
	for y := range n {
		for x := range n {
			got := 0.0
			for j := range n {
				for k := range n {
					got += float64(m[y][j]) * float64(m[x][k]) * float64(p[j*n+k])
				}
			}
			if math.Abs(got-float64(want[y*n+x])) > 1e-5 {
				t.Fatalf("%d, %d: %g, want %g", x, y, got, want[y*n+x])
			}
		}
	}
}

// flat is an image of one colour.
func flat(n int, v uint8) *dataset.Image {
	im := dataset.NewImage(n, n, 3)
	for i := range im.Pix {
		im.Pix[i] = v
	}
	return im
}

// kolmogorov is the greatest distance of the distribution of levels of a
// corrupted flat image from below, which is P(level <= l).
func kolmogorov(t *testing.T, name string, severity int, v uint8, below func(l int) float64) float64 {
	t.Helper()
	c, err := New(Options{Name: name, Severity: severity, Preset: ImageNetC})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Apply("a", flat(200, v))
	if err != nil {
		t.Fatal(err)
	}
	var count [256]int
	for _, x := range out.Pix {
		count[x]++
	}
	sum, worst := 0, 0.0
	for l, n := range count {
		sum += n
		worst = max(worst, math.Abs(float64(sum)/float64(len(out.Pix))-below(l)))
	}
	// P(sqrt(n) D > 1.95) is 1e-3 for continuous distributions, less for ours.
	return worst * math.Sqrt(float64(len(out.Pix))) / 1.95
}

// TestNoiseDistributions compares levels with the definitions by Kolmogorov's
// distance: N(0, sd), Poisson(x c) / c, and salt and pepper, cut to [0, 1].
func TestNoiseDistributions(t *testing.T) {
	phi := func(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
	poissonUpTo := func(k int, mean float64) float64 {
		sum := 0.0
		for j := 0; j <= k; j++ {
			lg, _ := math.Lgamma(float64(j + 1))
			sum += math.Exp(float64(j)*math.Log(mean) - mean - lg)
		}
		return sum
	}
	at255 := func(f func(l int) float64) func(int) float64 {
		return func(l int) float64 {
			if l == 255 {
				return 1
			}
			return f(l)
		}
	}
	for s := 1; s <= Severities; s++ {
		for _, v := range []uint8{20, 128, 230} {
			x := float64(v)
			sd, speckle := []float64{.08, .12, .18, .26, .38}[s-1]*255, []float64{.15, .2, .35, .45, .6}[s-1]*x
			c, share := []float64{60, 25, 12, 5, 3}[s-1], []float64{.03, .06, .09, .17, .27}[s-1]
			for name, below := range map[string]func(int) float64{
				"gaussian_noise": at255(func(l int) float64 { return phi((float64(l+1) - x) / sd) }),
				"speckle_noise":  at255(func(l int) float64 { return phi((float64(l+1) - x) / speckle) }),
				"shot_noise":     at255(func(l int) float64 { return poissonUpTo(int(math.Ceil(float64(l+1)*c/255-1e-9))-1, x/255*c) }),
				"impulse_noise": at255(func(l int) float64 {
					if l < int(v) {
						return share / 2
					}
					return 1 - share/2
				}),
			} {
				if d := kolmogorov(t, name, s, v, below); d > 1 {
					t.Errorf("%s:%d of %d: distance is %.2f of its limit", name, s, v, d)
				}
			}
		}
	}
}

// TestNoiseMoments: without cutting, the noise has mean -1/2 (levels are cut
// down) and the published deviation.
func TestNoiseMoments(t *testing.T) {
	c, err := New(Options{Name: "gaussian_noise", Severity: 1, Preset: ImageNetC, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Apply("a", flat(300, 128))
	if err != nil {
		t.Fatal(err)
	}
	var sum, square float64
	for _, x := range out.Pix {
		d := float64(x) - 127.5
		sum, square = sum+d, square+d*d
	}
	n := float64(len(out.Pix))
	sd := 0.08 * 255
	if mean := sum / n; math.Abs(mean) > 4*sd/math.Sqrt(n) {
		t.Errorf("mean %g", mean)
	}
	if got, want := square/n, sd*sd+1.0/12; math.Abs(got-want) > 4*want*math.Sqrt(2/n) {
		t.Errorf("variance %g, want %g", got, want)
	}
}

// TestJPEGTables: Go's encoder writes libjpeg's quantization tables at every
// published quality (testdata/tables.py).
func TestJPEGTables(t *testing.T) {
	f, err := os.Open("testdata/jpegtables.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, row := range rows {
		var v []int
		for _, s := range row {
			n, err := strconv.Atoi(s)
			if err != nil {
				t.Fatal(err)
			}
			v = append(v, n)
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 8)), &jpeg.Options{Quality: v[0]}); err != nil {
			t.Fatal(err)
		}
		got := quantization(t, b.Bytes())[v[1]]
		for i, at := range zigzag() {
			if int(got[i]) != v[2+at] {
				t.Errorf("quality %d, table %d, place %d: %d, libjpeg has %d", v[0], v[1], at, got[i], v[2+at])
			}
		}
		seen++
	}
	if seen != 20 {
		t.Errorf("%d tables, want 20", seen)
	}
	for _, d := range definitions() {
		if d.name == "jpeg_compression" && (d.imagenet[0][0] != 25 || d.cifar[4][0] != 40) {
			t.Error("the qualities are not the published ones")
		}
	}
}

// quantization reads the tables of a JPEG file, in the order of the file.
func quantization(t *testing.T, b []byte) map[int][]byte {
	t.Helper()
	out := map[int][]byte{}
	for i := 2; i+4 <= len(b) && b[i] == 0xff && b[i+1] != 0xda; {
		n := int(binary.BigEndian.Uint16(b[i+2:]))
		if b[i+1] == 0xdb {
			for k := i + 4; k+65 <= i+2+n; k += 65 {
				out[int(b[k])] = b[k+1 : k+65]
			}
		}
		i += 2 + n
	}
	return out
}

// zigzag is the place, row by row, of each number in the order of the file.
func zigzag() []int {
	var out []int
	for d := range 15 {
		for k := range d + 1 {
			y, x := d-k, k
			if d%2 == 1 {
				y, x = x, y
			}
			if x < 8 && y < 8 {
				out = append(out, y*8+x)
			}
		}
	}
	return out
}
