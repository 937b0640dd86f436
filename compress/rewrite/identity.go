package rewrite

import (
	"slices"

	"github.com/lethe-audit/lethe/onnx"
)

// DropIdentities removes nodes that pass their operand on: Identity, and Dropout
// as it is in inference. One that gives an output of the graph stays, since
// outputs keep their names.
func DropIdentities(m *onnx.Model) error {
	e := edit(m)
	for _, n := range slices.Clone(m.Graph.Nodes) {
		training := n.Input(2) != ""
		if !standard(n, "Identity") && (!standard(n, "Dropout") || training) {
			continue
		}
		if extraOutputs(n) || e.index.IsOutput(n.Outputs[0]) {
			continue
		}
		m.Graph.Redirect(n.Outputs[0], n.Inputs[0])
		if err := m.Graph.Remove(n); err != nil {
			return err
		}
		e.again()
	}
	return nil
}
