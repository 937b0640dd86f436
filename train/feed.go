package train

import (
	"context"
	"math/rand/v2"
	"sync"

	"github.com/lethe-audit/lethe/dataset"
)

// batch is the images of one step.
type batch struct {
	x      []float32 // N x C x H x W
	labels []int32
	order  []int // places among the training images
	epoch  int
	err    error
	made   chan struct{} // closed when the rest is complete
}

// feed makes batches ahead of the trainer, in the order of the steps, whatever
// the number of its goroutines.
type feed struct {
	from    *images
	seed    uint64
	augment Augment
	size    dataset.Size
	numbers dataset.Preprocess
	batch   int // images in a batch
	image   int // numbers in an image

	ready chan *batch // in order; their images may still be in the making
	free  chan *batch
	last  *batch // that the trainer works on
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// start makes the batches of steps first to last-1 with the given number of
// goroutines. close must be called.
func (f *feed) start(ctx context.Context, first, last, workers int) {
	ctx, f.stop = context.WithCancel(ctx)
	// One in the making for each goroutine, one that is ready, one that the
	// trainer works on; every channel has room for all of them.
	all := workers + 2
	f.ready, f.free = make(chan *batch, all), make(chan *batch, all)
	for range all {
		f.free <- &batch{x: make([]float32, f.batch*f.image), labels: make([]int32, f.batch)}
	}
	work := make(chan *batch, all)
	f.done.Go(func() { f.plan(ctx, first, last, work) })
	for range workers {
		f.done.Go(func() { f.work(ctx, work) })
	}
}

// plan says which images go into which batch.
func (f *feed) plan(ctx context.Context, first, last int, work chan<- *batch) {
	defer close(f.ready)
	defer close(work)
	n := len(f.from.index)
	perEpoch := n / f.batch
	var now []int
	epoch := -1
	for step := first; step < last; step++ {
		if e := step / perEpoch; e != epoch {
			epoch, now = e, order(f.seed, e, n)
		}
		var b *batch
		select {
		case b = <-f.free:
		case <-ctx.Done():
			return
		}
		at := step % perEpoch * f.batch
		b.order, b.epoch, b.err, b.made = now[at:at+f.batch], epoch, nil, make(chan struct{})
		work <- b
		f.ready <- b
	}
}

// work fills batches.
func (f *feed) work(ctx context.Context, work <-chan *batch) {
	fit, err := f.from.preprocessor()
	var a *augmenter
	if err == nil {
		a, err = newAugmenter(f.augment, f.size, f.numbers)
	}
	source := new(rand.PCG)
	r := rand.New(source)
	for b := range work {
		if b.err = err; err == nil {
			b.err = f.fill(ctx, b, fit, a, source, r)
		}
		close(b.made)
	}
}

func (f *feed) fill(ctx context.Context, b *batch, fit *dataset.Preprocessor, a *augmenter, source *rand.PCG, r *rand.Rand) error {
	for slot, k := range b.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		im, err := f.from.get(ctx, fit, k)
		if err != nil {
			return err
		}
		reseed(source, f.seed, streamAugment, b.epoch, k)
		if err := a.apply(b.x[slot*f.image:(slot+1)*f.image], im, r); err != nil {
			return err
		}
		b.labels[slot] = f.from.labels[k]
	}
	return nil
}

// next is the batch of the next step; it is valid until the one after is asked
// for.
func (f *feed) next(ctx context.Context) (*batch, error) {
	if f.last != nil {
		f.free <- f.last
		f.last = nil
	}
	select {
	case b, ok := <-f.ready:
		if !ok {
			return nil, ctx.Err()
		}
		f.last = b
		select {
		case <-b.made:
			return b, b.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close ends the goroutines.
func (f *feed) close() {
	if f.stop != nil {
		f.stop()
		f.done.Wait()
	}
}
