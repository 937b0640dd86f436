// Package csvlist reads a table of images: a CSV or TSV file with a column of
// paths, one of labels, and perhaps columns of ids, splits and attributes. The
// id of an example is what its id column says, or else its path as written.
package csvlist

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// Kind is the kind csv.
func Kind() dataset.Kind {
	return dataset.Kind{
		Name:  "csv",
		Title: "a CSV or TSV file with image paths, labels and attributes in columns",
		Options: []dataset.OptionInfo{
			{Name: "path", Value: "COLUMN", Help: "column of image paths (default " + strings.Join(pathNames(), ", ") + ", whichever is there)"},
			{Name: "label", Value: "COLUMN", Help: "column of true classes (default " + strings.Join(labelNames(), ", ") + ")"},
			{Name: "id", Value: "COLUMN", Help: "column of ids (default " + strings.Join(idNames(), ", ") + "; else the path)"},
			{Name: "split-column", Value: "COLUMN", Help: "column of splits (default " + strings.Join(splitNames(), ", ") + "; else there are none)"},
			{Name: "attributes", Value: "COLUMN,COLUMN", Help: fmt.Sprintf("columns to group by, or none (default: all others with at most %d values)", maxGuessed)},
			{Name: "bands", Value: "COLUMN:CUT,CUT", Help: "groups of a column of numbers: bands=age:18,40,60 gives <18, 18-39, 40-59, 60+; several columns are joined by ;"},
			{Name: "test-share", Value: "SHARE", Help: "where there is no column of splits: this share of the rows is the test split, drawn by id, the rest train"},
			{Name: "root", Value: "DIR", Help: "folder that paths are relative to, itself relative to the file's folder (the default)"},
			{Name: "classes", Value: "FILE", Help: "class names in order, a line each (default: numbers, or the labels sorted)"},
		},
		Open: open,
		FindSplits: func(ctx context.Context, r dataset.Request) ([]dataset.Split, error) {
			t, err := read(ctx, r)
			if err != nil {
				return nil, err
			}
			return t.splits(), nil
		},
	}
}

// Names of columns that are taken where none is named, the first that is there.
func pathNames() []string {
	return []string{"path", "file", "filename", "image", "image_path", "image_id"}
}
func labelNames() []string { return []string{"label", "class", "target", "y"} }
func idNames() []string    { return []string{"id", "example_id"} }
func splitNames() []string { return []string{"split", "partition"} }

const (
	maxGuessed = 64      // values that a column may have to be taken for an attribute
	maxNumber  = 1 << 16 // labels that are numbers below this are class numbers
)

func open(ctx context.Context, r dataset.Request) (dataset.Dataset, error) {
	t, err := read(ctx, r)
	if err != nil {
		return nil, err
	}
	set := dataset.FileSet{Name: strings.TrimSuffix(filepath.Base(r.Path), filepath.Ext(r.Path)), Root: filepath.Dir(r.Path)}
	if root := r.Options["root"]; filepath.IsAbs(root) {
		set.Root = root
	} else if root != "" {
		set.Root = filepath.Join(set.Root, root)
	}
	labels, err := t.classes(r.Options["classes"], &set)
	if err != nil {
		return nil, err
	}
	attributes := t.attributes(r.Options["attributes"] != "", &set)
	split, err := t.choose(r.Split, &set)
	if err != nil {
		return nil, err
	}
	codes := make([]int32, 0, len(t.paths)*len(attributes))
	for i, path := range t.paths {
		if t.split != nil && t.split.of(i) != split {
			continue
		}
		from := len(codes)
		for _, a := range attributes {
			codes = append(codes, a.codes[i])
		}
		id := path
		if t.ids != nil {
			id = t.ids[i]
		}
		set.Files = append(set.Files, dataset.File{Path: path, Example: dataset.Example{
			ID: dataset.ExampleID(id), Label: labels[t.label.codes[i]], Split: split, Attributes: codes[from:len(codes):len(codes)],
		}})
	}
	return dataset.NewFileList(set)
}

