package report

import (
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/num"
)

// compression says what the model files hold: whether anything was compressed.
func (b *builder) compression() *Section {
	found := b.take(b.c.find(query{check: "compression"}))
	if len(found) == 0 {
		return nil
	}
	s := &Section{
		ID: "compression", Title: "What was compressed", Checks: []string{"compression"},
		Ask: "Do the model files show compression, and the one that they claim?",
	}
	t := &Table{ID: "compression-table", Title: "Model files", Columns: []Column{
		{Name: "variant", Min: 12},
		{Name: "bytes", Right: true, Doc: "size on disk, mean over members"},
		{Name: "of baseline", Right: true, Drop: 4},
		{Name: "zstd", Right: true, Drop: 3, Doc: "bytes after zstd"},
		{Name: "zstd of baseline", Right: true, Drop: 2},
		{Name: "bits", Right: true, Doc: "mean bits of a layer's weight"},
		{Name: "sparsity", Right: true},
		{Name: "parameters", Right: true, Drop: 1, Doc: "share of the parameters in compressed layers"},
		{Name: "MACs", Right: true, Drop: 5, Doc: "share of the multiply-accumulates in compressed layers"},
		{Name: "verdict", Min: 18},
	}}
	for _, name := range b.c.variants() {
		if row := b.compressionRow(name); row != nil {
			t.Rows = append(t.Rows, row)
		}
	}
	t.Total = len(t.Rows)
	p := Part{ID: "compression-all", Blocks: []Block{trim(t)}}
	for _, x := range b.c.tables {
		if x.Check == "compression" && x.Name == "layers" {
			layers := b.raw(x)
			layers.ID, layers.Minor = anchor("model-layers", x.Variant), true
			p.Blocks = append(p.Blocks, layers)
		}
	}
	s.Parts = []Part{p}
	return s
}

func (b *builder) compressionRow(name string) []Cell {
	one := func(question string) *finding.Finding {
		return b.c.one(query{check: "compression", question: question, variant: name})
	}
	proof := one("proof")
	if proof == nil {
		return nil
	}
	of := func(question string, unit finding.Unit) string {
		if f := one(question); f != nil {
			return opt(f.Value, unit)
		}
		return ""
	}
	relative := func(question string) string {
		if f := one(question); f != nil && f.Estimate != nil {
			return num.Share(*f.Estimate)
		}
		return ""
	}
	mark := MarkOf(proof.Outcome)
	if proof.Word == finding.NotCompressed {
		mark = MarkAsk
	}
	var notes []finding.Warning
	if proof.Outcome != finding.Failed { // an alarm says it already
		notes = proof.Warnings
	}
	return []Cell{
		{Text: name, Notes: b.notes.refer(notes)},
		{Text: bytesText(one("bytes"))}, {Text: relative("bytes")},
		{Text: bytesText(one("bytes-zstd"))}, {Text: relative("bytes-zstd")},
		{Text: of("bits", finding.Plain)}, {Text: of("sparsity", finding.Share)},
		{Text: of("parameters", finding.Share)}, {Text: of("macs", finding.Share)},
		{Text: wordOf(proof), Mark: mark},
	}
}

// bytesText is a size of a file.
func bytesText(f *finding.Finding) string {
	if f == nil || f.Value == nil {
		return ""
	}
	return num.Bytes(int64(*f.Value + 0.5))
}
