package reporttest

import "github.com/lethe-audit/lethe/finding"

// The sizes of the baseline's files.
const baseBytes, basePacked = 1 << 20, 1_010_000.0

// modelFiles says what the files of a variant hold; later variants are smaller.
func (s *stream) modelFiles(t int, name string) {
	size := 0.5 / float64(t+1)
	one := func(question, metric string, unit finding.Unit, value float64, base *float64, estimate float64) {
		s.add(finding.Finding{Check: "compression", Question: question, Variant: name, Metric: metric, Unit: unit, Estimate: &estimate, BaseValue: base, Value: &value, Outcome: finding.Described})
	}
	s.add(s.proof(t, name, size))
	one("bytes", "size on disk in bytes, and relative to the baseline", finding.Ratio, size*baseBytes, finding.Float(baseBytes), size)
	one("bytes-zstd", "size in bytes after zstd, and relative to the baseline", finding.Ratio, size*basePacked, finding.Float(basePacked), size)
	one("parameters", "share of the parameters in compressed layers", finding.Share, 0.99, finding.Float(0), 0.99)
	one("sparsity", "share of the layers' weights that is zero", finding.Share, 0.2*float64(t), finding.Float(0), 0.2*float64(t))
	one("bits", "mean bits of a layer's weight", finding.Plain, 8, finding.Float(32), 8)
	table := finding.Table{Name: "layers", Check: "compression", Variant: name, Title: "Layers of " + name + "-00, " + name, Total: 3,
		Columns: []finding.Column{{Name: "layer"}, {Name: "weights", Unit: finding.Count}, {Name: "bits", Unit: finding.Plain}, {Name: "sparsity", Unit: finding.Share}, {Name: "macs", Unit: finding.Count}, {Name: "compressed"}}}
	for i, layer := range layerNames {
		row := []any{layer, 1000 * (i + 1), 8, 0.2 * float64(t), 500_000 * (i + 1), "yes"}
		if i == len(layerNames)-1 { // weights that are computed, of an operator whose work is not known
			row[2], row[4], row[5] = nil, nil, "no"
		}
		table.Rows = append(table.Rows, row)
	}
	s.table(table)
}

// layerNames are names of layers, one of them awkward.
var layerNames = []string{"conv1", "block/<b>2</b> | conv", "fc"}

// proof is the finding on whether a variant was compressed: the first is, the
// second does not look it, and others came without files.
func (s *stream) proof(t int, name string, size float64) finding.Finding {
	f := finding.Finding{Check: "compression", Question: "proof", Variant: name, Metric: "size of the weights that are not zero, relative to the baseline", Unit: finding.Ratio, Estimate: &size,
		Outcome: finding.Described, Word: finding.CompressionFound}
	switch {
	case s.spec.Void && t == 0:
		f.Outcome, f.Reason, f.Word = finding.Failed, finding.SameWeights, ""
		f.Warnings = []finding.Warning{{Code: "same-weights", Text: name + "-00 and dense-00 hold the same weights: nothing was compressed."}}
	case t == 1:
		f.Word, f.Estimate = finding.NotCompressed, finding.Float(1)
		f.Warnings = []finding.Warning{{Code: "not-compressed", Text: "The weights of " + name + " that are not zero take as many bits as those of dense: if it was meant to be compressed, it was not."}}
	case t > 1:
		f.Outcome, f.Reason, f.Word, f.Estimate = finding.NotMeasurable, finding.NoModelFiles, finding.CannotSay, nil
		f.Needed = "the model files of all members"
	}
	return f
}

