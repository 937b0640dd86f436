package cifar

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// severities is how many there are in a file of CIFAR-10-C.
const severities = 5

// CIFAR10C is the kind cifar10c: CIFAR-10-C (Hendrycks and Dietterich 2019) as
// it is distributed, a file NAME.npy for each corruption with the test set at
// severities 1 to 5 one after the other, and labels.npy, which repeats the
// labels for each. Ids are those of the clean test set ("test/00012"), so that
// predictions pair.
func CIFAR10C() dataset.Kind {
	return dataset.Kind{
		Name: "cifar10c", Title: "CIFAR-10-C: the CIFAR-10 test set corrupted, NAME.npy and labels.npy",
		Splits: []dataset.Split{dataset.SplitTest},
		Options: []dataset.OptionInfo{
			{Name: "corruption", Value: "NAME", Help: "the file NAME.npy: fog, snow, motion_blur, ..."},
			{Name: "severity", Value: "1 to 5", Help: "which fifth of it"},
		},
		Known: []dataset.KnownSet{{
			Name: "cifar10-c", Title: "CIFAR-10-C", Page: "https://zenodo.org/records/2535967",
			Terms: "Creative Commons Attribution 4.0", Source: "cifar10c:DIR?corruption=fog&severity=3",
			Manual: `Download CIFAR-10-C.tar (2.9 GB) from the page above, then
  tar -xf CIFAR-10-C.tar -C DIR --strip-components=1
lethe corrupt cifar10:... --as all --format npy -o DIR makes files of this kind.`,
		}},
		Open: openC,
	}
}

// CIFAR101 is the kind cifar10.1: the new test set of Recht et al. (2018,
// arXiv:1806.00451) as it is distributed. Ids are "v6/00012": its images are
// not those of CIFAR-10.
func CIFAR101() dataset.Kind {
	return dataset.Kind{
		Name: "cifar10.1", Title: "CIFAR-10.1: a new test set for CIFAR-10, images and labels as npy",
		Splits:  []dataset.Split{dataset.SplitTest},
		Options: []dataset.OptionInfo{{Name: "version", Value: "v6 or v4", Help: "v6 (default): 2,000 images in balance; v4: 2,021 images"}},
		Known: []dataset.KnownSet{{
			Name: "cifar10.1", Title: "CIFAR-10.1", Page: "https://github.com/modestyachts/CIFAR-10.1",
			Terms: "as CIFAR-10 and Tiny Images: see the page", Source: "cifar10.1:DIR",
			Manual: `Take cifar10.1_v6_data.npy and cifar10.1_v6_labels.npy from the folder datasets
of the page above and put them into DIR.`,
		}},
		Open: open101,
	}
}

// npySet is a data set in npy files.
type npySet struct {
	name   string
	prefix string // of ids
	labels []uint8
	images *array
	first  int // the image of example 0
}

// openImages opens a file of images; labels must be as many.
func openImages(path string, labels []uint8, labelFile string) (*array, error) {
	a, err := openArray(path, "|u1")
	if err != nil {
		return nil, err
	}
	switch want := []int{len(labels), side, side, 3}; {
	case len(a.shape) != 4 || !slices.Equal(a.shape[1:], want[1:]):
		err = fmt.Errorf("%s: shape %v, want N images of 32 x 32 x 3", path, a.shape)
	case a.shape[0] != len(labels):
		err = fmt.Errorf("%s: %d labels, %s has %d images", labelFile, len(labels), filepath.Base(path), a.shape[0])
	}
	if err != nil {
		return nil, errors.Join(err, a.file.Close())
	}
	return a, nil
}

