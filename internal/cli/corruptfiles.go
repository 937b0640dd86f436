package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/internal/atomicfile"
	"github.com/lethe-audit/lethe/internal/progress"
)

// corruptWriter writes corrupted images of one data set below a folder.
type corruptWriter struct {
	app        *app
	data       dataset.Dataset
	preprocess dataset.Preprocess
	dir        string
}

// corruptFile is the record beside the images of how they were made.
const corruptFile = "corrupt.json"

// corruptRecord is what images in one folder share.
type corruptRecord struct {
	Source string `json:"source"`
	Digest string `json:"digest"` // of the clean data's ids and labels
	Format string `json:"format"`
	Preset string `json:"preset"`
	Seed   uint64 `json:"seed"`
}

// claim writes the record, or checks that the folder holds images that were
// made in the same way.
func (w *corruptWriter) claim(source string, o *corruptOptions) error {
	path := filepath.Join(w.dir, corruptFile)
	want := corruptRecord{source, dataset.Digest(w.data), o.format, o.preset, o.seed}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(w.dir, 0o755); err != nil {
			return err
		}
		return atomicfile.Write(path, func(out io.Writer) error {
			e := json.NewEncoder(out)
			e.SetIndent("", "  ")
			return e.Encode(want)
		})
	}
	if err != nil {
		return err
	}
	var have corruptRecord
	if err := json.Unmarshal(b, &have); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if have != want {
		return fmt.Errorf("%s: %s holds images of %s in format %s with preset %q and seed %d; want another folder for other images", path, w.dir, have.Source, have.Format, have.Preset, have.Seed)
	}
	return nil
}

