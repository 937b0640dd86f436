// Package thumb makes the pictures of a gallery from a data set: thumbnails,
// and whole pictures as they are or under a corruption. Each is made once and
// kept on disk under a name made of digests only, so that nothing in a request
// can name a file. What is missing or damaged becomes a placeholder that says
// the id.
package thumb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

// version is part of every cached name: files of another version are not read.
const version = "1"

// Options say which pictures are made and where they are kept.
type Options struct {
	Dir    string // folder of the cache, made if it is not there; "" keeps nothing
	Source string // what the data are, for cached names: two sources with other pixels differ in it
	Size   int    // longest side of a thumbnail, in pixels
	Large  int    // longest side of a whole picture, in pixels
	// Quality of JPEG files, 1 to 100. Small pictures are PNG, without loss.
	Quality int
	// Workers is how many pictures are decoded at once; 0 is one for each CPU
	// that Go may use.
	Workers int
	// Fit resizes and crops a picture before it is corrupted, as the model
	// gets it.
	Fit dataset.Preprocess
	// Find is the place of an example in the data; nil looks for its id.
	Find func(id dataset.ExampleID) (i int, ok bool)
}

// DefaultOptions make thumbnails of 160 pixels and keep nothing.
func DefaultOptions() Options {
	return Options{Size: 160, Large: 960, Quality: 85, Fit: dataset.DefaultPreprocess()}
}

// Store makes pictures of the examples of a data set. Its methods may be called
// from several goroutines at once.
type Store struct {
	data   dataset.Dataset
	o      Options
	free   *semaphore.Weighted
	making singleflight.Group
}

// New checks the options and makes the folder of the cache. It fails where the
// folder cannot be written to.
func New(d dataset.Dataset, o Options) (*Store, error) {
	if o.Size < 16 || o.Large < o.Size || o.Quality < 1 || o.Quality > 100 {
		return nil, fmt.Errorf("thumb: size %d, large %d, quality %d: want at least 16 pixels, large not below size, quality 1 to 100", o.Size, o.Large, o.Quality)
	}
	o.Fit.Channels = dataset.AsStored
	if err := o.Fit.Validate(); err != nil {
		return nil, fmt.Errorf("thumb: %w", err)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Find == nil {
		o.Find = places(d)
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("thumb: cache: %w", err)
		}
		probe, err := os.CreateTemp(o.Dir, ".probe-*")
		if err != nil {
			return nil, fmt.Errorf("thumb: cache: %w", err)
		}
		if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
			return nil, fmt.Errorf("thumb: cache: %w", err)
		}
	}
	return &Store{data: d, o: o, free: semaphore.NewWeighted(int64(o.Workers))}, nil
}

// places finds examples by their ids.
func places(d dataset.Dataset) func(dataset.ExampleID) (int, bool) {
	at := make(map[dataset.ExampleID]int, d.Len())
	for i := range d.Len() {
		at[d.Example(i).ID] = i
	}
	return func(id dataset.ExampleID) (int, bool) {
		i, ok := at[id]
		return i, ok
	}
}

// Size is the longest side of a thumbnail.
func (s *Store) Size() int { return s.o.Size }

// Thumb is the thumbnail of an example and its media type: image/png for
// pictures no larger than a thumbnail, enlarged by a whole number;
// image/jpeg for others; image/svg+xml for a placeholder. The error is the
// context's.
func (s *Store) Thumb(ctx context.Context, id dataset.ExampleID) (data []byte, kind string, err error) {
	return s.get(ctx, id, nil, s.o.Size)
}

// Shifted is the thumbnail of an example under a corruption. A picture that
// cannot be corrupted, such as one that is too small, gives a placeholder.
func (s *Store) Shifted(ctx context.Context, id dataset.ExampleID, shift dataset.Shift) (data []byte, kind string, err error) {
	return s.get(ctx, id, shift, s.o.Size)
}

// Image is the whole picture of an example, no larger than Options.Large;
// shift, if not nil, corrupts it.
func (s *Store) Image(ctx context.Context, id dataset.ExampleID, shift dataset.Shift) (data []byte, kind string, err error) {
	return s.get(ctx, id, shift, s.o.Large)
}

