package infer

import (
	"fmt"
	"slices"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/onnx"
)

// cut says how many images are computed at once. It never changes what is
// predicted of an image.
type cut struct {
	images int    // at once
	fill   int    // the last batch is filled up to a multiple of it
	note   string // for the predictions; "" if there is nothing to say
}

// batcher is a session of the engine: it knows how images may be put together.
type batcher interface {
	FreeBatch() bool
	Independent(shapes map[string][]int) (bool, error)
}

// cutFor decides it for a model of which a batch of images is asked for.
func cutFor(s engine.Session, m *onnx.Model, p ports, shape dataset.Shape, batch int) (cut, error) {
	b, known := s.(batcher)
	if p.batch > 0 {
		c := cut{images: p.batch, fill: p.batch}
		if known && b.FreeBatch() {
			c.images = max(1, batch/p.batch) * p.batch
		}
		switch {
		case p.batch == 1 && takesAny(m):
			c.note = oneByOne
		case p.batch > 1 && dynamic(m):
			c.note = fmt.Sprintf("the model takes %d images at a time and quantizes them by their common range: what it predicts of an image depends on the %d before or after it", p.batch, p.batch-1)
		}
		return c, nil
	}
	apart := !dynamic(m)
	if known {
		dims := shape.Dims(2)
		var err error
		if apart, err = b.Independent(map[string][]int{p.in.Name: dims[:]}); err != nil {
			return cut{}, err
		}
	}
	if apart {
		return cut{images: batch, fill: 1}, nil
	}
	return cut{images: 1, fill: 1, note: oneByOne}, nil
}

const oneByOne = "computed one image at a time: in a batch, the model's scores of an image depend on the other images (such as through DynamicQuantizeLinear, whose range is that of the whole batch)"

// single is a model that quantizes by the range of a batch, declared to take one
// image: the engine then computes the images of a batch apart, on all cores side
// by side. Any other model is returned as it is. The result shares m's bytes.
func single(m *onnx.Model) *onnx.Model {
	if !dynamic(m) || !takesAny(m) {
		return m
	}
	c := m.Clone()
	c.Graph.DataInputs()[0].Type.Shape[0] = onnx.Fixed(1)
	return c
}

// takesAny reports whether a model takes any number of images.
func takesAny(m *onnx.Model) bool {
	in := m.Graph.DataInputs()
	if len(in) != 1 || len(in[0].Type.Shape) == 0 {
		return false
	}
	_, fixed := in[0].Type.Shape[0].Size()
	return !fixed
}

// dynamic reports whether a model quantizes by the range of a whole batch.
func dynamic(m *onnx.Model) bool {
	return slices.ContainsFunc(m.Graph.Nodes, func(n *onnx.Node) bool { return n.Op == "DynamicQuantizeLinear" })
}
