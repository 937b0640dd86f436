package yardstick

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/audit/audittest"
	"github.com/lethe-audit/lethe/audit/classimpact"
	"github.com/lethe-audit/lethe/audit/pie"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/lethe-audit/lethe/prediction/planted"
)

// answer is what pie_welch.py prints.
type answer struct {
	Examples int
	Models   int
	Baseline string
	Variants map[string]struct {
		Accuracy float64
		Raw      int     `json:"raw_significant"`
		BH       int     `json:"bh_significant"`
		PIEShare float64 `json:"pie_share"`
		Tied     int
		Taxicab  float64
	}
}

// python runs the yardstick, or skips the test where Debian's pandas and SciPy
// are not installed.
func python(t *testing.T, args ...string) answer {
	t.Helper()
	exe := "/usr/bin/python3"
	if err := exec.Command(exe, "-c", "import numpy, pandas, scipy").Run(); err != nil {
		t.Skipf("%s has no numpy, pandas and scipy (Debian: python3-pandas, python3-scipy)", exe)
	}
	cmd := exec.Command(exe, append([]string{"pie_welch.py"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSameNumbers: the script and the audit agree, from arrays and from a long
// CSV table that the benchmark's generator writes.
func TestSameNumbers(t *testing.T) {
	spec := planted.Large(6000, 8, 20)
	spec.Seed = 1
	spec.Variants = append(spec.Variants[:1:1], spec.Variants[4:]...)
	table, _, err := planted.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for format, path := range map[string]string{"npy": dir, "csv": filepath.Join(dir, "long.csv")} {
		gen := exec.Command("go", "run", "../gen", "--examples", "6000", "--classes", "8", "--members", "20",
			"--candidates", "2", "--format", format, "-o", path)
		if out, err := gen.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		compare(t, table, python(t, format, path))
	}
}

func compare(t *testing.T, table *prediction.Table, got answer) {
	t.Helper()
	if got.Examples != 6000 || got.Models != 60 || got.Baseline != "dense" || len(got.Variants) != 2 {
		t.Fatalf("the script read %+v", got)
	}
	o := audit.DefaultOptions()
	o.Resample = false
	classes := audittest.Run(t, classimpact.New(), table, o)
	pies := audittest.Run(t, pie.New(), table, o)
	for name, v := range got.Variants {
		raw, bh := 0, 0
		for _, f := range classes.Findings {
			if f.Variant != name || f.Question != "disproportion" || f.Test == nil {
				continue
			}
			if *f.Test.P <= 0.05 {
				raw++
			}
			if *f.Test.Q <= 0.05 {
				bh++
			}
		}
		if v.Raw == 0 || v.PIEShare == 0 {
			t.Errorf("%s: nothing to compare: %+v", name, v)
		}
		if raw != v.Raw || bh != v.BH {
			t.Errorf("%s: %d classes at raw p <= .05 and %d at q, the script says %d and %d", name, raw, bh, v.Raw, v.BH)
		}
		var taxicab float64
		tied, pieCount := 0, 0
		for _, r := range pies.Examples {
			if r.Variant == name {
				taxicab += r.Taxicab
				tied += count(r.Tie)
				pieCount += count(r.PIE)
			}
		}
		if float64(pieCount)/6000 != v.PIEShare || tied != v.Tied {
			t.Errorf("%s: %d PIEs and %d ties, the script says %v and %d", name, pieCount, tied, v.PIEShare*6000, v.Tied)
		}
		// the script adds single-precision vote shares
		if d := math.Abs(taxicab/6000 - v.Taxicab); d > 1e-6 {
			t.Errorf("%s: mean taxicab distance %v, the script says %v", name, taxicab/6000, v.Taxicab)
		}
		share := pies.Find(t, fmt.Sprintf("pie/pie-share/%s/%s", name, finding.Overall))
		if *share.Estimate != v.PIEShare {
			t.Errorf("%s: PIE share %v, the script says %v", name, *share.Estimate, v.PIEShare)
		}
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
