package fetch

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// bounds keep an archive from filling the disk.
type bounds struct {
	bytes int64
	files int
}

// limits allow for what a set is known to hold and for some notes beside it.
func limits(set *dataset.KnownSet) bounds {
	b := bounds{bytes: 16 << 20, files: 1000}
	for _, f := range set.Files {
		b.bytes += f.Bytes
	}
	return b
}

// unpack unpacks the regular files of a .tar.gz into dir: first into a hidden
// folder, then, when all are there, each into its place. Names cannot lead out
// of that folder.
func unpack(ctx context.Context, archive, dir string, most bounds) error {
	tmp, err := os.MkdirTemp(dir, ".unpack-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	names, err := extract(ctx, archive, tmp, most)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("the archive holds no files")
	}
	slices.Sort(names)
	for _, name := range names {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(tmp, filepath.FromSlash(name)), to); err != nil {
			return err
		}
	}
	return nil
}

// extract writes the files below tmp and returns their names.
func extract(ctx context.Context, archive, tmp string, most bounds) ([]string, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(&counter{ctx: ctx, r: f})
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(tmp)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var names []string
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue // folders are made as files need them; links are not needed
		}
		name := path.Clean(h.Name)
		if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
			return nil, fmt.Errorf("the archive has a file named %q, outside its folder", h.Name)
		}
		if most.bytes -= h.Size; most.bytes < 0 || len(names) == most.files {
			return nil, errors.New("the archive unpacks to more than its data set has")
		}
		if err := extractOne(root, name, t, h.Size); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		names = append(names, name)
	}
}

func extractOne(root *os.Root, name string, r io.Reader, size int64) error {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, r, size)
	return errors.Join(err, f.Close())
}
