package cli

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/onnx"
)

// colors of six classes; pictures are of such a color with noise.
var sixColors = [6][3]float64{{200, 40, 40}, {40, 200, 40}, {40, 40, 200}, {190, 190, 40}, {190, 40, 190}, {40, 190, 190}}

// colored writes a picture of a class.
func colored(t *testing.T, name string, class int, noise float64, rng *rand.Rand) {
	t.Helper()
	im := image.NewRGBA(image.Rect(0, 0, 8, 8))
	var shift [3]float64
	for c := range shift {
		shift[c] = noise * rng.NormFloat64()
	}
	for i := range 64 {
		v := func(c int) uint8 { return uint8(min(255, max(0, sixColors[class][c]+shift[c]+8*rng.NormFloat64()))) }
		im.Set(i%8, i/8, color.RGBA{v(0), v(1), v(2), 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// colorModel writes a classifier of the six colors, by the mean of each channel,
// whose weights are blurred by noise.
func colorModel(t *testing.T, path string, noise float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	w, b := make([]float32, 18), make([]float32, 6)
	for c, rgb := range sixColors { // −|x − color|² without |x|²
		for k, v := range rgb {
			w[3*c+k] = float32(20 * 2 * v / 255 * (1 + noise*rng.NormFloat64()))
			b[c] -= float32(20 * v / 255 * v / 255)
		}
	}
	tensor := func(name string, v []float32, dims ...int64) *onnx.Tensor {
		x, err := onnx.TensorOf(name, v, dims...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	value := func(name string, dims ...onnx.Dim) *onnx.ValueInfo {
		return &onnx.ValueInfo{Name: name, Type: onnx.TypeShape{Elem: onnx.Float, Shape: append([]onnx.Dim{onnx.Symbol("N")}, dims...)}}
	}
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Name: "color", Inputs: []*onnx.ValueInfo{value("x", onnx.Fixed(3), onnx.Fixed(8), onnx.Fixed(8))}, Outputs: []*onnx.ValueInfo{value("y", onnx.Fixed(6))},
		Initializers: []*onnx.Tensor{tensor("w", w, 6, 3), tensor("b", b, 6)},
		Nodes: []*onnx.Node{
			{Name: "pool", Op: "GlobalAveragePool", Inputs: []string{"x"}, Outputs: []string{"p"}},
			{Name: "flat", Op: "Flatten", Inputs: []string{"p"}, Outputs: []string{"f"}},
			{Name: "fc", Op: "Gemm", Inputs: []string{"f", "w", "b"}, Outputs: []string{"y"}, Attrs: []*onnx.Attr{onnx.IntAttr("transB", 1)}},
		},
	}}
	if err := onnx.Save(m, path, onnx.DefaultSaveOptions()); err != nil {
		t.Fatal(err)
	}
}

// imagenetFolders writes a small ImageNet of six classes and an ImageNet-A of two of
// them, laid out as they are distributed.
func imagenetFolders(t *testing.T, dir string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	wnid := func(c int) string { return fmt.Sprintf("n000000%d0", c+1) }
	var synsets strings.Builder
	for c := range sixColors {
		fmt.Fprintf(&synsets, "%s color %d, shade\n", wnid(c), c)
		for i := range 40 {
			colored(t, filepath.Join(dir, "imagenet", "val", wnid(c), fmt.Sprintf("ILSVRC2012_val_%08d.png", 40*c+i)), c, 45, rng)
		}
	}
	for _, c := range []int{1, 4} {
		for i := range 40 {
			colored(t, filepath.Join(dir, "imagenet-a", wnid(c), fmt.Sprintf("0.%06d_color %d _ color %d_0.9.png", i, c, c)), c, 90, rng)
		}
	}
	for name, text := range map[string]string{
		"imagenet/LOC_synset_mapping.txt": synsets.String(),
		"imagenet-a/README.txt":           "There are 200 classes we consider.\n\nn00000020 color 1\nn00000050 color 4\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestImageNetA: from the folders to the report, choices among the classes of the
// set beside those among all.
func TestImageNetA(t *testing.T) {
	dir := t.TempDir()
	imagenetFolders(t, dir)
	colorModel(t, filepath.Join(dir, "fp32.onnx"), 0)
	colorModel(t, filepath.Join(dir, "int4.onnx"), 0.12)
	must(t, dir, "predict", "fp32.onnx", "int4.onnx", "--data", "imagenet:imagenet", "-o", "clean")
	code, out, errs := run(t, dir, "predict", "fp32.onnx", "int4.onnx", "--data", "imagenet-a:imagenet-a?synsets=imagenet", "--as-shift", "imagenet-a", "-o", "shifted")
	if code != 0 || !strings.Contains(errs, "there are 2 class folders, imagenet-a has 200 as published") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	first, all, ok := strings.Cut(out, "These are choices among the 2 classes of the data. Among all 6:\n")
	accuracy := regexp.MustCompile(`(?m)^fp32\.onnx +(\d+\.\d\d) %`)
	among, whole := accuracy.FindStringSubmatch(first), accuracy.FindStringSubmatch(all)
	if !ok || among == nil || whole == nil || among[1] == whole[1] {
		t.Fatalf("accuracies among the classes of the data and among all:\n%s", out)
	}
	must(t, dir, "audit", "clean", "--shifted", "shifted", "-o", "audit")
	for _, format := range []string{"text", "markdown", "html"} {
		code, report, errs := run(t, dir, "--quiet", "report", "audit", "--format", format)
		if code != 0 {
			t.Fatalf("%s: exit code %d\n%s", format, code, errs)
		}
		for _, want := range []string{
			"imagenet-a", "such a baseline is at a floor there", "compares with the clean examples of these classes, chosen among the same ones",
			"among all classes, fp32 is right on " + whole[1] + " %",
		} {
			if !strings.Contains(strings.Join(strings.Fields(report), " "), want) {
				t.Errorf("%s: no %q in the report\n%s", format, want, report)
			}
		}
	}
	if code, _, errs := run(t, dir, "predict", "fp32.onnx", "--data", "imagenet-a:imagenet-a", "-o", "none"); code != 2 || !strings.Contains(errs, "give synsets=FILE") {
		t.Errorf("without a list of all classes: exit code %d, %s", code, errs)
	}
}
