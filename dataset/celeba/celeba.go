// Package celeba reads CelebA (http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html)
// as two classes, with and without one of its 40 attributes, and groups its
// examples by others. It takes the publisher's list_attr_celeba.txt and
// list_eval_partition.txt and Kaggle's .csv of the same. Ids are file names:
// "000001.jpg".
package celeba

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// The default target and groups are those of Hooker et al. 2020
// (arXiv:2010.03058): hair that is blond, by gender and age.
const (
	defaultTarget = "Blond_Hair"
	defaultGroups = "Male,Young"
)

// Kind is the kind celeba.
func Kind() dataset.Kind {
	return dataset.Kind{
		Name:   "celeba",
		Title:  "CelebA: faces with 40 attributes; one is the target, others form groups",
		Splits: []dataset.Split{dataset.SplitTest, dataset.SplitValidation, dataset.SplitTrain},
		Options: []dataset.OptionInfo{
			{Name: "target", Value: "NAME", Help: "attribute to predict (default " + defaultTarget + ")"},
			{Name: "groups", Value: "NAME,NAME", Help: "attributes to group by, or none (default " + defaultGroups + ")"},
		},
		Known: []dataset.KnownSet{{
			Name: "celeba", Title: "CelebA", Page: "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
			Terms:  "non-commercial research; images may not be passed on",
			Source: "celeba:DIR",
			Manual: `Download from the page above, into DIR:
  img_align_celeba.zip   (unpack it: DIR/img_align_celeba/000001.jpg, ...)
  list_attr_celeba.txt
  list_eval_partition.txt
Kaggle's copy (list_attr_celeba.csv, list_eval_partition.csv) can be given as it is.`,
		}},
		Open: open,
	}
}

// folders are where the publisher's and Kaggle's archives put things.
func folders() []string { return []string{".", "Anno", "Eval", "Img", "celeba", "CelebA"} }

// find is the first of the names that is there.
func find(root string, names ...string) string {
	for _, dir := range folders() {
		for _, name := range names {
			path := filepath.Join(root, dir, name)
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}

func open(ctx context.Context, r dataset.Request) (dataset.Dataset, error) {
	attributes := find(r.Path, "list_attr_celeba.txt", "list_attr_celeba.csv")
	partition := find(r.Path, "list_eval_partition.txt", "list_eval_partition.csv")
	images, err := imageFolder(r.Path)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct{ path, want string }{
		{images, "img_align_celeba/000001.jpg, ..."}, {attributes, "list_attr_celeba.txt"}, {partition, "list_eval_partition.txt"},
	} {
		if f.path == "" {
			return nil, &dataset.NotThere{Path: r.Path, Want: f.want}
		}
	}
	chosen, err := readAttributes(attributes, names(r.Options))
	if err != nil {
		return nil, err
	}
	splits, err := readPartition(partition)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	target := names(r.Options)[0]
	set := dataset.FileSet{Name: "celeba", Root: images, Classes: []string{"not " + target, target}}
	for _, g := range names(r.Options)[1:] {
		set.Attributes = append(set.Attributes, dataset.Attribute{Name: g, Values: []string{"no", "yes"}})
	}
	unplaced := 0
	for i, file := range chosen.files {
		split, ok := splits[file]
		switch {
		case !ok:
			unplaced++
			continue
		case split != r.Split:
			continue
		}
		row := chosen.row(i)
		set.Files = append(set.Files, dataset.File{Path: file, Example: dataset.Example{
			ID: dataset.ExampleID(file), Label: dataset.Label(row[0]), Split: split, Attributes: row[1:],
		}})
	}
	if unplaced > 0 {
		set.Notes = append(set.Notes, fmt.Sprintf("%d images have attributes and are in no split: not read", unplaced))
	}
	if n := len(splits) - (len(chosen.files) - unplaced); n > 0 {
		set.Notes = append(set.Notes, fmt.Sprintf("%d images are in a split and have no attributes: not read", n))
	}
	return dataset.NewFileList(set)
}

// imageFolder is where the images lie; Kaggle nests a folder of the same name.
func imageFolder(root string) (string, error) {
	if _, err := os.Stat(root); err != nil {
		return "", err
	}
	for _, name := range []string{"img_align_celeba/img_align_celeba", "img_align_celeba"} {
		if dir := find(root, filepath.FromSlash(name)); dir != "" {
			return dir, nil
		}
	}
	return "", nil
}

// names are the target and then the groups.
func names(options map[string]string) []string {
	target, groups := defaultTarget, defaultGroups
	if t := options["target"]; t != "" {
		target = t
	}
	if g, ok := options["groups"]; ok {
		groups = g
	}
	out := []string{target}
	for _, g := range strings.Split(groups, ",") {
		if g = strings.TrimSpace(g); g != "" && g != "none" && !slices.Contains(out[1:], g) {
			out = append(out, g)
		}
	}
	return out
}
