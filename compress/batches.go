package compress

import (
	"context"
	"fmt"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/engine"
)

// Held is calibration examples in memory.
type Held struct {
	Tensors []engine.Tensor // batches
	IDs     [][]dataset.ExampleID
}

// Len is the number of batches.
func (h *Held) Len() int { return len(h.Tensors) }

// Batch is batch i.
func (h *Held) Batch(ctx context.Context, i int) (engine.Tensor, []dataset.ExampleID, error) {
	if i < 0 || i >= len(h.Tensors) || len(h.IDs) != len(h.Tensors) {
		return engine.Tensor{}, nil, fmt.Errorf("compress: batch %d of %d with ids for %d", i, len(h.Tensors), len(h.IDs))
	}
	return h.Tensors[i], h.IDs[i], ctx.Err()
}
