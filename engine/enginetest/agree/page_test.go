package agree_test

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/engine/enginetest/agree"
)

//go:embed testdata/agreement.md
var intro string

// page is doc/agreement.md: the text of testdata/agreement.md with the tables.
type page struct{ summary, optimized, plain strings.Builder }

func (p *page) add(name string, c *agree.Comparison) {
	o := c.Optimized
	fmt.Fprintf(&p.summary, "| %s | %.2f %% | %.2f %% | %.2g |", name, 100*float64(c.GoRight)/float64(o.Images), 100*o.Share(), o.Largest)
	differences(&p.optimized, name, o)
	if c.Plain != nil {
		fmt.Fprintf(&p.summary, " %.2f %% | %.2f %% |", 100*c.Plain.Share(), 100*float64(c.Self)/float64(o.Images))
		differences(&p.plain, name, *c.Plain)
	}
	p.summary.WriteString("\n")
}

func differences(b *strings.Builder, name string, r agree.Result) {
	for _, d := range r.Differences {
		fmt.Fprintf(b, "| %s | %s | %d | %d (%.2g) | %d (%.2g) | %s |\n", name, d.ID, d.Label, d.Go.Class, d.Go.Gap, d.ORT.Class, d.ORT.Gap, d.Cause)
	}
}

func (p *page) write(t *testing.T) {
	t.Helper()
	text := strings.NewReplacer("{{summary}}\n", p.summary.String(), "{{optimized}}\n", p.optimized.String(), "{{plain}}\n", p.plain.String()).Replace(intro)
	if err := os.WriteFile(filepath.Join("..", "..", "..", "doc", "agreement.md"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
