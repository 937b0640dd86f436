package text

import (
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/report/reporttest"
)

func TestShiftedGolden(t *testing.T) {
	o := DefaultOptions()
	golden.Equal(t, "shifted.txt", []byte(render(t, reporttest.Shifted(), o)))
	o.All = true
	golden.Equal(t, "shifted-all.txt", []byte(render(t, reporttest.Shifted(), o)))
}
