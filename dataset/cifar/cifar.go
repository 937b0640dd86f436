// Package cifar reads CIFAR-10 and CIFAR-100 in their official binary layout
// (https://www.cs.toronto.edu/~kriz/cifar.html): records of one label byte
// (CIFAR-100: coarse, then fine) and 3072 bytes of a 32 x 32 image, all red,
// then all green, then all blue, row by row. Ids are "test/00012": the split
// and the record's place in it, counted from 0.
package cifar

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

const (
	side   = 32
	pixels = 3 * side * side
)

// layout is what sets CIFAR-10 and CIFAR-100 apart.
type layout struct {
	name    string
	folder  string // that the publisher's archive holds
	labels  int    // bytes before the pixels; the last one is the class
	classes names
	coarse  names // of the first byte, if there are two
	files   map[dataset.Split][]string
}

// names are class names: a file that may be there, and what it holds.
type names struct {
	file string
	want []string
}

// CIFAR10 is the kind cifar10.
func CIFAR10() dataset.Kind {
	l := layout{
		name: "cifar10", folder: "cifar-10-batches-bin", labels: 1,
		classes: names{"batches.meta.txt", classes10()},
		files: map[dataset.Split][]string{
			dataset.SplitTest:  {"test_batch.bin"},
			dataset.SplitTrain: {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
		},
	}
	return l.kind("CIFAR-10 in its binary version: 60,000 images of 10 classes, 32x32", known10())
}

// CIFAR100 is the kind cifar100. The coarse label is the attribute
// "superclass".
func CIFAR100() dataset.Kind {
	l := layout{
		name: "cifar100", folder: "cifar-100-binary", labels: 2,
		classes: names{"fine_label_names.txt", fine100()},
		coarse:  names{"coarse_label_names.txt", coarse100()},
		files: map[dataset.Split][]string{
			dataset.SplitTest:  {"test.bin"},
			dataset.SplitTrain: {"train.bin"},
		},
	}
	return l.kind("CIFAR-100 in its binary version: 60,000 images of 100 classes in 20 superclasses, 32x32", known100())
}

func (l layout) kind(title string, known dataset.KnownSet) dataset.Kind {
	return dataset.Kind{
		Name: l.name, Title: title,
		Splits: []dataset.Split{dataset.SplitTest, dataset.SplitTrain},
		Known:  []dataset.KnownSet{known},
		Open:   func(ctx context.Context, r dataset.Request) (dataset.Dataset, error) { return l.open(ctx, r) },
	}
}

// batch is one file of records.
type batch struct {
	file  *os.File
	first int // the place of its first record in the split
	count int
}

// set is one split.
type set struct {
	layout     layout
	split      dataset.Split
	classes    []string
	attributes []dataset.Attribute
	batches    []batch
	fine       []uint8
	coarse     []int32 // nil where there is none
}

func (l *layout) record() int { return l.labels + pixels }

func (l layout) open(ctx context.Context, r dataset.Request) (_ *set, err error) {
	dir, err := l.find(r.Path, r.Split)
	if err != nil {
		return nil, err
	}
	s := &set{layout: l, split: r.Split}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.classes, err = l.classes.read(dir); err != nil {
		return nil, err
	}
	if l.labels == 2 {
		values, err := l.coarse.read(dir)
		if err != nil {
			return nil, err
		}
		s.attributes = []dataset.Attribute{{Name: "superclass", Values: values}}
	}
	for _, name := range l.files[r.Split] {
		if err := s.add(ctx, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// find is the folder that holds the files: the path itself, or the folder of
// the publisher's archive below it.
func (l *layout) find(path string, split dataset.Split) (string, error) {
	want := l.files[split]
	for _, dir := range []string{path, filepath.Join(path, l.folder)} {
		var missing []string
		for _, name := range want {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				missing = append(missing, name)
			}
		}
		switch len(missing) {
		case 0:
			return dir, nil
		case len(want):
			continue
		}
		return "", &dataset.NotThere{Path: dir, Want: strings.Join(missing, ", ") + fmt.Sprintf(" (%d of %d files of the %s split are there)", len(want)-len(missing), len(want), split)}
	}
	return "", &dataset.NotThere{Path: path, Want: strings.Join(want, ", ")}
}

// add opens one file and reads its labels.
func (s *set) add(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	b := batch{file: f, first: len(s.fine)}
	s.batches = append(s.batches, b)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := int64(s.layout.record())
	if info.Size() == 0 || info.Size()%size != 0 {
		return fmt.Errorf("%s: %d bytes are no whole number of records of %d: the file is cut short or no %s", path, info.Size(), size, s.layout.name)
	}
	r := bufio.NewReaderSize(f, 1<<20)
	head := make([]byte, s.layout.labels)
	for k := range int(info.Size() / size) {
		if k%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := io.ReadFull(r, head); err != nil {
			return fmt.Errorf("%s: record %d: %w", path, k, err)
		}
		if err := s.label(head); err != nil {
			return fmt.Errorf("%s: record %d: %w", path, k, err)
		}
		if _, err := r.Discard(pixels); err != nil {
			return fmt.Errorf("%s: record %d: %w", path, k, err)
		}
		s.batches[len(s.batches)-1].count++
	}
	return nil
}

// label takes the bytes before the pixels.
func (s *set) label(head []byte) error {
	class := head[len(head)-1]
	if int(class) >= len(s.classes) {
		return fmt.Errorf("class %d, want 0 to %d", class, len(s.classes)-1)
	}
	s.fine = append(s.fine, class)
	if len(head) == 2 {
		if int(head[0]) >= len(s.attributes[0].Values) {
			return fmt.Errorf("superclass %d, want 0 to %d", head[0], len(s.attributes[0].Values)-1)
		}
		s.coarse = append(s.coarse, int32(head[0]))
	}
	return nil
}

// read reads a file of names, a line each; without one, the official names.
func (n names) read(dir string) ([]string, error) {
	path := filepath.Join(dir, n.file)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return n.want, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	for scan := bufio.NewScanner(io.LimitReader(f, 1<<16)); scan.Scan(); {
		if line := strings.TrimSpace(scan.Text()); line != "" {
			out = append(out, line)
		}
	}
	if len(out) != len(n.want) {
		return nil, fmt.Errorf("%s: %d names, want %d", path, len(out), len(n.want))
	}
	return out, nil
}

func (s *set) Name() string                    { return s.layout.name }
func (s *set) Classes() []string               { return s.classes }
func (s *set) Attributes() []dataset.Attribute { return s.attributes }
func (s *set) Len() int                        { return len(s.fine) }

func (s *set) Example(i int) dataset.Example {
	e := dataset.Example{ID: dataset.ExampleID(fmt.Sprintf("%s/%05d", s.split, i)), Label: dataset.Label(s.fine[i]), Split: s.split}
	if s.coarse != nil {
		e.Attributes = s.coarse[i : i+1 : i+1]
	}
	return e
}

// Image reads one record.
func (s *set) Image(ctx context.Context, i int) (*dataset.Image, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := &s.batches[0]
	for k := range s.batches {
		if s.batches[k].first <= i {
			b = &s.batches[k]
		}
	}
	var planes [pixels]uint8
	at := int64(i-b.first)*int64(s.layout.record()) + int64(s.layout.labels)
	if _, err := b.file.ReadAt(planes[:], at); err != nil {
		return nil, fmt.Errorf("%s: record %d: %w", b.file.Name(), i-b.first, err)
	}
	im := dataset.NewImage(side, side, 3)
	const n = side * side
	for p := range n {
		im.Pix[3*p], im.Pix[3*p+1], im.Pix[3*p+2] = planes[p], planes[n+p], planes[2*n+p]
	}
	return im, nil
}

// Close closes the files.
func (s *set) Close() error {
	var all error
	for _, b := range s.batches {
		if err := b.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
			all = errors.Join(all, err)
		}
	}
	return all
}
