// Package imagenet reads ImageNet (ILSVRC2012): training images in a folder
// for each class, named by WordNet id (n01440764), and validation images
// either in such folders or in one flat folder with a file that says their
// classes. Classes are numbered in the order of their WordNet ids, as Caffe,
// Keras and torchvision number them. The id of an example is its file name, the
// same in both layouts.
//
// The official archives and Kaggle's folders (ILSVRC/Data/CLS-LOC) are found
// below the path. The test set has no public labels: split=test, which other
// kinds have by default, means the validation set here.
package imagenet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/lethe-audit/lethe/dataset"
)

// Kind is the kind imagenet.
func Kind() dataset.Kind {
	return dataset.Kind{
		Name:   "imagenet",
		Title:  "ImageNet (ILSVRC2012): class folders by WordNet id, or the flat validation folder with a ground-truth file",
		Splits: []dataset.Split{dataset.SplitValidation, dataset.SplitTrain, dataset.SplitTest},
		Options: []dataset.OptionInfo{
			{Name: "truth", Value: "FILE", Help: "classes of the flat validation folder: ILSVRC2012_validation_ground_truth.txt (with meta.mat beside it), LOC_val_solution.csv, or lines of a file name and a WordNet id or class number"},
			{Name: "synsets", Value: "FILE", Help: "WordNet ids of the classes, a line each, with names or without: LOC_synset_mapping.txt, synset_words.txt"},
		},
		Known: []dataset.KnownSet{{
			Name: "imagenet", Title: "ImageNet ILSVRC2012", Page: "https://www.image-net.org/challenges/LSVRC/2012",
			Terms:  "non-commercial research, after registration; redistribution is not allowed",
			Source: "imagenet:DIR",
			Manual: `Register at image-net.org and download ILSVRC2012_img_val.tar and
ILSVRC2012_devkit_t12.tar.gz (and ILSVRC2012_img_train.tar to train). Then
  mkdir -p DIR/val && tar -xf ILSVRC2012_img_val.tar -C DIR/val
  tar -xzf ILSVRC2012_devkit_t12.tar.gz -C DIR
The folder of Kaggle's "ImageNet Object Localization Challenge" can be given as
DIR just as it was unpacked.`,
		}},
		Open: open,
		FindSplits: func(_ context.Context, r dataset.Request) ([]dataset.Split, error) {
			l := locate(r.Path)
			var out []dataset.Split
			if l.val != "" {
				out = append(out, dataset.SplitValidation)
			}
			if l.train != "" {
				out = append(out, dataset.SplitTrain)
			}
			if len(out) == 0 {
				return nil, l.notThere(dataset.SplitValidation)
			}
			return out, nil
		},
	}
}

// location is where things lie; "" is not there.
type location struct {
	root  string
	train string
	val   string
	flat  bool // val holds images, not class folders
}

func locate(root string) *location {
	l := &location{root: root}
	for _, base := range []string{root, filepath.Join(root, "ILSVRC", "Data", "CLS-LOC"), filepath.Join(root, "Data", "CLS-LOC")} {
		for _, name := range []string{"train", "ILSVRC2012_img_train"} {
			if dir := filepath.Join(base, name); l.train == "" && holds(dir) == classFolders {
				l.train = dir
			}
		}
		for _, name := range []string{"val", "validation", "ILSVRC2012_img_val", ""} {
			if c := holds(filepath.Join(base, name)); l.val == "" && c != nothing {
				l.val, l.flat = filepath.Join(base, name), c == imageFiles
			}
		}
	}
	return l
}

func (l *location) notThere(split dataset.Split) error {
	want := "train/n01440764/... (a folder for each class)"
	if split != dataset.SplitTrain {
		want = "val/n01440764/..., or val/ILSVRC2012_val_00000001.JPEG with a ground-truth file"
	}
	if _, err := os.Stat(l.root); err != nil {
		return err
	}
	return &dataset.NotThere{Path: l.root, Want: want}
}

// content is what a folder holds.
type content int

const (
	nothing content = iota
	classFolders
	imageFiles
)

func holds(dir string) content {
	entries, err := dataset.ReadFolder(dir)
	if err != nil {
		return nothing
	}
	for _, e := range entries {
		switch {
		case e.Dir && isWNID(e.Name):
			return classFolders
		case !e.Dir && dataset.IsImageFile(e.Name):
			return imageFiles
		}
	}
	return nothing
}

