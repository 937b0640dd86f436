package imagefolder

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// pictures are files of the given names; each is another picture.
func pictures(t *testing.T, names ...string) map[string][]byte {
	out := map[string][]byte{}
	for i, n := range names {
		out[n] = datasettest.PNG(t, 5+i, 4, uint8(i))
	}
	return out
}

// list is "id=class" of all examples.
func list(d dataset.Dataset) string {
	var out []string
	for i := range d.Len() {
		e := d.Example(i)
		out = append(out, fmt.Sprintf("%s=%s", e.ID, d.Classes()[e.Label]))
	}
	return strings.Join(out, " ")
}

func TestSuite(t *testing.T) {
	files := pictures(t, "cat/1.png", "cat/deep/2.PNG", "dog/3.png")
	files["dog/cut.png"] = files["dog/3.png"][:40]
	files["dog/text.jpg"] = []byte("no picture")
	files["dog/empty.png"] = nil
	dir := datasettest.Write(t, t.TempDir(), files)
	bad := []dataset.ExampleID{"dog/cut.png", "dog/text.jpg", "dog/empty.png"}
	datasettest.Run(t, 3, bad, func(t *testing.T) dataset.Dataset {
		d, err := open(t.Context(), dataset.Request{Path: dir})
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

func TestLayouts(t *testing.T) {
	cases := []struct {
		name   string
		files  []string
		folder string // made, left empty
		split  dataset.Split
		want   string // list of examples
		note   string
	}{
		{"flat", []string{"b/1.png", "a/2.png", "a/10.png"}, "", "", "a/10.png=a a/2.png=a b/1.png=b", ""},
		{"test is the default", []string{"train/a/1.png", "test/a/2.png", "val/a/3.png"}, "", "", "a/2.png=a", ""},
		{"else validation", []string{"train/a/1.png", "val/a/3.png"}, "", "", "a/3.png=a", "there is no test split: this is the validation split"},
		{"by name", []string{"train/a/1.png", "val/a/3.png"}, "", dataset.SplitTrain, "a/1.png=a", ""},
		// Class b has no test images; c must still be number 2.
		{"numbers hold over splits", []string{"train/a/1.png", "train/b/2.png", "train/c/3.png", "test/a/4.png", "test/c/5.png"}, "", dataset.SplitTest, "a/4.png=a c/5.png=c", "class b has no images"},
		{"a class named train", []string{"train/1.png", "bus/2.png"}, "", "", "bus/2.png=bus train/1.png=train", ""},
		{"an empty class", []string{"a/1.png"}, "b", "", "a/1.png=a", "class b has no images"},
		{"other files", []string{"a/1.png", "a/readme.txt"}, "", "", "a/1.png=a", "class a: 1 files are no images: a/readme.txt"},
		{"hidden files", []string{"a/1.png", "a/.2.png", ".git/3.png"}, "", "", "a/1.png=a", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := datasettest.Write(t, t.TempDir(), pictures(t, c.files...))
			if c.folder != "" {
				if err := os.Mkdir(filepath.Join(dir, c.folder), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			d, err := open(t.Context(), dataset.Request{Path: dir, Split: c.split})
			if err != nil {
				t.Fatal(err)
			}
			if got := list(d); got != c.want {
				t.Errorf("examples %s\n    want %s", got, c.want)
			}
			notes := dataset.NotesOf(d)
			if c.note == "" && len(notes) > 0 || c.note != "" && !slices.Contains(notes, c.note) {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

func TestNumbersOfClasses(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), pictures(t, "train/a/1.png", "train/b/2.png", "train/c/3.png", "test/a/4.png", "test/c/5.png"))
	d, err := open(t.Context(), dataset.Request{Path: dir, Split: dataset.SplitTest})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Example(1).Label; got != 2 {
		t.Errorf("class c is number %d in the test split, want 2", got)
	}
}

func TestLinks(t *testing.T) {
	elsewhere := datasettest.Write(t, t.TempDir(), pictures(t, "1.png"))
	dir := datasettest.Write(t, t.TempDir(), pictures(t, "b/2.png"))
	if err := os.Symlink(elsewhere, filepath.Join(dir, "a")); err != nil {
		t.Skip(err)
	}
	d, err := open(t.Context(), dataset.Request{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := list(d); got != "a/1.png=a b/2.png=b" {
		t.Errorf("examples %s", got)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "b", "circle")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t.Context(), dataset.Request{Path: dir}); err == nil || !strings.Contains(err.Error(), "nested more than") {
		t.Errorf("a circle of links: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		files []string
		split dataset.Split
		want  string
	}{
		{nil, "", "a folder for each class"},
		{[]string{"1.png", "2.png"}, "", "a folder for each class"},
		{[]string{"a/1.png"}, dataset.SplitTrain, "not divided into splits"},
		{[]string{"train/a/1.png", "val/a/2.png"}, dataset.SplitTest, "split test (there are: train, validation)"},
		{[]string{"val/a/1.png", "valid/a/2.png"}, "", "both val and valid are the validation split"},
	} {
		dir := datasettest.Write(t, t.TempDir(), pictures(t, c.files...))
		_, err := open(t.Context(), dataset.Request{Path: dir, Split: c.split})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.files, err, c.want)
		}
	}
}

func TestFindSplits(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), pictures(t, "val/a/1.png", "train/a/2.png", "notes/read.txt"))
	got, err := Kind().FindSplits(t.Context(), dataset.Request{Path: dir})
	if err != nil || !slices.Equal(got, []dataset.Split{dataset.SplitTrain, dataset.SplitValidation}) {
		t.Errorf("splits %v, error %v", got, err)
	}
}
