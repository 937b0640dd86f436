package index

import (
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lethe-audit/lethe/prediction"
)

// table is what the predictions give.
type table struct {
	groupsOnce  once
	membersOnce once
	from        *prediction.Table // between the two, nil otherwise
	attributes  []attribute
	votes       matrix
	shifts      []shifted
}

// Attribute is a property that groups examples.
type Attribute struct {
	Name   string
	Values []string
}

// attribute is an attribute with the rows of its values: of value v at v+1, of
// the examples for which it is not known at 0.
type attribute struct {
	Attribute
	codes prediction.Column
	rows  partition
}

func (a *attribute) sets() []*roaring.Bitmap { return a.rows.of(a.codes, len(a.Values)+1) }

// groups reads the attributes unless they were read before.
func (x *Index) groups() error {
	l := &x.loaded
	return l.groupsOnce.do(func() error {
		t := x.in.Table
		if t == nil {
			if x.in.Load == nil {
				return ErrNoPredictions
			}
			var err error
			if t, err = x.in.Load(x.ctx); err != nil {
				return err
			}
			if t == nil {
				return ErrNoPredictions
			}
		}
		if err := x.sameIDs(func(i int) string { return string(t.ID(i)) }, t.Len()); err != nil {
			return err
		}
		l.attributes = make([]attribute, len(t.Attributes))
		for i := range t.Attributes {
			from, to := &t.Attributes[i], &l.attributes[i]
			to.Name, to.Values = from.Name, from.Values
			to.codes = prediction.NewColumn(x.n, len(from.Values)+1)
			for row, code := range from.Codes {
				to.codes.Set(row, int(code)+1)
			}
			to.sets()
		}
		l.from = t
		return x.ctx.Err()
	})
}

// members reads the members' predictions unless they were read before.
func (x *Index) members() error {
	l := &x.loaded
	return l.membersOnce.do(func() error {
		if err := x.groups(); err != nil {
			return err
		}
		t := l.from
		l.from, x.in.Table, x.in.Load = nil, nil, nil // what is kept of it is in x.loaded
		var columns []prediction.Column
		for _, v := range append([]Variant{x.baseline}, x.variants...) {
			members, err := membersOf(t, v)
			if err != nil {
				return err
			}
			for k := range members {
				columns = append(columns, members[k].Predicted)
			}
		}
		l.votes.fill(columns, len(x.classes))
		return x.readShifts(t)
	})
}

// membersOf are the members of a variant in the predictions.
func membersOf(t *prediction.Table, v Variant) ([]prediction.Member, error) {
	at := slices.IndexFunc(t.Variants, func(p prediction.Variant) bool { return p.Name == v.Name })
	if at < 0 {
		return nil, fmt.Errorf("gallery: variant %s is not in the predictions", v.Name)
	}
	if got := t.Variants[at].Members; len(got) != v.K {
		return nil, fmt.Errorf("gallery: variant %s has %d members in the predictions, %d in the findings", v.Name, len(got), v.K)
	}
	return t.Variants[at].Members, nil
}

// Attributes are the properties that group examples; it waits until they have
// been read. There are none where the audit directory holds no predictions.
func (x *Index) Attributes() ([]Attribute, error) {
	if err := x.groups(); err == ErrNoPredictions {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	out := make([]Attribute, len(x.loaded.attributes))
	for i := range out {
		out[i] = x.loaded.attributes[i].Attribute
	}
	return out, nil
}

// Groups are the values of an example's attributes, in the order of
// [Index.Attributes]; nil until they have been read.
func (x *Index) Groups(row int32) []Value {
	l := &x.loaded
	if !l.groupsOnce.done.Load() || l.groupsOnce.err != nil || x.inRange(row) != nil {
		return nil
	}
	out := make([]Value, len(l.attributes))
	for i := range out {
		a := &l.attributes[i]
		out[i] = a.value(a.codes.At(int(row)))
	}
	return out
}

func (a *attribute) value(code int) Value {
	if code == 0 {
		return Value{Name: a.Name, Missing: true}
	}
	return Value{Name: a.Name, Value: a.Values[code-1]}
}

// rowsOf are the rows of a group.
func (l *table) rowsOf(want Value) (*roaring.Bitmap, error) {
	a, err := l.attribute(want.Name)
	if err != nil {
		return nil, err
	}
	code := 0
	if !want.Missing {
		if code = 1 + slices.Index(a.Values, want.Value); code == 0 {
			return nil, unknown("value of attribute "+want.Name, want.Value, a.Values)
		}
	}
	return a.sets()[code], nil
}

func (l *table) attribute(name string) (*attribute, error) {
	known := make([]string, len(l.attributes))
	for i := range l.attributes {
		if known[i] = l.attributes[i].Name; known[i] == name {
			return &l.attributes[i], nil
		}
	}
	return nil, unknown("attribute", name, known)
}
