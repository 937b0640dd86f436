package kernel

// panel is a strip of columns of B, packed row by row: the micro-kernel's
// widest tile, or for the last columns what is left.
type panel struct {
	data, bias int // offsets into the packed B and bias
	col        int // first column of C
	vecs, tail int // vectors, and columns of the last that exist
	group      int // of a grouped convolution
}

// width is the number of columns that a row of the packed panel holds.
func (p panel) width(lanes int) int { return p.vecs * lanes }

// cols is the number of columns that exist.
func (p panel) cols(lanes int) int { return (p.vecs-1)*lanes + p.tail }

// panels cuts groups·cols columns into panels of depth rows that do not cross
// a group, and returns the lengths of the packed B and bias.
func (k *Kernels) panels(groups, cols, depth int) (out []panel, data, bias int) {
	for g := range groups {
		for c := 0; c < cols; c += k.panel() {
			n := min(cols-c, k.panel())
			vecs := (n + k.lanes - 1) / k.lanes
			p := panel{data: data, bias: bias, col: g*cols + c, vecs: vecs, tail: n - (vecs-1)*k.lanes, group: g}
			out = append(out, p)
			data += depth * p.width(k.lanes)
			bias += p.width(k.lanes)
		}
	}
	return out, data, bias
}

// packBias lays bias out panel by panel, zero where no column exists; nil
// stays nil.
func (k *Kernels) packBias(bias []float32, panels []panel, n int) []float32 {
	if bias == nil {
		return nil
	}
	out := Aligned(n)
	for _, p := range panels {
		copy(out[p.bias:], bias[p.col:p.col+p.cols(k.lanes)])
	}
	return out
}

// segments cuts n rows into tiles of at most most rows, as even as can be,
// and calls f with the first row and the number of rows of each.
func segments(n, most int, f func(first, rows int)) {
	count := (n + most - 1) / most
	first := 0
	for i := range count {
		rows := n / count
		if i < n%count {
			rows++
		}
		f(first, rows)
		first += rows
	}
}
