package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/lethe-audit/lethe/compress"
	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
	"github.com/lethe-audit/lethe/engine/tensor"
)

// The sizes of calibration batches, and of what is kept decoded of them.
const (
	calibrationBatch = 50
	calibrationKept  = 256 << 20 // bytes
)

// calibrationImages are training images that schemes are calibrated on.
type calibrationImages struct {
	opened *dataset.Opened
	info   compress.Data
	n      int // images of one member

	order []int // images of the member at hand, in the data set
	held  map[int]engine.Tensor
	bytes int
}

// openCalibration opens the images of a source: the training split unless the
// source names another.
func (a *app) openCalibration(ctx context.Context, text string, n int) (*calibrationImages, error) {
	source, err := dataset.ParseSource(text)
	if err != nil {
		return nil, fmt.Errorf("--calibrate: %w", err)
	}
	if _, ok := source.Value("split"); !ok {
		source = source.With("split", string(dataset.SplitTrain))
	}
	opened, err := dataKinds().Open(ctx, source.String())
	if err != nil {
		return nil, fmt.Errorf("--calibrate: %w", err)
	}
	for _, note := range opened.Notes {
		a.log.Info(note)
	}
	d := opened.Dataset
	if d.Len() == 0 {
		return nil, errors.Join(fmt.Errorf("--calibrate %s: %w: there are no images", text, compress.ErrCalibration), d.Close())
	}
	var options []string
	for _, o := range opened.Source.Options {
		if o.Name != "split" {
			options = append(options, o.Name+"="+o.Value)
		}
	}
	c := &calibrationImages{opened: opened, n: min(n, d.Len()), info: compress.Data{
		Name: d.Name(), Split: string(d.Example(0).Split), Digest: dataset.Digest(d), Preprocess: strings.Join(options, "&")}}
	if n > d.Len() {
		a.log.Warn(fmt.Sprintf("--calibrate %s has %d images, fewer than the %d asked for", text, d.Len(), n))
	}
	c.first()
	if seen, of := c.classes(), len(d.Classes()); seen < min(of, c.n)/2 {
		a.log.Warn(fmt.Sprintf("the first %d calibration images are of %d of %d classes; limit=%d in the source spreads them over the data", c.n, seen, of, c.n))
	}
	return c, nil
}

func (c *calibrationImages) close() error { return c.opened.Dataset.Close() }

// first takes the first images.
func (c *calibrationImages) first() {
	order := make([]int, c.n)
	for i := range order {
		order[i] = i
	}
	c.take(order)
}

// draw takes images for member k of a resampled population, from 1: all sets of
// n images are equally likely.
func (c *calibrationImages) draw(k int, seed uint64) error {
	all := c.opened.Dataset.Len()
	if all <= c.n {
		return fmt.Errorf("--resample: %w: there are %d images to draw %d from; every set would be the same", compress.ErrCalibration, all, c.n)
	}
	rng := rand.New(rand.NewPCG(seed, uint64(k)))
	order := rng.Perm(all)[:c.n]
	slices.Sort(order)
	c.take(order)
	c.info.Draw, c.info.Seed = k, seed
	return nil
}

func (c *calibrationImages) take(order []int) {
	c.order, c.held, c.bytes = order, map[int]engine.Tensor{}, 0
}

// classes counts the classes of the images at hand.
func (c *calibrationImages) classes() int {
	seen := map[dataset.Label]bool{}
	for _, i := range c.order {
		seen[c.opened.Dataset.Example(i).Label] = true
	}
	return len(seen)
}

// Len is the number of batches.
func (c *calibrationImages) Len() int {
	return (len(c.order) + calibrationBatch - 1) / calibrationBatch
}

// Batch decodes a batch, or has it still.
func (c *calibrationImages) Batch(ctx context.Context, i int) (engine.Tensor, []dataset.ExampleID, error) {
	part := c.order[i*calibrationBatch : min(len(c.order), (i+1)*calibrationBatch)]
	ids := make([]dataset.ExampleID, len(part))
	for k, e := range part {
		ids[k] = c.opened.Dataset.Example(e).ID
	}
	if t, ok := c.held[i]; ok {
		return t, ids, ctx.Err()
	}
	o := dataset.DefaultLoaderOptions()
	o.Batch, o.BadLimit, o.Order, o.Preprocess = len(part), 0, part, c.opened.Preprocess
	loader, err := dataset.NewLoader(ctx, c.opened.Dataset, o)
	if err != nil {
		return engine.Tensor{}, nil, fmt.Errorf("--calibrate: %w", err)
	}
	for b, err := range loader.Batches(ctx) {
		if err != nil {
			return engine.Tensor{}, nil, fmt.Errorf("--calibrate: %w", err)
		}
		dims := loader.Shape().Dims(len(b.Index))
		t, err := tensor.New(dims[:], slices.Clone(b.Data))
		if err != nil {
			return engine.Tensor{}, nil, fmt.Errorf("--calibrate: %w", err)
		}
		if c.bytes += t.Bytes(); c.bytes <= calibrationKept {
			c.held[i] = t
		}
		return t, ids, nil
	}
	return engine.Tensor{}, nil, errors.Join(errors.New("--calibrate: no images were loaded"), ctx.Err())
}
