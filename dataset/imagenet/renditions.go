package imagenet

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// natural is a published set of other images of some of ImageNet's classes.
type natural struct {
	kind, title, page, folder string
	terms                     string
	classes                   int  // that it has as published
	renditions                bool // file names say what kind of picture it is
}

// NaturalKinds are the kinds imagenet-a and imagenet-r: ImageNet-A (Hendrycks et
// al. 2021, natural adversarial examples) and ImageNet-R (Hendrycks et al. 2021,
// renditions) as they are distributed, a folder for each of 200 classes by WordNet
// id and a README.txt. Labels are numbered as ImageNet's 1,000 classes are, and
// models choose among the 200. File names repeat from class to class, so ids are
// WNID/FILE.
func NaturalKinds() []dataset.Kind {
	var out []dataset.Kind
	for _, n := range []natural{
		{kind: "imagenet-a", title: "ImageNet-A: natural images that a ResNet-50 gets wrong, of 200 classes", page: "https://github.com/hendrycks/natural-adv-examples", folder: "imagenet-a", terms: "see the page; images are of their owners", classes: 200},
		{kind: "imagenet-r", title: "ImageNet-R: renditions (art, sketches, toys, ...) of 200 classes", page: "https://github.com/hendrycks/imagenet-r", folder: "imagenet-r", terms: "see the page; images are of their owners", classes: 200, renditions: true},
	} {
		out = append(out, dataset.Kind{
			Name: n.kind, Title: n.title,
			Splits: []dataset.Split{dataset.SplitTest},
			Options: []dataset.OptionInfo{
				{Name: "synsets", Value: "FILE or DIR", Help: "WordNet ids of all of ImageNet's classes, a line each (LOC_synset_mapping.txt, synset_words.txt, meta.mat), or the folder of ImageNet itself; give the same for the clean data"},
			},
			Known: []dataset.KnownSet{{
				Name: n.kind, Title: n.title, Page: n.page, Terms: n.terms, Source: n.kind + ":DIR?synsets=FILE",
				Manual: fmt.Sprintf(`Download %[1]s.tar as the page above says, then
  tar -xf %[1]s.tar -C DIR
Its classes are numbered as ImageNet's: have a list of these (LOC_synset_mapping.txt,
synset_words.txt or the development kit's meta.mat) beside it, or give one by
synsets=FILE, or ImageNet's folder by synsets=DIR.`, n.folder),
			}},
			Open: n.open,
		})
	}
	return out
}

func (n natural) open(ctx context.Context, r dataset.Request) (dataset.Dataset, error) {
	root := r.Path
	if holds(root) != classFolders && holds(filepath.Join(root, n.folder)) == classFolders {
		root = filepath.Join(root, n.folder)
	}
	l := &location{root: r.Path, val: root}
	if holds(root) != classFolders {
		if _, err := os.Stat(r.Path); err != nil {
			return nil, err
		}
		return nil, &dataset.NotThere{Path: r.Path, Want: "a folder for each class, by WordNet id: n01498041/..."}
	}
	k, err := findClasses(l, r.Options)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, fmt.Errorf("%s: these are some of ImageNet's classes, and the list of all of them is not there to number them by; give synsets=FILE (LOC_synset_mapping.txt, synset_words.txt, meta.mat: a WordNet id a line), or ImageNet's folder by synsets=DIR", root)
	}
	set := dataset.FileSet{Name: n.kind, Root: root, Classes: k.names}
	if err := n.read(ctx, l, k, &set); err != nil {
		return nil, err
	}
	set.Notes = append(set.Notes, fmt.Sprintf("models choose among the %d classes that are here; what they choose among all %d is kept beside it", len(set.ClassSubset), len(k.names)))
	return dataset.NewFileList(set)
}

// read lists the images of the class folders.
func (n natural) read(ctx context.Context, l *location, k *classes, set *dataset.FileSet) error {
	wnids, err := folderNames(l)
	if err != nil {
		return err
	}
	set.Notes = append(set.Notes, n.missing(l.val, wnids)...)
	var styles []string
	for _, w := range wnids {
		c, ok := k.number[w]
		if !ok {
			return fmt.Errorf("%s: class folder %s is none of the %d classes listed in %s", l.val, w, len(k.wnids), k.from)
		}
		set.ClassSubset = append(set.ClassSubset, dataset.Label(c))
		images, err := classImages(ctx, w, set)
		if err != nil {
			return err
		}
		for _, p := range images {
			set.Files = append(set.Files, dataset.File{Path: p, Example: dataset.Example{ID: dataset.ExampleID(p), Label: dataset.Label(c), Split: dataset.SplitTest}})
			styles = append(styles, rendition(p))
		}
	}
	if n.renditions {
		addRenditions(set, styles)
	}
	return nil
}

// missing says where the folders are not the published set's.
func (n natural) missing(root string, wnids []string) []string {
	var notes []string
	if len(wnids) != n.classes {
		notes = append(notes, fmt.Sprintf("there are %d class folders, %s has %d as published", len(wnids), n.kind, n.classes))
	}
	var absent []string
	for _, w := range readmeClasses(filepath.Join(root, "README.txt")) {
		if !slices.Contains(wnids, w) {
			absent = append(absent, w)
		}
	}
	if len(absent) > 0 {
		notes = append(notes, fmt.Sprintf("%d classes that README.txt names have no folder: %s", len(absent), dataset.ShortList(absent, 3)))
	}
	return notes
}

// readmeClasses are the WordNet ids that lines of the sets' README.txt begin with;
// none if it is not there.
func readmeClasses(name string) []string {
	f, err := os.Open(name)
	if err != nil {
		return nil // it only serves to notice missing folders
	}
	defer f.Close()
	var out []string
	for scan := bufio.NewScanner(f); scan.Scan(); {
		if w, _, _ := strings.Cut(strings.TrimSpace(scan.Text()), " "); isWNID(w) {
			out = append(out, w)
		}
	}
	return out
}

// rendition is what ImageNet-R's file names begin with: art of art_0.jpg; "" for
// other names.
func rendition(p string) string {
	stem := strings.TrimSuffix(path.Base(p), path.Ext(p))
	style, number, ok := strings.Cut(stem, "_")
	lower := func(r rune) bool { return r < 'a' || r > 'z' }
	digit := func(r rune) bool { return r < '0' || r > '9' }
	if !ok || style == "" || number == "" || strings.ContainsFunc(style, lower) || strings.ContainsFunc(number, digit) {
		return ""
	}
	return style
}

// addRenditions makes an attribute of what kinds of pictures the files are.
func addRenditions(set *dataset.FileSet, styles []string) {
	values := slices.Clone(styles)
	slices.Sort(values)
	values = slices.Compact(values)
	values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
	if len(values) == 0 {
		return
	}
	set.Attributes = []dataset.Attribute{{Name: "rendition", Values: values}}
	for i, s := range styles {
		code := dataset.Missing
		if at, ok := slices.BinarySearch(values, s); ok {
			code = int32(at)
		}
		set.Files[i].Attributes = []int32{code}
	}
}
