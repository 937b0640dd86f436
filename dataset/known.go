package dataset

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// KnownSet is a data set that is published somewhere, with the digests of its
// files.
type KnownSet struct {
	Name      string // "cifar10"
	Title     string // one line: what it is
	Page      string // where its publisher describes it
	Terms     string // what the publisher says about use
	Source    string // how it is read once it lies in DIR: "cifar10:DIR"
	Files     []KnownFile
	Downloads []Download // nil: the publisher wants an account or a click
	Manual    string     // how to place the files by hand
}

// KnownFile is a file of a [KnownSet] as the publisher's archive holds it; one
// that is packed (.gz) is known by its content.
type KnownFile struct {
	Name   string // base name, without .gz
	Bytes  int64
	Digest string // "sha256:" or "md5:" and hex digits
}

// Download is a file to fetch.
type Download struct {
	URL    string
	Name   string // base name to store it under, or the archive's
	Bytes  int64
	Digest string
	Unpack bool // a .tar.gz: its regular files are what is wanted
}

// NewHash is the hash of a digest's name, "sha256:..." or "md5:...".
func NewHash(digest string) (h hash.Hash, want string, err error) {
	name, want, ok := strings.Cut(digest, ":")
	switch {
	case ok && name == "sha256":
		return sha256.New(), want, nil
	case ok && name == "md5":
		return md5.New(), want, nil // what some publishers give; it finds accidents
	}
	return nil, "", fmt.Errorf("dataset: digest %q, want sha256:HEX or md5:HEX", digest)
}

// Match says how the files in a folder compare with a [KnownSet].
type Match struct {
	Set      string   `json:"set"`
	Same     []string `json:"same,omitempty"`      // files with the published content
	Differ   []string `json:"differ,omitempty"`    // files of that name with other content
	NotThere []string `json:"not_there,omitempty"` // files that are not there
}

// Whole reports whether every file has the published content.
func (m *Match) Whole() bool { return len(m.Differ) == 0 && len(m.NotThere) == 0 }

// Compare hashes the files of s that lie in dir or in folders right below it,
// packed (.gz) or not.
func (s *KnownSet) Compare(ctx context.Context, dir string) (*Match, error) {
	m := &Match{Set: s.Name}
	for _, f := range s.Files {
		path := findKnown(dir, f.Name)
		if path == "" {
			m.NotThere = append(m.NotThere, f.Name)
			continue
		}
		same, err := f.same(ctx, path)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil && same:
			m.Same = append(m.Same, f.Name)
		default:
			m.Differ = append(m.Differ, f.Name)
		}
	}
	return m, nil
}

// findKnown is where a file of that name lies, "" where it does not.
func findKnown(dir, name string) string {
	for _, pattern := range []string{name, name + ".gz", filepath.Join("*", name), filepath.Join("*", name+".gz")} {
		found, err := filepath.Glob(filepath.Join(globEscape(dir), pattern))
		if err == nil && len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// globEscape makes filepath.Glob take a folder's name as it is.
func globEscape(dir string) string {
	if os.PathSeparator == '\\' {
		return dir // no escapes there
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// same reports whether the content of path is the published one. It reads at
// most one byte more than that has.
func (f *KnownFile) same(ctx context.Context, path string) (bool, error) {
	h, want, err := NewHash(f.Digest)
	if err != nil {
		return false, err
	}
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	var r io.Reader = bufio.NewReaderSize(file, 1<<16)
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(r)
		if err != nil {
			return false, err
		}
		r = z
	}
	n, err := io.Copy(h, &contextReader{ctx, io.LimitReader(r, f.Bytes+1)})
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return n == f.Bytes && hex.EncodeToString(h.Sum(nil)) == want, nil
}

// contextReader ends with the context's error once that is done.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
