package jaccard

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// The three forms agree with each other and with a walk over all elements.
func FuzzForms(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{2, 3, 4, 200})
	f.Add([]byte{}, []byte{0})
	f.Add([]byte{9}, []byte{9})
	f.Fuzz(func(t *testing.T, x, y []byte) {
		var inA, inB [256]bool
		for _, v := range x {
			inA[v] = true
		}
		for _, v := range y {
			inB[v] = true
		}
		var a, b []uint32
		both, onlyA, onlyB := 0, 0, 0
		for v := range inA {
			e := uint32(v) * 70_000 // spread over several containers
			if inA[v] {
				a = append(a, e)
			}
			if inB[v] {
				b = append(b, e)
			}
			switch {
			case inA[v] && inB[v]:
				both++
			case inA[v]:
				onlyA++
			case inB[v]:
				onlyB++
			}
		}
		c, err1 := Counts(both, onlyA, onlyB)
		s, err2 := Sorted(a, b)
		m, err3 := Bitmaps(roaring.BitmapOf(a...), roaring.BitmapOf(b...))
		r, err4 := Sorted(b, a)
		if both+onlyA+onlyB == 0 {
			for _, err := range []error{err1, err2, err3, err4} {
				if !errors.Is(err, ErrEmpty) {
					t.Fatalf("empty sets: %v, want ErrEmpty", err)
				}
			}
			return
		}
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if want := float64(both) / float64(both+onlyA+onlyB); c != want || s != want || m != want || r != want {
			t.Fatalf("counts %v, sorted %v, bitmaps %v, exchanged %v, want %v", c, s, m, r, want)
		}
	})
}

// scipy.spatial.distance.jaccard, scipy 1.10.1 (Debian 12):
// 1 - jaccard([1,1,0,1,0,0],[1,0,1,1,0,0]) = 0.5
// 1 - jaccard([1,1,1,0,0,0,1],[0,1,1,1,1,0,0]) = 0.33333333333333337
func TestReference(t *testing.T) {
	for _, tc := range []struct {
		a, b []uint32
		want float64
	}{
		{[]uint32{0, 1, 3}, []uint32{0, 2, 3}, 0.5},
		{[]uint32{0, 1, 2, 6}, []uint32{1, 2, 3, 4}, 1.0 / 3},
		{[]uint32{5}, nil, 0},
		{[]uint32{5, 6}, []uint32{5, 6}, 1},
	} {
		if j, err := Sorted(tc.a, tc.b); err != nil || j != tc.want {
			t.Errorf("Sorted(%v, %v) = %v, %v, want %v", tc.a, tc.b, j, err, tc.want)
		}
	}
}

// Random sets with shares p and q overlap by about pq/(p+q−pq), as the
// package comment warns.
func TestRandomSets(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, p, q = 200_000, 0.1, 0.3
	a, b := roaring.New(), roaring.New()
	for i := range uint32(n) {
		if rng.Float64() < p {
			a.Add(i)
		}
		if rng.Float64() < q {
			b.Add(i)
		}
	}
	if j, err := Bitmaps(a, b); err != nil || j < p*q/(p+q-p*q)-0.004 || j > p*q/(p+q-p*q)+0.004 {
		t.Errorf("J = %v, %v, want about %v", j, err, p*q/(p+q-p*q))
	}
}

func TestMeanPairwise(t *testing.T) {
	sets := []*roaring.Bitmap{roaring.BitmapOf(1, 2), roaring.BitmapOf(2, 3), roaring.BitmapOf(1, 2, 3, 4), roaring.New(), roaring.New()}
	// 1/3, 2/4, 2/4, six pairs with an empty set at 0; the two empty ones do not count.
	mean, pairs, err := MeanPairwise(sets)
	if want := (1.0/3 + 0.5 + 0.5) / 9; err != nil || pairs != 9 || mean-want > 1e-15 || want-mean > 1e-15 {
		t.Errorf("mean %v of %d pairs, %v, want %v of 9", mean, pairs, err, want)
	}
	slices.Reverse(sets)
	if again, _, _ := MeanPairwise(sets); again-mean > 1e-15 || mean-again > 1e-15 {
		t.Errorf("reversed sets: %v, before %v", again, mean)
	}
	if _, _, err := MeanPairwise(sets[:1]); !errors.Is(err, ErrTooFew) {
		t.Errorf("one set: %v", err)
	}
	if _, _, err := MeanPairwise(sets[:2]); !errors.Is(err, ErrEmpty) {
		t.Errorf("two empty sets: %v", err)
	}
}

func TestErrors(t *testing.T) {
	if _, err := Sorted([]uint32{1, 1}, nil); !errors.Is(err, ErrOrder) {
		t.Errorf("repeated element: %v", err)
	}
	if _, err := Sorted(nil, []uint32{2, 1}); !errors.Is(err, ErrOrder) {
		t.Errorf("descending: %v", err)
	}
	if _, err := Counts(-1, 2, 3); !errors.Is(err, ErrCounts) {
		t.Errorf("negative: %v", err)
	}
}
