package onnx

import (
	"math/rand/v2"
	"testing"
)

// TestSliceBruteForce compares the size of a slice with counting what it takes:
// from start in steps while before (or behind) end.
func TestSliceBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	edge := []int64{-1 << 63, -1<<63 + 1, -100, 100, 1<<31 - 1, 1<<63 - 1}
	pick := func() int64 {
		if r.IntN(4) == 0 {
			return edge[r.IntN(len(edge))]
		}
		return int64(r.IntN(25)) - 12
	}
	for range 5000 {
		n, start, end, step := int64(r.IntN(10)), pick(), pick(), pick()
		if step == 0 {
			step = -1
		}
		var want []int64
		for i, limit := clampStart(n, start, step), clampEnd(n, end, step); ; {
			if step > 0 && i >= limit || step < 0 && i <= limit {
				break
			}
			want = append(want, i)
			next := i + step
			if step > 0 && next < i || step < 0 && next > i {
				break // past int64
			}
			i = next
		}
		got, ok := sliced(Fixed(n), start, end, step).Size()
		if !ok || got != int64(len(want)) {
			t.Fatalf("[%d:%d:%d] of %d elements has %d, want %v", start, end, step, n, got, want)
		}
		v := make([]Dim, n)
		for i := range v {
			v[i] = Fixed(int64(i))
		}
		c := &call{f: &inference{ints: map[string][]Dim{}}, n: nodeOf("Slice", "x", "y")}
		c.sliceInts(v, start, end, []int64{step})
		for i, d := range c.f.ints["y"] {
			if d != Fixed(want[i]) {
				t.Fatalf("[%d:%d:%d] of %d elements takes %v, want %v", start, end, step, n, c.f.ints["y"], want)
			}
		}
	}
}

// clampStart and clampEnd are the rules of docs/Operators.md, Slice: a negative
// index counts from the end; a start is clamped to [0, n] going forwards and
// [0, n-1] going backwards, an end to [0, n] and [-1, n-1].
func clampStart(n, start, step int64) int64 {
	if start < 0 {
		start += n
	}
	last := n
	if step < 0 {
		last = n - 1
	}
	return min(max(start, 0), last)
}

func clampEnd(n, end, step int64) int64 {
	if end < 0 {
		end += n
	}
	if step < 0 {
		return min(max(end, -1), n-1)
	}
	return min(max(end, 0), n)
}

