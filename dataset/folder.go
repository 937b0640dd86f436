package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// FolderEntry is a file or folder, links followed.
type FolderEntry struct {
	Name string
	Dir  bool
}

// ReadFolder lists a folder in the order of names, without hidden entries.
// Links are followed; those that lead nowhere are listed as files.
func ReadFolder(dir string) ([]FolderEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []FolderEntry
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(filepath.Join(dir, e.Name()))
			isDir = err == nil && info.IsDir()
		}
		out = append(out, FolderEntry{e.Name(), isDir})
	}
	return out, nil
}

// SplitNamed is the usual split that a folder's or cell's name stands for:
// "val" and "valid" are validation. [SplitUnknown] if it is none.
func SplitNamed(name string) Split {
	switch strings.ToLower(name) {
	case "train", "training":
		return SplitTrain
	case "val", "valid", "validation":
		return SplitValidation
	case "test", "testing":
		return SplitTest
	}
	return SplitUnknown
}

// maxDepth is how deep folders are searched; linked circles end there.
const maxDepth = 16

// Found are the files below a folder, as slash-separated paths from the root
// that was searched, in the order of names.
type Found struct {
	Images []string // by their names, see [IsImageFile]
	Others []string
}

// FindImages finds the files at root/below and deeper. A folder root/below
// that is not there has none.
func FindImages(ctx context.Context, root, below string) (*Found, error) {
	f := &Found{}
	return f, f.search(ctx, root, below, 0)
}

func (f *Found) search(ctx context.Context, root, below string, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > maxDepth {
		return fmt.Errorf("%s: folders are nested more than %d deep; is there a link to a folder above?", filepath.Join(root, below), maxDepth)
	}
	entries, err := ReadFolder(filepath.Join(root, filepath.FromSlash(below)))
	if errors.Is(err, fs.ErrNotExist) && depth == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(below, e.Name)
		switch {
		case e.Dir:
			if err := f.search(ctx, root, name, depth+1); err != nil {
				return err
			}
		case IsImageFile(e.Name):
			f.Images = append(f.Images, name)
		default:
			f.Others = append(f.Others, name)
		}
	}
	return nil
}
