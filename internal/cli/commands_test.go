package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio"
	"github.com/lethe-audit/lethe/evidence"
	"github.com/lethe-audit/lethe/gallery/mark"
	"github.com/lethe-audit/lethe/onnx"
	"github.com/spf13/cobra"
)

// run runs a command line in this process and returns what it printed.
func run(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(dir)
	var out, errs bytes.Buffer
	code = Run(context.Background(), args, IO{In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(string) string { return "" }}, "v0.0.0-test")
	return code, out.String(), errs.String()
}

// documented are the commands in README.md, in doc/*.md and in the examples of
// every help text.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	add := func(where, text string) {
		for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", " "), "\n") {
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "lethe ") {
				found[where] = append(found[where], line)
			}
		}
	}
	root := filepath.Join("..", "..")
	docs, err := filepath.Glob(filepath.Join(root, "doc", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	fenced := regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
	for _, name := range append(docs, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fenced.FindAllStringSubmatch(string(text), -1) {
			add(filepath.Base(name), block[1])
		}
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		add(c.CommandPath()+" --help", c.Example)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{io: IO{Out: os.Stdout, Err: os.Stderr}}).root())
	return found
}

// fixture fills a folder with the files that the documented commands name.
func fixture(t *testing.T, dir string) {
	t.Helper()
	const n, classes = 400, 4
	rng := rand.New(rand.NewPCG(1, 2))
	labels := make([]int64, n)
	for i := range labels {
		labels[i] = int64(rng.IntN(classes))
	}
	answers := func(accuracy float64) []int64 {
		out := make([]int64, n)
		for i := range out {
			out[i] = labels[i]
			if rng.Float64() > accuracy {
				out[i] = int64(rng.IntN(classes))
			}
		}
		return out
	}
	npy := func(name string, v any) {
		var b bytes.Buffer
		if err := npyio.Write(&b, v); err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, b.String())
	}
	for _, name := range []string{"labels.npy", "y.npy"} {
		npy(name, labels)
	}
	table := map[string][]int64{}
	for _, name := range []string{"fp32", "int8", "a", "b", "c", "d"} {
		table[name] = answers(0.9)
		npy(name+".npy", table[name])
	}
	for _, name := range []string{"fp32", "int8"} {
		scores := make([]float64, n*classes)
		for i, p := range table[name] {
			for c := range classes {
				scores[i*classes+c] = rng.Float64()
			}
			scores[i*classes+int(p)] += 3
		}
		var b bytes.Buffer
		if err := writeMatrix(&b, scores, n, classes); err != nil {
			t.Fatal(err)
		}
		write(t, dir, name+"_logits.npy", b.String())
	}
	var attrs, long, wide strings.Builder
	attrs.WriteString("light,device\n")
	long.WriteString("example,model,variant,label,prediction\n")
	wide.WriteString("id,label,resnet_fp32,resnet_int8\n")
	for i := range n {
		fmt.Fprintf(&attrs, "%s,%s\n", []string{"day", "night"}[i%2], []string{"phone", "camera", "scan"}[i%3])
		for _, m := range []struct{ model, variant string }{{"a", "dense"}, {"b", "dense"}, {"c", "int8"}, {"d", "int8"}} {
			fmt.Fprintf(&long, "img%03d,%s,%s,%d,%d\n", i, m.model, m.variant, labels[i], table[m.model][i])
		}
		fmt.Fprintf(&wide, "img%03d,%d,%d,%d\n", i, labels[i], table["fp32"][i], table["int8"][i])
	}
	write(t, dir, "attrs.csv", attrs.String())
	for name, from := range map[string]string{"f16.kld": "base.kld", "q4.kld": "candidate.kld"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "prediction", "llm", "testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, string(b))
	}
	write(t, dir, "names.txt", "cat\ndog\nfrog\nship\n")
	write(t, dir, "predictions.csv", long.String())
	write(t, dir, "preds.csv", wide.String())
	model(t, filepath.Join(dir, "model.onnx"))
	for i, name := range []string{"fp32", "int8", "d0", "d1", "q0", "q1", "model-int8"} {
		classifier(t, filepath.Join(dir, name+".onnx"), float32(i))
	}
	records := make([]byte, 200*3073)
	for i := range records {
		records[i] = byte(rng.Uint32())
		if i%3073 == 0 {
			records[i] %= 10
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "cifar-10-batches-bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, filepath.Join("cifar-10-batches-bin", "test_batch.bin"), string(records))
	for i := range 5 {
		write(t, dir, filepath.Join("cifar-10-batches-bin", fmt.Sprintf("data_batch_%d.bin", i+1)), string(records))
	}
	experiments(t, dir)
}

// experiments copies the experiments of examples/, with fewer images, members and
// epochs.
func experiments(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no experiments in examples: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "examples"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		less := strings.NewReplacer("limit=2000", "limit=200", "members: 10", "members: 1", "recipe: cifar10-resnet8-quick", "recipe: smoke")
		write(t, dir, filepath.Join("examples", filepath.Base(f)), less.Replace(string(text)))
	}
}

