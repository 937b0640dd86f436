package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/internal/num"
	"github.com/spf13/cobra"
)

// corruptOptions are the flags of lethe corrupt.
type corruptOptions struct {
	as, dir, format, preset string
	seed                    uint64
}

// The formats that lethe corrupt writes.
const (
	formatPNG = "png"
	formatNPY = "npy"
)

func (a *app) newCorrupt() *cobra.Command {
	o := corruptOptions{format: formatPNG}
	c := &cobra.Command{
		Use:   "corrupt SRC --as NAME[:SEVERITY],... -o DIR",
		Short: "Write corrupted copies of images: noise, blur, weather, JPEG, ...",
		Long: `Corrupt applies the common corruptions of Hendrycks and Dietterich (2019) with
their published parameters and writes the images. To audit under a corruption no
files are needed: every data source takes ?corruption=fog&severity=3.

Corruptions: ` + wrapNames(corrupt.Common()) + `
Extra ones:  ` + wrapNames(corrupt.Extra()) + `

--as takes names with a severity from 1 to 5 (fog:3) or without one (all five),
and common (the 15), extra (the 4) or all. Images are resized and cropped first,
if SRC says so. Parameters are those for 224 pixels (imagenet-c) or 32
(cifar-c), whichever is nearer to the image, and lengths scale with its side.

Formats:
  png  DIR/NAME/SEVERITY/CLASS/ID.png, the folders of ImageNet-C; classes are
       numbered in front where their names are not in order. Read one as
       imagefolder:DIR/fog/3
  npy  DIR/NAME.npy and DIR/labels.npy, the files of CIFAR-10-C: severities 1 to
       5 one after the other, labels once for each. Images have one size.
       Read one as cifar10c:DIR?corruption=fog&severity=3; ids are places in the
       file, so they are those of the clean images if SRC has no limit

A command that stopped goes on where it was: png image by image, npy file by
file. The image of an id, a corruption, a severity and a --seed is always the
same.

Exit codes:
  0    done
  2    usage or data error: an unknown corruption, an image that cannot be read
       or is too small
  130  interrupted; the same command goes on from there`,
		Example: `  lethe corrupt cifar10:cifar-10-batches-bin?limit=100 --as fog:3,snow:1 -o corrupted
  lethe corrupt cifar10:cifar-10-batches-bin?limit=20 --as all --format npy -o cifar10-c
  lethe data check cifar10:cifar-10-batches-bin?corruption=fog&severity=3`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error { return a.runCorrupt(c, list[0], &o) },
	}
	s := c.Flags()
	s.StringVar(&o.as, "as", "", "the `CORRUPTIONS`: fog:3, or fog for all severities; common, extra, all; joined by commas")
	s.StringVarP(&o.dir, "output", "o", "", "write into `DIR`")
	s.StringVar(&o.format, "format", o.format, "`FORMAT`: png (folders) or npy (as CIFAR-10-C)")
	s.StringVar(&o.preset, "preset", "", "`PARAMETERS`: imagenet-c or cifar-c (default: by the size of images)")
	s.Uint64Var(&o.seed, "seed", 0, "another `SEED` gives other noise")
	_ = c.MarkFlagDirname("output")
	return c
}

// wrapNames joins names, four a line.
func wrapNames(names []string) string {
	var b strings.Builder
	for i, n := range names {
		switch {
		case i > 0 && i%4 == 0:
			b.WriteString(",\n             ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(n)
	}
	return b.String()
}

func (a *app) runCorrupt(c *cobra.Command, source string, o *corruptOptions) error {
	usage := func(err error) error { return errUsage{err, c.CommandPath()} }
	if o.as == "" || o.dir == "" {
		return usage(errors.New("--as and -o are required: which corruptions, and where to write them"))
	}
	if o.format != formatPNG && o.format != formatNPY {
		return usage(fmt.Errorf("--format %q%s", o.format, dataset.Suggestion(o.format, []string{formatPNG, formatNPY})))
	}
	list, err := o.corruptions()
	if err != nil {
		return usage(fmt.Errorf("--as %s: %w", o.as, err))
	}
	opened, err := dataKinds().Open(c.Context(), source)
	if err != nil {
		return err
	}
	defer opened.Dataset.Close()
	a.notes(opened.Notes)
	w := &corruptWriter{app: a, data: opened.Dataset, preprocess: opened.Preprocess, dir: o.dir}
	if err := w.claim(source, o); err != nil {
		return err
	}
	write := w.images
	if o.format == formatNPY {
		write = w.arrays
	}
	if err := write(c.Context(), list); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.io.Out, "%s of %s by %s in %s\n", num.Plural(w.data.Len()*len(list), "image", "images"), w.data.Name(), o.as, o.dir)
	return err
}

// corruptions are those that --as names, in its order, each once.
func (o *corruptOptions) corruptions() ([]*corrupt.Corruption, error) {
	var out []*corrupt.Corruption
	seen := map[string]bool{}
	for _, item := range strings.Split(o.as, ",") {
		name, level, one := strings.Cut(strings.TrimSpace(item), ":")
		names, from, to := []string{name}, 1, corrupt.Severities
		switch name {
		case "common":
			names = corrupt.Common()
		case "extra":
			names = corrupt.Extra()
		case "all":
			names = corrupt.Names()
		}
		if one {
			s, err := strconv.Atoi(level)
			if err != nil {
				return nil, fmt.Errorf("severity %q of %s: want 1 (least) to %d", level, name, corrupt.Severities)
			}
			if o.format == formatNPY {
				return nil, fmt.Errorf("npy files hold all severities: want %s without :%d", name, s)
			}
			from, to = s, s
		}
		for _, n := range names {
			for s := from; s <= to; s++ {
				c, err := corrupt.New(corrupt.Options{Name: n, Severity: s, Preset: corrupt.Preset(o.preset), Seed: o.seed})
				if err != nil {
					return nil, err
				}
				if !seen[c.String()] {
					seen[c.String()] = true
					out = append(out, c)
				}
			}
		}
	}
	return out, nil
}

// folder is where the images of a corruption go.
func (w *corruptWriter) folder(c *corrupt.Corruption) string {
	return filepath.Join(w.dir, c.Options().Name, strconv.Itoa(c.Options().Severity))
}

// shifted are the images of one corruption.
func (w *corruptWriter) shifted(c *corrupt.Corruption) (dataset.Dataset, error) {
	return dataset.Shifted(w.data, w.preprocess, c)
}

// interrupted is the context's error, if it has ended.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
