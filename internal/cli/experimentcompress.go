package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/plan"
	"github.com/lethe-audit/lethe/runner"
)

// resolveSchemes checks schemes and writes them in one way.
func resolveSchemes(schemes []string) ([]string, error) {
	var out []string
	for _, text := range schemes {
		s, err := compress.Parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, s.String())
	}
	return out, nil
}

// schemesOf are the schemes of texts with their default options; calibrate says
// whether one of them looks at images.
func schemesOf(texts []string) (schemes []compress.Scheme, calibrate bool, err error) {
	options := defaultSchemeFlags()
	for _, text := range texts {
		spec, err := compress.Parse(text)
		if err != nil {
			return nil, false, err
		}
		scheme, err := options.scheme(spec)
		if err != nil {
			return nil, false, err
		}
		schemes, calibrate = append(schemes, scheme), calibrate || scheme.NeedsCalibration()
	}
	return schemes, calibrate, nil
}

// compressMember makes a member from another one.
func (x *jobs) compressMember(ctx context.Context, j *plan.Job, env runner.Env) (report runner.Report, err error) {
	var s plan.CompressSpec
	if err := j.Decode(&s); err != nil {
		return report, err
	}
	schemes, calibrate, err := schemesOf(s.Schemes)
	if err != nil {
		return report, err
	}
	m, err := onnx.Load(filepath.Join(env.Dir, filepath.FromSlash(s.From)))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	in := compress.Input{Engine: engine.Options{Threads: env.Threads, CPU: x.app.io.Env("LETHE_CPU")},
		Progress: func(done, total int) { env.Progress(done, total, "compressing") }}
	if calibrate {
		quiet := *x.app
		quiet.log = slog.New(slog.DiscardHandler) // what is to be said of the data was said
		images, err := quiet.openCalibration(ctx, x.plan.TrainData, s.Images)
		if err != nil {
			return report, err
		}
		defer func() { err = errors.Join(err, images.close()) }()
		in.Calibration, in.Data = images, images.info
	}
	r, err := compress.Run(ctx, m, schemes, in, x.app.tool())
	if err != nil {
		return report, err
	}
	return writeCompressed(r, filepath.Join(env.Dir, filepath.FromSlash(j.Outputs[0])))
}

// writeCompressed writes a model and its manifest.
func writeCompressed(r *compress.Output, file string) (report runner.Report, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return report, err
	}
	if err := onnx.Save(r.Model, file, onnx.DefaultSaveOptions()); err != nil {
		return report, err
	}
	if err := atomicfile.Write(manifestFile(file), r.Manifest.Write); err != nil {
		return report, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return report, err
	}
	return runner.Report{Notes: []string{fmt.Sprintf("%.0f %% of the size", 100*float64(info.Size())/float64(r.Before.Bytes))}}, nil
}