// classifier writes a model of ten classes over 32 x 32 images; shift makes its
// weights differ from those of another.
func classifier(t *testing.T, path string, shift float32) {
	t.Helper()
	w := make([]float32, 10*3)
	for i := range w {
		w[i] = float32(i%7) - 3 + shift*float32(i%3)
	}
	weights, err := onnx.TensorOf("w", w, 3, 10)
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string, dims ...onnx.Dim) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.TypeShape{Elem: onnx.Float, Shape: dims}}
	}
	n := onnx.Symbol("N")
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Name:         "classifier",
		Inputs:       []*onnx.ValueInfo{value("images", n, onnx.Fixed(3), onnx.Fixed(32), onnx.Fixed(32))},
		Outputs:      []*onnx.ValueInfo{value("scores", n, onnx.Fixed(10))},
		Initializers: []*onnx.Tensor{weights},
		Nodes: []*onnx.Node{
			{Name: "pool", Op: "GlobalAveragePool", Inputs: []string{"images"}, Outputs: []string{"pooled"}},
			{Name: "flat", Op: "Flatten", Inputs: []string{"pooled"}, Outputs: []string{"features"}},
			{Name: "linear", Op: "MatMul", Inputs: []string{"features", "w"}, Outputs: []string{"scores"}},
		},
	}}
	if err := onnx.Save(m, path, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
}

// model writes a network of one convolution over images of any size.
func model(t *testing.T, path string) {
	t.Helper()
	weights, err := onnx.TensorOf("w", make([]float32, 4*3*3*3), 4, 3, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	image := func(name string, channels int64) *onnx.ValueInfo {
		shape := onnx.Shape{onnx.Symbol("N"), onnx.Fixed(channels), onnx.Symbol("H"), onnx.Symbol("W")}
		return &onnx.ValueInfo{Name: name, Type: onnx.TypeShape{Elem: onnx.Float, Shape: shape}}
	}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Name:         "fixture",
		Inputs:       []*onnx.ValueInfo{image("images", 3)},
		Outputs:      []*onnx.ValueInfo{image("y", 4)},
		Initializers: []*onnx.Tensor{weights},
		Nodes:        []*onnx.Node{{Name: "conv", Op: "Conv", Inputs: []string{"images", "w"}, Outputs: []string{"y"}, Attrs: []*onnx.Attr{onnx.IntsAttr("pads", 1, 1, 1, 1)}}},
	}}
	if err := onnx.Save(m, path, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
}

// writeMatrix writes float64 scores [n, classes] in version 1.0 of the format.
func writeMatrix(b *bytes.Buffer, v []float64, n, classes int) error {
	var flat bytes.Buffer
	if err := npyio.Write(&flat, v); err != nil {
		return err
	}
	head := fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }", n, classes)
	head += strings.Repeat(" ", 63-(10+len(head))%64) + "\n"
	b.WriteString("\x93NUMPY\x01\x00")
	b.Write([]byte{byte(len(head)), byte(len(head) >> 8)})
	b.WriteString(head)
	b.Write(flat.Bytes()[flat.Len()-8*len(v):])
	return nil
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDocumentedCommands runs every command that README, the documents and the
// help texts show, each in a folder of its own with the files it names.
func TestDocumentedCommands(t *testing.T) {
	found := documented(t)
	total := 0
	for where, commands := range found {
		for _, command := range commands {
			total++
			t.Run(where+"/"+command, func(t *testing.T) {
				dir := t.TempDir()
				fixture(t, dir)
				args := strings.Fields(command)[1:]
				prepare(t, dir, args)
				if strings.HasPrefix(command, "lethe data fetch") {
					args = append(args, "--dry-run") // no network in tests; package fetch has its own
				}
				if serves(args) {
					mustServe(t, dir, args...)
					return
				}
				must(t, dir, args...)
			})
		}
	}
	if total < 20 {
		t.Errorf("only %d documented commands found", total)
	}
}

