package corrupt

// edges are the edges of Canny's detector as OpenCV has it: Sobel's 3 x 3
// gradient, |dx| + |dy| as its size, thinned along its direction, kept above
// high and, where it touches what is kept, above low.
func (b levels) edges(low, high int) []bool {
	dx, dy, size := b.gradient()
	const candidate, edge = 1, 2
	state := make([]uint8, len(b.pix))
	var stack []int
	for y := range b.h {
		for x := range b.w {
			i := y*b.w + x
			if size[i] <= low || !b.crest(size, dx[i], dy[i], x, y) {
				continue
			}
			state[i] = candidate
			if size[i] > high {
				state[i] = edge
				stack = append(stack, i)
			}
		}
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for y := max(i/b.w-1, 0); y <= min(i/b.w+1, b.h-1); y++ {
			for x := max(i%b.w-1, 0); x <= min(i%b.w+1, b.w-1); x++ {
				if k := y*b.w + x; state[k] == candidate {
					state[k] = edge
					stack = append(stack, k)
				}
			}
		}
	}
	out := make([]bool, len(state))
	for i, s := range state {
		out[i] = s == edge
	}
	return out
}

// gradient is Sobel's, borders repeated, and its size.
func (b levels) gradient() (dx, dy, size []int) {
	n := len(b.pix)
	dx, dy, size = make([]int, n), make([]int, n), make([]int, n)
	for y := range b.h {
		up, here, down := b.line(y-1), b.line(y), b.line(y+1)
		for x := range b.w {
			l, r := max(x-1, 0), min(x+1, b.w-1)
			i := y*b.w + x
			dx[i] = int(up[r]) - int(up[l]) + 2*(int(here[r])-int(here[l])) + int(down[r]) - int(down[l])
			dy[i] = int(down[l]) - int(up[l]) + 2*(int(down[x])-int(up[x])) + int(down[r]) - int(up[r])
			size[i] = max(dx[i], -dx[i]) + max(dy[i], -dy[i])
		}
	}
	return dx, dy, size
}

// line is row y, the nearest one where there is none.
func (b levels) line(y int) []uint8 {
	y = min(max(y, 0), b.h-1)
	return b.pix[y*b.w : (y+1)*b.w]
}

// crest says whether the gradient is greatest here along its direction, which
// is one of four; outside of the image it is 0.
func (b levels) crest(size []int, dx, dy, x, y int) bool {
	at := func(x, y int) int {
		if x < 0 || y < 0 || x >= b.w || y >= b.h {
			return 0
		}
		return size[y*b.w+x]
	}
	const tan22 = 0.4142135623730951 // of 22.5 degrees
	m, ax, ay := size[y*b.w+x], float64(max(dx, -dx)), float64(max(dy, -dy))
	switch {
	case ay < ax*tan22:
		return m > at(x-1, y) && m >= at(x+1, y)
	case ay > ax*(tan22+2): // 67.5 degrees
		return m > at(x, y-1) && m >= at(x, y+1)
	}
	s := 1
	if (dx < 0) != (dy < 0) {
		s = -1
	}
	return m > at(x-s, y-1) && m > at(x+s, y+1)
}

// far is a distance that no image has.
const far = 1 << 20

// distances are the distances from the nearest edge by steps of 1 straight,
// 1.4 aslant and 2.1969 as a knight moves (Borgefors 1986; the values of
// OpenCV's distanceTransform with a mask of 5).
func distances(edges []bool, w, h int) plane {
	const straight, aslant, knight = 1, 1.4, 2.1969
	steps := []struct {
		dx, dy int
		cost   float32
	}{{-1, 0, straight}, {0, -1, straight}, {-1, -1, aslant}, {1, -1, aslant}, {-2, -1, knight}, {2, -1, knight}, {-1, -2, knight}, {1, -2, knight}}
	d := make(plane, len(edges))
	for i, e := range edges {
		if !e {
			d[i] = far
		}
	}
	reach := func(x, y, sign int) {
		i := y*w + x
		for _, s := range steps {
			nx, ny := x+sign*s.dx, y+sign*s.dy
			if nx >= 0 && nx < w && ny >= 0 && ny < h {
				d[i] = min(d[i], d[ny*w+nx]+s.cost)
			}
		}
	}
	for y := range h {
		for x := range w {
			reach(x, y, 1)
		}
	}
	for y := h - 1; y >= 0; y-- {
		for x := w - 1; x >= 0; x-- {
			reach(x, y, -1)
		}
	}
	return d
}
