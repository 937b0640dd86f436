package markdown

import (
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/report/reporttest"
)

func TestShiftedGolden(t *testing.T) {
	golden.Equal(t, "shifted.md", []byte(render(t, reporttest.Shifted(), DefaultOptions())))
}
