package main

import (
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/engine/enginetest"
	"github.com/lethe-audit/lethe/onnx"
)

const classes = 10

// writePhotos writes n JPEG files in one folder a class. Twenty pictures are
// made and written again and again, under names of their own.
func writePhotos(dir string, n int) error {
	var files [][]byte
	for i := range 20 {
		f, err := photograph(uint64(i))
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	for i := range n {
		folder := filepath.Join(dir, fmt.Sprintf("class%d", i%classes))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%05d.jpg", i)), files[i%len(files)], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// photograph is smooth shapes with grain: about 70 KB at quality 85, as
// ImageNet's files of this size have.
func photograph(seed uint64) ([]byte, error) {
	rng := rand.New(rand.NewPCG(seed, 0x6a7067))
	m := image.NewRGBA(image.Rect(0, 0, 500, 375))
	fx, fy := 15+30*rng.Float64(), 15+30*rng.Float64()
	for y := range 375 {
		for x := range 500 {
			v := 100 + 60*math.Sin(float64(x)/fx)*math.Cos(float64(y)/fy)
			grain := func(base float64) uint8 { return uint8(base + 40*rng.Float64()) }
			m.SetRGBA(x, y, color.RGBA{grain(v), grain(v / 2), grain(90), 255})
		}
	}
	var out writer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 85}); err != nil {
		return nil, err
	}
	return out, nil
}

type writer []byte

// Write keeps p.
func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

// network is a model to predict with.
type network struct {
	name, title  string
	resize, size int // of the images
	model        *onnx.Model
}

func networks() []network {
	return []network{
		{"resnet8", "ResNet8 at 32x32", 36, 32, enginetest.ResNet8()},
		{"mobile", "depthwise network at 224x224", 256, 224, mobile()},
	}
}

func (n network) save(path string) error {
	return onnx.Save(n.model, path, onnx.DefaultSaveOptions())
}

// macs is the multiply-adds of one image.
func (n network) macs() (float64, error) {
	in := onnx.Shape{onnx.Fixed(1), onnx.Fixed(3), onnx.Fixed(int64(n.size)), onnx.Fixed(int64(n.size))}
	f, err := onnx.Inspect(n.model, map[string]onnx.Shape{"x": in})
	if err != nil {
		return 0, err
	}
	if f.MACs == nil {
		return 0, fmt.Errorf("%s: multiply-adds cannot be counted", n.name)
	}
	return float64(*f.MACs), nil
}

// mobile is a small network of depthwise and pointwise convolutions, as are run
// on phones.
func mobile() *onnx.Model {
	b := enginetest.New("mobile", 5)
	x := b.Relu(b.BatchNorm(b.Conv(b.Input("x", -1, 3, 224, 224), enginetest.ConvSpec{Out: 8, Kernel: 3, Stride: 2})))
	width := 8
	for i, out := range []int{16, 32, 32, 64, 64, 128, 128, 128, 256, 256} {
		stride := 1
		if i == 1 || i == 3 || i == 5 || i == 8 {
			stride = 2
		}
		x = b.Relu(b.BatchNorm(b.Conv(x, enginetest.ConvSpec{Out: width, Kernel: 3, Stride: stride, Groups: width})))
		x = b.Relu(b.BatchNorm(b.Conv(x, enginetest.ConvSpec{Out: out, Kernel: 1})))
		width = out
	}
	b.Output(b.Node("Softmax", []string{b.Dense(x, classes)}), 2)
	return b.Model()
}