// splits are those in the table, in the order of their names; one without a
// name if the table has none.
func (t *table) splits() []dataset.Split {
	if t.split == nil {
		return []dataset.Split{dataset.SplitUnknown}
	}
	var out []dataset.Split
	for _, v := range t.split.values {
		out = append(out, dataset.Split(v))
	}
	slices.Sort(out)
	return out
}

// choose is the split to read: the asked one, else test, validation, train or
// the first there is.
func (t *table) choose(want dataset.Split, set *dataset.FileSet) (dataset.Split, error) {
	if t.split == nil {
		if want != dataset.SplitUnknown {
			return "", fmt.Errorf("%s: there is no column of splits (%s); name one by split-column=COLUMN or leave out split=%s", t.path, strings.Join(splitNames(), ", "), want)
		}
		return dataset.SplitUnknown, nil
	}
	have := t.splits()
	if want != dataset.SplitUnknown {
		if !slices.Contains(have, want) {
			return "", &dataset.NotThere{Path: t.path, Want: fmt.Sprintf("split %s (there are: %v)", want, have)}
		}
		return want, nil
	}
	for _, s := range append([]dataset.Split{dataset.SplitTest, dataset.SplitValidation, dataset.SplitTrain}, have...) {
		if slices.Contains(have, s) {
			if s != dataset.SplitTest {
				set.Notes = append(set.Notes, fmt.Sprintf("there is no test split: this is the %s split", s))
			}
			return s, nil
		}
	}
	return dataset.SplitUnknown, nil // a table without rows
}

// attributes puts the attributes into the set and gives their columns.
func (t *table) attributes(named bool, set *dataset.FileSet) []*column {
	var out []*column
	for _, c := range t.groups {
		if !named && len(c.values) > maxGuessed {
			set.Notes = append(set.Notes, fmt.Sprintf("column %s has more than %d values: no attribute unless attributes=%s", c.name, maxGuessed, c.name))
			continue
		}
		if len(c.values) == 0 {
			set.Notes = append(set.Notes, fmt.Sprintf("column %s is empty: no attribute", c.name))
			continue
		}
		c.sort()
		out = append(out, c)
		set.Attributes = append(set.Attributes, dataset.Attribute{Name: c.name, Values: c.values})
	}
	return out
}

// classes names the classes in the set and gives the class number of each
// code in the label column.
func (t *table) classes(file string, set *dataset.FileSet) ([]dataset.Label, error) {
	names, err := readLines(file)
	if err != nil {
		return nil, err
	}
	number := map[string]int{}
	most, whole := 0, true
	for _, v := range t.label.values {
		n, ok := wholeNumber(v)
		whole = whole && ok
		most = max(most, n)
	}
	switch {
	case names != nil:
	case whole:
		for n := range most + 1 {
			names = append(names, fmt.Sprint(n))
		}
	default:
		names = slices.Clone(t.label.values)
		slices.Sort(names)
	}
	for n, name := range names {
		number[name] = n
	}
	set.Classes = names
	out := make([]dataset.Label, len(t.label.values))
	for code, v := range t.label.values {
		n, ok := number[v]
		if !ok && whole {
			n, ok = wholeNumber(v)
			ok = ok && n < len(names)
		}
		if !ok {
			return nil, fmt.Errorf("%s: line %d: class %q is none of the %d in %s", t.path, t.label.firstLine[code], v, len(names), file)
		}
		out[code] = dataset.Label(n)
	}
	return out, nil
}

// readLines reads names, a line each; nil without a file.
func readLines(file string) ([]string, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if slices.Contains(out, line) {
			return nil, fmt.Errorf("%s: class %q is there twice", file, line)
		}
		out = append(out, line)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no class names", file)
	}
	return out, nil
}
