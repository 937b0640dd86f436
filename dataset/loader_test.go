package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/dataset/datasettest"
)

// load copies all that a loader gives.
func load(t *testing.T, d dataset.Dataset, o dataset.LoaderOptions) (index []int, data []float32, l *dataset.Loader) {
	t.Helper()
	l, err := dataset.NewLoader(t.Context(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range l.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Data) != len(b.Index)*l.Shape().Len() {
			t.Fatalf("batch of %d images has %d numbers", len(b.Index), len(b.Data))
		}
		index, data = append(index, b.Index...), append(data, b.Data...)
	}
	return index, data, l
}

func options(change func(*dataset.LoaderOptions)) dataset.LoaderOptions {
	o := dataset.DefaultLoaderOptions()
	if change != nil {
		change(&o)
	}
	return o
}

// The numbers are those of preprocessing each image alone, whatever the batch
// size, the number of workers and how far they work ahead.
func TestLoaderIsOrdered(t *testing.T) {
	m := datasettest.NewMemory(53, 5, 7, 6, 3, 1)
	pp, err := dataset.NewPreprocessor(dataset.DefaultPreprocess())
	if err != nil {
		t.Fatal(err)
	}
	var want []float32
	for i := range m.Len() {
		row := make([]float32, 3*7*6)
		if err := pp.Apply(row, m.Images[i]); err != nil {
			t.Fatal(err)
		}
		want = append(want, row...)
	}
	for _, batch := range []int{1, 7, 53, 100} {
		for _, workers := range []int{1, 2, 5} {
			for _, ahead := range []int{1, 3} {
				index, data, l := load(t, m, options(func(o *dataset.LoaderOptions) { o.Batch, o.Workers, o.Ahead = batch, workers, ahead }))
				if !slices.Equal(data, want) || len(index) != 53 || !slices.IsSorted(index) {
					t.Fatalf("batch %d, %d workers, %d ahead: other numbers", batch, workers, ahead)
				}
				if got := l.Shape().Dims(4); got != [4]int{4, 3, 6, 7} {
					t.Fatalf("dimensions %v", got)
				}
			}
		}
	}
	order := []int{9, 3, 3, 52, 0}
	index, data, _ := load(t, m, options(func(o *dataset.LoaderOptions) { o.Order, o.Batch = order, 2 }))
	if !slices.Equal(index, order) || !slices.Equal(data[2*126:3*126], want[3*126:4*126]) {
		t.Errorf("order %v gave %v", order, index)
	}
}

func TestLoaderLeavesOutBadImages(t *testing.T) {
	m := datasettest.NewMemory(200, 2, 4, 4, 1, 1)
	for _, i := range []int{0, 63, 199} {
		m.Bad[i] = &dataset.BadImage{ID: m.Examples[i].ID, Err: errors.New("broken")}
	}
	index, data, l := load(t, m, options(func(o *dataset.LoaderOptions) { o.BadLimit, o.Batch = 0.015, 4 }))
	if len(index) != 197 || slices.Contains(index, 0) || slices.Contains(index, 63) || slices.Contains(index, 199) {
		t.Errorf("%d examples: %v", len(index), index)
	}
	whole, all, _ := load(t, datasettest.NewMemory(200, 2, 4, 4, 1, 1), options(nil))
	for k, i := range index {
		if !slices.Equal(data[16*k:16*(k+1)], all[16*i:16*(i+1)]) {
			t.Fatalf("example %d has other numbers than without bad images around it (%d)", i, len(whole))
		}
	}
	var ids []string
	for _, b := range l.Bad() {
		ids = append(ids, string(b.ID))
	}
	if got := strings.Join(ids, " "); got != "test/00000 test/00063 test/00199" {
		t.Errorf("bad images %s", got)
	}
}

// One bad image more than the limit ends the loading, at the same place
// whatever the number of workers.
func TestLoaderRefusesTooManyBad(t *testing.T) {
	for _, workers := range []int{1, 4} {
		m := datasettest.NewMemory(100, 2, 4, 4, 1, 1)
		for _, i := range []int{10, 20, 30} {
			m.Bad[i] = &dataset.BadImage{ID: m.Examples[i].ID, Path: fmt.Sprintf("img%d.jpg", i), Err: errors.New("broken")}
		}
		l, err := dataset.NewLoader(t.Context(), m, options(func(o *dataset.LoaderOptions) { o.BadLimit, o.Batch, o.Workers = 0.02, 8, workers }))
		if err != nil {
			t.Fatal(err)
		}
		last := -1
		var failed error
		for b, err := range l.Batches(t.Context()) {
			if failed = err; err == nil {
				last = b.Index[len(b.Index)-1]
			}
		}
		var many *dataset.TooManyBad
		if !errors.As(failed, &many) || len(many.Bad) != 3 || many.Of != 100 || last != 23 {
			t.Errorf("error %v after example %d", failed, last)
			continue
		}
		want := "memory: 3 of 100 images cannot be read, the limit is 2 %:\n  img10.jpg: broken\n  img20.jpg: broken\n  img30.jpg: broken"
		if failed.Error() != want {
			t.Errorf("error %q", failed)
		}
	}
	m := datasettest.NewMemory(3, 1, 2, 2, 1, 1)
	for i := range 3 {
		m.Bad[i] = &dataset.BadImage{ID: m.Examples[i].ID, Err: errors.New("broken")}
	}
	var many *dataset.TooManyBad
	if _, err := dataset.NewLoader(t.Context(), m, options(func(o *dataset.LoaderOptions) { o.BadLimit = 1 })); !errors.As(err, &many) {
		t.Errorf("nothing but bad images: %v", err)
	}
}

