package wandb

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"testing"

	"github.com/lethe-audit/lethe/gate/gatetest"
	"github.com/lethe-audit/lethe/internal/golden"
)

func TestGolden(t *testing.T) {
	var b bytes.Buffer
	if left, err := Write(&b, gatetest.Small(t), DefaultOptions()); err != nil || left != 0 {
		t.Fatal(left, err)
	}
	golden.Equal(t, "small.csv", b.Bytes())
}

// TestRows: a row for every scope up to the limit, which reads back as the numbers
// of the result.
func TestRows(t *testing.T) {
	r := gatetest.Large(t)
	total := 0
	for _, rr := range r.Rules {
		total += len(rr.Scopes)
	}
	var b bytes.Buffer
	left, err := Write(&b, r, Options{Rows: 1000})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1001 || left != total-1000 {
		t.Fatalf("%d rows, %d left of %d (%v)", len(rows), left, total, err)
	}
	if rows[1][5] != "fail" {
		t.Errorf("the first row is no failed scope: %v", rows[1])
	}
	loss, err := strconv.ParseFloat(rows[1][7], 64)
	if err != nil || loss != *r.Rules[0].Scopes[0].Loss {
		t.Errorf("loss %v (%v)", loss, err)
	}
}
