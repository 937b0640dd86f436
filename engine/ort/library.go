//go:build ort && (linux || darwin)

package ort

import (
	"fmt"

	"github.com/ebitengine/purego"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Built says whether the program can load ONNX Runtime.
const Built = true

// Library is a loaded ONNX Runtime. It is safe for use by several goroutines.
type Library struct {
	api     *api
	version string
	env     handle
	memory  handle
}

// Open loads the library in a file. It stays in the process when it is closed:
// its threads may outlive any call.
func Open(path string) (*Library, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: no file was named", ErrLibrary)
	}
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLibrary, err)
	}
	a, version, err := load(lib)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l := &Library{api: a, version: version}
	if err := a.check(a.createEnv(logError, "lethe", &l.env)); err != nil {
		return nil, err
	}
	if err := a.check(a.createCPUMemoryInfo(deviceAllocator, memoryDefault, &l.memory)); err != nil {
		a.releaseEnv(l.env)
		return nil, err
	}
	return l, nil
}

// Version is the version of the library, such as 1.30.0.
func (l *Library) Version() string { return l.version }

// Close frees what the library holds. Sessions must have been closed before.
func (l *Library) Close() error {
	l.api.releaseMemoryInfo(l.memory)
	l.api.releaseEnv(l.env)
	return nil
}

// New opens a session for a model, which is copied. With KeepIntermediates
// nothing is optimized, and Run gives the values of all nodes.
func (l *Library) New(m *onnx.Model, o engine.Options) (engine.Session, error) {
	if m.Graph == nil {
		return nil, &onnx.Error{File: m.Path, Msg: "the model has no graph", Reason: onnx.ErrGraph}
	}
	s := &session{lib: l}
	for _, in := range m.Graph.DataInputs() {
		s.inputs = append(s.inputs, engine.Value{Name: in.Name, Type: tensor.Type(in.Type.Elem), Shape: in.Type.Shape})
	}
	for _, out := range m.Graph.Outputs {
		s.outputs = append(s.outputs, engine.Value{Name: out.Name, Type: tensor.Type(out.Type.Elem), Shape: out.Type.Shape})
		s.wanted = append(s.wanted, out.Name)
	}
	if o.KeepIntermediates {
		var err error
		if m, err = withIntermediates(m); err != nil {
			return nil, err
		}
		s.wanted = nil
		for _, out := range m.Graph.Outputs {
			s.wanted = append(s.wanted, out.Name)
		}
	}
	b, err := onnx.Encode(m)
	if err != nil {
		return nil, fmt.Errorf("ort: %w", err)
	}
	if err := s.create(b, o); err != nil {
		return nil, &onnx.Error{File: m.Path, Msg: err.Error(), Reason: err}
	}
	return s, nil
}

// withIntermediates is a copy of the model with every value as an output.
func withIntermediates(m *onnx.Model) (*onnx.Model, error) {
	types, err := onnx.Infer(m, nil)
	if err != nil {
		return nil, err
	}
	m = m.Clone()
	have := map[string]bool{"": true}
	for _, out := range m.Graph.Outputs {
		have[out.Name] = true
	}
	for _, n := range m.Graph.Nodes {
		for _, name := range n.Outputs {
			if !have[name] {
				have[name] = true
				m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: name, Type: types[name]})
			}
		}
	}
	return m, nil
}

// create makes the session of an encoded model.
func (s *session) create(model []byte, o engine.Options) error {
	a := s.lib.api
	var options handle
	if err := a.check(a.createSessionOptions(&options)); err != nil {
		return err
	}
	defer a.releaseSessionOptions(options)
	level := int32(enableAll)
	if o.Reference || o.KeepIntermediates {
		level = disableAll
	}
	for _, st := range []func() status{
		func() status { return a.setOptimization(options, level) },
		func() status { return a.setIntraOpThreads(options, int32(o.Threads)) }, // 0: all, as for the engine
		func() status { return a.setInterOpThreads(options, 1) },
		func() status {
			return a.createSession(s.lib.env, &model[0], uintptr(len(model)), options, &s.handle)
		},
	} {
		if err := a.check(st()); err != nil {
			return err
		}
	}
	return nil
}
