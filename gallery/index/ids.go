package index

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
)

// ids are the ids of all examples, in one text.
type ids struct {
	text []byte
	end  []uint32 // end[i+1] is where the id of row i ends in text

	finding sync.Once
	seed    maphash.Seed
	slots   []uint32 // open addressing: 1 + row, 0 for free

	folding sync.Once
	lower   []byte // text with A to Z as a to z

	mu     sync.Mutex
	recent []found // the one asked for last is last
}

// found are the rows whose ids contain a text.
type found struct {
	text string
	rows *roaring.Bitmap
}

// maxFound is how many searches are kept: a wall asks several times for the
// same one, and again for its next page.
const maxFound = 8

// ids reads the ids.
func (l *loader) ids() {
	l.go1("id", func() error {
		s := &l.x.ids
		s.end = make([]uint32, 1, l.x.n+1)
		return l.x.in.Examples.Texts("id", l.from, l.x.n, func(i int, text []byte) error {
			if len(s.text)+len(text) > math.MaxUint32 {
				return fmt.Errorf("row %d: the ids are longer than 4 GB together", i)
			}
			if i == blockRows { // the rest is likely to be as long
				s.text = slices.Grow(s.text, int(float64(len(s.text))*(float64(l.x.n-i)/blockRows)*1.02))
			}
			s.text = append(s.text, text...)
			s.end = append(s.end, uint32(len(s.text)))
			return nil
		})
	})
}

func (s *ids) at(row int32) []byte { return s.text[s.end[row]:s.end[row+1]] }

// ID is the id of an example; "" where there is no such row.
func (x *Index) ID(row int32) string {
	if x.inRange(row) != nil {
		return ""
	}
	return string(x.ids.at(row))
}

// Find returns the row of the example with that id.
func (x *Index) Find(id string) (row int32, ok bool) {
	s := &x.ids
	s.finding.Do(s.hash)
	for at := s.slot(id); ; at++ {
		e := s.slots[at&(len(s.slots)-1)]
		if e == 0 {
			return 0, false
		}
		if string(s.at(int32(e-1))) == id {
			return int32(e - 1), true
		}
	}
}

func (s *ids) slot(id string) int { return int(maphash.String(s.seed, id) >> 1) }

// hash makes the slots; of ids that are used twice the first row is found.
func (s *ids) hash() {
	n := len(s.end) - 1
	s.seed = maphash.MakeSeed()
	s.slots = make([]uint32, 2<<bits.Len(uint(n)))
	mask := len(s.slots) - 1
	for row := range n {
		at := int(maphash.Bytes(s.seed, s.at(int32(row))) >> 1)
		for s.slots[at&mask] != 0 {
			at++
		}
		s.slots[at&mask] = uint32(row) + 1
	}
}

// containing are the rows whose ids contain text, whatever the case of the
// letters a to z. The set must not be changed.
func (s *ids) containing(text string) *roaring.Bitmap {
	s.mu.Lock()
	for i, f := range s.recent {
		if f.text == text {
			s.recent = append(slices.Delete(s.recent, i, i+1), f)
			s.mu.Unlock()
			return f.rows
		}
	}
	s.mu.Unlock()
	rows := s.search(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.recent) == maxFound {
		s.recent = slices.Delete(s.recent, 0, 1)
	}
	s.recent = append(s.recent, found{text, rows})
	return rows
}

func (s *ids) search(text string) *roaring.Bitmap {
	s.folding.Do(func() { s.lower = lowered(s.text) })
	out := roaring.New()
	want := lowered([]byte(text))
	row := 0 // of the hit; hits come in ascending order
	for from := 0; ; {
		hit := bytes.Index(s.lower[from:], want)
		if hit < 0 {
			return out
		}
		start := from + hit
		for int(s.end[row+1]) <= start {
			row++
		}
		if start+len(want) > int(s.end[row+1]) { // begins in one id and ends in the next
			from = start + 1
			continue
		}
		out.Add(uint32(row))
		from = int(s.end[row+1])
	}
}

// lowered returns text with A to Z as a to z: text itself where it has none.
func lowered(text []byte) []byte {
	upper := func(c byte) bool { return c >= 'A' && c <= 'Z' }
	if !slices.ContainsFunc(text, upper) {
		return text
	}
	out := bytes.Clone(text)
	for i, c := range out {
		if upper(c) {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

// sameIDs checks that the predictions are of the same examples.
func (x *Index) sameIDs(id func(i int) string, n int) error {
	if n != x.n {
		return fmt.Errorf("gallery: the predictions have %d examples, the findings %d: they are of two audits", n, x.n)
	}
	for i := range n {
		if got := id(i); got != string(x.ids.at(int32(i))) {
			return fmt.Errorf("gallery: row %d: the predictions have example %q, the table of examples %q", i, got, x.ids.at(int32(i)))
		}
	}
	return nil
}

var errText = errors.New("gallery: the text to look for in ids is longer than 1,000 bytes")
