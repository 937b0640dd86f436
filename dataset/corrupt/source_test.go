package corrupt_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/corrupt"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// catalog knows one kind: pictures of 40 x 36 in memory.
func catalog(w, h int) dataset.Catalog {
	return dataset.Catalog{{
		Name: "memory", Title: "pictures in memory", Shift: corrupt.Shift,
		Open: func(context.Context, dataset.Request) (dataset.Dataset, error) {
			return datasettest.NewMemory(12, 3, w, h, 3, 7), nil
		},
	}}
}

// TestSource corrupts on the fly: after resize and crop, before numbers.
func TestSource(t *testing.T) {
	const set = "memory:here?resize=32&crop=30&mean=0.5&limit=5"
	open := func(source string) *dataset.Opened {
		o, err := catalog(40, 36).Open(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	clean, fog := open(set), open(set+"&corruption=fog&severity=3&corruption-seed=4")
	if got := fog.Dataset.Name(); got != "memory fog:3" {
		t.Errorf("name %q", got)
	}
	if dataset.Digest(clean.Dataset) != dataset.Digest(fog.Dataset) {
		t.Error("ids, labels or classes are not those of the clean data")
	}
	c, err := corrupt.New(corrupt.Options{Name: "fog", Severity: 3, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	pp, err := dataset.NewPreprocessor(clean.Preprocess)
	if err != nil {
		t.Fatal(err)
	}
	after, err := dataset.NewPreprocessor(fog.Preprocess)
	if err != nil {
		t.Fatal(err)
	}
	for i := range clean.Dataset.Len() {
		im, err := clean.Dataset.Image(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if im, err = pp.Fit(im); err != nil {
			t.Fatal(err)
		}
		want, err := c.Apply(clean.Dataset.Example(i).ID, im)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fog.Dataset.Image(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = after.Fit(got); err != nil {
			t.Fatal(err)
		}
		if got.Width != 30 || got.Height != 30 || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("example %d: not what the corruption makes of the fitted image", i)
		}
	}
}

func TestSourceSuite(t *testing.T) {
	datasettest.Run(t, 12, nil, func(t *testing.T) dataset.Dataset {
		o, err := catalog(40, 36).Open(t.Context(), "memory:here?corruption=snow&severity=2")
		if err != nil {
			t.Fatal(err)
		}
		return o.Dataset
	})
}

func TestBadSource(t *testing.T) {
	for _, c := range []struct{ options, want string }{
		{"corruption=snwo&severity=2", "did you mean snow?"},
		{"corruption=snow&severity=6", "severity 6 of snow: want 1 (least) to 5"},
		{"corruption=snow&severity=0", "severity=0: want a whole number from 1 (least) to 5"},
		{"corruption=snow", "corruption=snow needs severity=1 (least) to 5"},
		{"severity=2", "need corruption=NAME"},
		{"corruption=snow&severity=2&corruption-preset=cifar", "did you mean cifar-c?"},
		{"corruption=snow&severity=2&corruption-seed=x", "want a whole number from 0"},
	} {
		_, err := catalog(40, 36).Open(t.Context(), "memory:here?"+c.options)
		var wrong *dataset.SourceError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.options, err, c.want)
		}
	}
	o, err := catalog(40, 6).Open(t.Context(), "memory:here?corruption=snow&severity=2")
	if err != nil {
		t.Fatal(err)
	}
	_, err = dataset.NewLoader(t.Context(), o.Dataset, dataset.DefaultLoaderOptions())
	if !errors.Is(err, corrupt.ErrTooSmall) {
		t.Errorf("loader's error %v, want that images are too small", err)
	}
}