func isWNID(s string) bool {
	if len(s) != 9 || s[0] != 'n' {
		return false
	}
	for _, c := range s[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func open(ctx context.Context, r dataset.Request) (dataset.Dataset, error) {
	l := locate(r.Path)
	set := dataset.FileSet{Name: "imagenet"}
	split := r.Split
	if split == dataset.SplitTest {
		split = dataset.SplitValidation
		set.Notes = append(set.Notes, "labels of the test set are not public: this is the validation set")
	}
	set.Root = l.val
	if split == dataset.SplitTrain {
		set.Root = l.train
	}
	if set.Root == "" {
		return nil, l.notThere(split)
	}
	var err error
	if split == dataset.SplitValidation && l.flat {
		err = readFlat(ctx, l, r.Options, &set)
	} else {
		err = readFolders(ctx, l, r.Options, split, &set)
	}
	if err != nil {
		return nil, err
	}
	return dataset.NewFileList(set)
}

// readFolders reads a split in class folders.
func readFolders(ctx context.Context, l *location, options map[string]string, split dataset.Split, set *dataset.FileSet) error {
	wnids, err := folderNames(l)
	if err != nil {
		return err
	}
	k, err := findClasses(l, options)
	if err != nil {
		return err
	}
	if k == nil {
		k = newClasses(wnids, nil)
	}
	for _, w := range wnids {
		if _, ok := k.number[w]; !ok {
			set.Notes = append(set.Notes, fmt.Sprintf("folder %s is none of the %d classes listed in %s: not read", w, len(k.wnids), k.from))
		}
	}
	set.Classes = k.names
	for c, w := range k.wnids {
		images, err := classImages(ctx, w, set)
		if err != nil {
			return err
		}
		for _, p := range images {
			set.Files = append(set.Files, dataset.File{Path: p, Example: dataset.Example{
				ID: dataset.ExampleID(path.Base(p)), Label: dataset.Label(c), Split: split,
			}})
		}
	}
	return nil
}

// classImages are the images of a class folder; what is odd about it becomes a
// note of the set.
func classImages(ctx context.Context, folder string, set *dataset.FileSet) ([]string, error) {
	found, err := dataset.FindImages(ctx, set.Root, folder)
	if err != nil {
		return nil, err
	}
	if len(found.Images) == 0 {
		set.Notes = append(set.Notes, fmt.Sprintf("class %s has no images", folder))
	}
	if n := len(found.Others); n > 0 {
		set.Notes = append(set.Notes, fmt.Sprintf("class %s: %d files are no images: %s", folder, n, dataset.ShortList(found.Others, 3)))
	}
	return found.Images, nil
}

// folderNames are the class folders of all splits, sorted.
func folderNames(l *location) ([]string, error) {
	var out []string
	for _, dir := range []string{l.train, l.val} {
		if dir == "" {
			continue
		}
		entries, err := dataset.ReadFolder(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Dir && isWNID(e.Name) {
				out = append(out, e.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// readFlat reads the flat validation folder: the examples are those of the
// ground truth, whether their files are there or not.
func readFlat(ctx context.Context, l *location, options map[string]string, set *dataset.FileSet) error {
	t, err := findTruth(l, options["truth"])
	if err != nil {
		return err
	}
	k, err := findClasses(l, options)
	if err != nil {
		return err
	}
	labels, k, err := t.labels(k)
	if err != nil {
		return err
	}
	set.Classes = k.names
	named := map[string]bool{}
	for i, name := range t.names {
		named[name] = true
		set.Files = append(set.Files, dataset.File{Path: name, Example: dataset.Example{
			ID: dataset.ExampleID(name), Label: labels[i], Split: dataset.SplitValidation,
		}})
	}
	entries, err := dataset.ReadFolder(l.val)
	if err != nil {
		return err
	}
	var extra []string
	there := 0
	for _, e := range entries {
		switch {
		case named[e.Name]:
			there++
		case dataset.IsImageFile(e.Name):
			extra = append(extra, e.Name)
		}
	}
	if there == 0 {
		return fmt.Errorf("%s: none of the %d images that %s names is in %s", t.path, len(t.names), filepath.Base(t.path), l.val)
	}
	if there < len(t.names) {
		set.Notes = append(set.Notes, fmt.Sprintf("%d of the %d images that %s names are not there", len(t.names)-there, len(t.names), filepath.Base(t.path)))
	}
	if len(extra) > 0 {
		set.Notes = append(set.Notes, fmt.Sprintf("%d images are not in %s: %s", len(extra), filepath.Base(t.path), dataset.ShortList(extra, 3)))
	}
	return errors.Join(ctx.Err())
}
