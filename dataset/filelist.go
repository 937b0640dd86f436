package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync/atomic"
)

// File is an example whose image is a file of its own.
type File struct {
	Example
	Path string // below the root of its [FileList], or absolute
}

// FileList is a [Dataset] of image files: what readers of folders and lists
// make. Images have three channels.
type FileList struct {
	name       string
	root       string
	classes    []string
	subset     []Label
	attributes []Attribute
	files      []File
	notes      []string
	closed     atomic.Bool
}

// FileSet is what a [FileList] is made of.
type FileSet struct {
	Name        string
	Root        string // folder that paths are relative to
	Classes     []string
	ClassSubset []Label // those that models are to choose among, ascending; nil: all
	Attributes  []Attribute
	Files       []File
	Notes       []string
}

// NewFileList checks that ids are unique, and that labels and codes are in
// range.
func NewFileList(s FileSet) (*FileList, error) {
	seen := make(map[ExampleID]struct{}, len(s.Files))
	for i, c := range s.ClassSubset {
		if c < 0 || int(c) >= len(s.Classes) || i > 0 && c <= s.ClassSubset[i-1] {
			return nil, fmt.Errorf("%s: class %d of the subset is none of the %d or out of order", s.Name, c, len(s.Classes))
		}
	}
	for i := range s.Files {
		f := &s.Files[i]
		if _, again := seen[f.ID]; again {
			return nil, fmt.Errorf("%s: id %q is there twice", s.Name, f.ID)
		}
		seen[f.ID] = struct{}{}
		if f.Label < 0 || int(f.Label) >= len(s.Classes) {
			return nil, fmt.Errorf("%s: %s: class %d, there are %d", s.Name, f.ID, f.Label, len(s.Classes))
		}
		if _, in := slices.BinarySearch(s.ClassSubset, f.Label); s.ClassSubset != nil && !in {
			return nil, fmt.Errorf("%s: %s: class %d is not of the subset", s.Name, f.ID, f.Label)
		}
		if len(f.Attributes) != len(s.Attributes) {
			return nil, fmt.Errorf("%s: %s: %d codes for %d attributes", s.Name, f.ID, len(f.Attributes), len(s.Attributes))
		}
		for k, code := range f.Attributes {
			if code != Missing && (code < 0 || int(code) >= len(s.Attributes[k].Values)) {
				return nil, fmt.Errorf("%s: %s: code %d of %s", s.Name, f.ID, code, s.Attributes[k].Name)
			}
		}
	}
	return &FileList{name: s.Name, root: s.Root, classes: s.Classes, subset: slices.Clone(s.ClassSubset), attributes: s.Attributes, files: s.Files, notes: slices.Clone(s.Notes)}, nil
}

// Name is the name of the set.
func (l *FileList) Name() string { return l.name }

// Classes are the class names.
func (l *FileList) Classes() []string { return l.classes }

// Attributes are the attributes.
func (l *FileList) Attributes() []Attribute { return l.attributes }

// Len is the number of files.
func (l *FileList) Len() int { return len(l.files) }

// Example describes file i.
func (l *FileList) Example(i int) Example { return l.files[i].Example }

// Notes are what the reader had to say.
func (l *FileList) Notes() []string { return l.notes }

// Path is where the image of example i lies.
func (l *FileList) Path(i int) string {
	p := filepath.FromSlash(l.files[i].Path)
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(l.root, p)
}

// Image decodes file i.
func (l *FileList) Image(ctx context.Context, i int) (*Image, error) {
	if l.closed.Load() {
		return nil, fs.ErrClosed
	}
	return ReadImage(ctx, l.files[i].ID, l.Path(i))
}

// Close makes images fail.
func (l *FileList) Close() error {
	l.closed.Store(true)
	return nil
}
