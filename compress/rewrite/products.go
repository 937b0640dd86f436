package rewrite

import (
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// PlainProducts brings matrix products with constant weights into the forms
// that have an integer equivalent: Gemm without alpha and beta, and MatMul
// followed by the Add of a constant vector as one Gemm where the operand is a
// matrix.
func PlainProducts(m *onnx.Model) error {
	types, err := onnx.Infer(m, nil)
	if err != nil {
		return err
	}
	e := edit(m)
	for _, n := range slices.Clone(m.Graph.Nodes) {
		switch {
		case standard(n, "Gemm"):
			err = e.plainGemm(n)
		case standard(n, "MatMul") && len(types[n.Input(0)].Shape) == 2:
			err = e.gemmOfMatMul(n)
		}
		if err != nil {
			return err
		}
		e.again()
	}
	m.Graph.Prune()
	return nil
}

// plainGemm moves alpha into the weights and beta into the bias.
func (e *editor) plainGemm(n *onnx.Node) error {
	for i, name := range []string{"", "alpha", "beta"} {
		if i == 0 || n.Float(name, 1) == 1 {
			continue
		}
		old, t := e.floats(n.Input(i))
		if n.Input(i) != "" && old == nil {
			continue
		}
		if old != nil {
			data := scaleAxis(old, append([]int64{1}, t.Dims...), 0, []float64{float64(n.Float(name, 1))})
			if !finite(data) {
				continue
			}
			scaled, err := e.constant(n.Input(i)+"_scaled", data, t.Dims...)
			if err != nil {
				return err
			}
			n.Inputs[i] = scaled
		}
		n.RemoveAttr(name)
	}
	return e.wholeBias(n)
}

// wholeBias spreads the bias of a Gemm that is one number over all columns.
func (e *editor) wholeBias(n *onnx.Node) error {
	b, bt := e.floats(n.Input(2))
	w, wt := e.floats(n.Input(1))
	if b == nil || w == nil || len(wt.Dims) != 2 {
		return nil
	}
	columns := wt.Dims[1-n.Int("transB", 0)]
	if len(b) != 1 && int64(len(b)) != columns || len(b) == 1 && columns == 1 || len(bt.Dims) == 1 && bt.Dims[0] == columns {
		return nil
	}
	if len(bt.Dims) > 0 && len(b) > 1 && bt.Dims[len(bt.Dims)-1] != columns {
		return nil // one for each row
	}
	full := slices.Repeat(b, int(columns)/len(b))
	name, err := e.add(n.Input(2)+"_full", full, []int64{columns})
	if err == nil {
		n.Inputs[2] = name
	}
	return err
}

func (e *editor) gemmOfMatMul(n *onnx.Node) error {
	w, wt := e.floats(n.Input(1))
	add := e.only(n.Outputs[0])
	if w == nil || len(wt.Dims) != 2 || !standard(add, "Add") {
		return nil
	}
	other := add.Input(0)
	if other == n.Outputs[0] {
		other = add.Input(1)
	}
	b, bt := e.floats(other)
	if b == nil || len(bt.Dims) != 1 || bt.Dims[0] != wt.Dims[1] {
		return nil
	}
	n.Op = "Gemm"
	return e.merge(n, add, []string{n.Inputs[0], n.Inputs[1], other})
}