// An error that is not an image's own ends the loading, and so do images of
// another size.
func TestLoaderFails(t *testing.T) {
	m := datasettest.NewMemory(40, 2, 4, 4, 1, 1)
	full := errors.New("too many open files")
	m.Bad[17] = full
	if err := lastError(t, t.Context(), m); !errors.Is(err, full) || !strings.Contains(err.Error(), "test/00017") {
		t.Errorf("error %v", err)
	}
	m = datasettest.NewMemory(40, 2, 4, 4, 1, 1)
	m.Images[5] = dataset.NewImage(4, 5, 1)
	var size *dataset.SizeError
	if err := lastError(t, t.Context(), m); !errors.As(err, &size) || !strings.Contains(err.Error(), "test/00005") || !strings.Contains(err.Error(), "resize") {
		t.Errorf("error %v", err)
	}
}

func lastError(t *testing.T, ctx context.Context, d dataset.Dataset) error {
	t.Helper()
	l, err := dataset.NewLoader(t.Context(), d, options(nil))
	if err != nil {
		t.Fatal(err)
	}
	for b, e := range l.Batches(ctx) {
		if err = e; (b == nil) != (e != nil) {
			t.Fatalf("batch %v with error %v", b, e)
		}
	}
	return err
}

// Work ahead is bounded: no more images are decoded than there is room for.
func TestLoaderIsBounded(t *testing.T) {
	m := datasettest.NewMemory(1000, 2, 4, 4, 1, 1)
	l, err := dataset.NewLoader(t.Context(), m, options(func(o *dataset.LoaderOptions) { o.Batch, o.Ahead = 10, 2 }))
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, err := range l.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		taken++
		if taken == 3 {
			time.Sleep(20 * time.Millisecond) // let the workers run as far as they can
			// The first image is looked at once more for its size.
			if n := m.Loads() - 1; n > (taken+2)*10 {
				t.Errorf("%d images were decoded when %d batches of 10 were taken and 2 may be ahead", n, taken)
			}
			break
		}
	}
}

// Goroutines end when the consumer leaves early or the context is canceled.
func TestLoaderStops(t *testing.T) {
	before := runtime.NumGoroutine()
	m := datasettest.NewMemory(500, 2, 4, 4, 1, 1)
	for range 20 {
		l, err := dataset.NewLoader(t.Context(), m, options(func(o *dataset.LoaderOptions) { o.Batch, o.Workers = 3, 4 }))
		if err != nil {
			t.Fatal(err)
		}
		for range l.Batches(t.Context()) {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		var last error
		for _, err := range l.Batches(ctx) {
			if n++; n == 5 {
				cancel()
			}
			last = err
		}
		cancel()
		if !errors.Is(last, context.Canceled) {
			t.Fatalf("canceled after 5 batches, the last error is %v", last)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

func TestLoaderOptions(t *testing.T) {
	m := datasettest.NewMemory(3, 1, 2, 2, 1, 1)
	for want, change := range map[string]func(*dataset.LoaderOptions){
		"batches of 0":              func(o *dataset.LoaderOptions) { o.Batch = 0 },
		"-1 workers":                func(o *dataset.LoaderOptions) { o.Workers = -1 },
		"0 batches ahead":           func(o *dataset.LoaderOptions) { o.Ahead = 0 },
		"limit of bad images 2":     func(o *dataset.LoaderOptions) { o.BadLimit = 2 },
		"example 3 of 3":            func(o *dataset.LoaderOptions) { o.Order = []int{0, 3} },
		"there are no examples":     func(o *dataset.LoaderOptions) { o.Order = []int{} },
		`filter ""; want one of`:    func(o *dataset.LoaderOptions) { o.Preprocess.Filter = "" },
		"images have 1 channels":    func(o *dataset.LoaderOptions) { o.Preprocess.Mean = []float64{1, 2, 3} },
		"limit of bad images NaN, ": func(o *dataset.LoaderOptions) { o.BadLimit = nan() },
	} {
		if _, err := dataset.NewLoader(t.Context(), m, options(change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

// BenchmarkLoader loads pictures of CIFAR's size.
func BenchmarkLoader(b *testing.B) {
	m := datasettest.NewMemory(2000, 10, 32, 32, 3, 1)
	l, err := dataset.NewLoader(b.Context(), m, options(nil))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range l.Batches(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*2000/b.Elapsed().Seconds(), "images/s")
}
