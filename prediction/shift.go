package prediction

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// Shift says how the data of a table differ from the clean data that the same
// models were run on.
type Shift struct {
	Name       string `json:"name"`                 // "fog:3", or the name of a natural shift
	Benchmark  string `json:"benchmark,omitempty"`  // "cifar-c", "imagenet-c", "imagenet-a"; "" where not said
	Corruption string `json:"corruption,omitempty"` // "fog"; "" for a natural shift
	Severity   int    `json:"severity,omitempty"`   // 1 to 5; 0 for a natural shift
	Seed       uint64 `json:"seed,omitempty"`       // of the corruption, the same for every model
	Paired     bool   `json:"paired,omitempty"`     // the images are those of the clean data, under the same ids
}

// MaxSeverity is the strongest severity of a corruption.
const MaxSeverity = 5

// ParseShift reads "fog:3", "cifar-c/fog:3" or the name of a natural shift with
// other images, such as "imagenet-a". A corruption at a severity is of the clean
// images.
func ParseShift(s string) (Shift, error) {
	bench, rest, ok := strings.Cut(s, "/")
	if !ok {
		bench, rest = "", s
	}
	name, severity, ok := strings.Cut(rest, ":")
	if name == "" || ok && severity == "" || strings.Contains(severity, ":") || strings.Contains(name, "/") {
		return Shift{}, fmt.Errorf("prediction: shift %q: want CORRUPTION:SEVERITY such as fog:3, BENCHMARK/CORRUPTION:SEVERITY, or the name of a natural shift", s)
	}
	if !ok {
		return Shift{Name: name, Benchmark: bench}, nil
	}
	n, err := strconv.Atoi(severity)
	if err != nil || n < 1 || n > MaxSeverity {
		return Shift{}, fmt.Errorf("prediction: shift %q: severity %q, want 1 to %d", s, severity, MaxSeverity)
	}
	return Shift{Name: rest, Benchmark: bench, Corruption: name, Severity: n, Paired: true}, nil
}

// Validate says what does not fit together.
func (s *Shift) Validate() error {
	switch {
	case s.Name == "":
		return errors.New("prediction: a shift without a name")
	case s.Corruption == "" && s.Severity != 0:
		return fmt.Errorf("prediction: shift %s: severity %d without a corruption", s.Name, s.Severity)
	case s.Corruption != "" && (s.Severity < 1 || s.Severity > MaxSeverity):
		return fmt.Errorf("prediction: shift %s: severity %d, want 1 to %d", s.Name, s.Severity, MaxSeverity)
	case s.Corruption != "" && !s.Paired:
		return fmt.Errorf("prediction: shift %s: a corruption is of the clean images, and they are said to be others", s.Name)
	}
	return nil
}

// Group is what severities of one corruption share: the corruption's name, or the
// shift's own where it has none.
func (s *Shift) Group() string {
	if s.Corruption != "" {
		return s.Corruption
	}
	return s.Name
}

// Shifted is what the models of a table predicted for shifted data.
type Shifted struct {
	Shift Shift
	// Table has the shifted examples. Its variants and members are those of the
	// clean table, in the same order, without restored ones.
	Table *Table
}

// AddShift joins predictions of the same models for shifted data to t. The
// variants and members are found by name. Where the shift is of the clean images,
// rows are put into the order of t by id, or taken as they are where one side has
// no ids; labels must agree. s is not changed.
func (t *Table) AddShift(s *Table, shift Shift) error {
	if err := shift.Validate(); err != nil {
		return err
	}
	for i := range t.Shifts {
		if t.Shifts[i].Shift.Name == shift.Name {
			return fmt.Errorf("prediction: shift %s is given twice", shift.Name)
		}
	}
	if err := sameClasses(t.Classes, s.Classes); err != nil {
		return fmt.Errorf("prediction: shift %s: %w", shift.Name, err)
	}
	variants, err := sameModels(t, s)
	if err != nil {
		return fmt.Errorf("prediction: shift %s: %w", shift.Name, err)
	}
	joined := *s
	joined.Variants, joined.Shifts, joined.Shift = variants, nil, &shift
	if shift.Paired {
		if err := joined.arrange(t); err != nil {
			return fmt.Errorf("prediction: shift %s: %w", shift.Name, err)
		}
	}
	t.Shifts = append(t.Shifts, Shifted{shift, &joined})
	return nil
}

