package bench

import (
	"fmt"
	"hash/fnv"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/zoo"
)

// mixed corrupts every image by one of several corruptions, chosen by its id.
type mixed []*corrupt.Corruption

func (m mixed) String() string { return "mixed" }

func (m mixed) Apply(id dataset.ExampleID, im *dataset.Image) (*dataset.Image, error) {
	h := fnv.New32a()
	h.Write([]byte(id)) // never fails
	return m[h.Sum32()%uint32(len(m))].Apply(id, im)
}

// none leaves images as they are.
type none struct{}

func (none) String() string { return "clean" }

func (none) Apply(_ dataset.ExampleID, im *dataset.Image) (*dataset.Image, error) { return im, nil }

// corruptions are those of the names at all severities.
func corruptions(b *testing.B, names ...string) mixed {
	b.Helper()
	var out mixed
	for _, name := range names {
		for s := 1; s <= corrupt.Severities; s++ {
			c, err := corrupt.New(corrupt.Options{Name: name, Severity: s})
			if err != nil {
				b.Fatal(err)
			}
			out = append(out, c)
		}
	}
	return out
}

// BenchmarkOnTheFly runs the network of the CIFAR-10 experiment over 2,000 images of
// 32 x 32, clean and corrupted on the way, and corrupts them alone ("supply"). A
// corruption starves inference where its supply is below the rate on clean images;
// as both share the cores, 1/rate = 1/clean + 1/supply at best.
//
//	go test ./bench -run '^$' -bench OnTheFly -benchtime 5x
func BenchmarkOnTheFly(b *testing.B) {
	const images, classes = 2000, 10
	clean := datasettest.NewMemory(images, classes, 32, 32, 3, 7)
	model, err := zoo.Build("resnet8", zoo.Config{Classes: classes, Size: 32, Channels: 3, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "resnet8.onnx")
	if err := onnx.Save(model, file, onnx.DefaultSaveOptions()); err != nil {
		b.Fatal(err)
	}
	shifted := func(s dataset.Shift) dataset.Dataset {
		d, err := dataset.Shifted(clean, dataset.DefaultPreprocess(), s)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	sets := map[string]dataset.Dataset{"clean": shifted(none{}), "all-19": shifted(corruptions(b, corrupt.Names()...))}
	order := []string{"clean", "all-19"}
	for _, name := range corrupt.Names() {
		sets[name], order = shifted(corruptions(b, name)), append(order, name)
	}
	for _, name := range order {
		d := sets[name]
		b.Run(name, func(b *testing.B) {
			for range b.N {
				r, err := infer.Predict(b.Context(), &infer.Job{
					Variants: []infer.Variant{{Name: "model", Files: []string{file}}}, Data: d, Preprocess: dataset.DefaultPreprocess(),
					Source: name, Work: b.TempDir(), Options: infer.Options{Batch: 64},
				})
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*images)/b.Elapsed().Seconds(), "images/s")
		})
		if name == "clean" {
			continue
		}
		b.Run(fmt.Sprintf("%s/supply", name), func(b *testing.B) {
			o := dataset.DefaultLoaderOptions()
			o.Batch = 64
			for range b.N {
				l, err := dataset.NewLoader(b.Context(), d, o)
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range l.Batches(b.Context()) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N*images)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
