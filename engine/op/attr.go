package op

import "github.com/lethe-audit/lethe/onnx"

// node is a node together with the version of its operator set.
type node struct {
	*onnx.Node
	opset int
}

// ints is an attribute as []int, nil if there is none.
func (n node) ints(name string) []int {
	v, ok := n.Ints(name)
	if !ok {
		return nil
	}
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(x)
	}
	return out
}

func (n node) int(name string, def int) int { return int(n.Int(name, int64(def))) }

func (n node) bool(name string) bool { return n.Int(name, 0) != 0 }

// reads reports whether anybody reads output i.
func (n node) reads(i int) bool { return n.Output(i) != "" }
