// Package fetch downloads published data sets: it goes on where an earlier
// download stopped, checks every digest, and puts files in place only when
// they are whole. Without a network it takes the same files from a folder.
package fetch

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lethe-audit/lethe/dataset"
)

// Options say where from and how patiently.
type Options struct {
	// From is where the files are taken from instead of the publisher: the
	// URL of a folder, a folder, or a file where the set has only one.
	From string
	// Client makes requests.
	Client *http.Client
	// Retries is how often in a row a download may fail without a byte gained
	// before it is given up.
	Retries int
	// Wait is the time before the first retry; each further one doubles it.
	Wait time.Duration
	// Stall is the time without a byte after which a connection is given up.
	Stall time.Duration
	// Progress, if set, is called as bytes of a file arrive.
	Progress func(name string, done, total int64)
}

// DefaultOptions fetch from the publisher and retry 4 times, 2 to 16 seconds
// apart.
func DefaultOptions() Options {
	return Options{
		Client:  &http.Client{Transport: http.DefaultTransport},
		Retries: 4, Wait: 2 * time.Second, Stall: time.Minute,
	}
}

// Result says what was done.
type Result struct {
	Already bool     // all files were there with the published content: nothing was fetched
	Fetched []string // names of downloads
}

// Fetch brings a data set into dir. What is there and right stays as it is. An
// interruption leaves a part that the next call goes on from, under a hidden
// name.
func Fetch(ctx context.Context, set *dataset.KnownSet, dir string, o Options) (*Result, error) {
	if len(set.Downloads) == 0 {
		return nil, fmt.Errorf("fetch: %s cannot be downloaded: %s", set.Name, set.Terms)
	}
	if m, err := set.Compare(ctx, dir); err != nil {
		return nil, err
	} else if m.Whole() && len(m.Same) > 0 {
		return &Result{Already: true}, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	out := &Result{}
	for i := range set.Downloads {
		d := &set.Downloads[i]
		if !d.Unpack && verify(ctx, filepath.Join(dir, d.Name), d.Digest) == nil {
			continue
		}
		if err := one(ctx, set, d, dir, o); err != nil {
			return nil, fmt.Errorf("fetch: %s: %w", d.Name, err)
		}
		out.Fetched = append(out.Fetched, d.Name)
	}
	m, err := set.Compare(ctx, dir)
	if err != nil {
		return nil, err
	}
	if !m.Whole() {
		return nil, fmt.Errorf("fetch: %s: after all downloads these files are not as published: %s", set.Name, strings.Join(append(m.Differ, m.NotThere...), ", "))
	}
	return out, nil
}

// one brings one download into dir.
func one(ctx context.Context, set *dataset.KnownSet, d *dataset.Download, dir string, o Options) error {
	part := filepath.Join(dir, "."+d.Name+".part")
	from, err := o.source(set, d)
	if err != nil {
		return err
	}
	if from.url != "" {
		err = download(ctx, from.url, part, d, o)
	} else {
		err = copyFile(ctx, from.file, part, d, o)
	}
	if err != nil {
		return err
	}
	if !d.Unpack {
		return os.Rename(part, filepath.Join(dir, d.Name))
	}
	if err := unpack(ctx, part, dir, limits(set)); err != nil {
		return err
	}
	return os.Remove(part)
}

// place is where a download comes from: one of the two is set.
type place struct{ url, file string }

func (o *Options) source(set *dataset.KnownSet, d *dataset.Download) (place, error) {
	switch {
	case o.From == "":
		return place{url: d.URL}, nil
	case strings.HasPrefix(o.From, "http://") || strings.HasPrefix(o.From, "https://"):
		return place{url: strings.TrimSuffix(o.From, "/") + "/" + d.Name}, nil
	}
	info, err := os.Stat(o.From)
	switch {
	case err != nil:
		return place{}, err
	case info.IsDir():
		return place{file: filepath.Join(o.From, d.Name)}, nil
	case len(set.Downloads) > 1:
		return place{}, fmt.Errorf("%s is a file, %s has %d: give the folder they are in", o.From, set.Name, len(set.Downloads))
	}
	return place{file: o.From}, nil
}

// copyFile copies a file and checks it.
func copyFile(ctx context.Context, from, to string, d *dataset.Download, o Options) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	r := &counter{ctx: ctx, r: io.LimitReader(in, d.Bytes+1), of: d.Bytes, name: d.Name, report: o.Progress}
	_, err = io.Copy(out, r)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if err := verify(ctx, to, d.Digest); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", from, err), os.Remove(to))
	}
	return nil
}

// Mismatch says that a file is not the published one.
type Mismatch struct {
	Got, Want string // digests
	Bytes     int64
}

// Error gives both digests.
func (m *Mismatch) Error() string {
	return fmt.Sprintf("the file is not the published one: its %d bytes have %s, want %s", m.Bytes, m.Got, m.Want)
}

// verify checks a file's digest.
func verify(ctx context.Context, path, digest string) error {
	h, want, err := dataset.NewHash(digest)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(h, &counter{ctx: ctx, r: f})
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		name, _, _ := strings.Cut(digest, ":")
		return &Mismatch{Got: name + ":" + got, Want: digest, Bytes: n}
	}
	return nil
}

// counter reads until the context is done and reports how far it is.
type counter struct {
	ctx      context.Context
	r        io.Reader
	done, of int64
	name     string
	report   func(name string, done, total int64)
}

func (c *counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.done += int64(n)
	if c.report != nil && n > 0 {
		c.report(c.name, c.done, c.of)
	}
	return n, err
}
