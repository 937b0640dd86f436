package kernel

import (
	"errors"
	"fmt"
	"strings"
)

// Level is an instruction set that kernels are written for.
type Level int

// The levels. Scalar runs everywhere and is the reference for the others.
const (
	Scalar Level = iota
	AVX2         // amd64 with AVX2, FMA and F16C
	AVX512       // amd64 with AVX-512 F, BW, DQ and VL besides AVX2, FMA and F16C
	NEON         // arm64: convolution and matrix product; the rest is scalar
	levelCount
)

// ErrUnsupported is wrapped by errors of For and Detect: this processor (or
// this build) cannot run the level that was asked for.
var ErrUnsupported = errors.New("level not supported by this processor")

// String returns the name that ParseLevel reads.
func (l Level) String() string {
	switch l {
	case Scalar:
		return "scalar"
	case AVX2:
		return "avx2"
	case AVX512:
		return "avx512"
	case NEON:
		return "neon"
	}
	return fmt.Sprintf("level(%d)", int(l))
}

// ParseLevel reads a level's name: scalar, avx2, avx512 or neon, in any case.
func ParseLevel(name string) (Level, error) {
	for l := Scalar; l < levelCount; l++ {
		if strings.EqualFold(name, l.String()) {
			return l, nil
		}
	}
	return 0, fmt.Errorf("kernel: unknown level %q (scalar, avx2, avx512 or neon)", name)
}

// Levels lists the levels that this processor can run, slowest first. Scalar
// is always among them.
func Levels() []Level {
	var out []Level
	for l := Scalar; l < levelCount; l++ {
		if supported(l) {
			out = append(out, l)
		}
	}
	return out
}

// For returns the kernels of a level; the error wraps ErrUnsupported where the
// processor lacks it.
func For(level Level) (*Kernels, error) {
	if !supported(level) {
		return nil, fmt.Errorf("kernel: %v: %w", level, ErrUnsupported)
	}
	k := scalarKernels()
	k.level = level
	accelerate(k)
	return k, nil
}

// Detect returns the kernels that env, the value of the environment variable
// LETHE_CPU, asks for: the name of a level, or "" for the best this processor
// runs. Asking for what the processor lacks is an error.
func Detect(env string) (*Kernels, error) {
	if env == "" {
		all := Levels()
		return For(all[len(all)-1])
	}
	level, err := ParseLevel(env)
	if err != nil {
		return nil, fmt.Errorf("LETHE_CPU: %w", err)
	}
	k, err := For(level)
	if err != nil {
		return nil, fmt.Errorf("LETHE_CPU: %w", err)
	}
	return k, nil
}

// Kernels are the functions of one level. The zero value is of no use; For and
// Detect make them. A Kernels is read-only and may be shared.
type Kernels struct {
	level Level

	lanes  int           // float32 in a vector
	maxVec int           // vectors in the widest micro-kernel
	micro  [][]microFunc // by vectors-1, rows-1
	peak   func(rounds int)

	depthwise, maxPool, sumPool []windowFunc // by pixels-1

	unary      [unaryCount]unaryFunc
	binary     [binaryCount][operandCount]binaryFunc // scalarVector only where the operands do not commute
	affineRows func(dst, x, scale, shift *float32, rows, cols, ds, xs int)

	maxOf, sumOf func(x *float32, n int) float32
	sumSquares   func(x *float32, n int, mean float32) float32   // Σ (x - mean)²
	expSum       func(dst, x *float32, n int, m float32) float32 // dst = e^(x - m), Σ dst
	normRow      func(dst, x, gamma, beta *float32, n int, mean, inv float32)

	// nil at level Scalar; numbers of values are multiples of 8
	transposeBlocks func(dst, src *float32, rows, cols, lds, ldd int)
	halfToFloat     func(dst *float32, src *uint16, n int)
	floatToHalf     func(dst *uint16, src *float32, n int)

	int8 int8Funcs

	winogradInput, winogradOutput func(p *winogradArgs)

	train trainFuncs

	grouped map[int][]microFunc // by channels of a group, then rows-1; one vector of columns

	// wholeVectors says that the micro-kernels store whole vectors without an
	// epilogue; tails and epilogues are then done in Go on a copy of the tile.
	wholeVectors bool
}

// Level says which instruction set these kernels use.
func (k *Kernels) Level() Level { return k.level }

// panel is the number of columns of a full panel of B.
func (k *Kernels) panel() int { return k.lanes * k.maxVec }

// maxRows is the number of rows of the tallest micro-kernel of vecs vectors.
func (k *Kernels) maxRows(vecs int) int { return len(k.micro[vecs-1]) }
