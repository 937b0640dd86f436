package kernel

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestDetect(t *testing.T) {
	all := Levels()
	if !slices.Contains(all, Scalar) {
		t.Fatalf("levels %v lack scalar", all)
	}
	best, err := Detect("")
	if err != nil || best.Level() != all[len(all)-1] {
		t.Errorf("best level %v, %v; want the last of %v", best, err, all)
	}
	for l := Scalar; l < levelCount; l++ {
		k, err := Detect(strings.ToUpper(l.String()))
		switch {
		case slices.Contains(all, l):
			if err != nil || k.Level() != l {
				t.Errorf("%v: %v, %v", l, k, err)
			}
		case !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "LETHE_CPU"):
			t.Errorf("%v is not supported here, error %v", l, err)
		}
	}
	if _, err := Detect("sse"); err == nil || !strings.Contains(err.Error(), `"sse"`) {
		t.Errorf("unknown level: %v", err)
	}
	if runtime.GOARCH == "amd64" && supported(NEON) || runtime.GOARCH == "arm64" && supported(AVX2) {
		t.Error("a level of another architecture is supported")
	}
}

// Every function of every level is there.
func TestKernelsComplete(t *testing.T) {
	eachLevel(t, func(t *testing.T, k *Kernels) {
		if len(k.micro) != k.maxVec {
			t.Errorf("%d widths of micro-kernels, want %d", len(k.micro), k.maxVec)
		}
		for op, f := range k.unary {
			if f == nil {
				t.Errorf("unary function %d is missing", op)
			}
		}
		for op, f := range k.binary {
			commutes := BinaryOp(op) != Sub && BinaryOp(op) != Div
			if f[vectorVector] == nil || f[vectorScalar] == nil || f[scalarVector] == nil && !commutes {
				t.Errorf("binary function %d is missing", op)
			}
		}
	})
}
