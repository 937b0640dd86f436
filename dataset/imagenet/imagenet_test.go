package imagenet

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

// The development kit's numbers in testdata/meta.mat (gen.py): 1 is n00000030,
// 2 is n00000010, 3 is n00000020; in the order of ids they are classes 2, 0, 1.

func valName(i int) string { return fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", i) }

func kit(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// flat are validation images 1 to n in one folder.
func flat(t *testing.T, dir string, n int) map[string][]byte {
	out := map[string][]byte{}
	for i := range n {
		out[dir+"/"+valName(i+1)] = datasettest.PNG(t, 6, 5, uint8(i))
	}
	return out
}

func with(files map[string][]byte, more map[string]string) map[string][]byte {
	for name, text := range more {
		files[name] = []byte(text)
	}
	return files
}

func list(d dataset.Dataset) string {
	var out []string
	for i := range d.Len() {
		e := d.Example(i)
		id := strings.TrimPrefix(strings.TrimSuffix(string(e.ID), ".JPEG"), "ILSVRC2012_val_0000000")
		out = append(out, fmt.Sprintf("%s=%d", id, e.Label))
	}
	return strings.Join(out, " ")
}

func TestSuite(t *testing.T) {
	files := with(flat(t, "val", 3), map[string]string{"val.txt": valName(1) + " 2\n" + valName(2) + " 0\n" + valName(3) + " 0\n" + valName(4) + " 1\n"})
	files["val/"+valName(2)] = files["val/"+valName(2)][:30]
	dir := datasettest.Write(t, t.TempDir(), files)
	bad := []dataset.ExampleID{dataset.ExampleID(valName(2)), dataset.ExampleID(valName(4))}
	datasettest.Run(t, 4, bad, func(t *testing.T) dataset.Dataset {
		d, err := open(t.Context(), dataset.Request{Path: dir, Split: dataset.SplitValidation})
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

// All ways to say the classes of the same four images must say the same.
func TestGroundTruth(t *testing.T) {
	const want = "1=2 2=0 3=0 4=1"
	const kitText = "1\n2\n2\n3\n"
	wnids := []string{"n00000030", "n00000010", "n00000010", "n00000020"}
	var byName, byOrder, kaggle strings.Builder
	kaggle.WriteString("ImageId,PredictionString\n")
	for i, w := range wnids {
		fmt.Fprintf(&byName, "%s %s\n", valName(i+1), w)
		fmt.Fprintln(&byOrder, w)
		fmt.Fprintf(&kaggle, "%s,%s 85 1 499 272 n00000099 1 2 3 4\n", strings.TrimSuffix(valName(i+1), ".JPEG"), w)
	}
	mapping := "n00000010 first thing\nn00000020 second thing, café\nn00000030 third thing, thing of all things\n"
	numbers := fmt.Sprintf("%s 2\n%s 0\n%s 0\n%s 1\n", valName(1), valName(2), valName(3), valName(4))
	named, ids, bare := "n00000010 first thing|n00000020 second thing|n00000030 third thing", "n00000010|n00000020|n00000030", "0|1|2"
	for name, c := range map[string]struct {
		folder  string
		files   map[string]string
		meta    string // where a copy of testdata/META lies
		classes string
	}{
		"development kit":         {"val", map[string]string{"ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt": kitText}, "ILSVRC2012_devkit_t12/data/meta.mat", named},
		"development kit, packed": {"val", map[string]string{"ILSVRC2012_validation_ground_truth.txt": kitText}, "meta.mat:meta_packed.mat", named},
		"Kaggle":                  {"ILSVRC/Data/CLS-LOC/val", map[string]string{"LOC_val_solution.csv": kaggle.String(), "LOC_synset_mapping.txt": mapping}, "", named},
		"ids by name":             {"val", map[string]string{"val.txt": byName.String()}, "", ids},
		"ids in order":            {"val", map[string]string{"imagenet_2012_validation_synset_labels.txt": byOrder.String()}, "", ids},
		"numbers and synsets":     {"val", map[string]string{"val.txt": numbers, "synset_words.txt": mapping}, "", named},
		"numbers alone":           {"val", map[string]string{"val.txt": numbers}, "", bare},
		"the folder itself":       {".", map[string]string{"val.txt": byName.String()}, "", ids},
	} {
		t.Run(name, func(t *testing.T) {
			files := with(flat(t, c.folder, 4), c.files)
			if at, from, ok := strings.Cut(c.meta, ":"); ok {
				files[at] = kit(t, from)
			} else if c.meta != "" {
				files[c.meta] = kit(t, "meta.mat")
			}
			d, err := open(t.Context(), dataset.Request{Path: datasettest.Write(t, t.TempDir(), files), Split: dataset.SplitTest})
			if err != nil {
				t.Fatal(err)
			}
			if got := list(d); got != want {
				t.Errorf("classes %s, want %s", got, want)
			}
			if got := strings.Join(d.Classes()[:3], "|"); got != c.classes {
				t.Errorf("names %s, want %s", got, c.classes)
			}
			if d.Example(0).Split != dataset.SplitValidation {
				t.Errorf("split %q", d.Example(0).Split)
			}
		})
	}
}

func TestFolders(t *testing.T) {
	files := map[string][]byte{}
	for i, n := range []string{"train/n00000020/n00000020_1.JPEG", "train/n00000010/n00000010_7.JPEG", "train/n00000030/n00000030_2.JPEG", "val/n00000030/" + valName(1), "val/n00000010/" + valName(2)} {
		files[n] = datasettest.PNG(t, 4, 4, uint8(i))
	}
	dir := datasettest.Write(t, t.TempDir(), files)
	for split, want := range map[dataset.Split]string{
		dataset.SplitTrain:      "n00000010_7=0 n00000020_1=1 n00000030_2=2",
		dataset.SplitValidation: "2=0 1=2", // the class without validation images keeps its number
	} {
		d, err := open(t.Context(), dataset.Request{Path: dir, Split: split})
		if err != nil {
			t.Fatal(err)
		}
		if got := list(d); got != want {
			t.Errorf("%s: %s, want %s", split, got, want)
		}
		if _, err := d.Image(t.Context(), 0); err != nil {
			t.Error(err)
		}
	}
	splits, err := Kind().FindSplits(t.Context(), dataset.Request{Path: dir})
	if err != nil || !slices.Equal(splits, []dataset.Split{dataset.SplitValidation, dataset.SplitTrain}) {
		t.Errorf("splits %v, error %v", splits, err)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		files   map[string]string
		meta    bool
		options map[string]string
		split   dataset.Split
		want    string
	}{
		"no truth":             {nil, false, nil, dataset.SplitValidation, "ILSVRC2012_validation_ground_truth.txt with meta.mat"},
		"kit without meta.mat": {map[string]string{"ILSVRC2012_validation_ground_truth.txt": "1\n2\n"}, false, nil, dataset.SplitValidation, "meta.mat of the kit is needed"},
		"unknown number":       {map[string]string{"ILSVRC2012_validation_ground_truth.txt": "1\n4\n"}, true, nil, dataset.SplitValidation, valName(2) + ": class 4 is none of the 3"},
		"unknown id":           {map[string]string{"val.txt": valName(1) + " n00000077\n", "synsets.txt": "n00000010\n"}, false, nil, dataset.SplitValidation, "class n00000077 is none of the 1"},
		"number too high":      {map[string]string{"val.txt": valName(1) + " 1\n", "synsets.txt": "n00000010\n"}, false, nil, dataset.SplitValidation, "class 1, "},
		"no number":            {map[string]string{"val.txt": valName(1) + " dog\n"}, false, nil, dataset.SplitValidation, `class "dog", want a WordNet id or a number`},
		"mixed lines":          {map[string]string{"val.txt": valName(1) + " 1\n2\n"}, false, nil, dataset.SplitValidation, "line 2: 1 words, the lines before have 2"},
		"other images":         {map[string]string{"val.txt": "a.JPEG 1\nb.JPEG 2\n"}, false, nil, dataset.SplitValidation, "none of the 2 images"},
		"bad synsets":          {map[string]string{"val.txt": valName(1) + " 1\n", "synsets.txt": "tench\n"}, false, nil, dataset.SplitValidation, `line 1: "tench"`},
		"no train":             {nil, false, nil, dataset.SplitTrain, "train/n01440764"},
		"truth is not there":   {nil, false, map[string]string{"truth": "nowhere.txt"}, dataset.SplitValidation, "nowhere.txt"},
	} {
		files := with(flat(t, "val", 2), c.files)
		if c.meta {
			files["meta.mat"] = kit(t, "meta.mat")
		}
		_, err := open(t.Context(), dataset.Request{Path: datasettest.Write(t, t.TempDir(), files), Split: c.split, Options: c.options})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestNotes(t *testing.T) {
	files := with(flat(t, "val", 3), map[string]string{"val.txt": valName(1) + " 1\n" + valName(2) + " 0\n" + valName(9) + " 0\n"})
	d, err := open(t.Context(), dataset.Request{Path: datasettest.Write(t, t.TempDir(), files), Split: dataset.SplitValidation})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1 of the 3 images that val.txt names are not there", "1 images are not in val.txt: " + valName(3)}
	if got := dataset.NotesOf(d); !slices.Equal(got, want) {
		t.Errorf("notes %q, want %q", got, want)
	}
}

func TestMeta(t *testing.T) {
	want := []synset{
		{1, "n00000030", "third thing, thing of all things", false},
		{2, "n00000010", "first thing", false},
		{3, "n00000020", "second thing, café", false},
		{4, "n00000040", "entity", true},
	}
	for _, name := range []string{"meta.mat", "meta_packed.mat"} {
		got, err := parseMeta(kit(t, name))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
	}
	data := kit(t, "meta.mat")
	for n := range len(data) - 1 {
		if _, err := parseMeta(data[:n]); err == nil {
			t.Fatalf("cut after %d of %d bytes, it is still read", n, len(data))
		}
	}
}

func FuzzMeta(f *testing.F) {
	for _, name := range []string{"meta.mat", "meta_packed.mat"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseMeta(data)
		if err != nil {
			return
		}
		for _, s := range list {
			if s.ID < 1 || !isWNID(s.WNID) {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func FuzzTruth(f *testing.F) {
	f.Add("1\n2\n")
	f.Add("ImageId,PredictionString\nx,n01440764 1 2 3 4\n")
	f.Add("a.JPEG 7\n")
	f.Fuzz(func(t *testing.T, text string) {
		tr, err := parseTruth(strings.NewReader(text))
		if err != nil {
			return
		}
		labels, k, err := tr.labels(nil)
		if err != nil {
			return
		}
		for _, l := range labels {
			if l < 0 || int(l) >= len(k.names) {
				t.Fatalf("class %d of %d", l, len(k.names))
			}
		}
	})
}
