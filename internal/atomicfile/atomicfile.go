// Package atomicfile writes files and directories that are either whole or
// not there: the content goes to a hidden temporary name beside the target,
// is synced, and is renamed when it is complete. After an error or a panic the
// temporary is removed; after a kill at most the temporary is left, never a
// half-written target.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write calls fn with a buffered writer and, when it returns nil, puts what it
// wrote at path with mode 0644, in place of any file there.
func Write(path string, fn func(io.Writer) error) error { return write(path, 0o644, fn) }

// WriteSecret is Write of a file that only its owner may read.
func WriteSecret(path string, fn func(io.Writer) error) error { return write(path, 0o600, fn) }

func write(path string, mode fs.FileMode, fn func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	done := false
	defer func() {
		if !done {
			f.Close() // after an error or a panic: the first error is the one to tell
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := fn(w); err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("atomicfile: %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	done = true
	return SyncDir(filepath.Dir(path))
}

// Copy copies the file from to path, whole or not at all.
func Copy(path, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return Write(path, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// Dir calls fn with the name of an empty temporary directory and, when it
// returns nil, renames that directory to path. A directory that is already at
// path makes it fail with [fs.ErrExist], before fn runs, unless replace is
// true: then it is exchanged for the new one and removed. Missing parents of
// path are made.
func Dir(path string, replace bool, fn func(tmp string) error) (err error) {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	if _, err := os.Lstat(path); err == nil && !replace {
		return fmt.Errorf("atomicfile: %s: %w", path, fs.ErrExist)
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(path)+".tmp-*")
	if err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	defer os.RemoveAll(tmp) // what is left: a half-written new or the replaced old directory
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	if err := fn(tmp); err != nil {
		return err
	}
	if err := syncTree(tmp); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	if err := place(tmp, path, replace); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	return SyncDir(parent)
}

// place renames tmp to path. On return tmp is gone or holds what was at path.
func place(tmp, path string, replace bool) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(tmp, path)
	}
	if !replace {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	if ok, err := exchange(tmp, path); ok || err != nil {
		return err
	}
	// No exchange on this system: between the two renames path is missing,
	// and a kill there leaves both directories under hidden names.
	old := tmp + ".old"
	if err := os.Rename(path, old); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	return os.RemoveAll(old)
}

// syncTree flushes every file and directory below root to the disk.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return SyncDir(name)
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
