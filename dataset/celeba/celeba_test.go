package celeba

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

const attributesText = `6
Blond_Hair Male Smiling Young
000001.jpg -1  1  1 -1
000002.jpg  1 -1  1  1
000003.jpg -1 -1 -1  1
000004.jpg  1  1 -1 -1
000005.jpg -1 -1  1 -1
000006.jpg -1  1 -1  1
`

const partitionText = "000001.jpg 0\n000002.jpg 0\n000003.jpg 1\n000004.jpg 2\n000005.jpg 2\n000006.jpg 2\n"

// folder is a small CelebA. Its pictures are PNG files under JPEG's name:
// content decides.
func folder(t *testing.T, kaggle bool) string {
	files := map[string][]byte{}
	images := "img_align_celeba/"
	if kaggle {
		images += "img_align_celeba/"
		files["list_attr_celeba.csv"] = []byte("image_id," + csv(attributesText))
		files["list_eval_partition.csv"] = []byte("image_id,partition\n" + strings.ReplaceAll(partitionText, " ", ","))
	} else {
		files["list_attr_celeba.txt"], files["list_eval_partition.txt"] = []byte(attributesText), []byte(partitionText)
	}
	for i := 1; i <= 5; i++ {
		files[fmt.Sprintf("%s%06d.jpg", images, i)] = datasettest.PNG(t, 8, 9, uint8(i))
	}
	return datasettest.Write(t, t.TempDir(), files)
}

// csv is the publisher's list without its first line, with commas.
func csv(text string) string {
	_, text, _ = strings.Cut(text, "\n")
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, strings.Join(strings.Fields(line), ","))
	}
	return strings.Join(out, "\n") + "\n"
}

