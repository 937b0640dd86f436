package imagenet

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// sixClasses stand for ImageNet's 1,000; the published sets hold some of them.
const sixClasses = `n00000010 tench, Tinca tinca
n00000020 goldfish, Carassius auratus
n00000030 great white shark
n00000040 tiger shark
n00000050 hammerhead
n00000060 electric ray
`

// readme is laid out as that of the published sets: words, then a WordNet id and a
// name a line.
const readme = `The ImageNet-A dataset contains 7,500 natural adversarial examples.

@article{hendrycks2019nae,
  title={Natural Adversarial Examples},
}

There are 200 classes we consider. The WordNet ID and a description of each class is as follows.

n00000020 goldfish
n00000050 hammerhead
`

func openNatural(t *testing.T, source string) (*dataset.Opened, error) {
	t.Helper()
	o, err := dataset.Catalog(NaturalKinds()).Open(t.Context(), source)
	if err == nil {
		t.Cleanup(func() { o.Dataset.Close() })
	}
	return o, err
}

// imagenetA is a folder as the archive of ImageNet-A has it.
func imagenetA(t *testing.T) map[string][]byte {
	return map[string][]byte{
		"imagenet-a/README.txt": []byte(readme),
		"imagenet-a/n00000020/0.000116_digital clock _ digital clock_0.865662.jpg": datasettest.PNG(t, 6, 5, 1),
		"imagenet-a/n00000050/0.000116_digital clock _ digital clock_0.865662.jpg": datasettest.PNG(t, 6, 5, 2),
		"imagenet-a/n00000050/0.003_jay _ jay_0.5.jpg":                             datasettest.PNG(t, 6, 5, 3),
	}
}

func TestImageNetA(t *testing.T) {
	files := imagenetA(t)
	files["synset_words.txt"] = []byte(sixClasses)
	dir := datasettest.Write(t, t.TempDir(), files)
	datasettest.Run(t, 3, nil, func(t *testing.T) dataset.Dataset {
		o, err := openNatural(t, "imagenet-a:"+dir)
		if err != nil {
			t.Fatal(err)
		}
		return o.Dataset
	})
	for _, source := range []string{"imagenet-a:" + dir, "imagenet-a:" + filepath.Join(dir, "imagenet-a"), "imagenet-a:" + filepath.Join(dir, "imagenet-a") + "?limit=2"} {
		o, err := openNatural(t, source)
		if err != nil {
			t.Fatal(err)
		}
		d := o.Dataset
		if len(d.Classes()) != 6 || d.Classes()[4] != "n00000050 hammerhead" {
			t.Errorf("%s: classes %q", source, d.Classes())
		}
		if got := dataset.ClassSubset(d); !slices.Equal(got, []dataset.Label{1, 4}) {
			t.Errorf("%s: models choose among %v", source, got)
		}
		first, last := d.Example(0), d.Example(d.Len()-1)
		if first.ID != "n00000020/0.000116_digital clock _ digital clock_0.865662.jpg" || first.Label != 1 || last.Label != 4 {
			t.Errorf("%s: %+v and %+v", source, first, last)
		}
		if notes := strings.Join(o.Notes, "\n"); !strings.Contains(notes, "there are 2 class folders, imagenet-a has 200") || strings.Contains(notes, "README") {
			t.Errorf("%s: notes:\n%s", source, notes)
		}
	}
}

// TestImageNetR: file names repeat between classes and say what kind of picture it
// is.
func TestImageNetR(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), map[string][]byte{
		"imagenet-r/README.txt":             []byte(readme),
		"imagenet-r/n00000010/art_0.jpg":    datasettest.PNG(t, 6, 5, 1),
		"imagenet-r/n00000020/art_0.jpg":    datasettest.PNG(t, 6, 5, 2),
		"imagenet-r/n00000020/toy_12.jpg":   datasettest.PNG(t, 6, 5, 3),
		"imagenet-r/n00000020/Untitled.jpg": datasettest.PNG(t, 6, 5, 4),
		"imagenet-r/n00000060/sketch_0.jpg": datasettest.PNG(t, 6, 5, 5),
		"lists/LOC_synset_mapping.txt":      []byte(sixClasses),
		"imagenet/train/n00000010/a.JPEG":   datasettest.PNG(t, 6, 5, 6),
		"imagenet/train/n00000020/a.JPEG":   datasettest.PNG(t, 6, 5, 6),
		"imagenet/train/n00000060/a.JPEG":   datasettest.PNG(t, 6, 5, 6),
		"imagenet/train/n00000070/a.JPEG":   datasettest.PNG(t, 6, 5, 6),
	})
	data := "imagenet-r:" + dir + "?synsets="
	o, err := openNatural(t, data+filepath.Join(dir, "lists", "LOC_synset_mapping.txt"))
	if err != nil {
		t.Fatal(err)
	}
	d := o.Dataset
	if a := d.Attributes(); len(a) != 1 || a[0].Name != "rendition" || !slices.Equal(a[0].Values, []string{"art", "sketch", "toy"}) {
		t.Fatalf("attributes %+v", a)
	}
	got := map[dataset.ExampleID]int32{}
	for i := range d.Len() {
		got[d.Example(i).ID] = d.Example(i).Attributes[0]
	}
	want := map[dataset.ExampleID]int32{
		"n00000010/art_0.jpg": 0, "n00000020/art_0.jpg": 0, "n00000020/toy_12.jpg": 2, "n00000020/Untitled.jpg": dataset.Missing, "n00000060/sketch_0.jpg": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("renditions %v, want %v", got, want)
	}
	if notes := strings.Join(o.Notes, "\n"); !strings.Contains(notes, "1 classes that README.txt names have no folder: n00000050") {
		t.Errorf("notes:\n%s", notes)
	}
	// the classes of an ImageNet folder, and their numbers there
	if o, err = openNatural(t, data+filepath.Join(dir, "imagenet")); err != nil {
		t.Fatal(err)
	}
	if got := dataset.ClassSubset(o.Dataset); !slices.Equal(got, []dataset.Label{0, 1, 2}) || len(o.Dataset.Classes()) != 4 {
		t.Errorf("models choose among %v of %q", got, o.Dataset.Classes())
	}
}

func TestNaturalIsRefused(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), imagenetA(t))
	short := filepath.Join(datasettest.Write(t, t.TempDir(), map[string][]byte{"synsets.txt": []byte("n00000010\nn00000020\n")}), "synsets.txt")
	for _, c := range []struct{ source, want string }{
		{"imagenet-a:" + dir, "give synsets=FILE"},
		{"imagenet-a:" + dir + "?synsets=" + short, "class folder n00000050 is none of the 2 classes listed in " + short},
		{"imagenet-a:" + dir + "?synsets=" + filepath.Join(dir, "none.txt"), "none.txt"},
		{"imagenet-a:" + dir + "?synsets=" + t.TempDir(), "neither a list of classes nor class folders"},
		{"imagenet-r:" + t.TempDir(), "lethe data list imagenet-r"},
		{"imagenet-r:" + filepath.Join(dir, "none"), "none"},
	} {
		if _, err := openNatural(t, c.source); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.source, err, c.want)
		}
	}
}
