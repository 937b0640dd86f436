package cli

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lethe-audit/lethe/dataset"
)

// keptBytes bounds the memory that a [keeper] takes.
const keptBytes = 256 << 20

// keeper remembers images of a data set that are costly to make, as corrupted
// ones are, for the models that see them after the first one: as many as fit.
type keeper struct {
	dataset.Dataset
	room atomic.Int64 // bytes
	seen []keptImage
}

type keptImage struct {
	mu sync.Mutex
	im *dataset.Image
}

func keep(d dataset.Dataset, bytes int64) *keeper {
	k := &keeper{Dataset: d, seen: make([]keptImage, d.Len())}
	k.room.Store(bytes)
	return k
}

// Corrupted is whether the data set's images are.
func (k *keeper) Corrupted() bool { return dataset.Corrupted(k.Dataset) }

// Notes are those of the data set.
func (k *keeper) Notes() []string { return dataset.NotesOf(k.Dataset) }

// ClassSubset is that of the data set.
func (k *keeper) ClassSubset() []dataset.Label { return dataset.ClassSubset(k.Dataset) }

// Image is a copy of the image that was made before, or a new one.
func (k *keeper) Image(ctx context.Context, i int) (*dataset.Image, error) {
	s := &k.seen[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.im != nil {
		return copyOf(s.im), nil
	}
	im, err := k.Dataset.Image(ctx, i)
	if err != nil {
		return nil, err
	}
	if size := int64(len(im.Pix)); k.room.Add(-size) >= 0 {
		s.im = copyOf(im)
	} else {
		k.room.Add(size)
	}
	return im, nil
}

func copyOf(im *dataset.Image) *dataset.Image {
	out := *im
	out.Pix = slices.Clone(im.Pix)
	return &out
}
