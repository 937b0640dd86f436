// Package idx reads data sets in the format of MNIST
// (http://yann.lecun.com/exdb/mnist): a file of images and one of labels for
// each split, packed with gzip or not. Ids are "test/00012": the split and the
// place in its files, counted from 0.
package idx

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/lethe-audit/lethe/dataset"
)

// Kind is the kind idx.
func Kind() dataset.Kind {
	return dataset.Kind{
		Name:   "idx",
		Title:  "files in MNIST's format, .gz or not: MNIST, Fashion-MNIST, EMNIST, ...; grey images",
		Splits: []dataset.Split{dataset.SplitTest, dataset.SplitTrain},
		Options: []dataset.OptionInfo{
			{Name: "classes", Value: "FILE", Help: "class names, a line each; without it the numbers, or what is known of the data set"},
		},
		Known: known(),
		Open:  open,
	}
}

// set is one split, images in memory.
type set struct {
	name          string
	split         dataset.Split
	classes       []string
	labels        []uint8
	pixels        []uint8
	height, width int
	closed        atomic.Bool
}

func open(_ context.Context, r dataset.Request) (dataset.Dataset, error) {
	imagePath, err := find(r.Path, r.Split, "images", "3")
	if err != nil {
		return nil, err
	}
	labelPath, err := find(r.Path, r.Split, "labels", "1")
	if err != nil {
		return nil, err
	}
	images, err := readFile(imagePath)
	if err != nil {
		return nil, err
	}
	labels, err := readFile(labelPath)
	if err != nil {
		return nil, err
	}
	switch {
	case len(images.Dims) != 3 || images.Dims[1] < 1 || images.Dims[2] < 1:
		return nil, fmt.Errorf("%s: dimensions %v, want images x rows x columns", imagePath, images.Dims)
	case len(labels.Dims) != 1:
		return nil, fmt.Errorf("%s: dimensions %v, want one label an image", labelPath, labels.Dims)
	case labels.Dims[0] != images.Dims[0]:
		return nil, fmt.Errorf("%s: %d labels, %s has %d images", labelPath, labels.Dims[0], filepath.Base(imagePath), images.Dims[0])
	}
	s := &set{split: r.Split, labels: labels.Data, pixels: images.Data, height: images.Dims[1], width: images.Dims[2]}
	if s.name, s.classes, err = s.identify(r.Options["classes"]); err != nil {
		return nil, err
	}
	for i, c := range s.labels {
		if int(c) >= len(s.classes) {
			return nil, fmt.Errorf("%s: label %d is class %d, there are names for %d", labelPath, i, c, len(s.classes))
		}
	}
	return s, nil
}

// identify says what data set it is and what its classes are called.
func (s *set) identify(file string) (name string, classes []string, err error) {
	name, classes = published(s.labels)
	if file != "" {
		classes, err = readNames(file)
		return name, classes, err
	}
	if classes == nil {
		most := uint8(9) // digits, even if a part of the data has no nine
		if len(s.labels) > 0 {
			most = max(most, slices.Max(s.labels))
		}
		for c := range int(most) + 1 {
			classes = append(classes, strconv.Itoa(c))
		}
	}
	return name, classes, nil
}

func readNames(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		if line == "" {
			continue
		}
		if slices.Contains(out, line) {
			return nil, fmt.Errorf("%s: class %q is there twice", file, line)
		}
		out = append(out, line)
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no class names", file)
	}
	return out, nil
}

// find is the file of one part ("images" or "labels") of a split. Names are
// those of MNIST and of sets that imitate it: a prefix, "t10k" or "test" for
// the test split, "-" or "." before "idx", .gz or not.
func find(dir string, split dataset.Split, part, dims string) (string, error) {
	words := []string{"train"}
	if split == dataset.SplitTest {
		words = []string{"t10k", "test"}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		name := strings.TrimSuffix(strings.ToLower(e.Name()), ".gz")
		for _, w := range words {
			tail := w + "-" + part + "-idx" + dims + "-ubyte"
			if strings.HasSuffix(strings.ReplaceAll(name, ".idx", "-idx"), tail) {
				found = append(found, e.Name())
			}
		}
	}
	if len(found) == 2 && found[1] == found[0]+".gz" {
		found = found[:1] // packed and unpacked
	}
	switch len(found) {
	case 0:
		return "", &dataset.NotThere{Path: dir, Want: fmt.Sprintf("%s-%s-idx%s-ubyte or the same with .gz", words[0], part, dims)}
	case 1:
		return filepath.Join(dir, found[0]), nil
	}
	return "", fmt.Errorf("%s: several files for the %s of split %s: %s; keep one data set in a folder", dir, part, split, strings.Join(found, ", "))
}

func (s *set) Name() string                    { return s.name }
func (s *set) Classes() []string               { return s.classes }
func (s *set) Attributes() []dataset.Attribute { return nil }
func (s *set) Len() int                        { return len(s.labels) }

func (s *set) Example(i int) dataset.Example {
	return dataset.Example{ID: dataset.ExampleID(fmt.Sprintf("%s/%05d", s.split, i)), Label: dataset.Label(s.labels[i]), Split: s.split}
}

// Image copies an image.
func (s *set) Image(ctx context.Context, i int) (*dataset.Image, error) {
	if err := errors.Join(ctx.Err(), s.err()); err != nil {
		return nil, err
	}
	im := dataset.NewImage(s.width, s.height, 1)
	copy(im.Pix, s.pixels[i*len(im.Pix):])
	return im, nil
}

func (s *set) err() error {
	if s.closed.Load() {
		return fs.ErrClosed
	}
	return nil
}

// Close makes images fail.
func (s *set) Close() error {
	s.closed.Store(true)
	return nil
}
