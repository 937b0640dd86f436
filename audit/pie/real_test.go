package pie

import (
	"compress/gzip"
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/prediction"
)

// Two models on CIFAR-10: 264 predictions change, 113 from right to wrong and
// 101 from wrong to right; the other 50 are wrong twice. The counts
// are published with the data; 113 against 101 is p = .4522 by exact McNemar.
func TestComputedPredictions(t *testing.T) {
	f, err := os.Open(realdata.Path(t, "cifar10-computed-predictions", "cifar10_test_predictions.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) prediction.Column {
		at := slices.Index(rows[0], name)
		var values []int
		for _, r := range rows[1:] {
			v, err := strconv.Atoi(r[at])
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
		}
		c, err := prediction.ColumnOf(values, 10)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	table := &prediction.Table{Classes: strings.Fields("airplane automobile bird cat deer dog frog horse ship truck"), Labels: column("label")}
	for _, v := range []string{"resnet8_fp32", "resnet8_int8"} {
		table.Variants = append(table.Variants, prediction.Variant{Name: v, Members: []prediction.Member{{Name: v, Predicted: column(v + "_pred")}}})
	}
	c := audittest.Run(t, New(), table, audit.DefaultOptions())
	if f := c.Find(t, "pie/pie-share/resnet8_int8/overall"); value(f.Estimate) != 0.0264 {
		t.Errorf("PIE share %v, want .0264", value(f.Estimate))
	}
	flips := map[finding.Flip]int{}
	for _, r := range c.Examples {
		flips[r.Flip]++
	}
	if flips[finding.FlipRightToWrong] != 113 || flips[finding.FlipWrongToRight] != 101 || flips[finding.FlipWrongToWrong] != 50 {
		t.Errorf("flips %v", flips)
	}
}
