package cli

import (
	"errors"
	"fmt"

	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/op"
	"github.com/lethe-audit/lethe/engine/ort"
	"github.com/lethe-audit/lethe/infer"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/spf13/pflag"
)

// The values of --runtime.
const (
	runtimeGo   = "go"
	runtimeORT  = "ort"
	runtimeAuto = "auto"
)

// runtimeFlags say what runs models.
type runtimeFlags struct {
	runtime string
	library string
}

func (f *runtimeFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.runtime, "runtime", runtimeAuto, "what runs the models: go, ort (ONNX Runtime) or auto: go where it has every operator")
	s.StringVar(&f.library, "ort-lib", "", "ONNX Runtime's library `FILE` (default: $"+ort.LibEnv+"); needs a program made by 'make build-ort'")
}

// check refuses what cannot work before anything is read.
func (f *runtimeFlags) check() error {
	switch f.runtime {
	case runtimeGo, runtimeAuto, runtimeORT:
	default:
		return fmt.Errorf("--runtime %q: want go, ort or auto", f.runtime)
	}
	if !ort.Built && (f.runtime == runtimeORT || f.library != "") {
		return ort.ErrNotBuilt
	}
	return nil
}

// runtimes opens ONNX Runtime when the first model needs it.
type runtimes struct {
	flags  runtimeFlags
	opened *ort.Library
}

// newRuntimes takes the library from the environment where no flag names it.
func (a *app) newRuntimes(f runtimeFlags) *runtimes {
	if f.library == "" {
		f.library = a.io.Env(ort.LibEnv)
	}
	return &runtimes{flags: f}
}

// choose decides what runs a model; see [infer.Job].
func (r *runtimes) choose(m *onnx.Model, o engine.Options) (infer.Runtime, error) {
	if r.flags.runtime == runtimeORT {
		return r.native(m, o)
	}
	p, err := engine.Compile(m, o)
	if err == nil {
		open := func() (engine.Session, error) { return p.NewSession(), nil }
		return infer.Runtime{Name: runtimeGo, Open: open}, nil
	}
	if r.flags.runtime == runtimeGo || !errors.Is(err, op.ErrUnsupported) {
		return infer.Runtime{}, err
	}
	switch {
	case !ort.Built:
		return infer.Runtime{}, fmt.Errorf("%w; a program made by 'make build-ort' may run it with --ort-lib", err)
	case r.flags.library == "":
		return infer.Runtime{}, fmt.Errorf("%w; ONNX Runtime may run it: --ort-lib or %s", err, ort.LibEnv)
	}
	return r.native(m, o)
}

// native runs a model in ONNX Runtime.
func (r *runtimes) native(m *onnx.Model, o engine.Options) (infer.Runtime, error) {
	if r.opened == nil {
		if r.flags.library == "" {
			return infer.Runtime{}, fmt.Errorf("%w: give --ort-lib or set %s", ort.ErrLibrary, ort.LibEnv)
		}
		l, err := ort.Open(r.flags.library)
		if err != nil {
			return infer.Runtime{}, err
		}
		r.opened = l
	}
	open := func() (engine.Session, error) { return r.opened.New(m, o) }
	return infer.Runtime{Name: "onnxruntime " + r.opened.Version(), Open: open}, nil
}

// close frees ONNX Runtime if it was opened.
func (r *runtimes) close() error {
	if r.opened == nil {
		return nil
	}
	return r.opened.Close()
}
