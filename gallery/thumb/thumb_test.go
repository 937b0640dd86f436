package thumb

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

func store(t *testing.T, d dataset.Dataset, change func(*Options)) *Store {
	t.Helper()
	o := DefaultOptions()
	o.Dir, o.Source = t.TempDir(), "test"
	if change != nil {
		change(&o)
	}
	s, err := New(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files are the names of what is kept in a cache.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestSmallGrow compares every pixel of an enlarged picture with the one it
// came from.
func TestSmallGrow(t *testing.T) {
	for _, channels := range []int{1, 3} {
		d := datasettest.NewMemory(3, 2, 32, 24, channels, 7)
		s := store(t, d, nil)
		data, kind, err := s.Thumb(context.Background(), "test/00001")
		if err != nil || kind != KindPNG {
			t.Fatal(kind, err)
		}
		pic, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		const n = 5 // 160 / 32
		if b := pic.Bounds(); b.Dx() != 32*n || b.Dy() != 24*n {
			t.Fatalf("%d channels: %v, want %d x %d", channels, b, 32*n, 24*n)
		}
		im := d.Images[1].RGB()
		for y := range 24 * n {
			for x := range 32 * n {
				r, g, b, _ := pic.At(x, y).RGBA()
				p := im.Pix[((y/n)*32+x/n)*3:]
				if uint8(r>>8) != p[0] || uint8(g>>8) != p[1] || uint8(b>>8) != p[2] {
					t.Fatalf("%d channels: pixel %d,%d differs", channels, x, y)
				}
			}
		}
	}
}

func TestLargeShrink(t *testing.T) {
	d := datasettest.NewMemory(1, 1, 300, 100, 3, 1)
	s := store(t, d, nil)
	for _, c := range []struct {
		get  func() ([]byte, string, error)
		w, h int
	}{
		{func() ([]byte, string, error) { return s.Thumb(context.Background(), "test/00000") }, 160, 53},
		{func() ([]byte, string, error) { return s.Image(context.Background(), "test/00000", nil) }, 300, 100},
	} {
		data, kind, err := c.get()
		if err != nil || kind != KindJPEG {
			t.Fatal(kind, err)
		}
		pic, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || pic.Width != c.w || pic.Height != c.h {
			t.Errorf("%d x %d, %v, want %d x %d", pic.Width, pic.Height, err, c.w, c.h)
		}
	}
}

// TestOnce asks for one picture from many places at once and again: it is
// decoded once, also by the next process.
func TestOnce(t *testing.T) {
	d := datasettest.NewMemory(2, 2, 32, 32, 3, 1)
	s := store(t, d, nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, _, err := s.Thumb(context.Background(), "test/00000"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	again := store(t, d, func(o *Options) { o.Dir = s.o.Dir })
	first, _, _ := s.Thumb(context.Background(), "test/00000")
	second, _, _ := again.Thumb(context.Background(), "test/00000")
	if !bytes.Equal(first, second) {
		t.Error("two processes give other bytes")
	}
	if n := d.Loads(); n != 1 {
		t.Errorf("decoded %d times, want 1", n)
	}
	for _, f := range files(t, s.o.Dir) {
		if strings.Contains(f, "test") && strings.Contains(filepath.Base(f), "test") {
			t.Errorf("%s: an id in a cached name", f)
		}
	}
}

// TestCutCache mends a file of the cache that was cut short, and keeps other
// sources apart.
func TestCutCache(t *testing.T) {
	d := datasettest.NewMemory(1, 1, 32, 32, 3, 1)
	s := store(t, d, nil)
	want, _, _ := s.Thumb(context.Background(), "test/00000")
	kept := files(t, s.o.Dir)
	if len(kept) != 1 {
		t.Fatal(kept)
	}
	if err := os.WriteFile(kept[0], want[:len(want)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := s.Thumb(context.Background(), "test/00000")
	if err != nil || !bytes.Equal(got, want) {
		t.Error("a cut file was served", err)
	}
	other := store(t, d, func(o *Options) { o.Dir, o.Source = s.o.Dir, "other" })
	if _, _, err := other.Thumb(context.Background(), "test/00000"); err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, s.o.Dir)); n != 2 {
		t.Errorf("%d files for two sources", n)
	}
}

// TestNothingToSee gives placeholders for what is missing, damaged or unknown;
// none is kept.
func TestNothingToSee(t *testing.T) {
	d := datasettest.NewMemory(3, 1, 32, 32, 3, 1)
	d.Examples[2].ID = `../../<script>alert(1)</script>`
	for i := range 3 {
		d.Bad[i] = &dataset.BadImage{ID: d.Examples[i].ID, Err: os.ErrNotExist}
	}
	s := store(t, d, nil)
	for _, id := range []dataset.ExampleID{"test/00000", "nobody", "../../../etc/passwd", d.Examples[2].ID, "", dataset.ExampleID(strings.Repeat("long\x00\xff", 200))} {
		data, kind, err := s.Thumb(context.Background(), id)
		if err != nil || kind != KindSVG {
			t.Fatal(id, kind, err)
		}
		checkSVG(t, data)
		if id == "test/00000" && (!bytes.Contains(data, []byte("test/00000")) || !bytes.Contains(data, []byte("missing"))) {
			t.Errorf("%s does not say the id and why", data)
		}
	}
	if kept := files(t, s.o.Dir); len(kept) > 0 {
		t.Error("kept", kept)
	}
}

// checkSVG reads a placeholder as XML: only the elements that it is made of.
func checkSVG(t *testing.T, data []byte) {
	t.Helper()
	in := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := in.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if e, ok := token.(xml.StartElement); ok && !strings.Contains(" svg rect path g text ", " "+e.Name.Local+" ") {
			t.Errorf("element %s in %s", e.Name.Local, data)
		}
	}
}

// invert is a shift that is easily checked.
type invert struct{ fail error }

func (invert) String() string { return "invert:1" }
func (v invert) Apply(_ dataset.ExampleID, im *dataset.Image) (*dataset.Image, error) {
	if v.fail != nil {
		return nil, v.fail
	}
	out := dataset.NewImage(im.Width, im.Height, im.Channels)
	for i, p := range im.Pix {
		out.Pix[i] = 255 - p
	}
	return out, nil
}

func TestShifted(t *testing.T) {
	d := datasettest.NewMemory(1, 1, 40, 32, 3, 1)
	s := store(t, d, func(o *Options) { o.Fit.Crop = dataset.Size{Height: 32, Width: 32} })
	data, _, err := s.Shifted(context.Background(), "test/00000", invert{})
	if err != nil {
		t.Fatal(err)
	}
	pic, err := png.Decode(bytes.NewReader(data))
	if err != nil || pic.Bounds().Dx() != 160 || pic.Bounds().Dy() != 160 {
		t.Fatal(pic.Bounds(), err)
	}
	r, _, _, _ := pic.At(0, 0).RGBA()
	if want := 255 - d.Images[0].Pix[4*3]; uint8(r>>8) != want { // (40-32)/2 pixels are cut on the left
		t.Errorf("%d, want %d", r>>8, want)
	}
	data, kind, err := s.Shifted(context.Background(), "test/00000", invert{errors.New("below 8 pixels")})
	if err != nil || kind != KindPNG || len(data) == 0 {
		t.Error("the cache should have answered", kind, err)
	}
	s = store(t, d, nil)
	data, kind, err = s.Shifted(context.Background(), "test/00000", invert{errors.New("below 8 pixels")})
	if err != nil || kind != KindSVG || !bytes.Contains(data, []byte("below 8 pixels")) {
		t.Errorf("%s %s %v", kind, data, err)
	}
}

// slow waits with its images until it is let go.
type slow struct {
	*datasettest.Memory
	wait chan struct{}
}

func (s slow) Image(ctx context.Context, i int) (*dataset.Image, error) {
	<-s.wait
	return s.Memory.Image(ctx, i)
}

// TestLeaving ends a request whose caller has left, and still makes the picture
// for the others.
func TestLeaving(t *testing.T) {
	d := slow{datasettest.NewMemory(1, 1, 32, 32, 3, 1), make(chan struct{})}
	s := store(t, d, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := s.Thumb(ctx, "test/00000"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	close(d.wait)
	if _, kind, err := s.Thumb(context.Background(), "test/00000"); err != nil || kind != KindPNG {
		t.Error(kind, err)
	}
}

func TestChangedFile(t *testing.T) {
	dir := t.TempDir()
	write := func(pix byte) {
		im := dataset.NewImage(32, 32, 3)
		for i := range im.Pix {
			im.Pix[i] = pix
		}
		pic, _ := view(im)
		var b bytes.Buffer
		if err := png.Encode(&b, pic); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "a.png"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(10)
	d, err := dataset.NewFileList(dataset.FileSet{Name: "f", Root: dir, Classes: []string{"x"}, Files: []dataset.File{{Example: dataset.Example{ID: "a"}, Path: "a.png"}}})
	if err != nil {
		t.Fatal(err)
	}
	s := store(t, d, nil)
	before, _, _ := s.Thumb(context.Background(), "a")
	write(200)
	if err := os.Chtimes(filepath.Join(dir, "a.png"), time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	after, kind, err := s.Thumb(context.Background(), "a")
	if err != nil || kind != KindPNG || bytes.Equal(before, after) {
		t.Error("the old picture of a file that changed", kind, err)
	}
	if err := os.Remove(filepath.Join(dir, "a.png")); err != nil {
		t.Fatal(err)
	}
	if _, kind, _ := s.Thumb(context.Background(), "a"); kind != KindSVG {
		t.Error("no placeholder for a file that is gone")
	}
}

func TestOptions(t *testing.T) {
	d := datasettest.NewMemory(1, 1, 8, 8, 1, 1)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"size":    func(o *Options) { o.Size = 0 },
		"large":   func(o *Options) { o.Large = 8 },
		"quality": func(o *Options) { o.Quality = 101 },
		"folder":  func(o *Options) { o.Dir = file },
	} {
		o := DefaultOptions()
		change(&o)
		if _, err := New(d, o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
