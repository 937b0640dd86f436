package dataset

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/internal/realdata"
)

// TestPhotographs compares real photographs (JPEG 4:2:0) with Debian's
// python3-pil, as decoded and as a model sees them. The table in
// doc/format/data.md has its numbers.
func TestPhotographs(t *testing.T) {
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import PIL").Run() != nil {
		t.Skip("no " + python + " with PIL (Debian: python3-pil)")
	}
	files, err := filepath.Glob(filepath.Join(realdata.Path(t, "utkface48", "originals"), "*.jpg"))
	if err != nil || len(files) < 90 {
		t.Fatalf("%d photographs, error %v", len(files), err)
	}
	want, err := exec.Command(python, append([]string{filepath.Join("testdata", "photos.py")}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	pp := preprocessor(t, func(p *Preprocess) { p.Resize, p.Crop = Size{256, 0}, Size{224, 224} })
	var decoded, fitted spread8
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		im, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		fit, err := pp.Fit(im)
		if err != nil {
			t.Fatal(err)
		}
		want = decoded.add(t, im.Pix, want)
		want = fitted.add(t, fit.Pix, want)
	}
	for name, s := range map[string]spread8{"decoded": decoded, "resized and cropped": fitted} {
		share, mean := float64(s.count)/float64(s.of), float64(s.sum)/float64(s.of)
		t.Logf("%s: %.2f %% of bytes differ, mean %.4f, at most %d", name, 100*share, mean, s.largest)
		if s.largest > 3 || share > 0.03 || mean > 0.03 {
			t.Errorf("%s: further from Pillow than documented", name)
		}
	}
	if len(want) != 0 {
		t.Errorf("%d bytes of Pillow's are left", len(want))
	}
}

// spread8 sums differences of bytes.
type spread8 struct{ of, count, sum, largest int }

// add compares got with the head of want and returns the rest.
func (s *spread8) add(t *testing.T, got, want []uint8) []uint8 {
	t.Helper()
	if len(want) < len(got) {
		t.Fatal("Pillow gave fewer bytes: the sizes differ")
	}
	largest, count := difference(got, want[:len(got)])
	s.of, s.count, s.largest = s.of+len(got), s.count+count, max(s.largest, largest)
	for i, v := range got {
		s.sum += max(int(v)-int(want[i]), int(want[i])-int(v))
	}
	return want[len(got):]
}