// parallel does 0 to n - 1 on all cores and stops at the first error.
func parallel(ctx context.Context, n int, bar *progress.Bar, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	next, done := 0, 0
	for range min(runtime.GOMAXPROCS(0), n) {
		all.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				done++
				bar.Set(done, n)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// images writes PNG files; those that are there are kept.
func (w *corruptWriter) images(ctx context.Context, list []*corrupt.Corruption) error {
	classes := classFolders(w.data.Classes())
	for _, c := range list {
		data, err := w.shifted(c)
		if err != nil {
			return err
		}
		for _, class := range classes {
			if err := os.MkdirAll(filepath.Join(w.folder(c), class), 0o755); err != nil {
				return err
			}
		}
		bar := w.app.bar(c.String(), "images")
		err = parallel(ctx, data.Len(), bar, func(i int) error {
			e := data.Example(i)
			path := filepath.Join(w.folder(c), classes[e.Label], fileName(string(e.ID))+".png")
			if _, err := os.Stat(path); err == nil {
				return nil
			}
			im, err := data.Image(ctx, i)
			if err != nil {
				return fmt.Errorf("%s: %w", e.ID, err)
			}
			return atomicfile.Write(path, func(out io.Writer) error { return png.Encode(out, pictureOf(im)) })
		})
		bar.End()
		if err != nil {
			return interrupted(ctx, err)
		}
	}
	return nil
}

// classFolders are folder names that sort in the order of the classes.
func classFolders(classes []string) []string {
	out, digits := make([]string, len(classes)), len(fmt.Sprint(len(classes)-1))
	for i, c := range classes {
		out[i] = fileName(c)
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(out))); slices.Equal(sorted, out) {
		return out
	}
	for i := range out {
		out[i] = fmt.Sprintf("%0*d_%s", digits, i, out[i])
	}
	return out
}

// fileName is a name without what separates folders.
func fileName(s string) string {
	return strings.NewReplacer("/", "_", `\`, "_", ":", "_", "\x00", "_").Replace(s)
}

// pictureOf is an image for the encoder.
func pictureOf(im *dataset.Image) image.Image {
	r := image.Rect(0, 0, im.Width, im.Height)
	if im.Channels == 1 {
		return &image.Gray{Pix: im.Pix, Stride: im.Width, Rect: r}
	}
	m := image.NewRGBA(r)
	for i := range im.Width * im.Height {
		m.Pix[4*i], m.Pix[4*i+1], m.Pix[4*i+2], m.Pix[4*i+3] = im.Pix[3*i], im.Pix[3*i+1], im.Pix[3*i+2], 255
	}
	return m
}

// arrays writes the files of CIFAR-10-C; those that are there are kept.
func (w *corruptWriter) arrays(ctx context.Context, list []*corrupt.Corruption) error {
	labels := filepath.Join(w.dir, "labels.npy")
	if len(w.data.Classes()) > 256 {
		return fmt.Errorf("%s: %d classes: labels of npy files are bytes, want --format png", w.data.Name(), len(w.data.Classes()))
	}
	err := atomicfile.Write(labels, func(out io.Writer) error {
		all := make([]byte, w.data.Len())
		for i := range all {
			all[i] = uint8(w.data.Example(i).Label)
		}
		_, err := out.Write(append(npyHeader(corrupt.Severities*len(all)), bytes.Repeat(all, corrupt.Severities)...))
		return err
	})
	if err != nil {
		return err
	}
	for len(list) > 0 { // the severities of a corruption follow each other
		if err := w.array(ctx, list[:corrupt.Severities]); err != nil {
			return interrupted(ctx, err)
		}
		list = list[corrupt.Severities:]
	}
	return nil
}

// array writes the file of one corruption.
func (w *corruptWriter) array(ctx context.Context, severities []*corrupt.Corruption) error {
	name := severities[0].Options().Name
	path := filepath.Join(w.dir, name+".npy")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	first, err := w.first(ctx, severities[0])
	if err != nil {
		return err
	}
	n := w.data.Len()
	bar := w.app.bar(name, "images")
	defer bar.End()
	return atomicfile.Write(path, func(out io.Writer) error {
		if _, err := out.Write(npyHeader(n*len(severities), first.Height, first.Width, 3)); err != nil {
			return err
		}
		for s, c := range severities {
			data, err := w.shifted(c)
			if err != nil {
				return err
			}
			block := make([][]byte, min(256, n))
			for from := 0; from < n; from += len(block) {
				now := block[:min(len(block), n-from)]
				err := parallel(ctx, len(now), nil, func(k int) (err error) {
					now[k], err = pixels(ctx, data, from+k, first)
					return err
				})
				if err != nil {
					return err
				}
				for _, b := range now {
					if _, err := out.Write(b); err != nil {
						return err
					}
				}
				bar.Set(s*n+from+len(now), len(severities)*n)
			}
		}
		return nil
	})
}

// first is the first image, whose size all others must have.
func (w *corruptWriter) first(ctx context.Context, c *corrupt.Corruption) (*dataset.Image, error) {
	data, err := w.shifted(c)
	if err != nil {
		return nil, err
	}
	return data.Image(ctx, 0)
}

// pixels are the bytes of one image in colours.
func pixels(ctx context.Context, data dataset.Dataset, i int, like *dataset.Image) ([]byte, error) {
	im, err := data.Image(ctx, i)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", data.Example(i).ID, err)
	}
	if im.Width != like.Width || im.Height != like.Height {
		return nil, fmt.Errorf("%s: %dx%d pixels, the first image has %dx%d: an npy file holds one size (want ?resize=256&crop=224, or --format png)", data.Example(i).ID, im.Width, im.Height, like.Width, like.Height)
	}
	return im.RGB().Pix, nil
}

// npyHeader begins an npy file (version 1.0) of bytes of a shape.
func npyHeader(shape ...int) []byte {
	dims := make([]string, len(shape))
	for i, n := range shape {
		dims[i] = fmt.Sprint(n)
	}
	text := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%s,), }", strings.Join(dims, ", "))
	if len(shape) > 1 {
		text = strings.Replace(text, ",), }", "), }", 1)
	}
	text += strings.Repeat(" ", 63-(10+len(text))%64) + "\n"
	return append([]byte{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, uint8(len(text)), uint8(len(text) >> 8)}, text...)
}
