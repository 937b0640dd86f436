package importer

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/realdata"
	"github.com/lethe-audit/lethe/prediction"
)

// python is the interpreter that the snippets run with.
func python(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		return "/usr/bin/python3"
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on this machine")
	}
	return path
}

// snippets are the named Python blocks of doc/predictions.md.
func snippets(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "doc", "predictions.md"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)<!-- snippet: ([a-z]+) -->\n```python\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		out[m[1]] = m[2]
	}
	return out
}

// A driver calls a snippet with a small model, and writes what it should have
// stored as expected.csv: one row an example, label and predicted class.
var drivers = map[string]struct {
	modules []string // one of them must be there
	code    string
	req     Request
}{
	"pytorch": {[]string{"torch"}, `
torch.manual_seed(1)
x, y = torch.randn(40, 6), torch.arange(40) % 3
loader = [(x[i:i+16], y[i:i+16]) for i in range(0, 40, 16)]
dense = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(8, 3))
half = torch.nn.Linear(6, 3)
save_logits(dense, loader, "dense.npy", "labels.npy")
save_logits(half, loader, "float16.npy", "labels.npy")
dense.eval()
expected(y.numpy(), dense(x).argmax(1).numpy(), half(x).argmax(1).numpy())
`, arrays("labels.npy", "dense.npy", "float16.npy")},
	"sklearn": {[]string{"sklearn"}, `
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
r = np.random.default_rng(1)
X = r.normal(size=(60, 4))
y = np.where(X[:, 0] + r.normal(size=60) > 0, "dog", "cat")
dense = LogisticRegression().fit(X, y)
tree = DecisionTreeClassifier(max_depth=2, random_state=1).fit(X, y)
save_table("p.csv", {"dense": {"lr": dense}, "pruned-0.5": {"tree": tree}}, X, y, [f"{i:03d}" for i in range(60)])
expected(y, dense.predict(X), tree.predict(X))
`, Request{Sources: []string{"p.csv"}}},
	"onnxruntime": {[]string{"onnxruntime"}, `
import os
images = np.random.default_rng(1).random((8, 3, 32, 32), dtype=np.float32)
models = [os.path.join(DATA, "models", "vnncomp21-cifar10-onnx", f"resnet_{k}b.onnx") for k in (2, 4)]
predicted = []
for m, name in zip(models, ["dense.npy", "new.npy"]):
    save_logits(m, images, name, batch=1)
    s = ort.InferenceSession(m, providers=["CPUExecutionProvider"])
    predicted.append(np.array([s.run(None, {s.get_inputs()[0].name: images[i:i+1]})[0].argmax() for i in range(8)]))
labels = np.arange(8)
np.save("labels.npy", labels)
expected(labels, *predicted)
`, arrays("labels.npy", "dense.npy", "new.npy")},
	"tflite": {[]string{"ai_edge_litert", "tflite_runtime"}, `
import os
images = np.random.default_rng(1).integers(0, 256, (8, 32, 32, 3)).astype(np.float32)
folder = os.path.join(DATA, "models", "mlperf-tiny-cifar10")
save_scores(os.path.join(folder, "pretrainedResnet.tflite"), images, "dense.npy")
save_scores(os.path.join(folder, "pretrainedResnet_quant.tflite"), images, "int8.npy")
labels = np.arange(8)
np.save("labels.npy", labels)
expected(labels, np.load("dense.npy").argmax(1), np.load("int8.npy").argmax(1))
`, arrays("labels.npy", "dense.npy", "int8.npy")},
}

const expectedCode = `
def expected(labels, *predicted):
    with open("expected.csv", "w") as f:
        for row in zip(labels, *predicted):
            f.write(",".join(str(v) for v in row) + "\n")

`

// Every snippet of doc/predictions.md is run where its tool is installed, and
// what it wrote is imported.
func TestSnippets(t *testing.T) {
	if testing.Short() {
		t.Skip("runs Python programs; left out by -short")
	}
	all := snippets(t)
	if len(all) != len(drivers) {
		t.Fatalf("doc/predictions.md has %d snippets, there are %d drivers", len(all), len(drivers))
	}
	for name, d := range drivers {
		t.Run(name, func(t *testing.T) {
			code, ok := all[name]
			if !ok {
				t.Fatalf("doc/predictions.md has no snippet %s", name)
			}
			py := python(t)
			have := false
			for _, m := range d.modules {
				have = have || exec.Command(py, "-c", "import "+m).Run() == nil
			}
			if !have {
				t.Skipf("the Python module %s is not installed", strings.Join(d.modules, " or "))
			}
			data := ""
			if strings.Contains(d.code, "DATA") {
				data = realdata.Path(t)
			}
			t.Chdir(t.TempDir())
			write(t, ".", "run.py", code+expectedCode+"DATA = "+`"""`+data+`"""`+"\n"+d.code)
			if out, err := exec.Command(py, "run.py").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			compareExpected(t, mustImport(t, d.req))
		})
	}
}

// compareExpected holds a table with one model a variant against expected.csv.
func compareExpected(t *testing.T, table *prediction.Table) {
	t.Helper()
	b, err := os.ReadFile("expected.csv")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for i := range table.Len() {
		got.WriteString(table.Classes[table.Labels.At(i)])
		for _, v := range table.Variants {
			got.WriteString("," + table.Classes[v.Members[0].Predicted.At(i)])
		}
		got.WriteString("\n")
	}
	if len(table.Variants) != 2 || got.String() != string(b) {
		t.Errorf("%d variants; imported\n%sthe snippet's models say\n%s", len(table.Variants), got.String(), b)
	}
	for _, v := range table.Variants {
		if v.Members[0].Confidence == nil {
			t.Errorf("%s has no confidence", v.Name)
		}
	}
}