// sameClasses refuses shifted data with other classes, or others' names for them.
func sameClasses(clean, shifted []string) error {
	if len(clean) != len(shifted) {
		return fmt.Errorf("%d classes, the clean predictions have %d", len(shifted), len(clean))
	}
	for c, name := range clean {
		if shifted[c] != name {
			return fmt.Errorf("class %d is called %q, in the clean predictions %q; classes and their order must be the same", c, shifted[c], name)
		}
	}
	return nil
}

// sameModels are the variants of s in the order of t.
func sameModels(t, s *Table) ([]Variant, error) {
	var out []Variant
	for i := range t.Variants {
		v := &t.Variants[i]
		if v.Kind == KindRestored {
			continue
		}
		at := slices.IndexFunc(s.Variants, func(x Variant) bool { return x.Name == v.Name })
		if at < 0 {
			return nil, fmt.Errorf("there is no variant %s; every variant of the clean predictions is wanted", v.Name)
		}
		have := &s.Variants[at]
		if len(have.Members) != len(v.Members) {
			return nil, fmt.Errorf("variant %s has %d models, the clean predictions have %d", v.Name, len(have.Members), len(v.Members))
		}
		members := make([]Member, len(v.Members))
		for k := range v.Members {
			m := &v.Members[k]
			j := slices.IndexFunc(have.Members, func(x Member) bool { return x.Name == m.Name })
			if j < 0 && len(v.Members) == 1 {
				j = 0
			}
			if j < 0 {
				return nil, fmt.Errorf("variant %s has no model %s", v.Name, m.Name)
			}
			if a, b := m.Facts, have.Members[j].Facts; a != nil && b != nil && a.WeightsDigest != b.WeightsDigest {
				return nil, fmt.Errorf("model %s of %s has other weights than the one that was run on the clean data", m.Name, v.Name)
			}
			members[k] = have.Members[j]
			members[k].Name, members[k].Lineage = m.Name, m.Lineage
		}
		out = append(out, *v)
		out[len(out)-1].Members = members
	}
	return out, nil
}

// arrange puts the rows of t into the order of the clean table and takes over its
// attributes.
func (t *Table) arrange(clean *Table) error {
	if t.Len() != clean.Len() {
		return fmt.Errorf("%d examples, the clean data have %d; a corruption is of the same images", t.Len(), clean.Len())
	}
	if t.IDs != nil && clean.IDs != nil && !slices.Equal(t.IDs, clean.IDs) {
		at := make(map[dataset.ExampleID]int, t.Len())
		for i, id := range t.IDs {
			at[id] = i
		}
		order := make([]int, clean.Len())
		for i, id := range clean.IDs {
			j, ok := at[id]
			if !ok {
				return fmt.Errorf("there is no example %q, which the clean data have; ids must be the same", id)
			}
			order[i] = j
		}
		t.permute(order)
	}
	for i := range t.Len() {
		if a, b := t.Labels.At(i), clean.Labels.At(i); a != b {
			return fmt.Errorf("example %s is of class %s, in the clean data of class %s", clean.ID(i), t.Classes[a], t.Classes[b])
		}
	}
	t.Attributes, t.People = clean.Attributes, clean.People
	return nil
}

// permute puts row order[i] at i, in new columns. Full scores are left out: they
// are read from their file in its order.
func (t *Table) permute(order []int) {
	column := func(c Column) Column {
		out := NewColumn(c.Len(), len(t.Classes))
		for i, j := range order {
			out.Set(i, c.At(j))
		}
		return out
	}
	t.Labels, t.IDs = column(t.Labels), reordered(t.IDs, order)
	if t.Splits != nil {
		t.Splits = &Attribute{t.Splits.Name, t.Splits.Values, reordered(t.Splits.Codes, order)}
	}
	measures := t.Measures
	t.Measures = nil
	for _, m := range measures {
		t.Measures = append(t.Measures, Measure{m.Name, reordered(m.Values, order)})
	}
	for i := range t.Variants {
		for k := range t.Variants[i].Members {
			m := &t.Variants[i].Members[k]
			m.Predicted = column(m.Predicted)
			if m.Unmasked != nil {
				c := column(*m.Unmasked)
				m.Unmasked = &c
			}
			m.Confidence, m.TrueScore = reordered(m.Confidence, order), reordered(m.TrueScore, order)
			ranks := m.TopK
			m.TopK, m.Scores = nil, nil
			for _, c := range ranks {
				m.TopK = append(m.TopK, column(c))
			}
		}
	}
}

func reordered[T any](s []T, order []int) []T {
	if s == nil {
		return nil
	}
	out := make([]T, len(order))
	for i, j := range order {
		out[i] = s[j]
	}
	return out
}
