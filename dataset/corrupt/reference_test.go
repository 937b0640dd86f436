package corrupt_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
)

// measures are the mean, the variance and the power in four rings of one
// channel's change.
type measures [6]float64

func measureNames() [6]string {
	return [6]string{"mean", "variance", "below 1/16", "below 1/8", "below 1/4", "above"}
}

// TestReference compares with statistics that testdata/reference.py computed
// from the definitions with NumPy, SciPy and Pillow. The limits were set
// before the comparison: 6 standard errors (of both sides, by the larger
// standard deviation) for what is random, plus 0.15 of a level in the mean and
// 3 % and 0.05 of the rest for what rounds differently (JPEG, mean over moved
// images: half a level, 15 %).
func TestReference(t *testing.T) {
	rows := records(t, "reference.csv")[1:]
	images := map[corrupt.Preset]*dataset.Image{corrupt.ImageNetC: scenery(224, 224), corrupt.CIFARC: scenery(32, 32)}
	if len(rows) != 2*18*5*3 {
		t.Fatalf("%d rows, want %d", len(rows), 2*18*5*3)
	}
	for i := 0; i < len(rows); i += 3 {
		row := rows[i]
		preset, draws := corrupt.Preset(row[0]), int(number(t, row[16]))
		ours, jpeg := min(draws, 4), row[1] == "jpeg_compression"
		switch {
		case jpeg:
			ours = draws // of the same images
		case preset == corrupt.CIFARC:
			ours = min(draws, 60)
		}
		if testing.Short() && preset == corrupt.ImageNetC {
			continue
		}
		c, err := corrupt.New(corrupt.Options{Name: row[1], Severity: int(number(t, row[2])), Preset: preset, Seed: 11})
		if err != nil {
			t.Fatal(err)
		}
		mean, sd := draw(t, c, images[preset], ours, jpeg)
		for k := range 3 {
			for m, name := range measureNames() {
				want, spread := number(t, rows[i+k][4+m]), max(number(t, rows[i+k][10+m]), sd[k][m])
				limit := 6 * spread * math.Sqrt(1/float64(draws)+1/float64(ours))
				if draws == 1 || jpeg { // nothing is random
					limit = 0
				}
				limit += floor(m, want, jpeg)
				if got := mean[k][m]; math.Abs(got-want) > limit {
					t.Errorf("%s %s channel %d: %s of the change %.4g, reference %.4g, limit %.2g", preset, c, k, name, got, want, limit)
				}
			}
		}
	}
}

// floor is what rounding may change in a measure.
func floor(m int, want float64, jpeg bool) float64 {
	switch {
	case m == 0 && jpeg:
		return 0.5
	case m == 0:
		return 0.15
	case jpeg:
		return 0.15*want + 0.05
	}
	return 0.03*want + 0.05
}

// moved is the image moved by 3k down and 5k to the right, around its borders.
func moved(im *dataset.Image, k int) *dataset.Image {
	out := dataset.NewImage(im.Width, im.Height, im.Channels)
	for y := range im.Height {
		for x := range im.Width {
			to := ((y+3*k)%im.Height)*im.Width + (x+5*k)%im.Width
			copy(out.Pix[to*im.Channels:][:im.Channels], im.Pix[(y*im.Width+x)*im.Channels:])
		}
	}
	return out
}

// draw measures draws of a corruption: mean and deviation by channel.
func draw(t *testing.T, c *corrupt.Corruption, clean *dataset.Image, draws int, move bool) (mean, sd [3]measures) {
	t.Helper()
	for k := range draws {
		im := clean
		if move {
			im = moved(clean, k)
		}
		out, err := c.Apply(dataset.ExampleID(fmt.Sprint(k)), im)
		if err != nil {
			t.Fatal(err)
		}
		for ch := range 3 {
			for m, v := range measure(out, im, ch) {
				mean[ch][m] += v / float64(draws)
				sd[ch][m] += v * v
			}
		}
	}
	for ch := range 3 {
		for m := range sd[ch] {
			rest := sd[ch][m] - float64(draws)*mean[ch][m]*mean[ch][m]
			sd[ch][m] = math.Sqrt(max(rest, 0) / max(float64(draws-1), 1))
		}
	}
	return mean, sd
}

func measure(out, im *dataset.Image, channel int) (m measures) {
	n := im.Width
	d, pixels := make([]complex128, n*n), float64(n*n)
	for i := range d {
		v := float64(out.Pix[3*i+channel]) - float64(im.Pix[3*i+channel])
		d[i] = complex(v, 0)
		m[0] += v / pixels
		m[1] += v * v / pixels
	}
	m[1] -= m[0] * m[0]
	fft := fourier.NewCmplxFFT(n)
	line := make([]complex128, n)
	for y := range n {
		copy(d[y*n:], fft.Coefficients(line, d[y*n:(y+1)*n]))
	}
	for x := range n {
		column := make([]complex128, n)
		for y := range n {
			column[y] = d[y*n+x]
		}
		for y, v := range fft.Coefficients(line, column) {
			if x == 0 && y == 0 {
				continue
			}
			f := math.Hypot(fft.Freq(x), fft.Freq(y))
			ring := 2
			for _, edge := range []float64{1.0 / 16, 1.0 / 8, 1.0 / 4} {
				if f >= edge {
					ring++
				}
			}
			m[ring] += (real(v)*real(v) + imag(v)*imag(v)) / (pixels * pixels)
		}
	}
	return m
}
