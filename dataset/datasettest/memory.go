package datasettest

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync/atomic"

	"github.com/lethe-audit/lethe/dataset"
)

// Memory is a data set made of seeded random pictures, for tests of what
// consumes data sets.
type Memory struct {
	Examples []dataset.Example
	Images   []*dataset.Image
	Bad      map[int]error // examples whose image fails, and how
	Groups   []dataset.Attribute
	Labels   []string
	Split    dataset.Split

	loads  atomic.Int64
	closed atomic.Bool
}

// NewMemory makes n pictures of the given size and channels; example i is of
// class i mod classes, in group i mod 2 of the attribute "parity".
func NewMemory(n, classes, width, height, channels int, seed uint64) *Memory {
	r := rand.New(rand.NewPCG(seed, 1))
	m := &Memory{Bad: map[int]error{}, Split: dataset.SplitTest, Groups: []dataset.Attribute{{Name: "parity", Values: []string{"even", "odd"}}}}
	for c := range classes {
		m.Labels = append(m.Labels, fmt.Sprintf("class%d", c))
	}
	for i := range n {
		im := dataset.NewImage(width, height, channels)
		for k := range im.Pix {
			im.Pix[k] = uint8(r.Uint32())
		}
		m.Images = append(m.Images, im)
		m.Examples = append(m.Examples, dataset.Example{
			ID: dataset.ExampleID(fmt.Sprintf("test/%05d", i)), Label: dataset.Label(i % classes),
			Split: dataset.SplitTest, Attributes: []int32{int32(i % 2)},
		})
	}
	return m
}

// Name is "memory".
func (m *Memory) Name() string { return "memory" }

// Classes are "class0", "class1", ...
func (m *Memory) Classes() []string { return m.Labels }

// Attributes is "parity".
func (m *Memory) Attributes() []dataset.Attribute { return m.Groups }

// Len is the number of pictures.
func (m *Memory) Len() int { return len(m.Examples) }

// Example describes example i.
func (m *Memory) Example(i int) dataset.Example { return m.Examples[i] }

// Image copies picture i, or fails as Bad says.
func (m *Memory) Image(ctx context.Context, i int) (*dataset.Image, error) {
	m.loads.Add(1)
	switch {
	case m.closed.Load():
		return nil, fs.ErrClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case m.Bad[i] != nil:
		return nil, m.Bad[i]
	}
	im := *m.Images[i]
	im.Pix = append([]uint8(nil), im.Pix...)
	return &im, nil
}

// Loads is how often an image was asked for.
func (m *Memory) Loads() int { return int(m.loads.Load()) }

// Close makes images fail.
func (m *Memory) Close() error {
	m.closed.Store(true)
	return nil
}
