package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/frontier"
	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/spf13/cobra"
)

// modelsDir is where an audit of a ladder keeps the models that it made.
const modelsDir = "models"

// ladderFlags say which compressed variants compare makes.
type ladderFlags struct {
	list      string
	calibrate string
	examples  int
}

func (f *ladderFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.StringVar(&f.list, "ladder", "", "make compressed variants of BASE by these `SCHEMES`, separated by commas; sparsity=FROM:TO:STEP is a range")
	s.StringVar(&f.calibrate, "calibrate", "", "images that int8-static is calibrated on: `KIND:PATH?options` (split=train unless it says otherwise)")
	s.IntVarP(&f.examples, "examples", "n", 100, "calibrate on the first `N` images")
	_ = c.RegisterFlagCompletionFunc("ladder", cobra.FixedCompletions(compress.Names(), cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
}

// rungs are the schemes of the ladder; nil without one.
func (f *ladderFlags) rungs(models []string) ([]compress.Spec, error) {
	if f.list == "" {
		switch {
		case f.calibrate != "":
			return nil, errors.New("--calibrate is for --ladder")
		case len(models) < 2:
			return nil, errors.New("give a compressed model beside the baseline, or --ladder to make some")
		}
		return nil, nil
	}
	if len(models) != 1 {
		return nil, fmt.Errorf("--ladder makes the compressed models itself: give the baseline only, not %d models", len(models))
	}
	specs, err := compress.ParseLadder(f.list)
	if err != nil {
		return nil, fmt.Errorf("--ladder: %w", err)
	}
	for _, s := range specs {
		if s.Scheme == compress.Int8Static && f.calibrate == "" {
			return nil, fmt.Errorf("--ladder %s: %s needs training images: --calibrate SRC", f.list, s)
		}
	}
	if f.examples < 1 {
		return nil, fmt.Errorf("--examples %d: want at least 1", f.examples)
	}
	return specs, nil
}

// climb makes every rung of the ladder from every member of the baseline, and
// takes up what an earlier run has made. The variants' names are the schemes'.
func (a *app) climb(ctx context.Context, f *ladderFlags, base infer.Variant, rungs []compress.Spec, threads int, work string) ([]infer.Variant, error) {
	var images *calibrationImages
	if f.calibrate != "" {
		var err error
		if images, err = a.openCalibration(ctx, f.calibrate, f.examples); err != nil {
			return nil, err
		}
		defer images.close()
	}
	out := []infer.Variant{base}
	for _, spec := range rungs {
		v := infer.Variant{Name: rungName(spec)}
		for k, file := range base.Files {
			path, err := a.rung(ctx, spec, file, k, len(base.Files), images, threads, work)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, spec, err)
			}
			v.Files = append(v.Files, path)
		}
		out = append(out, v)
	}
	return out, nil
}

// rungName is a scheme as the name of a variant and a file: NAME=FILE on a command
// line must not be cut in the name.
func rungName(s compress.Spec) string {
	return strings.NewReplacer("=", "-", ":", "-").Replace(s.String())
}

// rung makes one compressed model, unless it is there already.
func (a *app) rung(ctx context.Context, spec compress.Spec, file string, k, members int, images *calibrationImages, threads int, work string) (string, error) {
	flags := defaultSchemeFlags()
	scheme, err := flags.scheme(spec)
	if err != nil {
		return "", err
	}
	in := compress.Input{Engine: engine.Options{Threads: threads, CPU: a.io.Env("LETHE_CPU")}}
	key := fmt.Append(nil, a.tool(), spec.String())
	if scheme.NeedsCalibration() {
		in.Calibration, in.Data = images, images.info
		key = fmt.Append(key, images.info, images.n)
	}
	h := sha256.New()
	h.Write(key)
	m, err := onnx.Load(file)
	if err != nil {
		return "", err
	}
	defer m.Close()
	for _, x := range m.Files {
		if err := hashFile(h, x.Path); err != nil {
			return "", err
		}
	}
	name := rungName(spec) + ".onnx"
	if members > 1 {
		name = fmt.Sprintf("%s-%02d.onnx", rungName(spec), k+1)
	}
	dir := filepath.Join(work, "ladder-"+hex.EncodeToString(h.Sum(nil)[:8]))
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	done := a.step("making " + name)
	defer done()
	made, err := compress.Run(ctx, m, []compress.Scheme{scheme}, in, a.tool())
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := atomicfile.Write(path+".manifest.json", made.Manifest.Write); err != nil {
		return "", err
	}
	return path, onnx.Save(made.Model, path, onnx.DefaultSaveOptions())
}

func hashFile(h io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(h, f)
	return err
}

// keepModels copies the models that a ladder made, and their manifests, into an
// audit's folder.
func keepModels(variants []infer.Variant, dir string) error {
	to := filepath.Join(dir, modelsDir)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, v := range variants {
		for _, file := range v.Files {
			beside, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*"))
			if err != nil {
				return err
			}
			for _, name := range beside { // the model, its manifest, and data files if it has any
				if err := atomicfile.Copy(filepath.Join(to, filepath.Base(name)), name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// nameKept gives the models of a ladder the paths that they have in the audit's
// folder.
func nameKept(inputs []prediction.Input, work, dir string) {
	for i := range inputs {
		if in := &inputs[i]; strings.HasPrefix(in.Path, filepath.Join(work, "ladder-")) {
			in.Path = filepath.Join(dir, modelsDir, filepath.Base(in.Path))
		}
	}
}

// printChoice ends the report of a ladder.
func (a *app) printChoice(ctx context.Context, v *audit.View, dir string) error {
	c, err := frontier.Choose(ctx, v)
	if err != nil || c == nil {
		return err
	}
	margin := num.PP(v.Options.Margin)
	p := c.Chosen()
	if p == nil {
		_, err = fmt.Fprintf(a.io.Out, "\nNo variant is shown to lose less than %s in every class.\n", margin)
		return err
	}
	where := ""
	if dir != "" {
		if file := filepath.Join(dir, modelsDir, p.Variant+".onnx"); exists(file) {
			where = "\n  " + file
		}
	}
	_, err = fmt.Fprintf(a.io.Out, "\nMost compressed variant without detected or undecided harm at %s: %s (%s after zstd, %s of the baseline)%s\n",
		margin, p.Variant, num.Bytes(int64(p.Packed+0.5)), num.Share(p.Packed/c.Points[0].Packed), where)
	return err
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}
