package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
)

// ladderFixture has a model whose own answers are the labels of most images, so
// that compression has something to harm, and training images.
func ladderFixture(t *testing.T) string {
	t.Helper()
	dir := blameFixture(t)
	must(t, dir, "predict", "base.onnx", "--data", "cifar10:cifar-10-batches-bin", "-o", "own")
	own, err := prediction.Read(t.Context(), filepath.Join(dir, "own"))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "cifar-10-batches-bin", "test_batch.bin")
	records, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range own.Len() {
		if i%10 > 0 { // one in ten keeps its random label
			records[i*3073] = byte(own.Variants[0].Members[0].Predicted.At(i))
		}
	}
	for k := 1; k <= 5; k++ {
		write(t, dir, filepath.Join("cifar-10-batches-bin", "data_batch_"+string(rune('0'+k))+".bin"), string(records))
	}
	write(t, dir, filepath.Join("cifar-10-batches-bin", "test_batch.bin"), string(records))
	return dir
}

const ladderData = "cifar10:cifar-10-batches-bin"

// A ladder makes, runs and audits every rung; sizes, predictions and outcomes are
// those of a separate run over the models that it kept.
func TestLadder(t *testing.T) {
	dir := ladderFixture(t)
	code, stdout, stderr := run(t, dir, "--quiet", "compare", "base.onnx", "--ladder", "float16,int8-dynamic,int8-static,int4-weights,sparsity=0.3:0.9:0.6", "--data", ladderData, "--calibrate", ladderData, "-n", "20", "-o", "audit")
	if code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"SIZE AGAINST HARM", "WHAT WAS COMPRESSED", "No variant is shown to lose less than 2.0 pp in every class."} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	ladder, err := prediction.Read(t.Context(), filepath.Join(dir, "audit", predictionsDir))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--quiet", "compare", "base.onnx"}
	for _, v := range ladder.Variants[1:] {
		args = append(args, v.Name+"="+filepath.Join("audit", modelsDir, v.Name+".onnx"))
		if l := v.Members[0].Lineage; l == "" || l != ladder.Variants[0].Members[0].Lineage {
			t.Errorf("%s: lineage %q, the baseline's is %q", v.Name, l, ladder.Variants[0].Members[0].Lineage)
		}
		if _, err := os.Stat(filepath.Join(dir, "audit", modelsDir, v.Name+".onnx.manifest.json")); err != nil {
			t.Error(err)
		}
	}
	if len(args) != 3+6 {
		t.Fatalf("%d variants", len(ladder.Variants))
	}
	if code, _, stderr = run(t, dir, append(args, "--data", ladderData, "-o", "separate")...); code != ExitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	separate, err := prediction.Read(t.Context(), filepath.Join(dir, "separate", predictionsDir))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range ladder.Variants {
		a, b := &v.Members[0], &separate.Variants[i].Members[0]
		if !a.Predicted.Equal(b.Predicted) || a.Facts.Bytes != b.Facts.Bytes || a.Facts.BytesZstd != b.Facts.BytesZstd || a.Facts.WeightsDigest != b.Facts.WeightsDigest {
			t.Errorf("%s differs from a separate run", v.Name)
		}
	}
	// The streams are the same but for the names of files.
	a, b := readLines(t, filepath.Join(dir, "audit", findingsFile)), readLines(t, filepath.Join(dir, "separate", findingsFile))
	if len(a) != len(b) {
		t.Fatalf("%d and %d messages", len(a), len(b))
	}
	for i := range a {
		if !strings.HasPrefix(a[i], `{"config"`) && a[i] != b[i] {
			t.Errorf("message %d differs:\n%s\n%s", i, a[i], b[i])
		}
	}
}

func readLines(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// Models that an earlier run made are taken up.
func TestLadderResumes(t *testing.T) {
	dir := ladderFixture(t)
	args := []string{"--quiet", "compare", "base.onnx", "--ladder", "int4-weights,sparsity=0.5", "--data", ladderData, "-o", "audit"}
	if code, _, _ := run(t, dir, append(args, "--positive", "none")...); code != ExitError { // after the models ran
		t.Fatalf("exit code %d", code)
	}
	made, _ := filepath.Glob(filepath.Join(dir, ".audit.work", "ladder-*", "*.onnx"))
	if len(made) != 2 {
		t.Fatalf("kept %v", made)
	}
	before, err := os.Stat(made[0])
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t, dir, args...)
	if code != ExitOK || strings.Count(stdout, "(computed before)") != 3 {
		t.Errorf("exit code %d, %s\n%s", code, stderr, stdout)
	}
	after, err := os.Stat(filepath.Join(dir, "audit", modelsDir, filepath.Base(made[0])))
	if err != nil || after.Size() != before.Size() {
		t.Errorf("the model was not kept (%v)", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".audit.work")); err == nil {
		t.Error("the work folder was left behind")
	}
}

func TestLadderErrors(t *testing.T) {
	dir := ladderFixture(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"base.onnx"}, "or --ladder to make some"},
		{[]string{"base.onnx", "small.onnx", "--ladder", "float16"}, "give the baseline only"},
		{[]string{"base.onnx", "--ladder", "int8-static"}, "int8-static needs training images: --calibrate SRC"},
		{[]string{"base.onnx", "--ladder", "int9"}, "no such scheme"},
		{[]string{"base.onnx", "--ladder", "sparsity=1.5"}, "sparsity out of range"},
		{[]string{"base.onnx", "--ladder", "int4-weights", "-n", "0"}, "--examples 0"},
		{[]string{"base.onnx", "small.onnx", "--calibrate", ladderData}, "--calibrate is for --ladder"},
		{[]string{"base.onnx", "--ladder", "int8-static", "--calibrate", "cifar10:nowhere"}, "--calibrate"},
	} {
		code, _, stderr := run(t, dir, append([]string{"--quiet", "compare", "--data", ladderData}, c.args...)...)
		if code != ExitError || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, %s", c.args, code, stderr)
		}
	}
}

// A copy of the baseline under the name of a scheme is refused, also where its
// metadata claim the compression; predictions of it void the audit.
func TestPlantedNoOp(t *testing.T) {
	dir := ladderFixture(t)
	relabel(t, filepath.Join(dir, "base.onnx"), filepath.Join(dir, "int8.onnx"))
	code, _, stderr := run(t, dir, "--quiet", "compare", "base.onnx", "int8.onnx", "--data", ladderData, "-o", "audit")
	if code != ExitError || !strings.Contains(stderr, "base.onnx") || !strings.Contains(stderr, "int8.onnx") || !strings.Contains(stderr, "nothing was compressed") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	must(t, dir, "predict", "base.onnx", "int8.onnx", "--data", ladderData, "-o", "predictions")
	code, stdout, stderr := run(t, dir, "--quiet", "audit", "predictions", "-o", "audit")
	if code != ExitOK {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	text := strings.Join(strings.Fields(stdout), " ")
	if at := strings.Index(text, "VOID: The audit of int8 is void. base.onnx (base) and int8.onnx (int8) hold the same weights: nothing was compressed."); at < 0 || at > 200 {
		t.Errorf("not said first:\n%s", stdout)
	}
	if code, _, _ = run(t, dir, "--quiet", "gate", "audit", "--policy", "near-lossless"); code != ExitGateFailed {
		t.Errorf("the gate's exit code is %d", code)
	}
}
