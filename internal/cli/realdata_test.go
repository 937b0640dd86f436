package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"
	"github.com/lethe-audit/lethe/finding"
	"github.com/lethe-audit/lethe/internal/realdata"
)

// The known numbers of the two fp32/int8 pairs (counted from the files by
// NumPy; the McNemar p also by statsmodels): changed predictions, right to
// wrong, wrong to right, exact p.
var knownPairs = map[string]struct {
	changed, lost, won int64
	p                  float64
}{
	"resnet8":      {264, 113, 101, 0.4522},
	"resnet8large": {138, 60, 53, 0.5727},
}

func checkPair(t *testing.T, dir, model, variant string, n int) {
	t.Helper()
	want := knownPairs[model]
	f := readFindings(t, filepath.Join(dir, findingsFile))
	pair := f["flip/mcnemar/"+variant+"/overall"]
	if pair == nil || pair.Evidence.Pairs.OnlyBase != want.lost || pair.Evidence.Pairs.OnlyVariant != want.won {
		t.Fatalf("%s: %+v, want %d lost and %d won", model, pair, want.lost, want.won)
	}
	if math.Abs(*pair.Test.P-want.p) > 5e-5 {
		t.Errorf("%s: p = %v, want %v", model, *pair.Test.P, want.p)
	}
	churn := f["flip/churn/"+variant+"/overall"]
	if got := math.Round(*churn.Estimate * float64(n)); int64(got) != want.changed {
		t.Errorf("%s: %v changed predictions, want %d", model, got, want.changed)
	}
}

func TestKnownPairsFromCSV(t *testing.T) {
	file := realdata.Path(t, "cifar10-computed-predictions", "cifar10_test_predictions.csv.gz")
	for model := range knownPairs {
		dir := t.TempDir()
		must(t, dir, "audit", file, "--column", "id=index", "--baseline", "fp32="+model+"_fp32_pred", "--candidate", "int8="+model+"_int8_pred", "-o", "audit")
		checkPair(t, filepath.Join(dir, "audit"), model, "int8", 10000)
	}
}

func TestKnownPairsFromLogits(t *testing.T) {
	folder := realdata.Path(t, "cifar10-computed-predictions")
	labels := filepath.Join(folder, "cifar10_test_predictions.csv.gz") + "#label"
	for model := range knownPairs {
		dir := t.TempDir()
		npy := func(kind string) string { return filepath.Join(folder, model+"_"+kind+"_logits.f32.npy") }
		must(t, dir, "audit", "--labels", labels, "--baseline", "fp32="+npy("fp32"), "--candidate", "int8="+npy("int8"), "-o", "audit")
		checkPair(t, filepath.Join(dir, "audit"), model, "int8", 10000)
		f := readFindings(t, filepath.Join(dir, "audit", findingsFile))
		if kl := f["flip/kl/int8/overall"]; kl == nil || *kl.Estimate <= 0 {
			t.Errorf("%s: no divergence from logits: %+v", model, kl)
		}
	}
}

// Any two groups of the 30 models are populations on each of the three test
// sets; accuracies on the original test set are those of SOURCES.md.
func TestThirtyModels(t *testing.T) {
	sets := map[string]struct {
		labels    string
		low, high float64
	}{
		"original_predictions": {"cifar10-computed-predictions/cifar10_test_predictions.csv.gz#label", 0.820, 0.971},
		"v4_predictions":       {"cifar10.1/cifar10.1_v4_labels.npy", 0.679, 0.930},
		"v6_predictions":       {"cifar10.1/cifar10.1_v6_labels.npy", 0.687, 0.931},
	}
	for set, want := range sets {
		t.Run(set, func(t *testing.T) {
			folder := realdata.Path(t, "cifar10.1", "model_predictions", set)
			files, err := filepath.Glob(filepath.Join(folder, "*.json"))
			if err != nil || len(files) != 30 {
				t.Fatalf("%d models, %v", len(files), err)
			}
			sort.Strings(files)
			var even, odd []string
			for i, f := range files {
				if i%2 == 0 {
					even = append(even, f)
				} else {
					odd = append(odd, f)
				}
			}
			dir := t.TempDir()
			labels := filepath.Join(realdata.Path(t), filepath.FromSlash(want.labels))
			must(t, dir, "audit", "--labels", labels, "--baseline", "even="+strings.Join(even, ","), "--candidate", "odd="+strings.Join(odd, ","), "-o", "audit")
			low, high := accuracies(t, filepath.Join(dir, "audit", findingsFile))
			if math.Abs(low-want.low) > 0.0005 || math.Abs(high-want.high) > 0.0005 {
				t.Errorf("accuracies %.4f to %.4f, want %.3f to %.3f", low, high, want.low, want.high)
			}
		})
	}
}

