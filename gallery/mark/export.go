package mark

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// Format is what marks are exported as.
type Format string

// The formats. The first two are one file; the others are folders with images.
const (
	CSV         Format = "csv"         // a row a mark
	JSONL       Format = "jsonl"       // an object a line
	FiftyOne    Format = "fiftyone"    // samples.json, data/
	LabelStudio Format = "labelstudio" // tasks.json, label-config.xml, images/
	Folder      Format = "folder"      // CLASS/*.png, examples.csv: a regression set
)

// Formats are all formats, in the order of the help.
func Formats() []Format { return []Format{CSV, JSONL, FiftyOne, LabelStudio, Folder} }

// ParseFormat is the format of that name.
func ParseFormat(s string) (Format, error) {
	if f := Format(s); slices.Contains(Formats(), f) {
		return f, nil
	}
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return "", fmt.Errorf("mark: unknown format %q: want %s", s, strings.Join(names, ", "))
}

// NeedsImages says that the format is a folder with the images in it.
func (f Format) NeedsImages() bool { return f != CSV && f != JSONL }

// FileName is what a download is called.
func (f Format) FileName() string {
	if f.NeedsImages() {
		return f.root() + ".zip"
	}
	return "marks." + string(f)
}

// root is the folder in a zip file, and the name of the export.
func (f Format) root() string { return "lethe-" + string(f) }

// ContentType is the media type of what [Export.Write] writes.
func (f Format) ContentType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8"
	case JSONL:
		return "application/x-ndjson; charset=utf-8"
	}
	return "application/zip"
}

// Facts are what the audit says of a marked example under the variant that the
// person looked at.
type Facts struct {
	Truth       string // given class
	Base, Label string // modal labels of the baseline and of the variant
	BaseVotes   int    // members of the baseline that predict Base
	BaseK       int    // members of the baseline
	Votes       int    // members of the variant that predict Label
	K           int    // members of the variant; 0: no variant is named, and what is about it says nothing
	Flip        string // kind of flip, as in examples.parquet
	PIE         bool
	Certified   bool
}

// Export is what is exported.
type Export struct {
	Marks []Mark // in order
	// Verdicts chooses among the marks; nil is all of them, but for a Folder
	// those confirmed: a regression set holds what a model should get right.
	Verdicts []Verdict
	Classes  []string // all class names, in order
	Baseline string   // name of the baseline variant
	// Facts is what the audit says of a mark; ok is false where it says
	// nothing, as of an example or a variant that it does not know.
	Facts func(Mark) (f Facts, ok bool)
	// Image gives the picture of an example; nil where there are none. One that
	// is missing or damaged is left out and named in the summary; any other
	// error ends the export.
	Image func(context.Context, dataset.ExampleID) (*dataset.Image, error)
}

// Summary is what became of an export.
type Summary struct {
	Marks   int // written
	Images  int // written; 0 for formats without
	Missing []dataset.ExampleID
	NoTruth []dataset.ExampleID // left out of a folder of classes: the audit does not know them
}

// ErrNoImages says that a format with images was asked for without any.
var ErrNoImages = errors.New("mark: this format holds the images, and there are none: give the data source")

// Write writes the export to w: one file, or a zip file of a folder.
func (e *Export) Write(ctx context.Context, w io.Writer, f Format) (Summary, error) {
	switch f {
	case CSV:
		return e.csv(w)
	case JSONL:
		return e.jsonl(w)
	}
	z := zip.NewWriter(w)
	s, err := e.tree(ctx, f, f.root(), func(name string, b []byte) error {
		method := zip.Deflate
		if strings.HasSuffix(name, ".png") {
			method = zip.Store // compressed already
		}
		out, err := z.CreateHeader(&zip.FileHeader{Name: f.root() + "/" + name, Method: method})
		if err != nil {
			return err
		}
		_, err = out.Write(b)
		return err
	})
	return s, errors.Join(err, z.Close())
}

