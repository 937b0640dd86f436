package text

import (
	"bytes"
	"testing"

	"github.com/lethe-audit/lethe/internal/golden"
	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/report/reporttest"
)

func render(t testing.TB, spec reporttest.Spec, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Replay(bytes.NewReader(reporttest.Bytes(t, reporttest.Stream(spec))), New(&b, o)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	golden.Equal(t, "small.txt", render(t, reporttest.Small(), DefaultOptions()))
}
