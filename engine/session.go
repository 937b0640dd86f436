package engine

import (
	"context"
	"os"
	"runtime"

	"github.com/lethe-audit/lethe/engine/tensor"
	"github.com/lethe-audit/lethe/onnx"
)

// Tensor is a dense array; see [tensor.Tensor].
type Tensor = tensor.Tensor

// Value is an input or an output of a session.
type Value struct {
	Name  string
	Type  tensor.Type
	Shape onnx.Shape // axes without a size take any; nil: any shape
}

// Session runs one model. It is used by one goroutine at a time; several
// sessions, also of one program, may run at the same time.
type Session interface {
	// Inputs lists what Run wants, in the model's order.
	Inputs() []Value
	// Outputs lists what Run gives, in the model's order.
	Outputs() []Value
	// Run computes the outputs from inputs by name. Inputs are not changed;
	// the outputs belong to the caller. Cancelling ctx makes it return
	// ctx's error soon.
	Run(ctx context.Context, inputs map[string]Tensor) (map[string]Tensor, error)
	// Close frees what the session holds. It must not be used afterwards.
	Close() error
}

// Options says how a model is compiled and run.
type Options struct {
	// Threads is the number of cores that one Run may use; 0 means all.
	Threads int
	// CPU forces the kernels of an instruction set (the value of LETHE_CPU:
	// scalar, avx2, avx512, neon); "" takes the best that the machine has.
	CPU string
	// Direct computes 3×3 convolutions by their sum. Otherwise those with stride
	// 1 and enough channels use Winograd's F(2×2, 3×3), which is nearly twice as
	// fast and has a few times the rounding error.
	Direct bool
	// KeepIntermediates makes Run give every value of the graph, not only its
	// outputs. Nothing is fused then that would hide a value.
	KeepIntermediates bool
	// FreeBatch lets a model that declares a fixed number of images take any
	// multiple of it: it runs as often as needed, on several cores at a time.
	FreeBatch bool
	// Reference runs every operator by its definition in engine/op, without
	// kernels, fusion or change of layout: slow, and what the rest is tested
	// against.
	Reference bool
}

// DefaultOptions uses all cores and the instruction set that the environment
// variable LETHE_CPU asks for.
func DefaultOptions() Options {
	return Options{Threads: runtime.GOMAXPROCS(0), CPU: os.Getenv("LETHE_CPU")}
}

// New compiles a model and opens a session for it.
func New(m *onnx.Model, o Options) (Session, error) {
	p, err := Compile(m, o)
	if err != nil {
		return nil, err
	}
	return p.NewSession(), nil
}