// made is a picture and its media type.
type made struct {
	data []byte
	kind string
}

func (s *Store) get(ctx context.Context, id dataset.ExampleID, shift dataset.Shift, size int) ([]byte, string, error) {
	i, ok := s.o.Find(id)
	if !ok {
		return Placeholder(string(id), "not in the data"), KindSVG, nil
	}
	key := s.key(i, shift, size)
	if m, ok := s.cached(key); ok {
		return m.data, m.kind, nil
	}
	// One caller makes it for all who want it; a caller who leaves does not
	// end it for the others.
	c := s.making.DoChan(key, func() (any, error) {
		return s.make(context.WithoutCancel(ctx), id, i, key, shift, size)
	})
	select {
	case <-ctx.Done():
		return nil, "", ctx.Err()
	case r := <-c:
		if r.Err != nil {
			return nil, "", r.Err
		}
		m := r.Val.(made)
		return m.data, m.kind, nil
	}
}

func (s *Store) make(ctx context.Context, id dataset.ExampleID, i int, key string, shift dataset.Shift, size int) (made, error) {
	if err := s.free.Acquire(ctx, 1); err != nil {
		return made{}, err
	}
	defer s.free.Release(1)
	im, err := s.picture(ctx, i, shift)
	if err != nil {
		return made{Placeholder(string(id), why(err)), KindSVG}, nil
	}
	m, err := encode(im, size, s.o.Quality)
	if err != nil {
		return made{Placeholder(string(id), why(err)), KindSVG}, nil
	}
	s.keep(key, m)
	return m, nil
}

// picture is the image of example i, corrupted where a shift asks for it.
func (s *Store) picture(ctx context.Context, i int, shift dataset.Shift) (*dataset.Image, error) {
	im, err := s.data.Image(ctx, i)
	if err != nil || shift == nil {
		return im, err
	}
	fit, err := dataset.NewPreprocessor(s.o.Fit)
	if err != nil {
		return nil, err
	}
	if im, err = fit.Fit(im); err != nil {
		return nil, err
	}
	return shift.Apply(s.data.Example(i).ID, im)
}

// key is the name of a picture in the cache: a digest of all it depends on. A
// picture that is a file of its own is another one when the file changes.
func (s *Store) key(i int, shift dataset.Shift, size int) string {
	h := sha256.New()
	parts := []string{version, s.o.Source, string(s.data.Example(i).ID), strconv.Itoa(size), strconv.Itoa(s.o.Quality), s.data.Name(), strconv.Itoa(i)}
	if shift != nil {
		parts = append(parts, "shift", shift.String(), fmt.Sprint(s.o.Fit.Resize, s.o.Fit.Crop, s.o.Fit.Filter))
	}
	if f, ok := s.data.(interface{ Path(int) string }); ok {
		if info, err := os.Stat(f.Path(i)); err == nil {
			parts = append(parts, strconv.FormatInt(info.Size(), 10), strconv.FormatInt(info.ModTime().UnixNano(), 10))
		} else {
			parts = append(parts, "gone")
		}
	}
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// path is where a picture is kept.
func (s *Store) path(key string) string { return filepath.Join(s.o.Dir, key[:2], key[2:]) }

// cached is a picture that was made before.
func (s *Store) cached(key string) (made, bool) {
	if s.o.Dir == "" {
		return made{}, false
	}
	data, err := os.ReadFile(s.path(key))
	if err != nil {
		return made{}, false
	}
	kind, ok := kindOf(data)
	return made{data, kind}, ok
}

// keep writes a picture to the cache. A disk that is full costs speed, not the
// picture.
func (s *Store) keep(key string, m made) {
	if s.o.Dir == "" {
		return
	}
	path := s.path(key)
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	_ = atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(m.data)
		return err
	})
}

// why says in a few words why there is no picture.
func why(err error) string {
	var bad *dataset.BadImage
	if errors.As(err, &bad) {
		return string(bad.Fault())
	}
	return err.Error()
}