func openC(_ context.Context, r dataset.Request) (dataset.Dataset, error) {
	name, severity, err := corruptionOf(r)
	if err != nil {
		return nil, err
	}
	labelFile := filepath.Join(r.Path, "labels.npy")
	all, err := readLabels(labelFile, len(classes10()))
	if err != nil {
		return nil, notThere(err, labelFile, "labels.npy and a file NAME.npy for each corruption")
	}
	n := len(all) / severities
	if n == 0 || len(all)%severities != 0 {
		return nil, fmt.Errorf("%s: %d labels are no whole number for each of %d severities", labelFile, len(all), severities)
	}
	for i, label := range all {
		if label != all[i%n] {
			return nil, fmt.Errorf("%s: label %d is %d, label %d is %d: want the same %d labels once for each of %d severities", labelFile, i, label, i%n, all[i%n], n, severities)
		}
	}
	images, err := openImages(filepath.Join(r.Path, name+".npy"), all, labelFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("corruption %q%s", name, dataset.Suggestion(name, corruptionsIn(r.Path)))
	}
	if err != nil {
		return nil, err
	}
	return &npySet{fmt.Sprintf("cifar10 %s:%d", name, severity), string(dataset.SplitTest), all[:n], images, (severity - 1) * n}, nil
}

// corruptionOf reads the options of cifar10c.
func corruptionOf(r dataset.Request) (name string, severity int, err error) {
	name = r.Options["corruption"]
	if name == "" || r.Options["severity"] == "" {
		return "", 0, errors.New("cifar10c: which part is meant? want ?corruption=fog&severity=3")
	}
	if strings.ContainsAny(name, `/\`) {
		return "", 0, fmt.Errorf("cifar10c: corruption %q: want a name", name)
	}
	severity, err = strconv.Atoi(r.Options["severity"])
	if err != nil || severity < 1 || severity > severities {
		return "", 0, fmt.Errorf("cifar10c: severity=%s: want a whole number from 1 (least) to %d", r.Options["severity"], severities)
	}
	return name, severity, nil
}

// corruptionsIn are the corruptions that a folder holds.
func corruptionsIn(dir string) []string {
	var out []string
	entries, _ := os.ReadDir(dir) // labels.npy was read from it: what cannot be listed is not suggested
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".npy"); ok && name != "labels" {
			out = append(out, name)
		}
	}
	return out
}

// notThere says what a folder should hold, if that is what is wrong.
func notThere(err error, path, want string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &dataset.NotThere{Path: filepath.Dir(path), Want: want}
	}
	return err
}

func open101(_ context.Context, r dataset.Request) (dataset.Dataset, error) {
	version := r.Options["version"]
	switch version {
	case "":
		version = "v6"
	case "v4", "v6":
	default:
		return nil, fmt.Errorf("cifar10.1: version %q%s", version, dataset.Suggestion(version, []string{"v6", "v4"}))
	}
	base := filepath.Join(r.Path, "cifar10.1_"+version)
	want := fmt.Sprintf("cifar10.1_%s_data.npy and cifar10.1_%s_labels.npy", version, version)
	labels, err := readLabels(base+"_labels.npy", len(classes10()))
	if err != nil {
		return nil, notThere(err, base, want)
	}
	images, err := openImages(base+"_data.npy", labels, base+"_labels.npy")
	if err != nil {
		return nil, notThere(err, base, want)
	}
	return &npySet{"cifar10.1 " + version, version, labels, images, 0}, nil
}

func (s *npySet) Name() string                    { return s.name }
func (s *npySet) Classes() []string               { return classes10() }
func (s *npySet) Attributes() []dataset.Attribute { return nil }
func (s *npySet) Len() int                        { return len(s.labels) }

func (s *npySet) Example(i int) dataset.Example {
	return dataset.Example{ID: dataset.ExampleID(fmt.Sprintf("%s/%05d", s.prefix, i)), Label: dataset.Label(s.labels[i]), Split: dataset.SplitTest}
}

// Image reads one image.
func (s *npySet) Image(ctx context.Context, i int) (*dataset.Image, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	im := dataset.NewImage(side, side, 3)
	if _, err := s.images.file.ReadAt(im.Pix, s.images.start+int64(s.first+i)*pixels); err != nil {
		return nil, fmt.Errorf("%s: image %d: %w", s.images.file.Name(), s.first+i, err)
	}
	return im, nil
}

// Close closes the file of images.
func (s *npySet) Close() error {
	if err := s.images.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}