// TestWindowBruteForce places windows one by one.
func TestWindowBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 3000 {
		w := Window{Kernel: []int64{1 + r.Int64N(4)}, Stride: []int64{1 + r.Int64N(4)}, Dilation: []int64{1 + r.Int64N(3)},
			Ceil: r.IntN(2) == 0}
		// padding smaller than the window, as everywhere in practice
		w.PadBegin, w.PadEnd = []int64{r.Int64N(w.reach(0))}, []int64{r.Int64N(w.reach(0))}
		in := 1 + r.Int64N(12)
		w.AutoPad = []string{"NOTSET", "SAME_UPPER", "SAME_LOWER"}[r.IntN(3)]
		begin, end := w.Pads(0, in)
		got, err := w.Out(0, in)
		// A window may start where it ends inside the padded input, or with ceil
		// at any place before the padding at the end.
		want := int64(0)
		for at := -begin; ; at += w.Stride[0] {
			inside := at+w.reach(0) <= in+end
			if w.Ceil && w.AutoPad == "NOTSET" {
				// the window before it ended before the end of the padded input
				inside = at-w.Stride[0]+w.reach(0) < in+end && at < in
			}
			if !inside {
				break
			}
			want++
		}
		if want == 0 {
			if err == nil {
				t.Fatalf("%+v over %d: %d, but no window fits", w, in, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Fatalf("%+v over %d: %d (%v), want %d", w, in, got, err, want)
		}
		if w.AutoPad != "NOTSET" && got != (in+w.Stride[0]-1)/w.Stride[0] {
			t.Fatalf("%+v over %d: SAME gives %d", w, in, got)
		}
		if w.AutoPad == "SAME_UPPER" && (end < begin || end > begin+1) || w.AutoPad == "SAME_LOWER" && (begin < end || begin > end+1) {
			t.Fatalf("%+v over %d: pads %d and %d", w, in, begin, end)
		}
	}
}

// TestBroadcastBruteForce: broadcasting is symmetric, and with known sizes what
// numpy does dimension by dimension.
func TestBroadcastBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	dims := []Dim{Fixed(1), Fixed(1), Fixed(2), Fixed(3), Symbol("N"), {}}
	shape := func() Shape {
		s := make(Shape, r.IntN(4))
		for i := range s {
			s[i] = dims[r.IntN(len(dims))]
		}
		return s
	}
	for range 3000 {
		a, b := shape(), shape()
		ab, err1 := broadcast(a, b)
		ba, err2 := broadcast(b, a)
		if (err1 == nil) != (err2 == nil) || err1 == nil && !ab.Equal(ba) {
			t.Fatalf("%v and %v: %v (%v), the other way %v (%v)", a, b, ab, err1, ba, err2)
		}
		fails := false
		for i := range max(len(a), len(b)) {
			m, n := fromEnd(a, i), fromEnd(b, i)
			x, xok := m.Size()
			y, yok := n.Size()
			fails = fails || xok && yok && x != y && x != 1 && y != 1
			if err1 != nil {
				continue
			}
			got, known := fromEnd(ab, i).Size()
			switch {
			case xok && yok && (!known || got != max(x, y)),
				(xok && x > 1 || yok && y > 1) && (!known || got != max(x, y)),
				!xok && !yok && known:
				t.Fatalf("%v and %v: %v", a, b, ab)
			}
		}
		if fails != (err1 != nil) {
			t.Fatalf("%v and %v: %v, error %v", a, b, ab, err1)
		}
	}
}

func fromEnd(s Shape, i int) Dim {
	if i < len(s) {
		return s[len(s)-1-i]
	}
	return Fixed(1)
}

// TestQuotient: with sizes, quotient(a·b, b) = a; symbols cancel.
func TestQuotient(t *testing.T) {
	n, m := Symbol("N"), Symbol("M")
	for _, c := range []struct {
		whole, part []Dim
		want        Dim
		ok          bool
	}{
		{[]Dim{Fixed(6), Fixed(4)}, []Dim{Fixed(8)}, Fixed(3), true},
		{[]Dim{Fixed(6)}, []Dim{Fixed(4)}, Dim{}, false},
		{[]Dim{n, Fixed(6)}, []Dim{Fixed(6)}, n, true},
		{[]Dim{n, Fixed(6)}, []Dim{n}, Fixed(6), true},
		{[]Dim{n, m, Fixed(6)}, []Dim{m, n, Fixed(2)}, Fixed(3), true},
		{[]Dim{n, Fixed(6)}, []Dim{Fixed(4)}, Dim{}, true}, // N may be even
		{[]Dim{n, Fixed(6)}, []Dim{m}, Dim{}, true},
		{[]Dim{n, n}, []Dim{n}, n, true},
		{[]Dim{{}, Fixed(6)}, []Dim{Fixed(6)}, Dim{}, true},
		{[]Dim{Fixed(0), n}, []Dim{Fixed(5)}, Fixed(0), true},
		{[]Dim{Fixed(1 << 40), Fixed(1 << 40)}, []Dim{Fixed(1)}, Dim{}, true},
	} {
		if got, ok := quotient(c.whole, c.part); got != c.want || ok != c.ok {
			t.Errorf("%v / %v = %v, %v, want %v, %v", Shape(c.whole), Shape(c.part), got, ok, c.want, c.ok)
		}
	}
}

