package compress

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/lethe-audit/lethe/onnx"
)

// Output is a compressed model and how it was made.
type Output struct {
	Model         *onnx.Model // has the metadata of Manifest
	Manifest      *Manifest
	Before, After onnx.Facts
}

// Run applies schemes to a model, one after the other. m is not changed; the
// output shares its bytes, so m must stay open. tool is the program and its
// version. A model that was compressed before keeps its source and its steps.
func Run(ctx context.Context, m *onnx.Model, schemes []Scheme, in Input, tool string) (*Output, error) {
	if len(schemes) == 0 {
		return nil, fmt.Errorf("%w: no scheme is given", ErrSpec)
	}
	manifest, err := ManifestOf(m)
	if err != nil {
		return nil, err
	}
	if manifest == nil {
		manifest = &Manifest{}
	}
	manifest.Version, manifest.Tool = ManifestVersion, tool
	out := &Output{Manifest: manifest, Model: m}
	inspect := sync.OnceValues(func() (onnx.Facts, error) { return onnx.Inspect(m, nil) })
	go inspect() // on another core, while the first scheme reads the weights too
	for i, s := range schemes {
		r, failed := apply(ctx, s, out.Model, in)
		if i == 0 {
			if out.Before, err = inspect(); err != nil {
				return nil, err
			}
			manifest.WeightsDigest = out.Before.WeightsDigest
			manifest.Source = cmp.Or(manifest.Source, out.Before.WeightsDigest)
		}
		if failed != nil {
			return nil, failed
		}
		if err := out.add(s, r, in); err != nil {
			return nil, err
		}
	}
	return out, manifest.mark(out.Model)
}

// apply applies one scheme.
func apply(ctx context.Context, s Scheme, m *onnx.Model, in Input) (*Result, error) {
	if err := Check(m); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name(), err)
	}
	return s.Apply(ctx, m, in)
}

// add checks what a scheme gave and takes it as the next step.
func (o *Output) add(s Scheme, r *Result, in Input) (err error) {
	m := o.Model
	r.Model.Path, r.Model.Files = m.Path, m.Files // for messages
	if err := onnx.Validate(r.Model); err != nil {
		return fmt.Errorf("%s: the result is not valid, please report this: %w", s.Name(), err)
	}
	if o.After, err = onnx.Inspect(r.Model, nil); err != nil {
		return fmt.Errorf("%s: the result is not valid, please report this: %w", s.Name(), err)
	}
	if o.After.WeightsDigest == o.Manifest.WeightsDigest {
		return &onnx.Error{File: m.Path, Msg: fmt.Sprintf("%s: %v: the result holds the same weights as before (digest %s)", s.Name(), ErrNothing, o.After.WeightsDigest), Reason: ErrNothing}
	}
	step := Step{Scheme: s.Name(), Options: maps.Clone(r.Options), Layers: r.Layers, Notes: r.Notes, Clamped: r.Clamped, Flushed: r.Flushed}
	if step.Options == nil {
		step.Options = map[string]string{}
	}
	if len(r.Calibration) > 0 {
		step.Calibration = newCalibration(in.Data, r.Calibration)
	}
	o.Manifest.Steps = append(o.Manifest.Steps, step)
	o.Manifest.WeightsDigest = o.After.WeightsDigest
	o.Model = r.Model
	return nil
}
