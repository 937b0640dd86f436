package train

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/lethe-audit/lethe/dataset"
)

// cacheBytes is the memory that decoded images may take: CIFAR's 60,000 take
// 180 MB, ImageNet is decoded again in every epoch.
const cacheBytes = 2 << 30

// images are training images: decoded, and brought to the network's size unless
// the augmentation wants them as stored. Those that fit stay in memory. Safe
// for use by several goroutines.
type images struct {
	data   dataset.Dataset
	index  []int // places in data
	labels []int32
	fit    *dataset.Preprocess // nil: as stored
	cache  []atomic.Pointer[dataset.Image]
	left   atomic.Int64 // bytes that may still be kept
}

func newImages(d dataset.Dataset, index []int, fit *dataset.Preprocess) *images {
	out := &images{data: d, index: index, labels: make([]int32, len(index)), fit: fit, cache: make([]atomic.Pointer[dataset.Image], len(index))}
	for k, i := range index {
		out.labels[k] = int32(d.Example(i).Label)
	}
	out.left.Store(cacheBytes)
	return out
}

// get is image k; fit must be made from s.fit and belong to the caller.
func (s *images) get(ctx context.Context, fit *dataset.Preprocessor, k int) (*dataset.Image, error) {
	if im := s.cache[k].Load(); im != nil {
		return im, nil
	}
	im, err := s.data.Image(ctx, s.index[k])
	if err == nil && fit != nil {
		im, err = fit.Fit(im)
	}
	if err != nil {
		var bad *dataset.BadImage
		if errors.As(err, &bad) {
			return nil, fmt.Errorf("train: %w (every training image must be readable: lethe data check lists those that are not)", err)
		}
		return nil, fmt.Errorf("train: example %s: %w", s.data.Example(s.index[k]).ID, err)
	}
	if size := int64(len(im.Pix)); s.left.Add(-size) >= 0 {
		s.cache[k].Store(im) // two goroutines may both store the same pixels
	} else {
		s.left.Add(size)
	}
	return im, nil
}

// preprocessor makes what get wants.
func (s *images) preprocessor() (*dataset.Preprocessor, error) {
	if s.fit == nil {
		return nil, nil
	}
	return dataset.NewPreprocessor(*s.fit)
}
