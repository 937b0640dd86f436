package train

import (
	"fmt"
	"path"

	"github.com/lethe-audit/lethe/engine/grad"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/lethe-audit/lethe/prune"
)

// pruner sets the masks of the parameters that are pruned, always from the
// dense weights, so that a weight can come back.
type pruner struct {
	scope  string
	pruned []int       // places among the parameters
	axes   []int       // of the inputs of each, for 2:4
	scores [][]float32 // of the random control: the smallest are pruned
}

// newPruner says what is pruned: weights of convolutions, and of fully
// connected layers but for the last one, which gives the classes, unless the
// recipe asks for it; layers that the recipe names stay dense.
func newPruner(p Pruning, seed uint64, m *onnx.Model, params []*grad.Param) (*pruner, error) {
	out := &pruner{scope: p.Scope}
	if p.Begin == "" {
		return out, nil
	}
	dense, err := keptDense(p, m, params)
	if err != nil {
		return nil, err
	}
	for i, w := range params {
		if w.Kind != grad.ConvWeight && w.Kind != grad.DenseWeight || dense[i] {
			continue
		}
		out.pruned, out.axes = append(out.pruned, i), append(out.axes, inputAxis(m, w))
		if p.Scope == ScopeRandom {
			out.scores = append(out.scores, scores(seed, i, len(w.Value)))
		}
	}
	if len(out.pruned) == 0 {
		return nil, fmt.Errorf("%w: no layer is left to prune", ErrJob)
	}
	return out, nil
}

// keptDense says which parameters are not pruned though they could be.
func keptDense(p Pruning, m *onnx.Model, params []*grad.Param) (map[int]bool, error) {
	dense := map[int]bool{}
	if i := classifier(m, params); i >= 0 && !p.Classifier {
		dense[i] = true
	}
	for _, pattern := range p.Dense {
		used := false
		for i, w := range params {
			if (w.Kind == grad.ConvWeight || w.Kind == grad.DenseWeight) && matches(pattern, w) {
				dense[i], used = true, true
			}
		}
		if !used {
			return nil, fmt.Errorf("%w: the recipe leaves %q dense, and no layer or weight of the model has such a name", ErrJob, pattern)
		}
	}
	return dense, nil
}

// classifier is the weight of the last fully connected layer, -1 without one.
// Nodes stand in topological order; initializers, and so params, may not.
func classifier(m *onnx.Model, params []*grad.Param) int {
	node := map[string]int{}
	for i, w := range params {
		if w.Kind == grad.DenseWeight {
			node[w.Node] = i
		}
	}
	last := -1
	for _, n := range m.Graph.Nodes {
		if i, ok := node[n.Name]; ok {
			last = i
		}
	}
	return last
}

// matches reports whether a pattern fits the name of a weight or of its node.
func matches(pattern string, w *grad.Param) bool {
	node, err := path.Match(pattern, w.Node)
	name, err2 := path.Match(pattern, w.Name)
	return err == nil && node || err2 == nil && name
}

// inputAxis is the axis of a weight along which the inputs of one output lie:
// the channels of a convolution, and of a matrix its columns where it is
// transposed, its rows elsewhere.
func inputAxis(m *onnx.Model, w *grad.Param) int {
	if w.Kind == grad.ConvWeight {
		return 1
	}
	for _, n := range m.Graph.Nodes {
		if n.Name == w.Node && n.Op == "Gemm" && n.Int("transB", 0) == 1 {
			return 1
		}
	}
	return 0
}

// scores are random numbers, one a weight: pruning by them removes what a seed
// draws, and more of the same as the sparsity rises.
func scores(seed uint64, param, n int) []float32 {
	r := newStream(seed, streamPrune, param, 0)
	out := make([]float32, n)
	for i, k := range r.Perm(n) {
		out[i] = float32(k)
	}
	return out
}

// prune recomputes the masks at a sparsity.
func (p *pruner) prune(params []*grad.Param, sparsity float64) {
	if p.scope == ScopeGlobal {
		var layers [][]float32
		for _, i := range p.pruned {
			layers = append(layers, params[i].Value)
		}
		for k, m := range prune.Global(layers, sparsity) {
			setMask(params[p.pruned[k]], m)
		}
		return
	}
	for k, i := range p.pruned {
		w := params[i]
		switch p.scope {
		case ScopeRandom:
			setMask(w, prune.Layer(p.scores[k], sparsity))
		case Scope24:
			setMask(w, prune.NofM(w.Value, w.Dims, p.axes[k], 2, 4))
		default:
			setMask(w, prune.Layer(w.Value, sparsity))
		}
	}
}

// setMask writes a mask as 0 and 1.
func setMask(w *grad.Param, m prune.Mask) {
	if w.Mask == nil {
		w.Mask = make([]float32, len(w.Value))
	}
	for i, stays := range m {
		w.Mask[i] = 0
		if stays {
			w.Mask[i] = 1
		}
	}
}
