package agree

import (
	"context"
	"fmt"
	"os"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// Images is a data set in memory, preprocessed for a model.
type Images struct {
	IDs     []dataset.ExampleID
	Labels  []dataset.Label
	Classes int           // classes of the data set
	Shape   dataset.Shape // of one image
	Data    []float32     // len(IDs) images, one after the other
}

// Load decodes and preprocesses all images of a data set. An image that cannot
// be read is an error.
func Load(ctx context.Context, d dataset.Dataset, pre dataset.Preprocess) (*Images, error) {
	o := dataset.DefaultLoaderOptions()
	o.Preprocess, o.BadLimit = pre, 0
	loader, err := dataset.NewLoader(ctx, d, o)
	if err != nil {
		return nil, err
	}
	im := &Images{Classes: len(d.Classes()), Shape: loader.Shape()}
	for b, err := range loader.Batches(ctx) {
		if err != nil {
			return nil, err
		}
		for _, i := range b.Index {
			e := d.Example(i)
			im.IDs, im.Labels = append(im.IDs, e.ID), append(im.Labels, e.Label)
		}
		im.Data = append(im.Data, b.Data[:len(b.Index)*im.Shape.Len()]...)
	}
	return im, nil
}

// Len is the number of images.
func (im *Images) Len() int { return len(im.IDs) }

// Pick is some of the images.
func (im *Images) Pick(index []int) *Images {
	out := &Images{Classes: im.Classes, Shape: im.Shape}
	size := im.Shape.Len()
	for _, i := range index {
		out.IDs, out.Labels = append(out.IDs, im.IDs[i]), append(out.Labels, im.Labels[i])
		out.Data = append(out.Data, im.Data[i*size:(i+1)*size]...)
	}
	return out
}

// LongEnv is the environment variable that asks for tests of all images.
const LongEnv = "LETHE_LONG"

// Tested is the images that a test of many models compares: every fourth, so
// that all tests end in minutes, or all where [LongEnv] is set.
func (im *Images) Tested() *Images {
	if os.Getenv(LongEnv) != "" {
		return im
	}
	var index []int
	for i := 0; i < im.Len(); i += 4 {
		index = append(index, i)
	}
	return im.Pick(index)
}

// padded is the images as one tensor of float32 or float16, filled up with
// zeros to a multiple of batch.
func (im *Images) padded(typ tensor.Type, batch int) (tensor.Tensor, error) {
	n := (im.Len() + batch - 1) / batch * batch
	data := im.Data
	if n > im.Len() {
		data = append(append(make([]float32, 0, n*im.Shape.Len()), data...), make([]float32, (n-im.Len())*im.Shape.Len())...)
	}
	dims := im.Shape.Dims(n)
	switch typ {
	case tensor.Float32:
		return tensor.New(dims[:], data)
	case tensor.F16:
		half := make([]tensor.Float16, len(data))
		for i, v := range data {
			half[i] = tensor.NewFloat16(v)
		}
		return tensor.New(dims[:], half)
	}
	return tensor.Tensor{}, fmt.Errorf("agree: input is %v, want float32 or float16", typ)
}
