package infer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// ErrShape marks models and data that do not fit each other.
var ErrShape = errors.New("model and data do not fit")

// ports are the input and the output of a classifier: images in, one row of
// scores for each image out.
type ports struct {
	in, out engine.Value
	batch   int // images the model takes at once; 0: any number
}

// portsOf finds them and checks that they fit the data.
func portsOf(s engine.Session, shape dataset.Shape, classes int) (ports, error) {
	var p ports
	if n := len(s.Inputs()); n != 1 {
		return p, fmt.Errorf("%w: the model has %d inputs, want one for images", ErrShape, n)
	}
	p.in = s.Inputs()[0]
	if p.in.Type != tensor.Float32 {
		return p, fmt.Errorf("%w: input %s is %v, want float32", ErrShape, p.in.Name, p.in.Type)
	}
	if err := fits(p.in, shape); err != nil {
		return p, err
	}
	if p.in.Shape != nil {
		if n, ok := p.in.Shape[0].Size(); ok {
			p.batch = int(n)
		}
	}
	for _, out := range s.Outputs() {
		if out.Type != tensor.Float32 || len(out.Shape) < 2 && out.Shape != nil {
			continue
		}
		if out.Shape == nil {
			p.out = out
			return p, nil
		}
		n, known := out.Shape[len(out.Shape)-1].Size()
		if !known || int(n) == classes {
			p.out = out
			return p, nil
		}
	}
	var have []string
	for _, out := range s.Outputs() {
		have = append(have, fmt.Sprintf("%s: %v%v", out.Name, out.Type, out.Shape))
	}
	return p, fmt.Errorf("%w: no output gives %d float32 scores an image, as the data has classes; the model gives %s", ErrShape, classes, strings.Join(have, ", "))
}

// fits compares the declared input with the images; where the other layout
// would fit, the error says so.
func fits(in engine.Value, shape dataset.Shape) error {
	match := func(dims [4]int) bool {
		for i := 1; i < 4; i++ {
			if n, ok := in.Shape[i].Size(); ok && int(n) != dims[i] {
				return false
			}
		}
		return true
	}
	switch {
	case in.Shape == nil:
		return nil
	case len(in.Shape) != 4:
		return fmt.Errorf("%w: input %s has shape %v, want 4 axes: images, channels, height, width", ErrShape, in.Name, in.Shape)
	case match(shape.Dims(1)):
		return nil
	}
	hint := "resize or crop them (?resize=N&crop=N)"
	other := shape
	if other.Layout = dataset.NHWC; shape.Layout == dataset.NHWC {
		other.Layout = dataset.NCHW
	}
	if match(other.Dims(1)) {
		hint = fmt.Sprintf("with ?layout=%s they would fit", other.Layout)
	}
	return fmt.Errorf("%w: input %s is %v, images are %d x %d with %d channels, %s: %s", ErrShape, in.Name, in.Shape, shape.Height, shape.Width, shape.Channels, shape.Layout, hint)
}
