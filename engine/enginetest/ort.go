package enginetest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// ORTDir is the environment variable that names the folder where scripts/ort.sh
// has put ONNX Runtime; its default is lethe/onnxruntime in the user's cache.
const ORTDir = "LETHE_ORT_DIR"

// ErrNoORT says that ONNX Runtime, or Node.js to run it, is not installed.
var ErrNoORT = errors.New("no ONNX Runtime (scripts/ort.sh installs it)")

//go:embed ort.cjs
var script []byte

// ORT runs models in ONNX Runtime, in a process of its own.
type ORT struct{ node, dir string }

// FindORT looks for Node.js and ONNX Runtime; the error wraps [ErrNoORT].
func FindORT() (*ORT, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoORT, err)
	}
	dir := os.Getenv(ORTDir)
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoORT, err)
		}
		dir = filepath.Join(cache, "lethe", "onnxruntime")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "onnxruntime-node")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoORT, err)
	}
	return &ORT{node, dir}, nil
}

// ORTRequired, set to 1, turns a missing ONNX Runtime from a skipped test into
// a failed one, as ortlib.RequiredEnv does for the library.
const ORTRequired = "LETHE_ORT_REQUIRED"

// NeedORT is [FindORT] for a test: without ONNX Runtime it is skipped with a
// message, or fails if [ORTRequired] is set.
func NeedORT(tb testing.TB) *ORT {
	tb.Helper()
	o, err := FindORT()
	switch {
	case err == nil:
		return o
	case os.Getenv(ORTRequired) == "1":
		tb.Fatalf("ONNX Runtime is required and missing: %v", err)
	}
	tb.Skip(err)
	return nil
}

// Job says how a model is run.
type Job struct {
	Model    *onnx.Model
	Inputs   map[string]tensor.Tensor
	Threads  int
	Optimize bool // let ONNX Runtime fuse; otherwise every node runs as it is
	// Batch cuts the first axis of every input into pieces of so many, the last
	// one maybe shorter; the outputs are joined again. 0 runs all at once.
	Batch int
	// Fused, if not empty, is the file that ONNX Runtime writes its optimized
	// graph to.
	Fused  string
	Warmup int // runs that are not timed
	Runs   int // timed runs, at least 1
}

// Result is what a job gave.
type Result struct {
	Outputs map[string]tensor.Tensor // of the last run
	Seconds []float64                // of each timed run
	Peak    int64                    // largest resident memory of the process, bytes
}

// file is a tensor in a file of raw elements.
type file struct {
	Name string  `json:"name"`
	Type string  `json:"type"`
	Dims []int64 `json:"dims"`
	File string  `json:"file"`
}

type request struct {
	Model    string `json:"model"`
	Threads  int    `json:"threads"`
	Optimize bool   `json:"optimize"`
	Batch    int    `json:"batch"`
	Fused    string `json:"fused,omitempty"`
	Inputs   []file `json:"inputs"`
	Outputs  string `json:"outputs"`
	Warmup   int    `json:"warmup"`
	Runs     int    `json:"runs"`
}

type answer struct {
	Outputs []file    `json:"outputs"`
	Seconds []float64 `json:"seconds"`
	Peak    int64     `json:"peak"`
}

// Run runs a job; tmp is an empty folder for its files.
func (o *ORT) Run(ctx context.Context, tmp string, j Job) (*Result, error) {
	req := request{Model: filepath.Join(tmp, "model.onnx"), Threads: j.Threads, Optimize: j.Optimize,
		Batch: j.Batch, Fused: j.Fused, Outputs: tmp, Warmup: j.Warmup, Runs: max(1, j.Runs)}
	if err := onnx.Save(j.Model, req.Model, onnx.DefaultSaveOptions()); err != nil {
		return nil, err
	}
	for name, t := range j.Inputs {
		f, err := write(filepath.Join(tmp, fmt.Sprintf("in_%d.bin", len(req.Inputs))), t)
		if err != nil {
			return nil, err
		}
		f.Name = name
		req.Inputs = append(req.Inputs, f)
	}
	js := filepath.Join(tmp, "ort.cjs")
	if err := os.WriteFile(js, script, 0o600); err != nil {
		return nil, err
	}
	text, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, o.node, js, o.dir, string(text))
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("onnx runtime: %w: %s", err, strings.TrimSpace(msg.String()))
	}
	return result(out.Bytes())
}

func result(text []byte) (*Result, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("onnx runtime: %w", err)
	}
	r := &Result{Outputs: map[string]tensor.Tensor{}, Seconds: a.Seconds, Peak: a.Peak}
	for _, f := range a.Outputs {
		t, err := f.read()
		if err != nil {
			return nil, err
		}
		r.Outputs[f.Name] = t
	}
	return r, nil
}

// types maps ONNX Runtime's names of element types.
func types() map[string]tensor.Type {
	return map[string]tensor.Type{
		"float32": tensor.Float32, "float64": tensor.Float64, "float16": tensor.F16, "bool": tensor.Bool,
		"uint8": tensor.Uint8, "int8": tensor.Int8, "uint16": tensor.Uint16, "int16": tensor.Int16,
		"uint32": tensor.Uint32, "int32": tensor.Int32, "uint64": tensor.Uint64, "int64": tensor.Int64,
	}
}

func write(path string, t tensor.Tensor) (file, error) {
	f := file{File: path}
	for name, typ := range types() {
		if typ == t.Type() {
			f.Type = name
		}
	}
	for _, d := range t.Shape() {
		f.Dims = append(f.Dims, int64(d))
	}
	raw := make([]byte, t.Bytes())
	if _, err := binary.Encode(raw, binary.LittleEndian, t.Elements()); err != nil {
		return f, err
	}
	return f, os.WriteFile(path, raw, 0o600)
}

func (f file) read() (tensor.Tensor, error) {
	shape := make([]int, len(f.Dims))
	for i, d := range f.Dims {
		shape[i] = int(d)
	}
	t, err := tensor.Make(types()[f.Type], shape)
	if err != nil {
		return t, err
	}
	raw, err := os.ReadFile(f.File)
	if err != nil {
		return t, err
	}
	_, err = binary.Decode(raw, binary.LittleEndian, t.Elements())
	return t, err
}
