package train

import (
	"math"
	"testing"

	"github.com/lethe-audit/lethe/engine/grad"
)

// TestOptimizers compares with torch.optim (testdata/optimizers.py). The bound
// is a few roundings of float32 at weights of about 2.
func TestOptimizers(t *testing.T) {
	var o *optimizer
	var p *grad.Param
	for _, row := range readCSV(t, "optimizers.csv") {
		step := int(row.number(t, "step"))
		if step == 0 {
			p = &grad.Param{Kind: grad.ConvWeight, Value: []float32{0.5, -1.25, 0, 2}, Grad: make([]float32, 4)}
			o = newOptimizer(Optimizer{Name: row["name"], Momentum: row.number(t, "momentum"), Nesterov: row["nesterov"] == "true",
				WeightDecay: row.number(t, "decay"), Beta1: .9, Beta2: .999, Epsilon: 1e-8}, []*grad.Param{p})
		}
		for i := range p.Grad {
			p.Grad[i] = float32((step*7+i*5)%11-5) / 8
		}
		o.update([]*grad.Param{p}, row.number(t, "rate"))
		for i, name := range []string{"w0", "w1", "w2", "w3"} {
			if want := row.number(t, name); math.Abs(float64(p.Value[i])-want) > 1e-6 {
				t.Errorf("%s momentum %s decay %s step %d: weight %d is %.8g, want %.8g", row["name"], row["momentum"], row["decay"], step, i, p.Value[i], want)
			}
		}
	}
}

// Biases and normalization parameters do not decay, weights do.
func TestDecay(t *testing.T) {
	for _, name := range []string{SGD, AdamW} {
		for _, kind := range []grad.ParamKind{grad.ConvWeight, grad.DenseWeight, grad.Bias, grad.NormScale, grad.NormShift} {
			p := &grad.Param{Kind: kind, Value: []float32{1}, Grad: []float32{0}}
			r := DefaultRecipe().Optimizer
			r.Name, r.WeightDecay = name, 0.1
			newOptimizer(r, []*grad.Param{p}).update([]*grad.Param{p}, 0.5)
			if decayed := p.Value[0] < 1; decayed != (kind == grad.ConvWeight || kind == grad.DenseWeight) {
				t.Errorf("%s: %v became %g without a gradient", name, kind, p.Value[0])
			}
		}
	}
}
