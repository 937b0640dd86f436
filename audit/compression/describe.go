package compression

import (
	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
)

// sizes describes what the model files of variant t hold, a mean over its
// members, beside the baseline's.
func sizes(v *audit.View, t int) []finding.Finding {
	base, members := v.Table.Baseline().Members, v.Table.Variants[t].Members
	var out []finding.Finding
	add := func(question, metric string, unit finding.Unit, of func(*prediction.ModelFacts) *float64, relative bool) {
		b, c := mean(base, of), mean(members, of)
		if c == nil {
			return
		}
		f := newFinding(v, t, question, metric, unit)
		f.BaseValue, f.Value, f.Estimate = b, c, c
		if relative {
			if b == nil || *b == 0 {
				return
			}
			f.Estimate = finding.Float(*c / *b)
		}
		out = append(out, f)
	}
	add("bytes", "size on disk in bytes, and relative to the baseline", finding.Ratio, func(f *prediction.ModelFacts) *float64 { return positive(f.Bytes) }, true)
	add("bytes-zstd", "size in bytes after zstd, and relative to the baseline", finding.Ratio, func(f *prediction.ModelFacts) *float64 { return positive(f.BytesZstd) }, true)
	add("parameters", "share of the parameters in compressed layers", finding.Share, func(f *prediction.ModelFacts) *float64 { return f.CompressedParameters }, false)
	add("macs", "share of the multiply-accumulates in compressed layers", finding.Share, func(f *prediction.ModelFacts) *float64 { return f.CompressedMACs }, false)
	add("sparsity", "share of the layers' weights that is zero", finding.Share, sparsity, false)
	add("bits", "mean bits of a layer's weight", finding.Plain, meanBits, false)
	return out
}

func positive(n int64) *float64 {
	if n <= 0 {
		return nil
	}
	return finding.Float(float64(n))
}

func sparsity(f *prediction.ModelFacts) *float64 {
	return weighted(f, func(l prediction.LayerFacts) (float64, bool) { return l.Sparsity, true })
}

func meanBits(f *prediction.ModelFacts) *float64 {
	return weighted(f, func(l prediction.LayerFacts) (float64, bool) { return float64(l.Bits), l.Bits > 0 })
}

// weighted is a mean over all weights of the layers.
func weighted(f *prediction.ModelFacts, of func(prediction.LayerFacts) (float64, bool)) *float64 {
	var sum, n float64
	for _, l := range f.Layers {
		if l.Parameters == 0 {
			continue
		}
		x, ok := of(l)
		if !ok {
			return nil
		}
		sum += x * float64(l.Parameters)
		n += float64(l.Parameters)
	}
	if n == 0 {
		return nil
	}
	return finding.Float(sum / n)
}

// layers is the table of the layers of the first member of variant t.
func layers(v *audit.View, t int) (finding.Table, bool) {
	m := &v.Table.Variants[t].Members[0]
	if m.Facts == nil || len(m.Facts.Layers) == 0 {
		return finding.Table{}, false
	}
	name := v.Table.Variants[t].Name
	table := finding.Table{
		Name: "layers", Check: Name, Variant: name, Title: "Layers of " + m.Name + ", " + name, Total: len(m.Facts.Layers),
		Columns: []finding.Column{
			{Name: "layer"}, {Name: "weights", Unit: finding.Count},
			{Name: "bits", Unit: finding.Plain, Doc: "null where the weights are computed"},
			{Name: "sparsity", Unit: finding.Share}, {Name: "macs", Unit: finding.Count, Doc: "multiply-accumulates of one image; null where not known"},
			{Name: "compressed", Doc: "yes: stored in fewer than 32 bits, or pruned"},
		},
		Rows: [][]any{},
	}
	for _, l := range m.Facts.Layers {
		if len(table.Rows) == v.Options.MaxTableRows {
			break
		}
		row := []any{l.Name, l.Parameters, nil, l.Sparsity, nil, "no"}
		if l.Bits > 0 {
			row[2] = l.Bits
		}
		if l.MACs > 0 {
			row[4] = l.MACs
		}
		if l.Compressed() {
			row[5] = "yes"
		}
		table.Rows = append(table.Rows, row)
	}
	return table, true
}
