package importer

import (
	"context"
	"slices"

	"github.com/lethe-audit/lethe/prediction"
)

// importStored reads a directory of predictions, and adds what the request
// adds to it: another order of variants, attributes, training counts, pairing.
func importStored(ctx context.Context, req *Request) (*prediction.Table, error) {
	dir := req.Sources[0]
	t, err := prediction.Read(ctx, dir)
	if err != nil {
		return nil, wrap(dir, "", err)
	}
	for _, unused := range []struct{ what, value string }{{"labels", req.Labels}, {"ids", req.IDs}, {"class names", req.ClassNames}} {
		if unused.value != "" {
			return nil, &Error{File: dir, Want: "no file of " + unused.what + ": a directory of predictions has its own", Got: unused.value}
		}
	}
	a := newAssembly(ctx, req)
	if err := a.chooseStored(t); err != nil {
		return nil, err
	}
	a.adopt(t)
	if err := a.readAttributes(); err != nil {
		return nil, err
	}
	order := identity(t.Len())
	for _, at := range a.attributes {
		t.Attributes = append(t.Attributes, at.ordered(order))
	}
	cl := &classes{names: t.Classes, byName: map[string]int{}}
	for i, name := range t.Classes {
		cl.byName[name] = i
	}
	if err := a.training(t, cl); err != nil {
		return nil, err
	}
	if req.Paired {
		if err := pair(t); err != nil {
			return nil, err
		}
	}
	t.Notes = append(t.Notes, a.notes...)
	t.Inputs = append(slices.Clone(t.Inputs), a.inputs...)
	return t, t.Validate()
}

// adopt takes over the examples of a table, so that other files can be joined
// to them.
func (a *assembly) adopt(t *prediction.Table) {
	a.n, a.started, a.closed = t.Len(), true, true
	if t.IDs != nil {
		a.ids = newDictionary()
		for _, id := range t.IDs {
			a.ids.code(string(id))
		}
	}
}

// chooseStored puts the variants of a table into the order that the request
// names.
func (a *assembly) chooseStored(t *prediction.Table) error {
	if len(a.specs()) == 0 {
		return nil
	}
	var out []prediction.Variant
	taken := map[string]bool{}
	for _, s := range a.specs() {
		v := prediction.Variant{Name: s.Name, Kind: s.Kind, Level: s.Level}
		for _, ref := range s.Files {
			found := false
			for _, have := range t.Variants {
				whole := have.Name == ref
				if whole && v.Kind == "" {
					v.Kind, v.Level = have.Kind, have.Level
				}
				if whole && s.Unnamed {
					v.Name = have.Name
				}
				for _, m := range have.Members {
					if whole || m.Name == ref {
						v.Members = append(v.Members, m)
						found = true
					}
				}
				taken[have.Name] = taken[have.Name] || found
			}
			if !found {
				return &Error{File: a.req.Sources[0], Want: "a variant or model " + quoted(ref), Got: "none of that name"}
			}
		}
		describe(&v, a.note)
		out = append(out, v)
	}
	if len(a.req.Candidates) == 0 {
		for _, v := range t.Variants {
			if !taken[v.Name] {
				out = append(out, v)
			}
		}
	}
	t.Variants = out
	shifts := t.Shifts
	t.Shifts = nil
	for i := range shifts {
		if err := t.AddShift(shifts[i].Table, shifts[i].Shift); err != nil {
			a.note("the stored predictions for shifted data are left out: %v", err)
			t.Shifts = nil
			break
		}
	}
	return nil
}
