package imagenet

import (
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

func openC(t *testing.T, source string) (dataset.Dataset, error) {
	t.Helper()
	o, err := dataset.Catalog{CorruptedKind()}.Open(t.Context(), source)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { o.Dataset.Close() })
	return o.Dataset, nil
}

// TestCorrupted reads folders as ImageNet-C has them, with the archive's
// folder above and without.
func TestCorrupted(t *testing.T) {
	dir := datasettest.Write(t, t.TempDir(), map[string][]byte{
		"fog/3/n00000020/" + valName(1):              datasettest.PNG(t, 6, 5, 1),
		"fog/3/n00000010/" + valName(2):              datasettest.PNG(t, 6, 5, 2),
		"fog/4/n00000010/" + valName(2):              datasettest.PNG(t, 6, 5, 3),
		"blur/motion_blur/1/n00000010/" + valName(2): datasettest.PNG(t, 6, 5, 4),
		"blur/motion_blur/1/n00000020/" + valName(1): datasettest.PNG(t, 6, 5, 5),
	})
	datasettest.Run(t, 2, nil, func(t *testing.T) dataset.Dataset {
		d, err := openC(t, "imagenetc:"+dir+"?corruption=fog&severity=3")
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
	for _, part := range []string{"fog&severity=3", "motion_blur&severity=1"} {
		d, err := openC(t, "imagenetc:"+dir+"?corruption="+part)
		if err != nil {
			t.Fatal(err)
		}
		if got := list(d); got != "2=0 1=1" {
			t.Errorf("%s: %s", part, got)
		}
	}
	d, err := openC(t, "imagenetc:"+dir+"?corruption=fog&severity=3")
	if err != nil || d.Name() != "imagenet fog:3" {
		t.Errorf("name %q, %v", d.Name(), err)
	}
	for _, c := range []struct{ options, want string }{
		{"?corruption=fgo&severity=3", `corruption "fgo"; did you mean fog? (there are: fog, motion_blur)`},
		{"?corruption=fog&severity=6", "severity=6: want a whole number from 1 (least) to 5"},
		{"?corruption=fog&severity=1", "a folder for each class"},
		{"?corruption=fog", "want ?corruption=fog&severity=3"},
		{"", "want ?corruption=fog&severity=3"},
	} {
		if _, err := openC(t, "imagenetc:"+dir+c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.options, err, c.want)
		}
	}
	if _, err := openC(t, "imagenetc:"+t.TempDir()+"?corruption=fog&severity=1"); err == nil || !strings.Contains(err.Error(), "lethe data list imagenetc") {
		t.Errorf("error %v, want where the data comes from", err)
	}
}
