package cli

import (
	"archive/zip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/lockfile"
)

// markedAudit makes images of two classes, an audit of predictions on them and
// marks of three examples; the image of the last is missing.
func markedAudit(t *testing.T, dir string) {
	t.Helper()
	var preds strings.Builder
	table := csv.NewWriter(&preds)
	_ = table.Write([]string{"id", "label", "a", "b"}) // into a builder
	for i := range 8 {
		class := []string{"cat", `polar "bear"`}[i%2]
		if err := os.MkdirAll(filepath.Join(dir, "pictures", class), 0o755); err != nil {
			t.Fatal(err)
		}
		id := filepath.ToSlash(filepath.Join(class, fmt.Sprintf("%d.png", i)))
		f, err := os.Create(filepath.Join(dir, "pictures", id))
		if err != nil {
			t.Fatal(err)
		}
		m := image.NewRGBA(image.Rect(0, 0, 5, 4))
		for p := range 20 {
			m.SetRGBA(p%5, p/5, color.RGBA{uint8(10 * p), uint8(30 * i), 7, 255})
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		_ = table.Write([]string{id, fmt.Sprint(i % 2), fmt.Sprint(i % 2), fmt.Sprint((i/2 + i) % 2)})
	}
	table.Flush()
	write(t, dir, "preds.csv", preds.String())
	write(t, dir, "names.txt", "cat\npolar \"bear\"\n")
	must(t, dir, "audit", "preds.csv", "--baseline", "fp32=a", "--candidate", "int8=b", "--class-names", "names.txt", "--min-n", "1", "-o", "audit")
	write(t, dir, filepath.Join("audit", "marks.jsonl"), `{"lethe_marks":1}
{"id":"cat/2.png","variant":"int8","verdict":"confirmed","at":"2026-11-24T14:00:00Z"}
{"id":"polar \"bear\"/3.png","variant":"int8","verdict":"confirmed","note":"n","at":"2026-11-24T14:00:01Z"}
{"id":"cat/4.png","verdict":"ambiguous","at":"2026-11-24T14:00:02Z"}
{"id":"cat/6.png","verdict":"confirmed","at":"2026-11-24T14:00:03Z"}
`)
	if err := os.Remove(filepath.Join(dir, "pictures", "cat", "6.png")); err != nil {
		t.Fatal(err)
	}
}

// TestMarksWithImages: every export with images, and the regression set read
// back as data: same ids, classes and pixels.
func TestMarksWithImages(t *testing.T) {
	dir := t.TempDir()
	markedAudit(t, dir)
	const source = "imagefolder:pictures"
	code, _, stderr := run(t, dir, "marks", "audit", "--format", "folder", "--data", source, "-o", "set")
	if code != ExitError || !strings.Contains(stderr, `lacks 1 of the audit's 8 examples ("cat/6.png")`) {
		t.Fatalf("data that lack an example: exit code %d\n%s", code, stderr)
	}
	code, _, stderr = run(t, dir, "marks", "audit", "--format", "folder", "--data", source, "-o", "set", "--partly")
	if code != ExitOK || !strings.Contains(stderr, `left out 1 example without an image: "cat/6.png"`) || !strings.Contains(stderr, "set: 2 marks") {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	original, err := dataKinds().Open(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataKinds().Open(t.Context(), "csv:set/examples.csv?classes=set/classes.txt")
	if err != nil {
		t.Fatal(err)
	}
	byID := map[dataset.ExampleID]int{}
	for i := range original.Dataset.Len() {
		byID[original.Dataset.Example(i).ID] = i
	}
	if set.Dataset.Len() != 2 || strings.Join(set.Dataset.Classes(), ",") != `cat,polar "bear"` {
		t.Errorf("%d examples of classes %q", set.Dataset.Len(), set.Dataset.Classes())
	}
	for i := range set.Dataset.Len() {
		e := set.Dataset.Example(i)
		j, ok := byID[e.ID]
		if !ok || e.Label != original.Dataset.Example(j).Label {
			t.Fatalf("%q of class %d is not in the data", e.ID, e.Label)
		}
		got, err := set.Dataset.Image(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		want, err := original.Dataset.Image(t.Context(), j)
		if err != nil || string(got.RGB().Pix) != string(want.RGB().Pix) {
			t.Errorf("%q has other pixels: %v", e.ID, err)
		}
	}
	if code, _, stderr := run(t, dir, "marks", "audit", "--format", "folder", "--data", source, "-o", "set", "--partly"); code != ExitError || !strings.Contains(stderr, "set is there already: --force replaces it") {
		t.Errorf("over another folder: exit code %d\n%s", code, stderr)
	}
	if code, _, stderr := run(t, dir, "marks", "audit", "--format", "fiftyone", "--verdict", "low-quality", "--data", source, "-o", "none", "--partly"); code != ExitError || !strings.Contains(stderr, "none of its 4 marks has the verdict low-quality") {
		t.Errorf("nothing to export: exit code %d\n%s", code, stderr)
	}
	must(t, dir, "marks", "audit", "--format", "fiftyone", "--data", source, "-o", "fo", "--partly")
	text, err := os.ReadFile(filepath.Join(dir, "fo", "samples.json"))
	var samples struct {
		Samples []struct {
			ID      string `json:"lethe_id"`
			Truth   struct{ Label string }
			Variant *struct{ Label string }
		} `json:"samples"`
	}
	if err := json.Unmarshal(text, &samples); err != nil {
		t.Fatal(err)
	}
	if err != nil || len(samples.Samples) != 3 || samples.Samples[1].ID != "cat/4.png" || samples.Samples[1].Variant != nil || samples.Samples[0].Variant == nil {
		t.Errorf("samples %s, %v", text, err)
	}
	must(t, dir, "marks", "audit", "--format", "labelstudio", "--data", source, "-o", "ls.zip", "--partly", "--force")
	z, err := zip.OpenReader(filepath.Join(dir, "ls.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if n := len(z.File); n != 3+4 { // images; tasks, config, README, missing
		t.Errorf("%d files in the zip file", n)
	}
	f, err := os.Open(filepath.Join(dir, "set", "marks.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := csv.NewReader(f).ReadAll(); err != nil || len(rows) != 3 {
		t.Errorf("marks.csv: %q, %v", rows, err)
	}
}

// TestKeepMarks: an audit that is served is not replaced.
func TestKeepMarks(t *testing.T) {
	old, fresh := t.TempDir(), t.TempDir()
	if err := keepMarks(old, fresh); err != nil {
		t.Errorf("without marks: %v", err)
	}
	lock, err := lockfile.Acquire(filepath.Join(old, "marks.jsonl.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := keepMarks(old, fresh); err == nil || !strings.Contains(err.Error(), fmt.Sprint("is served by process ", os.Getpid())) {
		t.Errorf("while it is served: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if err := keepMarks(old, fresh); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