// prepare makes what a command reads and another command writes.
func prepare(t *testing.T, dir string, args []string) {
	t.Helper()
	compare := func(variant, out string) {
		must(t, dir, "compare", "fp32.onnx", variant+"=model-int8.onnx", "--data", "cifar10:cifar-10-batches-bin", "-o", out)
	}
	switch args[0] {
	case "study":
		prepareStudy(t, dir, args[1])
	case "report", "gate":
		if slices.Contains(args, "study") {
			prepareStudy(t, dir, "report")
			return
		}
		if slices.Contains(args, "--gallery") { // of pictures that are there
			compare("int8", "audit")
			return
		}
		must(t, dir, "audit", "predictions.csv", "-o", "audit")
		write(t, dir, "policy.yaml", "rules:\n  - {metric: recall, scope: class, margin: 2pp}\n")
		write(t, dir, "olive.json", `{"sub_types": [{"name": "accuracy_score", "goal": {"type": "max-degradation", "value": 0.01}}]}`)
	case "serve":
		compare("int8", "audit")
	case "marks":
		compare("int8", "audit")
		write(t, dir, filepath.Join("audit", mark.FileName), `{"lethe_marks":1}
{"id":"test/00003","variant":"int8","verdict":"confirmed","at":"2026-11-24T14:00:00Z"}
{"id":"test/00005","verdict":"mislabelled","note":"a ship","at":"2026-11-24T14:00:01Z"}
`)
	case "status":
		must(t, dir, "run", "examples/smoke.yaml", "--data", "cifar10:cifar-10-batches-bin", "-o", args[1])
	case "verify":
		compare("int8", "audit")
	case "diff":
		renamed := "int8"
		if slices.Contains(args, "int8=int8-v2") {
			renamed = "int8-v2"
		}
		compare("int8", args[1])
		compare(renamed, args[2])
	}
	for i, a := range args {
		switch a {
		case "predictions/":
			if slices.Contains(args, "--gallery") {
				compare("int8", "made")
				if err := os.Rename(filepath.Join(dir, "made", "predictions"), filepath.Join(dir, "predictions")); err != nil {
					t.Fatal(err)
				}
				continue
			}
			must(t, dir, "import", "predictions.csv", "-o", "predictions")
		case "sha256:...":
			raw, err := os.ReadFile(filepath.Join(dir, "audit", evidence.ManifestName))
			if err != nil {
				t.Fatal(err)
			}
			args[i] = fmt.Sprintf("sha256:%x", sha256.Sum256(raw))
		}
	}
}

func must(t *testing.T, dir string, args ...string) {
	t.Helper()
	code, _, stderr := run(t, dir, append([]string{"--quiet"}, args...)...)
	if (args[0] == "gate" || slices.Contains(args, "--policy")) && (code == ExitGateFailed || code == ExitUndecided) {
		return // an answer
	}
	if code != ExitOK {
		t.Fatalf("lethe %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
}

// Every command says what it does, shows an example and its exit codes.
func TestHelpTexts(t *testing.T) {
	root := (&app{io: IO{Out: os.Stdout, Err: os.Stderr}}).root()
	for _, c := range root.Commands() {
		if c.Short == "" || c.Example == "" {
			t.Errorf("%s: no description or no example", c.CommandPath())
		}
		if c.Name() != "version" && !strings.Contains(c.Long, "Exit codes:") {
			t.Errorf("%s: help has no exit codes", c.CommandPath())
		}
	}
}
