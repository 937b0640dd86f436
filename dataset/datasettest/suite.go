// Package datasettest is the suite that every reader of data passes, and a
// data set in memory for tests of what consumes them.
package datasettest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/lethe-audit/lethe/dataset"
)

// Run checks that what open returns keeps the promises of [dataset.Dataset].
// open is called more than once and must give the same data each time; at most
// images examples are decoded, spread over the data. The examples in bad are
// those whose image must fail with a [*dataset.BadImage].
func Run(t *testing.T, images int, bad []dataset.ExampleID, open func(t *testing.T) dataset.Dataset) {
	t.Helper()
	d := open(t)
	t.Cleanup(func() { d.Close() })
	t.Run("examples", func(t *testing.T) { examples(t, d) })
	t.Run("stable", func(t *testing.T) {
		again := open(t)
		defer again.Close()
		if dataset.Digest(d) != dataset.Digest(again) {
			t.Error("opened twice, the examples differ")
		}
	})
	isBad := map[dataset.ExampleID]bool{}
	for _, id := range bad {
		isBad[id] = true
	}
	places := dataset.Spread(d.Len(), images)
	for i := range d.Len() {
		if isBad[d.Example(i).ID] {
			places = append(places, i)
		}
	}
	t.Run("images", func(t *testing.T) { pictures(t, d, places, isBad) })
	t.Run("owned", func(t *testing.T) { owned(t, d, places, isBad) })
	t.Run("together", func(t *testing.T) { together(t, d, places) })
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.Image(ctx, places[0]); !errors.Is(err, context.Canceled) {
			t.Errorf("error after the context was canceled: %v", err)
		}
	})
	t.Run("closed", func(t *testing.T) { closed(t, open(t)) })
}

func examples(t *testing.T, d dataset.Dataset) {
	if d.Name() == "" || d.Len() < 1 || len(d.Classes()) < 1 {
		t.Fatalf("name %q, %d examples, %d classes", d.Name(), d.Len(), len(d.Classes()))
	}
	distinct(t, "classes", d.Classes())
	var names []string
	for _, a := range d.Attributes() {
		names = append(names, a.Name)
		distinct(t, a.Name, a.Values)
	}
	distinct(t, "attributes", names)
	ids := map[dataset.ExampleID]bool{}
	for i := range d.Len() {
		e := d.Example(i)
		if e.ID == "" || ids[e.ID] {
			t.Fatalf("example %d: id %q is empty or not the first of its name", i, e.ID)
		}
		ids[e.ID] = true
		if e.Label < 0 || int(e.Label) >= len(d.Classes()) {
			t.Fatalf("%s: class %d of %d", e.ID, e.Label, len(d.Classes()))
		}
		if e.Split != d.Example(0).Split {
			t.Fatalf("%s: split %q, the first example has %q", e.ID, e.Split, d.Example(0).Split)
		}
		if len(e.Attributes) != len(names) {
			t.Fatalf("%s: %d codes, %d attributes", e.ID, len(e.Attributes), len(names))
		}
		for k, code := range e.Attributes {
			if code != dataset.Missing && (code < 0 || int(code) >= len(d.Attributes()[k].Values)) {
				t.Fatalf("%s: code %d of %s", e.ID, code, names[k])
			}
		}
	}
}

func distinct(t *testing.T, what string, names []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, n := range names {
		if n == "" || seen[n] {
			t.Errorf("%s: name %q is empty or not the first", what, n)
		}
		seen[n] = true
	}
}

// pictures checks the form of images, and the errors of bad ones.
func pictures(t *testing.T, d dataset.Dataset, places []int, bad map[dataset.ExampleID]bool) {
	channels := 0
	for _, i := range places {
		id := d.Example(i).ID
		im, err := d.Image(t.Context(), i)
		if bad[id] {
			var b *dataset.BadImage
			if !errors.As(err, &b) || b.ID != id || b.Error() == "" {
				t.Errorf("%s: error %v, want a BadImage of that id", id, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if channels == 0 {
			channels = im.Channels
		}
		if im.Width < 1 || im.Height < 1 || im.Channels != channels || channels != 1 && channels != 3 || len(im.Pix) != im.Width*im.Height*im.Channels {
			t.Errorf("%s: %dx%d pixels, %d channels (the first has %d), %d bytes", id, im.Width, im.Height, im.Channels, channels, len(im.Pix))
		}
	}
}

// owned checks that an image is the caller's to change.
func owned(t *testing.T, d dataset.Dataset, places []int, bad map[dataset.ExampleID]bool) {
	for _, i := range places[:min(3, len(places))] {
		if bad[d.Example(i).ID] {
			continue
		}
		first, err := d.Image(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		keep := bytes.Clone(first.Pix)
		for k := range first.Pix {
			first.Pix[k] ^= 0xff
		}
		again, err := d.Image(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Pix, keep) {
			t.Errorf("%s: changing an image changed the data set", d.Example(i).ID)
		}
	}
}

// together checks that images are the same when several are decoded at once.
func together(t *testing.T, d dataset.Dataset, places []int) {
	get := func(i int) string {
		im, err := d.Image(t.Context(), i)
		if err != nil {
			return "error: " + err.Error()
		}
		return string(im.Pix)
	}
	want := make([]string, len(places))
	for k, i := range places {
		want[k] = get(i)
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for k := range places {
				k = (k + g*len(places)/4) % len(places)
				if get(places[k]) != want[k] {
					t.Errorf("%s: another image when decoded at once with others", d.Example(places[k]).ID)
				}
			}
		})
	}
	wg.Wait()
}

func closed(t *testing.T, d dataset.Dataset) {
	id := d.Example(0).ID
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Image(t.Context(), 0); err == nil {
		t.Error("an image was had after Close")
	}
	if d.Example(0).ID != id || len(d.Classes()) == 0 {
		t.Error("examples are gone after Close")
	}
	if err := d.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}
