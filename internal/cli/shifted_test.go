package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shiftedCSV writes the answers of two models to 2,000 images: the second one loses
// the given share more.
func shiftedCSV(t *testing.T, dir, name string, seed uint64, accuracy, loss float64, reverse bool) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	rows := make([]string, 2000)
	for i := range rows {
		u := rng.Float64()
		answer := func(p float64) int {
			if u < p {
				return i % 4
			}
			return (i + 1) % 4
		}
		rows[i] = fmt.Sprintf("img%04d,%d,%d,%d\n", i, i%4, answer(accuracy), answer(accuracy-loss))
	}
	if reverse {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	text := "id,label,fp32,int8\n" + strings.Join(rows, "")
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestGateJudgesCorruptions: an audit with shifted data is gated by scope
// corruption, and its directory can be audited again.
func TestGateJudgesCorruptions(t *testing.T) {
	dir := t.TempDir()
	shiftedCSV(t, dir, "clean.csv", 1, 0.9, 0.001, false)
	shiftedCSV(t, dir, "fog3.csv", 2, 0.8, 0.12, true)
	shiftedCSV(t, dir, "fog1.csv", 3, 0.85, 0.1, false)
	shiftedCSV(t, dir, "frost1.csv", 4, 0.85, 0.001, false)
	policy := "version: 1\nname: corruption\nrules:\n  - {metric: accuracy, scope: corruption, margin: 4pp}\n"
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "audit", "clean.csv", "--baseline", "fp32=fp32", "--candidate", "int8=int8",
		"--shifted", "fog:3=fog3.csv", "--shifted", "fog:1=fog1.csv", "--shifted", "frost:1=frost1.csv", "-o", "audit")
	code, out, errs := run(t, dir, "gate", "audit", "--policy", "policy.yaml")
	if code != 1 || !strings.Contains(out, "fog") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	b, err := os.ReadFile(filepath.Join(dir, "audit", "findings.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"id":"robust/excess/int8/corruption:fog"`, `"word":"more brittle"`, `"id":"robust/harm/int8/corruption:frost"`,
		`"id":"robust/excess/int8/severity:fog:3@fog"`, `"id":"robust/excess/int8/class:0@fog"`, `"name":"2 of the 15 common corruptions"`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("there is no %s in the findings", want)
		}
	}
	if strings.Contains(string(b), "@frost") {
		t.Error("classes were tested inside a corruption without a detected excess")
	}
	must(t, dir, "import", "fog3.csv", "--baseline", "fp32=fp32", "--candidate", "int8=int8", "--as-shift", "fog:3", "-o", "fog3")
	if code, out, errs := run(t, dir, "audit", "clean.csv", "--baseline", "fp32=fp32", "--candidate", "int8=int8", "--shifted", "fog3", "--checks", "robust"); code != 0 || !strings.Contains(out, "more brittle") {
		t.Errorf("a directory that names its shift: exit code %d\n%s%s", code, out, errs)
	}
	code, again, errs := run(t, dir, "audit", "audit/predictions", "--format", "json")
	if code != 0 || !strings.Contains(again, `robust/excess/int8/corruption:fog`) {
		t.Errorf("the stored predictions lost their shifts: exit code %d\n%s", code, errs)
	}
}

func TestShiftedIsRefused(t *testing.T) {
	dir := t.TempDir()
	shiftedCSV(t, dir, "clean.csv", 1, 0.9, 0.001, false)
	shiftedCSV(t, dir, "fog3.csv", 2, 0.8, 0.1, false)
	text, err := os.ReadFile(filepath.Join(dir, "fog3.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string][2]string{"ids.csv": {"img0004,", "other,"}, "labels.csv": {"img0004,0", "img0004,1"}} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(string(text), from[0], from[1], 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for given, want := range map[string]string{
		"fog3.csv":          "the predictions do not say what shift they are of",
		"fog:6=fog3.csv":    `severity "6", want 1 to 5`,
		"fog:3=ids.csv":     `there is no example "img0004"`,
		"fog:3=labels.csv":  "example img0004 is of class 1, in the clean data of class 0",
		"fog:3=nothing.csv": "nothing.csv",
	} {
		code, _, errs := run(t, dir, "audit", "clean.csv", "--shifted", given)
		if code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s, want 2 and %q", given, code, errs, want)
		}
	}
	if code, _, errs := run(t, dir, "audit", "clean.csv", "--checks", "robust"); code != 2 || !strings.Contains(errs, "no predictions for shifted data") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