func TestIntArithmetic(t *testing.T) {
	n, unknown := Symbol("N"), Dim{}
	for _, c := range []struct {
		op         string
		a, b, want Dim
	}{
		{"Add", Fixed(2), Fixed(-5), Fixed(-3)}, {"Add", n, Fixed(0), n}, {"Add", Fixed(0), n, n}, {"Add", n, Fixed(1), unknown},
		{"Sub", Fixed(2), Fixed(5), Fixed(-3)}, {"Sub", n, Fixed(0), n}, {"Sub", Fixed(0), n, unknown},
		{"Mul", Fixed(-2), Fixed(5), Fixed(-10)}, {"Mul", Fixed(1), n, n}, {"Mul", n, n, unknown}, {"Mul", Fixed(1 << 40), Fixed(2), unknown},
		{"Div", Fixed(-7), Fixed(2), Fixed(-3)}, {"Div", Fixed(7), Fixed(0), unknown}, {"Div", n, Fixed(1), n}, {"Div", Fixed(1), n, unknown},
		{"Min", Fixed(3), Fixed(2), Fixed(2)}, {"Max", Fixed(3), Fixed(2), Fixed(3)}, {"Max", n, Fixed(2), unknown},
	} {
		if got := arithmetic(c.op)(c.a, c.b); got != c.want {
			t.Errorf("%s(%v, %v) = %v, want %v", c.op, c.a, c.b, got, c.want)
		}
	}
	for _, c := range []struct{ a, b, want Dim }{
		{Fixed(1), Fixed(1), Fixed(1)}, {Fixed(1), Fixed(2), Fixed(0)}, {n, n, Fixed(1)}, {n, Fixed(-1), Fixed(0)}, {Fixed(-1), n, Fixed(0)},
		{n, Fixed(3), unknown}, {n, Symbol("M"), unknown}, {unknown, unknown, unknown}, {unknown, Fixed(-1), unknown},
	} {
		if got := equalInts(c.a, c.b); got != c.want {
			t.Errorf("%v == %v is %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

// TestInferComputedLists: where a list that says a shape is computed, the rank
// is known from its length and the rest is unknown.
func TestInferComputedLists(t *testing.T) {
	image := TypeShape{Float, MakeShape(2, 3, 1, 9)}
	for _, c := range []struct {
		node *Node
		want string
	}{
		{nodeOf("Reshape", "x l", "y"), "float32[?, ?]"}, {nodeOf("Expand", "x l", "y"), "float32[...]"},
		{nodeOf("ConstantOfShape", "l", "y"), "float32[?, ?]"}, {nodeOf("Squeeze", "x l", "y"), "float32[...]"},
		{nodeOf("Unsqueeze", "x l", "y"), "float32[...]"}, {nodeOf("ReduceMean", "x l", "y"), "float32[?, ?, ?, ?]"},
		{nodeOf("ReduceMean", "x l", "y", IntAttr("keepdims", 0)), "float32[...]"}, {nodeOf("Pad", "x l", "y"), "float32[?, ?, ?, ?]"},
		{nodeOf("Slice", "x l l", "y"), "float32[?, ?, ?, ?]"}, {nodeOf("Slice", "x l l k", "y"), "float32[?, 3, 1, ?]"},
		{nodeOf("Split", "x l", "y z"), "float32[?, 3, 1, 9]"}, {nodeOf("Squeeze", "x", "y"), "float32[2, 3, 9]"},
		{nodeOf("Range", "i i i", "y"), "int64[?]"},
	} {
		m := modelOf(18, image, []*Tensor{ints(t, "k", 0, -1)}, c.node)
		m.Graph.Inputs = append(m.Graph.Inputs, &ValueInfo{Name: "l", Type: TypeShape{Int64, MakeShape(2)}}, &ValueInfo{Name: "i", Type: TypeShape{Int64, Shape{}}})
		if err := Validate(m); err != nil {
			t.Fatal(err)
		}
		if got := must(Infer(m, nil))(t)["y"].String(); got != c.want {
			t.Errorf("%s %v: %s, want %s", c.node.Op, c.node.Inputs, got, c.want)
		}
	}
}
