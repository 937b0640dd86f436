package dataset

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
)

// LoaderOptions say how images are loaded.
type LoaderOptions struct {
	// Batch is the number of images in a batch, at least 1. The last one may
	// have fewer, and one that bad images fell out of.
	Batch int
	// Workers is the number of goroutines that decode; 0 is one for each CPU
	// that Go may use.
	Workers int
	// Ahead is the number of batches that are made ready while the consumer
	// works on one, at least 1. Memory is (Ahead + 1) batches and one decoded
	// image for each worker.
	Ahead int
	// BadLimit is the share of images, in [0, 1], that may be missing or
	// damaged. They are left out and listed; one more ends the loading.
	BadLimit float64
	// Order lists the examples to load; nil is all, in their order.
	Order []int
	// Preprocess says how images become numbers.
	Preprocess Preprocess
}

// DefaultLoaderOptions load all examples in batches of 32, 2 ahead, and bear
// 1 % of bad images.
func DefaultLoaderOptions() LoaderOptions {
	return LoaderOptions{Batch: 32, Ahead: 2, BadLimit: 0.01, Preprocess: DefaultPreprocess()}
}

func (o *LoaderOptions) validate(n int) error {
	switch {
	case o.Batch < 1:
		return fmt.Errorf("dataset: batches of %d images", o.Batch)
	case o.Workers < 0 || o.Ahead < 1:
		return fmt.Errorf("dataset: %d workers, %d batches ahead", o.Workers, o.Ahead)
	case !(o.BadLimit >= 0 && o.BadLimit <= 1):
		return fmt.Errorf("dataset: limit of bad images %g, want a share in [0, 1]", o.BadLimit)
	}
	for _, i := range o.Order {
		if i < 0 || i >= n {
			return fmt.Errorf("dataset: example %d of %d asked for", i, n)
		}
	}
	return o.Preprocess.Validate()
}

// Batch is a block of images as numbers.
type Batch struct {
	// Index are the examples, in the order asked for.
	Index []int
	// Data is len(Index) images of C x H x W or H x W x C numbers, without
	// gaps. It is used again for a later batch.
	Data []float32
}

// Shape is the size of one image in a batch.
type Shape struct {
	Channels, Height, Width int
	Layout                  Layout
}

// Len is the count of numbers of one image.
func (s Shape) Len() int { return s.Channels * s.Height * s.Width }

// Dims are the dimensions of a batch of n images.
func (s Shape) Dims(n int) [4]int {
	if s.Layout == NHWC {
		return [4]int{n, s.Height, s.Width, s.Channels}
	}
	return [4]int{n, s.Channels, s.Height, s.Width}
}

// Loader decodes and preprocesses the images of a data set ahead of whoever
// consumes them, in order: the batches are the same whatever the number of
// workers.
type Loader struct {
	data  Dataset
	o     LoaderOptions
	shape Shape
	bad   []*BadImage
}

// NewLoader checks the options and decodes the first good image, whose size
// all others must have once they are preprocessed.
func NewLoader(ctx context.Context, d Dataset, o LoaderOptions) (*Loader, error) {
	if err := o.validate(d.Len()); err != nil {
		return nil, err
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	l := &Loader{data: d, o: o}
	if l.Len() == 0 {
		return nil, fmt.Errorf("%s: there are no examples", d.Name())
	}
	pp, err := NewPreprocessor(o.Preprocess)
	if err != nil {
		return nil, err
	}
	var bad []*BadImage
	for k := range l.Len() {
		fit, err := l.fit(ctx, pp, l.example(k))
		var b *BadImage
		switch {
		case errors.As(err, &b):
			if bad = append(bad, b); l.tooMany(len(bad)) {
				return nil, l.tooManyError(bad)
			}
		case err != nil:
			return nil, err
		default:
			l.shape = Shape{fit.Channels, fit.Height, fit.Width, o.Preprocess.Layout}
			_, err := pp.numbers(fit.Channels)
			return l, err
		}
	}
	return nil, l.tooManyError(bad)
}

// Len is the number of examples to load, bad ones included.
func (l *Loader) Len() int {
	if l.o.Order != nil {
		return len(l.o.Order)
	}
	return l.data.Len()
}

// Shape is the size of every image.
func (l *Loader) Shape() Shape { return l.shape }

// Bad are the images that the last run over [Loader.Batches] left out, in
// order.
func (l *Loader) Bad() []*BadImage { return l.bad }

// example is the k-th example to load.
func (l *Loader) example(k int) int {
	if l.o.Order != nil {
		return l.o.Order[k]
	}
	return k
}

func (l *Loader) tooMany(bad int) bool { return float64(bad) > l.o.BadLimit*float64(l.Len()) }

func (l *Loader) tooManyError(bad []*BadImage) error {
	return &TooManyBad{Data: l.data.Name(), Bad: bad, Of: l.Len(), Limit: l.o.BadLimit}
}

// fit decodes and fits one image.
func (l *Loader) fit(ctx context.Context, pp *Preprocessor, i int) (*Image, error) {
	im, err := l.data.Image(ctx, i)
	if err != nil {
		return nil, err
	}
	fit, err := pp.Fit(im)
	if err != nil {
		return nil, blame(l.data.Example(i).ID, "", err)
	}
	return fit, nil
}

// TooManyBad says that more images are missing or damaged than was allowed.
type TooManyBad struct {
	Data  string
	Bad   []*BadImage // those met until loading was given up
	Of    int         // examples asked for
	Limit float64     // share that was allowed
}

// Error counts and names the first few.
func (e *TooManyBad) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d of %d images cannot be read, the limit is %g %%:", e.Data, len(e.Bad), e.Of, 100*e.Limit)
	for i, bad := range e.Bad {
		if i == 5 {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Bad)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %v", bad)
	}
	return b.String()
}

