package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func pictureFiles(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "pictures", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, n := range names {
		if !IsImageFile(n) {
			continue
		}
		if out[filepath.Base(n)], err = os.ReadFile(n); err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 20 {
		t.Fatalf("%d pictures", len(out))
	}
	return out
}

// bomb is a PNG of a few bytes whose header promises w x h pixels.
func bomb(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = append(binary.BigEndian.AppendUint32(head, h), 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(head))
}

func TestTooLarge(t *testing.T) {
	for _, size := range [][2]uint32{{100_000, 100_000}, {8193, 8192}, {65_536, 1}, {1, 70_000}} {
		data := bomb(size[0], size[1])
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode(data); !errors.Is(err, errTooLarge) {
			t.Errorf("%v pixels: %v", size, err)
		}
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		if used > 1<<20 {
			t.Errorf("%v pixels: %d bytes were allocated before it was refused", size, used)
		}
	}
	if _, err := Decode(bomb(8, 8)); errors.Is(err, errTooLarge) {
		t.Error("8x8 pixels are too large")
	}
}

// A file that is cut short anywhere gives an error or, where a format has
// padding at its end, an image; it never panics.
func TestCutShort(t *testing.T) {
	for name, data := range pictureFiles(t) {
		failed, tried := 0, 0
		for n := 0; n < len(data); n += 1 + len(data)/200 {
			tried++
			if _, err := Decode(data[:n]); err != nil {
				failed++
			}
		}
		if failed < tried*9/10 {
			t.Errorf("%s: of %d cut files only %d are refused", name, tried, failed)
		}
	}
}

func TestFaults(t *testing.T) {
	files := pictureFiles(t)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	arithmetic := bytes.Clone(files["jpeg_420.jpg"])
	arithmetic[bytes.Index(arithmetic, []byte{0xff, 0xc0})+1] = 0xc9
	for _, c := range []struct {
		path string
		want Fault
	}{
		{filepath.Join(dir, "nowhere.jpg"), FaultMissing},
		{filepath.Join(write("file", nil), "below.jpg"), FaultMissing},
		{write("empty.jpg", nil), FaultCorrupt},
		{write("text.jpg", []byte("GIF89a and so on")), FaultUnsupported},
		{write("arithmetic.jpg", arithmetic), FaultUnsupported},
		{write("cut.png", files["png_rgb.png"][:200]), FaultCorrupt},
		{write("bomb.png", bomb(100_000, 100_000)), FaultTooLarge},
		{dir, FaultCorrupt},
	} {
		_, err := ReadImage(t.Context(), "x", c.path)
		var b *BadImage
		if !errors.As(err, &b) || b.Fault() != c.want || b.ID != "x" {
			t.Errorf("%s: error %v, want a BadImage that is %s", filepath.Base(c.path), err, c.want)
			continue
		}
		if strings.Count(err.Error(), c.path) != 1 {
			t.Errorf("the file is not named once: %v", err)
		}
	}
	if os.Getuid() != 0 {
		p := write("locked.png", files["png_rgb.png"])
		if err := os.Chmod(p, 0); err != nil {
			t.Fatal(err)
		}
		_, err := ReadImage(t.Context(), "x", p)
		var b *BadImage
		if !errors.As(err, &b) || b.Fault() != FaultUnreadable || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a file without permission: %v", err)
		}
	}
}

// What a file is called does not matter.
func TestContentDecides(t *testing.T) {
	p := filepath.Join(t.TempDir(), "photo.JPEG")
	if err := os.WriteFile(p, pictureFiles(t)["png_rgb.png"], 0o644); err != nil {
		t.Fatal(err)
	}
	if im, err := ReadImage(t.Context(), "x", p); err != nil || im.Width != 45 {
		t.Errorf("a PNG named JPEG: %v", err)
	}
}

// 16-bit channels give their high byte.
func TestConvert16(t *testing.T) {
	grey := image.NewGray16(image.Rect(3, 5, 5, 6))
	copy(grey.Pix, []byte{0x12, 0xff, 0xab, 0x00})
	if got := convert(grey).Pix; !bytes.Equal(got, []byte{0x12, 0x12, 0x12, 0xab, 0xab, 0xab}) {
		t.Errorf("grey: %x", got)
	}
	deep := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	copy(deep.Pix, []byte{1, 2, 3, 4, 5, 6, 0, 0})
	if got := convert(deep).Pix; !bytes.Equal(got, []byte{1, 3, 5}) {
		t.Errorf("colours: %x", got)
	}
}

// Colour samples of a flat picture stay flat, for every subsampling.
func TestSubsampling(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		for w := 1; w < 12; w++ {
			for h := 1; h < 8; h++ {
				m := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
				fill(m.Y, 90)
				fill(m.Cb, 180)
				fill(m.Cr, 60)
				for name, f := range map[string]func(*image.YCbCr) *Image{"jpeg": jpegColours, "webp": webpColours} {
					if name == "webp" && ratio != image.YCbCrSubsampleRatio420 {
						continue // the only one WebP has
					}
					im := f(m)
					for i, v := range im.Pix {
						if v != im.Pix[i%3] {
							t.Fatalf("%s %v %dx%d: %v", name, ratio, w, h, im.Pix)
						}
					}
				}
			}
		}
	}
}

func fill(p []uint8, v uint8) {
	for i := range p {
		p[i] = v
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range pictureFiles(f) {
		f.Add(data)
	}
	f.Add(bomb(100_000, 100_000))
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := Decode(data)
		if err == nil {
			err = im.check()
			if im.Channels != 3 {
				t.Fatalf("%d channels", im.Channels)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
