package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// MaxPixels is the size of the largest image that is decoded: 8192 x 8192. A
// header that promises more is refused before memory is set aside for it.
const MaxPixels = 1 << 26

// maxImageSide is the longest side of an image that is decoded, which is also
// the longest that JPEG knows.
const maxImageSide = 1<<16 - 1

// maxFileBytes is the size of the largest image file that is read.
const maxFileBytes = 1 << 28

var errTooLarge = errors.New("too large")

// IsImageFile reports whether a file name ends like one of an image format
// that [Decode] reads.
func IsImageFile(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return false
	}
	switch strings.ToLower(name[dot+1:]) {
	case "jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff":
		return true
	}
	return false
}

// ReadImage reads and decodes the image file of one example. What is wrong with
// the file comes back as a [*BadImage].
func ReadImage(ctx context.Context, id ExampleID, path string) (*Image, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := readFile(path)
	if err != nil {
		return nil, blame(id, path, err)
	}
	im, err := Decode(data)
	if err != nil {
		return nil, blame(id, path, err)
	}
	return im, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, errors.New("is a folder")
	case info.Size() > maxFileBytes:
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", errTooLarge, info.Size(), maxFileBytes)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	return data, nil
}

// codec is an image format: how its files begin and who decodes them.
type codec struct {
	name   string
	magic  string // ? stands for any byte
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	ycbcr  func(*image.YCbCr) *Image // nil where the format has no such colours
}

func codecs() []codec {
	return []codec{
		{"jpeg", "\xff\xd8", jpeg.DecodeConfig, jpeg.Decode, jpegColours},
		{"png", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, nil},
		{"webp", "RIFF????WEBP", webp.DecodeConfig, webp.Decode, webpColours},
		{"bmp", "BM", bmp.DecodeConfig, bmp.Decode, nil},
		{"tiff", "II*\x00", tiff.DecodeConfig, tiff.Decode, nil},
		{"tiff", "MM\x00*", tiff.DecodeConfig, tiff.Decode, nil},
	}
}

func (c *codec) matches(data []byte) bool {
	if len(data) < len(c.magic) {
		return false
	}
	for i := range len(c.magic) {
		if m := c.magic[i]; m != '?' && m != data[i] {
			return false
		}
	}
	return true
}

// Decode decodes a JPEG, PNG, WebP, BMP or TIFF file, told by its content, into
// an image of three channels. The pixels are those of Pillow's
// Image.open(f).convert("RGB"), but for what doc/format/data.md lists: colours
// of JPEG and WebP are upsampled and converted as libjpeg and libwebp do,
// transparency is dropped, an orientation in the metadata is not applied.
// It does not panic, whatever the data.
func Decode(data []byte) (im *Image, err error) {
	if len(data) == 0 {
		return nil, errors.New("empty file")
	}
	for _, c := range codecs() {
		if c.matches(data) {
			return c.read(data)
		}
	}
	return nil, fmt.Errorf("%w (want JPEG, PNG, WebP, BMP or TIFF)", image.ErrFormat)
}

func (c *codec) read(data []byte) (im *Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			im, err = nil, fmt.Errorf("%s: %v", c.name, r) // a decoder met what it did not expect
		}
	}()
	size, err := c.config(bytes.NewReader(data))
	if err != nil {
		return nil, c.wrap(err)
	}
	if size.Width < 1 || size.Height < 1 {
		return nil, fmt.Errorf("%s: image of %dx%d pixels", c.name, size.Width, size.Height)
	}
	if max(size.Width, size.Height) > maxImageSide || size.Width*size.Height > MaxPixels {
		return nil, fmt.Errorf("%w: %s of %dx%d pixels, at most %d are decoded and no side above %d", errTooLarge, c.name, size.Width, size.Height, MaxPixels, maxImageSide)
	}
	m, err := c.decode(bytes.NewReader(data))
	if err != nil {
		return nil, c.wrap(err)
	}
	if got := m.Bounds().Size(); got.X != size.Width || got.Y != size.Height {
		return nil, fmt.Errorf("%s: header says %dx%d pixels, content %dx%d", c.name, size.Width, size.Height, got.X, got.Y)
	}
	return c.convert(m), nil
}

// wrap says which format an error is about.
func (c *codec) wrap(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: file is cut short: %w", c.name, io.ErrUnexpectedEOF)
	}
	if strings.HasPrefix(err.Error(), c.name+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", c.name, err)
}

func (c *codec) convert(m image.Image) *Image {
	if c.ycbcr != nil {
		switch m := m.(type) {
		case *image.YCbCr:
			return c.ycbcr(m)
		case *image.NYCbCrA:
			return c.ycbcr(&m.YCbCr)
		}
	}
	return convert(m)
}

// convert brings a decoded image to three channels of 8 bits: the high byte of
// 16, the palette's colours, without transparency.
func convert(m image.Image) *Image {
	b := m.Bounds()
	out := NewImage(b.Dx(), b.Dy(), 3)
	for y := range out.Height {
		dst, at := out.row(y), b.Min.Y+y
		switch m := m.(type) {
		case *image.Gray:
			spread(dst, m.Pix[m.PixOffset(b.Min.X, at):], 1)
		case *image.Gray16:
			spread(dst, m.Pix[m.PixOffset(b.Min.X, at):], 2)
		case *image.NRGBA:
			pick(dst, m.Pix[m.PixOffset(b.Min.X, at):], 4, 1)
		case *image.NRGBA64:
			pick(dst, m.Pix[m.PixOffset(b.Min.X, at):], 8, 2)
		case *image.CMYK:
			inks(dst, m.Pix[m.PixOffset(b.Min.X, at):])
		default:
			for x := range out.Width {
				c := color.NRGBAModel.Convert(m.At(b.Min.X+x, at)).(color.NRGBA)
				dst[3*x], dst[3*x+1], dst[3*x+2] = c.R, c.G, c.B
			}
		}
	}
	return out
}

// spread copies the first of every step bytes to all three channels.
func spread(dst, src []uint8, step int) {
	for x := 0; x < len(dst)/3; x++ {
		v := src[x*step]
		dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
	}
}

// pick copies three channels that are by bytes apart, of pixels that are step
// bytes apart.
func pick(dst, src []uint8, step, by int) {
	for x := 0; x < len(dst)/3; x++ {
		p := src[x*step:]
		dst[3*x], dst[3*x+1], dst[3*x+2] = p[0], p[by], p[2*by]
	}
}

// inks converts cyan, magenta, yellow and black as Pillow does:
// (255-K) - C (255-K) / 255, rounded.
func inks(dst, src []uint8) {
	for x := 0; x < len(dst)/3; x++ {
		p := src[4*x : 4*x+4]
		white := 255 - int(p[3])
		for c := range 3 {
			t := int(p[c])*white + 128
			dst[3*x+c] = uint8(max(white-((t>>8)+t)>>8, 0))
		}
	}
}