func accuracies(t *testing.T, name string) (low, high float64) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := finding.NewReader(f).Next()
	if err != nil {
		t.Fatal(err)
	}
	low, high = 1, 0
	for _, p := range m.Config.Populations {
		for _, k := range p.Members {
			low, high = min(low, k.Accuracy), max(high, k.Accuracy)
		}
	}
	return low, high
}

// Human uncertainty (CIFAR-10H, binned by the share of the most frequent
// answer) and judged label errors are groups that the slice check runs on.
func TestRealGroups(t *testing.T) {
	logits := realdata.Path(t, "cifar10-computed-predictions")
	dir := t.TempDir()
	write(t, dir, "groups.csv", realGroups(t))
	npy := func(kind string) string { return filepath.Join(logits, "resnet8_"+kind+"_logits.f32.npy") }
	must(t, dir, "audit", "--labels", filepath.Join(logits, "cifar10_test_predictions.csv.gz")+"#label",
		"--baseline", "fp32="+npy("fp32"), "--candidate", "int8="+npy("int8"), "--attributes", "groups.csv", "-o", "audit")
	f := readFindings(t, filepath.Join(dir, "audit", findingsFile))
	for id, n := range map[string]int{
		"slice/harm/int8/subgroup:agreement=all": 0, "slice/harm/int8/subgroup:agreement=split": 0,
		"slice/harm/int8/subgroup:judged=error": 0,
	} {
		got := f[id]
		if got == nil || got.N <= n || got.Estimate == nil {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

// realGroups makes a table of attributes for the 10,000 test images.
func realGroups(t *testing.T) string {
	t.Helper()
	counts := readNPY(t, realdata.Path(t, "cifar10h", "cifar10h-counts.npy"))
	raw, err := os.ReadFile(realdata.Path(t, "label-errors", "cifar10_mturk.json"))
	if err != nil {
		t.Fatal(err)
	}
	var judged []struct {
		ID    int            `json:"id"`
		Mturk map[string]int `json:"mturk"`
	}
	if err := json.Unmarshal(raw, &judged); err != nil {
		t.Fatal(err)
	}
	verdict := map[int]string{}
	for _, j := range judged {
		verdict[j.ID] = "error"
		if j.Mturk["given"] >= 3 {
			verdict[j.ID] = "label stands"
		}
	}
	var b strings.Builder
	b.WriteString("agreement,judged\n")
	for i := range len(counts) / 10 {
		top, sum := 0.0, 0.0
		for _, c := range counts[i*10 : (i+1)*10] {
			top, sum = max(top, c), sum+c
		}
		group := "most"
		switch share := top / sum; {
		case share == 1:
			group = "all"
		case share < 0.8:
			group = "split"
		}
		v := verdict[i]
		if v == "" {
			v = "not judged"
		}
		fmt.Fprintf(&b, "%s,%s\n", group, v)
	}
	return b.String()
}

// readNPY reads an array of int64.
func readNPY(t *testing.T, name string) []float64 {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var counts []int64
	if err := npyio.Read(f, &counts); err != nil {
		t.Fatal(err)
	}
	out := make([]float64, len(counts))
	for i, c := range counts {
		out[i] = float64(c)
	}
	return out
}