// Unwrap is the first bad image.
func (e *TooManyBad) Unwrap() error {
	if len(e.Bad) == 0 {
		return nil
	}
	return e.Bad[0]
}

// Batches loads everything once. A batch is valid until the next one is asked
// for. After an error, which comes with a nil batch, it ends; breaking out of
// the loop stops the workers. One run at a time.
func (l *Loader) Batches(ctx context.Context) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		l.bad = nil
		r := l.start(ctx)
		defer r.stop()
		for b := range r.ready {
			b.slots.Wait()
			if err := l.settle(b); err != nil {
				yield(nil, err)
				return
			}
			if len(b.Index) > 0 && !yield(&b.Batch, nil) {
				return
			}
			r.free <- b
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// settle closes the gaps that bad images left in a batch and counts them.
func (l *Loader) settle(b *making) error {
	n, kept := l.shape.Len(), 0
	for slot, err := range b.errs {
		var bad *BadImage
		switch {
		case err == nil:
			if kept != slot {
				b.Index[kept] = b.Index[slot]
				copy(b.Data[kept*n:(kept+1)*n], b.Data[slot*n:])
			}
			kept++
		case errors.As(err, &bad):
			if l.bad = append(l.bad, bad); l.tooMany(len(l.bad)) {
				return l.tooManyError(l.bad)
			}
		default:
			return fmt.Errorf("%s: example %s: %w", l.data.Name(), l.data.Example(b.Index[slot]).ID, err)
		}
	}
	b.Index, b.Data = b.Index[:kept], b.Data[:kept*n]
	return nil
}

// making is a batch while its images are put in.
type making struct {
	Batch
	errs  []error // by slot
	slots sync.WaitGroup
}

func (b *making) reset(n, size int) {
	b.Index, b.Data, b.errs = b.Index[:n], b.Data[:n*size], b.errs[:n]
	clear(b.errs)
	b.slots.Add(n)
}

// job is one slot of a batch to fill.
type job struct {
	batch *making
	slot  int
}

// run is one pass over the data: a dispatcher takes free batches, hands out
// their slots and queues them for the consumer, workers fill slots.
type run struct {
	loader *Loader
	cancel context.CancelFunc
	jobs   chan job
	free   chan *making // never blocks: there is room for all batches
	ready  chan *making
	all    sync.WaitGroup
}

func (l *Loader) start(ctx context.Context) *run {
	ctx, cancel := context.WithCancel(ctx)
	batches := l.o.Ahead + 1
	r := &run{loader: l, cancel: cancel, jobs: make(chan job, 4*l.o.Workers), free: make(chan *making, batches), ready: make(chan *making, batches)}
	size := min(l.o.Batch, l.Len())
	for range batches {
		r.free <- &making{Batch: Batch{Index: make([]int, size), Data: make([]float32, size*l.shape.Len())}, errs: make([]error, size)}
	}
	for range l.o.Workers {
		r.all.Go(func() { r.work(ctx) })
	}
	r.all.Go(func() { r.dispatch(ctx) })
	return r
}

// stop ends the pass and waits for its goroutines.
func (r *run) stop() {
	r.cancel()
	r.all.Wait()
}

func (r *run) dispatch(ctx context.Context) {
	defer close(r.ready)
	defer close(r.jobs)
	l := r.loader
	for from := 0; from < l.Len(); from += l.o.Batch {
		var b *making
		select {
		case b = <-r.free:
		case <-ctx.Done():
			return
		}
		b.reset(min(l.o.Batch, l.Len()-from), l.shape.Len())
		for slot := range b.Index {
			b.Index[slot] = l.example(from + slot)
		}
		r.ready <- b
		for slot := range b.Index {
			select {
			case r.jobs <- job{b, slot}:
			case <-ctx.Done():
				b.errs[slot] = ctx.Err()
				b.slots.Done()
			}
		}
	}
}

// work fills slots until there are none left.
func (r *run) work(ctx context.Context) {
	l := r.loader
	pp, err := NewPreprocessor(l.o.Preprocess)
	for j := range r.jobs {
		if err != nil { // NewLoader has checked: it cannot fail
			j.batch.errs[j.slot] = err
		} else {
			j.batch.errs[j.slot] = l.fill(ctx, pp, j)
		}
		j.batch.slots.Done()
	}
}

func (l *Loader) fill(ctx context.Context, pp *Preprocessor, j job) error {
	fit, err := l.fit(ctx, pp, j.batch.Index[j.slot])
	if err != nil {
		return err
	}
	n := l.shape.Len()
	return pp.fill(j.batch.Data[j.slot*n:(j.slot+1)*n], fit)
}
