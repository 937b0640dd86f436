package index

import (
	"math/bits"

	"github.com/lethe-audit/lethe/prediction"
)

// matrix holds the members' predictions of each example side by side, in lanes
// of 1, 2 or 4 bytes by the number of classes, so that a machine word compares
// 8, 4 or 2 of them.
type matrix struct {
	words   []uint64 // row after row
	stride  int      // words a row
	lane    int      // bytes of one prediction
	members int
}

// fill puts the columns side by side.
func (m *matrix) fill(columns []prediction.Column, classes int) {
	m.members, m.lane = len(columns), prediction.NewColumn(0, classes).Width()
	if len(columns) == 0 {
		return
	}
	n := columns[0].Len()
	m.stride = (m.members*m.lane + 7) / 8
	m.words = make([]uint64, n*m.stride)
	var block [1024]int32
	perWord := 8 / m.lane
	for at := 0; at < n; at += len(block) { // all members of a block of rows, while they are in the cache
		for k, c := range columns {
			word, shift := k/perWord, k%perWord*m.lane*8
			for i, v := range block[:c.Read(block[:], at)] {
				m.words[(at+i)*m.stride+word] |= uint64(v) << shift
			}
		}
	}
}

func (m *matrix) row(i int) []uint64 { return m.words[i*m.stride : (i+1)*m.stride] }

// differ counts the lanes in which two words differ.
func differ(a, b uint64, lane int) int {
	const (
		low8   = 0x7f7f7f7f7f7f7f7f
		low16  = 0x7fff7fff7fff7fff
		low32  = 0x7fffffff7fffffff
		high8  = ^uint64(low8)
		high16 = ^uint64(low16)
		high32 = ^uint64(low32)
	)
	d := a ^ b
	switch lane { // a lane that is not 0 gets its highest bit, without a carry into the next
	case 1:
		return bits.OnesCount64((d&low8 + low8 | d) & high8)
	case 2:
		return bits.OnesCount64((d&low16 + low16 | d) & high16)
	default:
		return bits.OnesCount64((d&low32 + low32 | d) & high32)
	}
}

// Neighbor is an example that is like another one.
type Neighbor struct {
	Row      int32
	Distance int // members that predict another label than for the other example
	Members  int // of Distance, the most it could be
}

// Nearest returns the n examples whose predictions are most like those of row:
// for which the fewest members of the baseline and of all variants predict
// another label (Hamming distance). Of examples as near the first ones of the
// data are given. It waits until the predictions have been read, and fails
// with [ErrNoPredictions] where there are none.
func (x *Index) Nearest(row int32, n int) ([]Neighbor, error) {
	if err := x.inRange(row); err != nil {
		return nil, err
	}
	if err := x.members(); err != nil {
		return nil, err
	}
	return x.loaded.votes.nearest(int(row), min(n, x.n-1)), nil
}

// nearest reads every row, but of most of them only as much as it takes to see
// that they are further away than what was found.
func (m *matrix) nearest(row, n int) []Neighbor {
	if n < 1 {
		return nil
	}
	of := append([]uint64(nil), m.row(row)...)
	best := make([]Neighbor, 0, n) // ascending
	limit := m.members + 1         // rows must be nearer
	for i, at := 0, 0; at < len(m.words); i, at = i+1, at+m.stride {
		d := 0
		for w, word := range m.words[at : at+m.stride] {
			if d += differ(word, of[w], m.lane); d >= limit {
				break
			}
		}
		if d >= limit || i == row {
			continue
		}
		if len(best) == n {
			best = best[:n-1]
		}
		place := len(best)
		for place > 0 && best[place-1].Distance > d {
			place--
		}
		best = append(best, Neighbor{})
		copy(best[place+1:], best[place:])
		best[place] = Neighbor{int32(i), d, m.members}
		if len(best) == n {
			if limit = best[n-1].Distance; limit == 0 {
				break
			}
		}
	}
	return best
}
