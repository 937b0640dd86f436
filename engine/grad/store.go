package grad

import (
	"github.com/lethe-audit/lethe/engine/kernel"
	"github.com/lethe-audit/lethe/onnx"
)

// store is what the tapes of a network share.
type store struct {
	params  map[string]*Param
	buffers map[string]*Buffer
	notes   []string
	packed  map[string]*packed // by the node's output
	order   []*packed
	step    uint64
}

// packed is a convolution's weights in the kernels' form.
type packed struct {
	weights, bias *value // bias: nil for none
	train         *kernel.TrainWeights
}

func newStore() *store {
	return &store{params: map[string]*Param{}, buffers: map[string]*Buffer{}, packed: map[string]*packed{}}
}

// pack packs all weights anew.
func (s *store) pack(c *crew) {
	for _, p := range s.order {
		p.pack(c)
	}
}

func (p *packed) pack(c *crew) {
	var bias []float32
	if p.bias != nil {
		bias = p.bias.data()
	}
	w := p.weights.data()
	c.each(p.train.PackTiles(), func(i int, _ *kernel.Scratch) { p.train.Pack(i, w, bias) })
}

// conv packs the weights of the convolution that makes output, once for all
// tapes.
func (s *store) conv(k *kernel.Kernels, c *crew, output string, spec kernel.ConvSpec, weights, bias *value) (*kernel.TrainWeights, error) {
	if p := s.packed[output]; p != nil {
		return p.train, nil
	}
	t, err := k.NewTrainWeights(spec, bias != nil)
	if err != nil {
		return nil, err
	}
	p := &packed{weights, bias, t}
	p.pack(c)
	s.packed[output] = p
	s.order = append(s.order, p)
	return t, nil
}

// note adds a note once.
func (s *store) note(text string) {
	for _, n := range s.notes {
		if n == text {
			return
		}
	}
	s.notes = append(s.notes, text)
}

// ordered lists parameters and buffers in the order of the graph's initializers.
func (s *store) ordered(g *onnx.Graph) (params []*Param, buffers []*Buffer, notes []string) {
	for _, t := range g.Initializers {
		if p := s.params[t.Name]; p != nil {
			params = append(params, p)
		}
		if b := s.buffers[t.Name]; b != nil {
			buffers = append(buffers, b)
		}
	}
	return params, buffers, s.notes
}
