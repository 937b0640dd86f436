package cli

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
)

// readFindings reads all findings of a stored stream by their id.
func readFindings(t *testing.T, name string) map[string]*finding.Finding {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]*finding.Finding{}
	r := finding.NewReader(f)
	for {
		m, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m.Finding != nil {
			out[m.Finding.ID] = m.Finding
		}
		if m.Done != nil {
			return out
		}
	}
}

func readCSV(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func models(variant string) string {
	var names []string
	for k := range 8 {
		names = append(names, fmt.Sprintf("%s_%d", variant, k))
	}
	return variant + "=" + strings.Join(names, ",")
}

// TestPaperMode compares --paper with the paper's audit done by NumPy and
// SciPy (testdata/paper/gen.py): class by class, and the set of PIEs.
func TestPaperMode(t *testing.T) {
	data, err := filepath.Abs(filepath.Join("testdata", "paper"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	must(t, dir, "audit", filepath.Join(data, "predictions.csv"), "--baseline", models("dense"), "--candidate", models("pruned"), "--paper", "-o", "audit")
	findings := readFindings(t, filepath.Join(dir, "audit", findingsFile))
	for _, row := range readCSV(t, filepath.Join(data, "expected.csv")) {
		f := findings["classimpact/disproportion/pruned/class:"+row[0]]
		if f == nil {
			t.Fatalf("no finding for class %s", row[0])
		}
		for _, x := range []struct {
			what, want string
			got        float64
		}{{"normalized difference", row[1], 100 * *f.Estimate}, {"p", row[2], *f.Test.P}} {
			want, err := strconv.ParseFloat(x.want, 64)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(x.got-want) > 1e-9*math.Abs(want) {
				t.Errorf("class %s: %s %v, want %v", row[0], x.what, x.got, want)
			}
		}
		if got := f.Word == finding.SignificantRaw; got != (row[3] == "1") {
			t.Errorf("class %s: significant %v, want %s", row[0], got, row[3])
		}
	}
	must(t, dir, "report", "audit", "--examples", "pie", "--format", "csv", "--file", "pies.csv")
	rows := readCSV(t, filepath.Join(dir, "pies.csv"))
	want := readCSV(t, filepath.Join(data, "expected_pies.csv"))
	columns := finding.ExampleColumns()
	at := func(row []string, name string) string {
		for i, c := range columns {
			if c == name {
				return row[i]
			}
		}
		t.Fatalf("no column %s", name)
		return ""
	}
	if len(rows) != len(want) {
		t.Fatalf("%d PIEs, want %d", len(rows), len(want))
	}
	for i, row := range rows {
		if at(row, "id") != want[i][0] || at(row, "base_modal") != want[i][1] || at(row, "variant_modal") != want[i][2] {
			t.Errorf("PIE %v, want %v", row, want[i])
		}
	}
}