func get(t *testing.T, dir string, split dataset.Split, options map[string]string) dataset.Dataset {
	t.Helper()
	d, err := open(t.Context(), dataset.Request{Path: dir, Split: split, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSuite(t *testing.T) {
	for _, kaggle := range []bool{false, true} {
		dir := folder(t, kaggle)
		// 000006.jpg is listed and not there.
		datasettest.Run(t, 2, []dataset.ExampleID{"000006.jpg"}, func(t *testing.T) dataset.Dataset {
			return get(t, dir, dataset.SplitTest, nil)
		})
	}
}

func TestTargetAndGroups(t *testing.T) {
	dir := folder(t, false)
	for _, c := range []struct {
		split   dataset.Split
		options map[string]string
		want    string
	}{
		{dataset.SplitTest, nil, "not Blond_Hair/Blond_Hair Male Young: 000004.jpg=1[1 0] 000005.jpg=0[0 0] 000006.jpg=0[1 1]"},
		{dataset.SplitTrain, map[string]string{"target": "Smiling", "groups": "none"}, "not Smiling/Smiling: 000001.jpg=1[] 000002.jpg=1[]"},
		{dataset.SplitValidation, map[string]string{"target": "Young", "groups": "Young,Male"}, "not Young/Young Young Male: 000003.jpg=1[1 0]"},
	} {
		d := get(t, dir, c.split, c.options)
		got := strings.Join(d.Classes(), "/")
		for _, a := range d.Attributes() {
			got += " " + a.Name
		}
		got += ":"
		for i := range d.Len() {
			e := d.Example(i)
			got += fmt.Sprintf(" %s=%d%v", e.ID, e.Label, e.Attributes)
		}
		if got != c.want {
			t.Errorf("%v:\n got %s\nwant %s", c.options, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	good := func() map[string][]byte {
		return map[string][]byte{
			"list_attr_celeba.txt": []byte(attributesText), "list_eval_partition.txt": []byte(partitionText),
			"img_align_celeba/000004.jpg": datasettest.PNG(t, 1, 1, 0),
		}
	}
	for name, c := range map[string]struct {
		change  func(map[string][]byte)
		options map[string]string
		want    string
	}{
		"no images":      {func(f map[string][]byte) { delete(f, "img_align_celeba/000004.jpg") }, nil, "img_align_celeba/000001.jpg"},
		"no attributes":  {func(f map[string][]byte) { delete(f, "list_attr_celeba.txt") }, nil, "not found: list_attr_celeba.txt"},
		"no partition":   {func(f map[string][]byte) { delete(f, "list_eval_partition.txt") }, nil, "not found: list_eval_partition.txt"},
		"unknown target": {nil, map[string]string{"target": "Blonde_Hair"}, "did you mean Blond_Hair?"},
		"unknown group":  {nil, map[string]string{"groups": "Male,Yuong"}, "did you mean Young?"},
		"cut short":      {func(f map[string][]byte) { f["list_attr_celeba.txt"] = []byte(attributesText[:len(attributesText)-24]) }, nil, "promises 6 images, there are 5"},
		"a value missing": {func(f map[string][]byte) {
			f["list_attr_celeba.txt"] = []byte(strings.Replace(attributesText, "000004.jpg  1", "000004.jpg", 1))
		}, nil, "line 6: 3 values, there are 4 attributes"},
		"an odd value": {func(f map[string][]byte) {
			f["list_attr_celeba.txt"] = []byte(strings.Replace(attributesText, "000004.jpg  1", "000004.jpg 2", 1))
		}, nil, `line 6: Blond_Hair: value "2"`},
		"an odd split":     {func(f map[string][]byte) { f["list_eval_partition.txt"] = []byte("000001.jpg 3\n") }, nil, `line 1: split "3"`},
		"twice in a split": {func(f map[string][]byte) { f["list_eval_partition.txt"] = []byte("a.jpg 1\na.jpg 2\n") }, nil, "line 2: a.jpg is there twice"},
		"an empty list":    {func(f map[string][]byte) { f["list_attr_celeba.txt"] = nil }, nil, "no attribute names"},
	} {
		files := good()
		if c.change != nil {
			c.change(files)
		}
		dir := datasettest.Write(t, t.TempDir(), files)
		_, err := open(t.Context(), dataset.Request{Path: dir, Split: dataset.SplitTest, Options: c.options})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := open(t.Context(), dataset.Request{Path: t.TempDir() + "/nowhere", Split: dataset.SplitTest}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestNotes(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), map[string][]byte{
		"list_attr_celeba.txt": []byte(attributesText), "list_eval_partition.txt": []byte("000004.jpg 2\n000009.jpg 2\n"),
		"img_align_celeba/000004.jpg": datasettest.PNG(t, 1, 1, 0),
	})
	d := get(t, dir, dataset.SplitTest, nil)
	notes := strings.Join(dataset.NotesOf(d), "; ")
	if want := "5 images have attributes and are in no split: not read; 1 images are in a split and have no attributes: not read"; d.Len() != 1 || notes != want {
		t.Errorf("%d examples, notes %q, want 1 and %q", d.Len(), notes, want)
	}
}

func FuzzAttributes(f *testing.F) {
	f.Add(attributesText, "Male")
	f.Add("image_id,Male\n1.jpg,-1\n", "Male")
	f.Add("2\nMale\na 1\n", "Male")
	f.Fuzz(func(t *testing.T, text, name string) {
		c, err := parseAttributes(strings.NewReader(text), []string{name})
		if err != nil {
			return
		}
		if len(c.values) != len(c.files)*c.width {
			t.Fatalf("%d values for %d files", len(c.values), len(c.files))
		}
		for _, v := range c.values {
			if v != 0 && v != 1 {
				t.Fatalf("value %d", v)
			}
		}
	})
}

func FuzzPartition(f *testing.F) {
	f.Add(partitionText)
	f.Add("image_id,partition\na.jpg,2\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parsePartition(strings.NewReader(text))
		if err == nil && len(got) == 0 {
			t.Fatal("no images and no error")
		}
	})
}