// attribution ranks the layers of a variant: one rescues, one cannot be told,
// one disturbs.
func (s *stream) attribution(name string) {
	n := 100 * s.spec.Classes
	table := finding.Table{Name: "attribution", Check: "attribution", Variant: name, Title: "Layers put back one at a time, " + name, Total: len(layerNames),
		Columns: []finding.Column{{Name: "layer"}, {Name: "operator"}, {Name: "weights", Unit: finding.Count}, {Name: "rescued", Unit: finding.Count}, {Name: "disturbed", Unit: finding.Count},
			{Name: "net", Unit: finding.Difference}, {Name: "net_low", Unit: finding.Difference}, {Name: "net_high", Unit: finding.Difference},
			{Name: "lost_rescued", Unit: finding.Count}, {Name: "lost_new", Unit: finding.Count}, {Name: "accuracy_change", Unit: finding.Difference},
			{Name: "pies_rescued", Unit: finding.Count}, {Name: "pies_new", Unit: finding.Count},
			{Name: "weight_sqnr"}, {Name: "weight_error"}, {Name: "own_sqnr"}, {Name: "output_sqnr"}}}
	for i, layer := range layerNames {
		gain := 0.011 - 0.009*float64(i)
		f := finding.Finding{Check: "attribution", Question: "rescue", Variant: name, Scope: finding.Scope{Kind: finding.Layer, Name: layer},
			Metric: "share of the answers that is the baseline's again when the layer stays in float", Unit: finding.Difference,
			BaseValue: finding.Float(0.02), Value: finding.Float(0.02 - gain), Estimate: &gain, Interval: interval(gain, 0.004), Test: s.test(name, "paired t", []float64{1e-6, 0.4, 0.001}[i], len(layerNames)), N: n}
		f.Outcome, f.Word = []finding.Outcome{finding.Better, finding.NotDetected, finding.Worse}[i], []finding.Word{finding.Rescues, finding.NoDifference, finding.Disturbs}[i]
		s.add(f)
		row := []any{layer, "Conv", 1000 * (i + 1), 40 - 12*i, 4 + 9*i, gain, gain - 0.004, gain + 0.004, 9 - i, i, gain / 2, 3 - i, i, 38.5 - float64(i), 0.004, 33.1, 30.2}
		if i == len(layerNames)-1 {
			row[13], row[14] = nil, nil // the weights are not constants of one form
		}
		table.Rows = append(table.Rows, row)
	}
	s.table(table)
}

// frontier places all variants and chooses the first; there is nothing to choose
// from where there are fewer than two.
func (s *stream) frontier() {
	if len(s.spec.Variants) < 2 {
		return
	}
	table := finding.Table{Name: "frontier", Check: "frontier", Title: "Size against the largest loss of a class, margin 2 percentage points", Total: len(s.spec.Variants) + 1,
		Columns: []finding.Column{{Name: "variant"}, {Name: "bytes", Unit: finding.Count}, {Name: "bytes_zstd", Unit: finding.Count}, {Name: "size", Unit: finding.Share}, {Name: "accuracy", Unit: finding.Share},
			{Name: "worst_class"}, {Name: "worst_change", Unit: finding.Difference}, {Name: "bound", Unit: finding.Difference}, {Name: "verdict"}, {Name: "pareto"}, {Name: "chosen"}},
		Rows: [][]any{{"dense", float64(baseBytes), basePacked, 1.0, 0.905, nil, nil, nil, "baseline", "yes", "no"}}}
	for t, name := range s.spec.Variants {
		size, worst := 0.5/float64(t+1), -0.01*float64(t*t+1)
		f := finding.Finding{Check: "frontier", Question: "within-margin", Variant: name, Metric: "largest recall loss of a class, as a recall difference", Unit: finding.Difference,
			Estimate: &worst, Reference: finding.Float(-0.02), Bound: finding.Float(0.008 - worst), N: 100 * s.spec.Classes}
		verdict := "within the margin"
		switch t {
		case 0:
			f.Outcome, f.Word = finding.NotDetected, finding.WithinMargin
		case 1:
			verdict, f.Outcome, f.Reason, f.Word, f.Needed = "undecided", finding.NotMeasurable, finding.Undecided, finding.CannotSay, "about 60 members per population would decide it"
		default:
			verdict, f.Outcome, f.Word = "beyond the margin", finding.Worse, finding.Harmed
		}
		s.add(f)
		table.Rows = append(table.Rows, []any{name, size * baseBytes, size * basePacked, size, 0.905 + worst/4, s.classes[t%len(s.classes)], worst, 0.008 - worst, verdict, "yes", yes(t == 0)})
	}
	s.add(finding.Finding{Check: "frontier", Question: "choice", Variant: s.spec.Variants[0], Metric: "bytes after zstd of the most compressed variant within the margin, relative to the baseline", Unit: finding.Ratio,
		Estimate: finding.Float(0.5), BaseValue: finding.Float(basePacked), Value: finding.Float(basePacked / 2), Reference: finding.Float(1), Outcome: finding.Described, N: 100 * s.spec.Classes})
	s.table(table)
}

func yes(b bool) string {
	return map[bool]string{true: "yes", false: "no"}[b]
}
