package imagenet

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// classes are the classes in the order of their WordNet ids.
type classes struct {
	wnids  []string
	names  []string // "n01440764 tench", or the id alone
	number map[string]int
	from   string      // file that lists them
	devkit map[int]int // ILSVRC2012_ID -> class number, nil where not known
}

// newClasses numbers classes; words may be nil.
func newClasses(wnids []string, words map[string]string) *classes {
	k := &classes{wnids: slices.Clone(wnids), number: map[string]int{}}
	slices.Sort(k.wnids)
	k.wnids = slices.Compact(k.wnids)
	for c, w := range k.wnids {
		k.number[w] = c
		name := w
		if first, _, _ := strings.Cut(words[w], ","); first != "" {
			name += " " + strings.TrimSpace(first)
		}
		k.names = append(k.names, name)
	}
	return k
}

// findClasses reads the list of classes that lies beside the images, nil if
// there is none.
func findClasses(l *location, options map[string]string) (*classes, error) {
	if file := options["synsets"]; file != "" {
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			return classesOf(file)
		}
		return readClasses(file)
	}
	var places []string
	if t := options["truth"]; t != "" {
		places = append(places, filepath.Dir(t))
	}
	path := firstFile(append(places, l.places()...), "meta.mat", "LOC_synset_mapping.txt", "synset_words.txt", "synsets.txt", "imagenet_lsvrc_2015_synsets.txt")
	if path == "" {
		return nil, nil
	}
	return readClasses(path)
}

// classesOf are the classes that a folder of ImageNet numbers: listed beside its
// images, or those of its class folders.
func classesOf(dir string) (*classes, error) {
	l := locate(dir)
	k, err := findClasses(l, nil)
	if k != nil || err != nil {
		return k, err
	}
	wnids, err := folderNames(l)
	if err != nil {
		return nil, err
	}
	if len(wnids) == 0 {
		return nil, fmt.Errorf("synsets=%s: neither a list of classes nor class folders are in it", dir)
	}
	k = newClasses(wnids, nil)
	k.from = dir
	return k, nil
}

// places are the folders where files about the images are looked for.
func (l *location) places() []string {
	out := []string{l.root, filepath.Join(l.root, "ILSVRC2012_devkit_t12", "data"), filepath.Join(l.root, "devkit", "data"), filepath.Join(l.root, "data")}
	if l.val != "" {
		out = append(out, l.val, filepath.Dir(l.val), filepath.Join(filepath.Dir(l.val), "ILSVRC2012_devkit_t12", "data"))
	}
	return out
}

// firstFile is the first of the names that is there, in the first of the
// places that has it.
func firstFile(places []string, names ...string) string {
	for _, name := range names {
		for _, dir := range places {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path
			}
		}
	}
	return ""
}

func readClasses(path string) (*classes, error) {
	if strings.HasSuffix(strings.ToLower(path), ".mat") {
		list, err := readMeta(path)
		if err != nil {
			return nil, err
		}
		return devkitClasses(path, list)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	k, err := parseClasses(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	k.from = path
	return k, nil
}

// devkitClasses are the leaves of the development kit's tree.
func devkitClasses(path string, list []synset) (*classes, error) {
	const leaves = 1000
	var wnids []string
	words := map[string]string{}
	for _, s := range list {
		if s.ID <= leaves && !s.Inner {
			wnids = append(wnids, s.WNID)
			words[s.WNID] = s.Words
		}
	}
	k := newClasses(wnids, words)
	k.from, k.devkit = path, map[int]int{}
	for _, s := range list {
		if s.ID > leaves || s.Inner {
			continue
		}
		if _, again := k.devkit[s.ID]; again {
			return nil, fmt.Errorf("%s: ILSVRC2012_ID %d is there twice", path, s.ID)
		}
		k.devkit[s.ID] = k.number[s.WNID]
	}
	if len(k.devkit) != len(k.wnids) || len(k.wnids) == 0 {
		return nil, fmt.Errorf("%s: %d numbers for %d WordNet ids", path, len(k.devkit), len(k.wnids))
	}
	return k, nil
}

// parseClasses reads lines of a WordNet id and, perhaps, words.
func parseClasses(r io.Reader) (*classes, error) {
	var wnids []string
	words := map[string]string{}
	scan := bufio.NewScanner(r)
	for line := 1; scan.Scan(); line++ {
		id, text, _ := strings.Cut(strings.TrimSpace(scan.Text()), " ")
		if id == "" {
			continue
		}
		if !isWNID(id) {
			return nil, fmt.Errorf("line %d: %q, want a WordNet id such as n01440764", line, id)
		}
		if slices.Contains(wnids, id) {
			return nil, fmt.Errorf("line %d: %s is there twice", line, id)
		}
		wnids, words[id] = append(wnids, id), text
	}
	if err := scan.Err(); err != nil {
		return nil, err
	}
	if len(wnids) == 0 {
		return nil, fmt.Errorf("no classes in it")
	}
	return newClasses(wnids, words), nil
}

// truth says the class of each validation image.
type truth struct {
	path   string
	names  []string // of files
	tokens []string // a WordNet id or a number
	devkit bool     // numbers are ILSVRC2012_IDs, from 1; else class numbers, from 0
}

// findTruth reads the ground truth that is given or lies near the images.
func findTruth(l *location, given string) (*truth, error) {
	path := given
	if path == "" {
		path = firstFile(l.places(), "ILSVRC2012_validation_ground_truth.txt", "LOC_val_solution.csv", "val.txt", "imagenet_2012_validation_synset_labels.txt", "ILSVRC2012_val.txt")
	}
	if path == "" {
		return nil, &dataset.NotThere{Path: l.root, Want: "the classes of the images in " + l.val + ": ILSVRC2012_validation_ground_truth.txt with meta.mat, LOC_val_solution.csv or val.txt; or give one by truth=FILE"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := parseTruth(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.path = path
	return t, nil
}

// parseTruth reads lines of one token, the class of ILSVRC2012_val_00000001,
// ...2 and so on; or lines of a file name and a class, parted by a blank or a
// comma. Anything after the class (boxes, in Kaggle's file) is left alone.
func parseTruth(r io.Reader) (*truth, error) {
	t := &truth{}
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	columns := 0
	for line := 1; scan.Scan(); line++ {
		f := strings.FieldsFunc(scan.Text(), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == '\r' })
		if len(f) == 0 || line == 1 && f[0] == "ImageId" {
			continue
		}
		if columns == 0 {
			columns = min(len(f), 2)
			t.devkit = columns == 1
		}
		if min(len(f), 2) != columns {
			return nil, fmt.Errorf("line %d: %d words, the lines before have %d", line, len(f), columns)
		}
		token, name := f[columns-1], fmt.Sprintf("ILSVRC2012_val_%08d.JPEG", len(t.names)+1)
		if columns == 2 {
			if name = f[0]; !dataset.IsImageFile(name) {
				name += ".JPEG"
			}
			name = filepath.Base(filepath.FromSlash(name))
		}
		t.names, t.tokens = append(t.names, name), append(t.tokens, token)
	}
	if err := scan.Err(); err != nil {
		return nil, err
	}
	if len(t.names) == 0 {
		return nil, fmt.Errorf("no classes in it")
	}
	return t, nil
}
