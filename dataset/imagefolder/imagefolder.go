// Package imagefolder reads images that lie in one folder for each class:
// DIR/CLASS/*, or DIR/SPLIT/CLASS/* with splits train, val (validation) and
// test. Classes are numbered in the order of their names, byte by byte, as
// torchvision's ImageFolder does, but over all splits together: a class
// without images in one split does not shift the numbers of the others. The id
// of an example is its path below DIR or DIR/SPLIT.
package imagefolder

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// Kind is the kind imagefolder.
func Kind() dataset.Kind {
	return dataset.Kind{
		Name:  "imagefolder",
		Title: "one folder of images for each class: DIR/CLASS/*, or DIR/train/CLASS/*, DIR/val/..., DIR/test/...",
		Open:  open,
		FindSplits: func(ctx context.Context, r dataset.Request) ([]dataset.Split, error) {
			t, err := look(ctx, r.Path)
			if err != nil {
				return nil, err
			}
			if len(t.splits) == 0 {
				return []dataset.Split{dataset.SplitUnknown}, nil
			}
			var out []dataset.Split
			for _, s := range t.splits {
				out = append(out, s.split)
			}
			return out, nil
		},
	}
}

// splitFolder is a folder that holds one split.
type splitFolder struct {
	split dataset.Split
	dir   string
}

// tree is what the folder of a data set holds.
type tree struct {
	root   string
	splits []splitFolder // none: the classes are right below root
	notes  []string
}

// look finds out whether root is divided into splits. A folder that is named
// like one and holds images itself is a class: trains, say.
func look(ctx context.Context, root string) (*tree, error) {
	entries, err := dataset.ReadFolder(root)
	if err != nil {
		return nil, err
	}
	t := &tree{root: root}
	var others []string
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		split := dataset.SplitNamed(e.Name)
		if split != dataset.SplitUnknown && e.Dir {
			inside, err := dataset.ReadFolder(filepath.Join(root, e.Name))
			if err != nil {
				return nil, err
			}
			if divided(inside) {
				if again := slices.IndexFunc(t.splits, func(s splitFolder) bool { return s.split == split }); again >= 0 {
					return nil, fmt.Errorf("%s: both %s and %s are the %s split", root, filepath.Base(t.splits[again].dir), e.Name, split)
				}
				t.splits = append(t.splits, splitFolder{split, filepath.Join(root, e.Name)})
				continue
			}
		}
		others = append(others, e.Name)
	}
	if len(t.splits) > 0 && len(others) > 0 {
		t.notes = append(t.notes, fmt.Sprintf("not read, beside the folders of splits: %s", dataset.ShortList(others, 5)))
	}
	return t, nil
}

// divided reports whether a folder is divided into classes.
func divided(entries []dataset.FolderEntry) bool {
	folders := false
	for _, e := range entries {
		if e.Dir {
			folders = true
		} else if dataset.IsImageFile(e.Name) {
			return false
		}
	}
	return folders
}

func open(ctx context.Context, r dataset.Request) (dataset.Dataset, error) {
	t, err := look(ctx, r.Path)
	if err != nil {
		return nil, err
	}
	at, err := t.choose(r.Split)
	if err != nil {
		return nil, err
	}
	classes, err := t.classes(at)
	if err != nil {
		return nil, err
	}
	if len(classes) == 0 {
		return nil, &dataset.NotThere{Path: at.dir, Want: "a folder for each class"}
	}
	set := dataset.FileSet{Name: nameOf(r.Path), Root: at.dir, Classes: classes, Notes: t.notes}
	for c, name := range classes {
		found, err := dataset.FindImages(ctx, at.dir, name)
		if err != nil {
			return nil, err
		}
		if len(found.Images) == 0 {
			set.Notes = append(set.Notes, fmt.Sprintf("class %s has no images", name))
		}
		if n := len(found.Others); n > 0 {
			set.Notes = append(set.Notes, fmt.Sprintf("class %s: %d files are no images: %s", name, n, dataset.ShortList(found.Others, 3)))
		}
		for _, path := range found.Images {
			set.Files = append(set.Files, dataset.File{Path: path, Example: dataset.Example{
				ID: dataset.ExampleID(path), Label: dataset.Label(c), Split: at.split,
			}})
		}
	}
	return dataset.NewFileList(set)
}

// nameOf is the name of a folder, however the path to it is written.
func nameOf(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

// choose is the folder of the asked split; without a wish the test split, else
// the validation split, else what there is.
func (t *tree) choose(want dataset.Split) (splitFolder, error) {
	if len(t.splits) == 0 {
		whole := splitFolder{dataset.SplitNamed(nameOf(t.root)), t.root}
		if want != dataset.SplitUnknown && want != whole.split {
			return whole, fmt.Errorf("%s is not divided into splits (folders train, val, test); leave out split=%s", t.root, want)
		}
		return whole, nil
	}
	wishes := []dataset.Split{want}
	if want == dataset.SplitUnknown {
		wishes = []dataset.Split{dataset.SplitTest, dataset.SplitValidation, dataset.SplitTrain}
	}
	var have []string
	for _, w := range wishes {
		for _, s := range t.splits {
			if s.split == w {
				if want == dataset.SplitUnknown && w != dataset.SplitTest {
					t.notes = append(t.notes, fmt.Sprintf("there is no test split: this is the %s split", w))
				}
				return s, nil
			}
		}
	}
	for _, s := range t.splits {
		have = append(have, string(s.split))
	}
	return splitFolder{}, &dataset.NotThere{Path: t.root, Want: fmt.Sprintf("split %s (there are: %s)", want, strings.Join(have, ", "))}
}

// classes are the folders below all splits, sorted.
func (t *tree) classes(at splitFolder) ([]string, error) {
	dirs := []string{at.dir}
	for _, s := range t.splits {
		dirs = append(dirs, s.dir)
	}
	var out []string
	for _, dir := range dirs {
		entries, err := dataset.ReadFolder(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Dir && !slices.Contains(out, e.Name) {
				out = append(out, e.Name)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}
