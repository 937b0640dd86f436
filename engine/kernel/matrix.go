package kernel

import "fmt"

// Matrix is a constant right-hand side B of products A·B, packed for one
// level, with a bias for each column. It is read-only and may be shared.
type Matrix struct {
	k      *Kernels
	rows   int // K
	cols   int // N
	panels []panel
	data   []float32
	bias   []float32
}

// PackMatrix packs alpha·B, B being rows×cols, or with trans the transpose of
// the cols×rows matrix in b, row-major without gaps; and a bias[cols] (nil for
// none). The slices are not kept.
func (k *Kernels) PackMatrix(b []float32, rows, cols int, trans bool, alpha float32, bias []float32) (*Matrix, error) {
	if rows < 1 || cols < 1 || len(b) != rows*cols {
		return nil, fmt.Errorf("kernel: matrix: %w: %d values for %d×%d", ErrShape, len(b), rows, cols)
	}
	if bias != nil && len(bias) != cols {
		return nil, fmt.Errorf("kernel: matrix: %w: bias of %d for %d columns", ErrShape, len(bias), cols)
	}
	panels, data, nbias := k.panels(1, cols, rows)
	m := &Matrix{k: k, rows: rows, cols: cols, panels: panels, data: Aligned(data), bias: k.packBias(bias, panels, nbias)}
	ld := cols
	if trans {
		ld = rows
	}
	for _, p := range panels {
		k.packPanel(m.data[p.data:], b, p, rows, ld, trans, alpha)
	}
	return m, nil
}

// packPanel writes the columns of one panel of alpha·B, row by row, zero where
// there is no column.
func (k *Kernels) packPanel(dst, b []float32, p panel, rows, ld int, trans bool, alpha float32) {
	width, cols := p.width(k.lanes), p.cols(k.lanes)
	dst = dst[:rows*width]
	if cols < width {
		clear(dst)
	}
	if trans {
		k.transpose(dst, b[p.col*ld:], cols, rows, ld, width)
	} else {
		for i := range rows {
			copy(dst[i*width:i*width+cols], b[i*ld+p.col:])
		}
	}
	if alpha != 1 {
		for i := range dst {
			dst[i] *= alpha
		}
	}
}
