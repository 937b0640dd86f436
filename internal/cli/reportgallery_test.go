package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/finding"
)

// TestShareOut: what is shared out is n or all there is, evenly.
func TestShareOut(t *testing.T) {
	for _, c := range []struct {
		have []int
		n    int
		want []int
	}{
		{[]int{100, 100, 100}, 10, []int{4, 3, 3}},
		{[]int{100, 1, 0, 100}, 10, []int{5, 1, 0, 4}},
		{[]int{2, 3}, 10, []int{2, 3}},
		{nil, 10, nil},
	} {
		var tops []finding.TopExamples
		for _, n := range c.have {
			tops = append(tops, finding.TopExamples{Rows: make([]finding.ExampleRow, n)})
		}
		shareOut(tops, c.n)
		var got []int
		for _, top := range tops {
			got = append(got, len(top.Rows))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d of %v: %v, want %v", c.n, c.have, got, c.want)
		}
	}
}

// TestGalleryReport: an audit, and its report made again, hold the pictures of
// the worst examples; data of other examples are refused.
func TestGalleryReport(t *testing.T) {
	dir := t.TempDir()
	fixture(t, dir)
	var records []byte // of one color each, so that models differ
	for i := range 200 {
		records = append(records, byte(i%10))
		for channel := range 3 {
			records = append(records, bytes.Repeat([]byte{byte(i * (37 + 50*channel))}, 1024)...)
		}
	}
	write(t, dir, filepath.Join("cifar-10-batches-bin", "test_batch.bin"), string(records))
	must(t, dir, "compare", "fp32.onnx", "int8.onnx", "--data", "cifar10:cifar-10-batches-bin", "-o", "audit", "--gallery", "6")
	report := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	tile := regexp.MustCompile(`<li class="tile"><span class="open"><img alt="[^"]+" title="(test/[^"]+)" loading="lazy" width="160" height="160" src="data:image/png;base64,`)
	made := tile.FindAllStringSubmatch(report("audit/report.html"), -1)
	if len(made) != 6 {
		t.Fatalf("%d pictures, want 6", len(made))
	}
	must(t, dir, "report", "audit", "--format", "html", "--gallery", "5", "--data", "cifar10:cifar-10-batches-bin", "--file", "again.html")
	again := tile.FindAllStringSubmatch(report("again.html"), -1)
	if len(again) != 5 {
		t.Fatalf("%d pictures, want 5", len(again))
	}
	for i := range again {
		if again[i][1] != made[i][1] {
			t.Errorf("picture %d is of %s, want %s as before", i, again[i][1], made[i][1])
		}
	}
	must(t, dir, "report", "audit", "--format", "html", "--file", "plain.html")
	if strings.Contains(report("plain.html"), "<img") {
		t.Error("pictures that were not asked for")
	}
	must(t, dir, "audit", "predictions.csv", "-o", "other")
	for _, c := range []struct{ command, want string }{
		{"report other --format html --gallery 5 --data cifar10:cifar-10-batches-bin", "holds none of the 5 examples to show: the audit's ids start with img"},
		{"report audit --format html --gallery 5", "--gallery needs --data SRC"},
		{"report audit --gallery 5 --data cifar10:cifar-10-batches-bin", "only html has pictures"},
		{"report audit --format html --data cifar10:cifar-10-batches-bin", "--data is for --gallery N, which is missing"},
		{"report audit --format html --gallery -1 --data cifar10:cifar-10-batches-bin", "want 1 to 5000 pictures"},
		{"report audit/findings.jsonl --format html --gallery 5 --data cifar10:cifar-10-batches-bin", "the examples are listed in an audit's directory"},
		{"report audit --format html --gallery 5 --data cifar10:nowhere", "nowhere"},
	} {
		code, _, stderr := run(t, dir, strings.Fields(c.command)...)
		if code != ExitError || !strings.Contains(stderr, c.want) {
			t.Errorf("lethe %s: exit code %d, %q; want %d and %q", c.command, code, stderr, ExitError, c.want)
		}
	}
}
