package cli

import (
	"context"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/gallery/thumb"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/report/html"
)

// specimens has a report show the first example of the data under the corruptions of
// the audit.
func specimens(ctx context.Context, p *html.Options, pictures *thumb.Store, data dataset.Dataset) {
	if data.Len() == 0 {
		return
	}
	p.Specimen = string(data.Example(0).ID)
	p.Shifted = func(id, name string) []byte {
		var shift dataset.Shift
		if name != "" {
			s, err := prediction.ParseShift(name)
			if err != nil {
				return nil
			}
			c, err := corrupt.New(corrupt.Options{Name: s.Corruption, Severity: s.Severity})
			if err != nil {
				return nil // a corruption of another tool
			}
			shift = c
		}
		b, kind, err := pictures.Shifted(ctx, dataset.ExampleID(id), shift)
		if err != nil || kind == thumb.KindSVG {
			return nil
		}
		return b
	}
}