// Dir writes the export as a folder at dir, whole or not at all. A folder that
// is there already makes it fail with fs.ErrExist unless replace is true. It is
// for formats with images.
func (e *Export) Dir(ctx context.Context, dir string, f Format, replace bool) (Summary, error) {
	var s Summary
	err := atomicfile.Dir(dir, replace, func(tmp string) error {
		var err error
		s, err = e.tree(ctx, f, filepath.Base(dir), func(name string, b []byte) error {
			path := filepath.Join(tmp, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			return os.WriteFile(path, b, 0o644)
		})
		return err
	})
	return s, err
}

// put adds a file, named with slashes, to a folder.
type put func(name string, b []byte) error

func (e *Export) tree(ctx context.Context, f Format, root string, put put) (Summary, error) {
	if e.Image == nil {
		return Summary{}, ErrNoImages
	}
	switch f {
	case FiftyOne:
		return e.fiftyone(ctx, put)
	case LabelStudio:
		return e.labelstudio(ctx, root, put)
	case Folder:
		return e.folder(ctx, put)
	}
	return Summary{}, fmt.Errorf("mark: %q is not a folder of images", f)
}

// item is a mark with all that is known of it.
type item struct {
	Mark
	Facts
	known bool
}

// compared says that the audit compared the example under the mark's variant.
func (it *item) compared() bool { return it.known && it.K > 0 }

// Chosen are the marks that an export in a format holds, in order.
func (e *Export) Chosen(f Format) []Mark {
	verdicts := e.Verdicts
	if verdicts == nil && f == Folder {
		verdicts = []Verdict{Confirmed}
	}
	if verdicts == nil {
		return e.Marks
	}
	return slices.DeleteFunc(slices.Clone(e.Marks), func(m Mark) bool { return !slices.Contains(verdicts, m.Verdict) })
}

// items are the chosen marks with all that is known of them.
func (e *Export) items(f Format) []item {
	var out []item
	for _, m := range e.Chosen(f) {
		it := item{Mark: m}
		if e.Facts != nil {
			it.Facts, it.known = e.Facts(m)
		}
		out = append(out, it)
	}
	return out
}

// share is votes of k, 0 where there are no members.
func share(votes, k int) float64 {
	if k == 0 {
		return 0
	}
	return float64(votes) / float64(k)
}

// picture puts the image of a mark into the folder; ok is false if it cannot be
// read, which the summary says.
func (e *Export) picture(ctx context.Context, s *Summary, put put, name string, m Mark) (ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	im, err := e.Image(ctx, m.ID)
	if _, bad := errors.AsType[*dataset.BadImage](err); bad {
		s.Missing = append(s.Missing, m.ID)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("mark: image of %q: %w", m.ID, err)
	}
	b, err := encodePNG(im)
	if err != nil {
		return false, fmt.Errorf("mark: image of %q: %w", m.ID, err)
	}
	if err := put(name, b); err != nil {
		return false, err
	}
	s.Images++
	return true, nil
}

// encodePNG keeps every pixel as the models saw it, whatever the source's format.
func encodePNG(im *dataset.Image) ([]byte, error) {
	bounds := image.Rect(0, 0, im.Width, im.Height)
	var m image.Image
	if im.Channels == 1 {
		m = &image.Gray{Pix: im.Pix, Stride: im.Width, Rect: bounds}
	} else {
		rgb := image.NewRGBA(bounds)
		for i := range im.Width * im.Height {
			rgb.SetRGBA(i%im.Width, i/im.Width, color.RGBA{im.Pix[3*i], im.Pix[3*i+1], im.Pix[3*i+2], 255})
		}
		m = rgb
	}
	var b bytes.Buffer
	err := png.Encode(&b, m)
	return b.Bytes(), err
}

// missing lists the marks whose image could not be had, in a file of its own.
func (s *Summary) missing(put put) error {
	if len(s.Missing) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, id := range s.Missing {
		fmt.Fprintf(&b, "%q\n", id)
	}
	return put("missing.txt", b.Bytes())
}
