package dataset

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"
)

// photograph is a JPEG of the usual size of ImageNet's, 4:2:0, about 70 KB.
func photograph(b *testing.B) []byte {
	b.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 500, 375))
	rough := source(500, 375, 3)
	for y := range 375 {
		for x := range 500 {
			at := 3 * (y*500 + x)
			smooth := 100 + 60*math.Sin(float64(x)/31)*math.Cos(float64(y)/23)
			m.SetRGBA(x, y, color.RGBA{uint8(smooth) + rough.Pix[at]/6, uint8(smooth/2) + rough.Pix[at+1]/6, 90 + rough.Pix[at+2]/6, 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 85}); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkJPEG compares the standard library's decoder alone with Decode, and
// with Decode, resize to 256, crop to 224 and numbers.
func BenchmarkJPEG(b *testing.B) {
	data := photograph(b)
	b.Run("decoder", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode+256+224", func(b *testing.B) {
		p := DefaultPreprocess()
		p.Resize, p.Crop = Size{256, 0}, Size{224, 224}
		p.Mean, p.Std = []float64{.485, .456, .406}, []float64{.229, .224, .225}
		pp, err := NewPreprocessor(p)
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]float32, 3*224*224)
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			im, err := Decode(data)
			if err == nil {
				err = pp.Apply(dst, im)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
