package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
	"github.com/lethe-audit/lethe/internal/realdata"
)

// A folder of pictures is checked as it stands: the same picture in two splits
// and an image that is cut short are found.
func TestDataCheck(t *testing.T) {
	files := map[string][]byte{}
	for i := range 150 {
		class := []string{"cat", "dog", "elk"}[i%3]
		files[fmt.Sprintf("train/%s/%03d.png", class, i)] = datasettest.PNG(t, 20, 10, uint8(i))
		if i < 30 {
			files[fmt.Sprintf("test/%s/%03d.png", class, i)] = datasettest.PNG(t, 20, 10+i%2, uint8(200-i))
		}
	}
	files["test/dog/000.png"] = files["train/cat/006.png"]
	cut := files["train/elk/005.png"]
	files["train/elk/005.png"] = cut[:len(cut)-20]
	dir := datasettest.Write(t, filepath.Join(t.TempDir(), "pets"), files)

	code, out, errs := run(t, dir, "--quiet", "data", "check", "imagefolder:.")
	if code != ExitOK {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{
		"test: pets, 31 examples, 3 classes\n  images: 31 decoded, height 10 to 11, width 20 to 20 pixels (resize and crop are needed)\n  classes: cat 10, dog 11, elk 10\n",
		"train: pets, 150 examples, 3 classes\n  images: 149 decoded, 10x20 pixels\n",
		"  cannot be read: 1 image (0.67 %): 1 corrupt\n    train",
		"duplicates: 1 image with the pixels of an earlier one; with another label 1, in another split 1\n",
		"nothing else is wrong; that 1 image cannot be read is within the limit of 1 %\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	code, out, _ = run(t, dir, "--quiet", "data", "check", "imagefolder:.?split=train", "--json", "--bad-limit", "0.001")
	var check dataset.Check
	if err := json.Unmarshal([]byte(out), &check); err != nil {
		t.Fatal(err)
	}
	if code != ExitError || len(check.Splits) != 1 || len(check.Problems) != 1 || check.Splits[0].Bad[0].ID != "elk/005.png" {
		t.Errorf("exit code %d, %+v", code, check)
	}
}

// Published data is recognized by its content.
func TestDataCheckReal(t *testing.T) {
	dir := realdata.Path(t, "fashion-mnist")
	code, out, errs := run(t, t.TempDir(), "--quiet", "data", "check", "idx:"+dir+"?split=test")
	want := "  fashion-mnist: 4 of 4 files have the published content\n\ntest: fashion-mnist, 10,000 examples, 10 classes\n  images: 10,000 decoded, 28x28 pixels\n  classes: 1,000 examples each\n"
	if code != ExitOK || !strings.Contains(out, want) {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// Every kind has a page, every known set names a kind and says how to get it.
func TestDataKinds(t *testing.T) {
	kinds := dataKinds()
	for _, name := range dataNames() {
		if _, err := dataPage(name); err != nil {
			t.Error(err)
		}
	}
	for _, k := range kinds {
		for _, o := range k.Options {
			// A kind whose files are corrupted already takes the names over.
			takes := k.Shift == nil && (o.Name == "corruption" || o.Name == "severity")
			if !takes && slices.ContainsFunc(dataset.CommonOptions(), func(c dataset.OptionInfo) bool { return c.Name == o.Name }) {
				t.Errorf("%s: option %s is one that every kind has", k.Name, o.Name)
			}
		}
		for _, s := range k.Known {
			if src, err := dataset.ParseSource(s.Source); err != nil || src.Kind != k.Name || src.Path != "DIR" {
				t.Errorf("%s: source %q of kind %s", s.Name, s.Source, k.Name)
			}
			if s.Terms == "" || s.Page == "" || (s.Manual == "") == (len(s.Downloads) == 0) {
				t.Errorf("%s: no terms, no page, or no way to get it", s.Name)
			}
			for _, d := range s.Downloads {
				if _, _, err := dataset.NewHash(d.Digest); err != nil || filepath.Base(d.URL) != d.Name || d.Bytes == 0 {
					t.Errorf("%s: %+v: %v", s.Name, d, err)
				}
			}
		}
	}
}
