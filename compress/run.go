package compress

import (
	"context"
	"fmt"
	"maps"

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
	before, err := onnx.Inspect(m, nil)
	if err != nil {
		return nil, err
	}
	manifest, err := ManifestOf(m)
	if err != nil {
		return nil, err
	}
	if manifest == nil {
		manifest = &Manifest{Source: before.WeightsDigest}
	}
	if manifest.Source == "" {
		manifest.Source = before.WeightsDigest
	}
	manifest.Version, manifest.Tool, manifest.WeightsDigest = ManifestVersion, tool, before.WeightsDigest
	out := &Output{Before: before, Manifest: manifest, Model: m}
	for _, s := range schemes {
		if err := out.step(ctx, s, in); err != nil {
			return nil, err
		}
	}
	return out, manifest.mark(out.Model)
}

// step applies one scheme and checks what came out.
func (o *Output) step(ctx context.Context, s Scheme, in Input) error {
	m := o.Model
	if err := Check(m); err != nil {
		return fmt.Errorf("%s: %w", s.Name(), err)
	}
	r, err := s.Apply(ctx, m, in)
	if err != nil {
		return err
	}
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
