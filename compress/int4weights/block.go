package int4weights

import "math"

// most is the largest magnitude of a stored weight.
const most = 7

// blocks quantizes a matrix of rows by columns elements in blocks of `size`
// along the rows' elements; the last block of a row may be shorter. scales has
// one row of scales for each row. A block of zeros has scale 1.
func blocks(v []float32, rows, columns, size int) (q []int8, scales []float32) {
	q = make([]int8, len(v))
	for r := range rows {
		for from := 0; from < columns; from += size {
			at, end := r*columns+from, r*columns+min(columns, from+size)
			scale := scaleOf(v[at:end])
			scales = append(scales, scale)
			for i, x := range v[at:end] {
				k := math.RoundToEven(float64(x) / float64(scale))
				q[at+i] = int8(min(max(k, -most), most))
			}
		}
	}
	return q, scales
}

func scaleOf(block []float32) float32 {
	largest := 0.0
	for _, x := range block {
		largest = max(largest, math.Abs(float64(x)))
	}
	if s := float32(largest / most); s > 1e-30 {
		return s
	}
	return 1
}

// pack puts two elements into a byte, the first one in the low bits.
func pack(q []int8) []byte {
	out := make([]byte, (len(q)+1)/2)
	for i, v := range q {
		out[i/2] |= byte(v&0xf) << (i % 2 * 4)
	}
	return out
}

// transpose turns rows by columns into columns by rows.
func transpose[T any](v []T, rows, columns int) []T {
	out := make([]T, len(v))
	for r := range rows {
		for c := range columns {
			out[c*rows+r] = v[r*columns+c]
		}
	}
	return out
}
