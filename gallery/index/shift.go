package index

import (
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lethe-audit/lethe/prediction"
)

// shifted is what the populations make of the examples under one shift of
// their images.
type shifted struct {
	name string
	base counted
	of   []counted         // by variant
	pie  []*roaring.Bitmap // by variant: the modal labels differ
}

// counted are the votes of one population.
type counted struct {
	modal prediction.Column // modal label
	votes prediction.Column // members that predict the true class
}

// ShiftedRow is what happens to one example under one shift.
type ShiftedRow struct {
	Shift                   string
	Base, Label             int // modal label of the baseline and of the variant
	BaseVotes, VariantVotes int // members that predict the true class
}

// Shifts are the names of the shifts of the same images that the audit knows,
// in its order. There are none without predictions.
func (x *Index) Shifts() []string {
	if x.in.Config == nil || !x.hasPredictions {
		return nil
	}
	var out []string
	for i := range x.in.Config.Shifts {
		if s := &x.in.Config.Shifts[i]; s.Paired && s.Examples == x.n {
			out = append(out, s.Name)
		}
	}
	return out
}

// readShifts counts the votes under every shift of the same images.
func (x *Index) readShifts(t *prediction.Table) error {
	for i := range t.Shifts {
		if !t.Shifts[i].Shift.Paired {
			continue
		}
		s, err := x.readShift(&t.Shifts[i])
		if err != nil {
			return err
		}
		x.loaded.shifts = append(x.loaded.shifts, *s)
	}
	return nil
}

func (x *Index) readShift(from *prediction.Shifted) (*shifted, error) {
	s := &shifted{name: from.Shift.Name}
	if from.Table.Len() != x.n {
		return nil, fmt.Errorf("gallery: shift %s has %d examples, want the %d of the clean data", s.name, from.Table.Len(), x.n)
	}
	for i, v := range append([]Variant{x.baseline}, x.variants...) {
		if err := x.ctx.Err(); err != nil {
			return nil, err
		}
		members, err := membersOf(from.Table, v)
		if err != nil {
			return nil, fmt.Errorf("%w (shift %s)", err, s.name)
		}
		c := x.counted(members)
		if i == 0 {
			s.base = c
			continue
		}
		s.of = append(s.of, c)
		s.pie = append(s.pie, differing(s.base.modal, c.modal))
	}
	return s, nil
}

// counted counts the votes of members. Of labels with as many votes the lowest
// class is the modal one, or the highest where the audit says so.
func (x *Index) counted(members []prediction.Member) counted {
	c := counted{prediction.NewColumn(x.n, len(x.classes)), prediction.NewColumn(x.n, len(members)+1)}
	highest := x.in.Config.Settings.Ties == "highest"
	votes := make([]int32, len(x.classes))
	block := make([][]int32, len(members))
	for k := range block {
		block[k] = make([]int32, 1024)
	}
	for at := 0; at < x.n; at += 1024 {
		n := 0
		for k := range members {
			n = members[k].Predicted.Read(block[k], at)
		}
		for i := range n {
			best := block[0][i]
			for k := range block {
				votes[block[k][i]]++
			}
			for k := range block {
				l := block[k][i]
				if votes[l] > votes[best] || votes[l] == votes[best] && (l < best) != highest {
					best = l
				}
			}
			c.modal.Set(at+i, int(best))
			c.votes.Set(at+i, int(votes[x.shared.truth.At(at+i)]))
			for k := range block {
				votes[block[k][i]] = 0
			}
		}
	}
	return c
}

// differing are the rows in which two columns differ.
func differing(a, b prediction.Column) *roaring.Bitmap {
	dense := make([]uint64, (a.Len()+63)/64)
	for i := range a.Len() {
		if a.At(i) != b.At(i) {
			dense[i/64] |= 1 << (i % 64)
		}
	}
	rows := roaring.FromDense(dense, true)
	rows.RunOptimize()
	return rows
}

// shifted are the rows that are PIEs of variant v under a shift.
func (x *Index) shifted(name string, v int) (*roaring.Bitmap, error) {
	if known := x.Shifts(); !slices.Contains(known, name) {
		return nil, unknown("shift", name, known)
	}
	if err := x.members(); err != nil {
		return nil, err
	}
	for i := range x.loaded.shifts {
		if s := &x.loaded.shifts[i]; s.name == name {
			return s.pie[v], nil
		}
	}
	return nil, fmt.Errorf("gallery: the findings name shift %s, the predictions have none of that name", name)
}

// Shifted is what happens to an example under every shift of its image, in the
// order of [Index.Shifts]; nil where there are none. It waits until they have
// been read.
func (x *Index) Shifted(variant string, row int32) ([]ShiftedRow, error) {
	v, err := x.numberOf(variant)
	if err == nil {
		err = x.inRange(row)
	}
	if err != nil || len(x.Shifts()) == 0 {
		return nil, err
	}
	if err := x.members(); err != nil {
		return nil, err
	}
	var out []ShiftedRow
	for i := range x.loaded.shifts {
		s, r := &x.loaded.shifts[i], int(row)
		out = append(out, ShiftedRow{Shift: s.name, Base: s.base.modal.At(r), Label: s.of[v].modal.At(r), BaseVotes: s.base.votes.At(r), VariantVotes: s.of[v].votes.At(r)})
	}
	return out, nil
}
