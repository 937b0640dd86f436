package corrupt_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
)

// records reads a CSV file of testdata; lines that begin with # are comments.
func records(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.FieldsPerRecord = '#', -1
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestParameters compares with the numbers of the authors' programs.
func TestParameters(t *testing.T) {
	seen := 0
	for _, row := range records(t, "parameters.csv")[1:] {
		severity := int(number(t, row[2]))
		got, err := corrupt.Parameters(row[1], corrupt.Preset(row[0]), severity)
		if err != nil {
			t.Fatal(err)
		}
		var want []float64
		for _, s := range strings.Fields(row[3]) {
			want = append(want, number(t, s))
		}
		if !slices.EqualFunc(got, want, func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }) {
			t.Errorf("%s %s:%d: %v, published %v", row[0], row[1], severity, got, want)
		}
		seen++
	}
	if want := 2 * 19 * corrupt.Severities; seen != want {
		t.Errorf("%d rows, want %d", seen, want)
	}
}

func TestNames(t *testing.T) {
	common := strings.Fields("gaussian_noise shot_noise impulse_noise defocus_blur glass_blur motion_blur zoom_blur snow frost fog brightness contrast elastic_transform pixelate jpeg_compression")
	if got := corrupt.Common(); !slices.Equal(got, common) {
		t.Errorf("common %v", got)
	}
	if got := corrupt.Extra(); !slices.Equal(got, []string{"speckle_noise", "gaussian_blur", "spatter", "saturate"}) {
		t.Errorf("extra %v", got)
	}
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct {
		o    corrupt.Options
		want string
	}{
		{corrupt.Options{Name: "fogg", Severity: 1}, "did you mean fog?"},
		{corrupt.Options{Name: "fog", Severity: 0}, "severity 0 of fog: want 1 (least) to 5"},
		{corrupt.Options{Name: "fog", Severity: 6}, "severity 6"},
		{corrupt.Options{Name: "fog", Severity: 1, Preset: "cifar-d"}, "did you mean cifar-c?"},
	} {
		if _, err := corrupt.New(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.o, err, c.want)
		}
	}
}

func TestTooSmall(t *testing.T) {
	for _, c := range every(t) {
		if _, err := c.Apply("a", scenery(40, 7)); !errors.Is(err, corrupt.ErrTooSmall) {
			t.Errorf("%s: error %v", c, err)
		}
	}
	// At 9 pixels glass blur 5 of ImageNet-C still needs shifts of a pixel,
	// and a motion blur of radius 0.8 spans three: they fit.
	for _, c := range every(t) {
		if _, err := c.Apply("a", scenery(9, 9)); err != nil {
			t.Error(err)
		}
	}
}

// TestSame checks that an image depends on its id, the corruption and the
// seed, and on nothing else; and that the image given is not changed.
func TestSame(t *testing.T) {
	random := map[string]bool{}
	for _, n := range strings.Fields("gaussian_noise shot_noise impulse_noise glass_blur motion_blur snow frost fog elastic_transform speckle_noise spatter") {
		random[n] = true
	}
	im := scenery(48, 40)
	keep := bytes.Clone(im.Pix)
	for _, c := range every(t) {
		o := c.Options()
		apply := func(o corrupt.Options, id dataset.ExampleID) []byte {
			c, err := corrupt.New(o)
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.Apply(id, im)
			if err != nil {
				t.Fatal(err)
			}
			if out.Width != im.Width || out.Height != im.Height || out.Channels != 3 {
				t.Fatalf("%s: %dx%dx%d", c, out.Width, out.Height, out.Channels)
			}
			return out.Pix
		}
		want := apply(o, "test/00001")
		if bytes.Equal(want, keep) && o.Name != "spatter" && o.Name != "pixelate" && o.Name != "glass_blur" && o.Name != "defocus_blur" {
			t.Errorf("%s: changes nothing", c)
		}
		var wg sync.WaitGroup
		for k := range 4 {
			wg.Go(func() {
				for _, id := range []dataset.ExampleID{dataset.ExampleID(fmt.Sprint(k)), "test/00001"} {
					got, err := c.Apply(id, im)
					if err != nil {
						t.Error(err)
						return
					}
					if id == "test/00001" && !bytes.Equal(got.Pix, want) {
						t.Errorf("%s: another image the second time", c)
					}
				}
			})
		}
		wg.Wait()
		other, seeded := apply(o, "test/00002"), o
		seeded.Seed++
		if o.Severity == 5 {
			if got := !bytes.Equal(other, want); got != random[o.Name] {
				t.Errorf("%s: another id gives another image: %v", c, got)
			}
			if got := !bytes.Equal(apply(seeded, "test/00001"), want); got != random[o.Name] {
				t.Errorf("%s: another seed gives another image: %v", c, got)
			}
		}
	}
	if !bytes.Equal(im.Pix, keep) {
		t.Error("the image given was changed")
	}
}

// TestGrey corrupts images of one channel.
func TestGrey(t *testing.T) {
	im := scenery(28, 28).Gray()
	for _, c := range every(t) {
		out, err := c.Apply("a", im)
		if err != nil {
			t.Fatal(err)
		}
		if out.Channels != 1 || len(out.Pix) != 28*28 {
			t.Errorf("%s: %d channels, %d bytes", c, out.Channels, len(out.Pix))
		}
	}
}

// TestMeanChangeGrows checks that a higher severity changes an image more,
// for those corruptions whose numbers say so.
func TestMeanChangeGrows(t *testing.T) {
	im := scenery(224, 224)
	for _, name := range strings.Fields("gaussian_noise shot_noise impulse_noise speckle_noise defocus_blur gaussian_blur contrast brightness pixelate jpeg_compression") {
		last := 0.0
		for _, c := range severities(t, name) {
			out, err := c.Apply("a", im)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for i := range out.Pix {
				d := float64(out.Pix[i]) - float64(im.Pix[i])
				sum += d * d
			}
			if sum <= last {
				t.Errorf("%s: mean square change %g, the one before %g", c, sum, last)
			}
			last = sum
		}
	}
}
