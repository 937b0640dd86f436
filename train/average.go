package train

import "github.com/lethe-audit/lethe/engine/grad"

// average is a moving average of weights and running statistics: a = d a + (1 -
// d) w after every step, from the initial weights on.
type average struct {
	decay  float32
	names  []string
	values [][]float32
}

func newAverage(decay float64, params []*grad.Param, buffers []*grad.Buffer) *average {
	a := &average{decay: float32(decay)}
	for _, p := range params {
		a.names, a.values = append(a.names, p.Name), append(a.values, append([]float32(nil), p.Value...))
	}
	for _, b := range buffers {
		a.names, a.values = append(a.names, b.Name), append(a.values, append([]float32(nil), b.Value...))
	}
	return a
}

// each calls fn with every averaged tensor and the one that it is the average of.
func (a *average) each(params []*grad.Param, buffers []*grad.Buffer, fn func(mean, now []float32)) {
	for i, p := range params {
		fn(a.values[i], p.Value)
	}
	for i, b := range buffers {
		fn(a.values[len(params)+i], b.Value)
	}
}

func (a *average) add(params []*grad.Param, buffers []*grad.Buffer) {
	keep, rest := a.decay, 1-a.decay
	a.each(params, buffers, func(mean, now []float32) {
		for i, v := range now {
			mean[i] = float32(keep*mean[i]) + float32(rest*v)
		}
	})
}

// swap exchanges the averages and the values of the network.
func (a *average) swap(n network) {
	a.each(n.Params(), n.Buffers(), func(mean, now []float32) {
		for i, v := range now {
			now[i], mean[i] = mean[i], v
		}
	})
	n.Changed()
}
