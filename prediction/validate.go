package prediction

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Validate checks what every reader and every check relies on: columns of
// equal length, class numbers inside Classes, dictionary codes inside their
// dictionaries, names that are there and unique. It looks at every value.
func (t *Table) Validate() error {
	if len(t.Classes) == 0 {
		return errors.New("prediction: the table has no classes")
	}
	named := make(map[string]bool, len(t.Classes))
	for i, name := range t.Classes {
		if named[name] || !utf8.ValidString(name) {
			return fmt.Errorf("prediction: class %d: name %q is used twice or is not UTF-8", i, name)
		}
		named[name] = true
	}
	if err := t.subset(); err != nil {
		return err
	}
	if err := t.chosen("labels", t.Labels); err != nil {
		return err
	}
	if t.IDs != nil && len(t.IDs) != t.Len() {
		return fmt.Errorf("prediction: %d ids, there are %d examples", len(t.IDs), t.Len())
	}
	if t.Splits != nil {
		if err := t.attribute(t.Splits); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for i := range t.Attributes {
		a := &t.Attributes[i]
		if a.Name == "" || seen[a.Name] {
			return fmt.Errorf("prediction: attribute %d: name %q is empty or used twice", i, a.Name)
		}
		seen[a.Name] = true
		if err := t.attribute(a); err != nil {
			return err
		}
	}
	if err := t.measured(); err != nil {
		return err
	}
	names := map[string]bool{}
	for i := range t.Variants {
		v := &t.Variants[i]
		if v.Name == "" || names[v.Name] {
			return fmt.Errorf("prediction: variant %d: name %q is empty or used twice", i, v.Name)
		}
		names[v.Name] = true
		for k := range v.Members {
			if err := t.member(&v.Members[k]); err != nil {
				return fmt.Errorf("%w (member %d of variant %s)", err, k, v.Name)
			}
		}
	}
	return nil
}

func (t *Table) classes(what string, c Column) error {
	if c.Len() != t.Len() {
		return fmt.Errorf("prediction: %s: %d rows, there are %d examples", what, c.Len(), t.Len())
	}
	if c.Max() < len(t.Classes) {
		return nil
	}
	for i := range c.Len() {
		if c.At(i) >= len(t.Classes) {
			return fmt.Errorf("prediction: %s: row %d: class %d is outside 0 to %d", what, i, c.At(i), len(t.Classes)-1)
		}
	}
	return nil
}

// subset checks the classes that models chose among.
func (t *Table) subset() error {
	if t.Subset != nil && len(t.Subset) == 0 {
		return errors.New("prediction: a subset without classes")
	}
	for i, c := range t.Subset {
		if c < 0 || c >= len(t.Classes) || i > 0 && c <= t.Subset[i-1] {
			return fmt.Errorf("prediction: subset: class %d is outside 0 to %d or out of order", c, len(t.Classes)-1)
		}
	}
	return nil
}

// chosen checks a column of classes of the subset, if there is one.
func (t *Table) chosen(what string, c Column) error {
	if err := t.classes(what, c); err != nil || t.Subset == nil {
		return err
	}
	in := make([]bool, len(t.Classes))
	for _, k := range t.Subset {
		in[k] = true
	}
	for i := range c.Len() {
		if !in[c.At(i)] {
			return fmt.Errorf("prediction: %s: row %d: class %d is none of the %d that models chose among", what, i, c.At(i), len(t.Subset))
		}
	}
	return nil
}

func (t *Table) attribute(a *Attribute) error {
	if len(a.Codes) != t.Len() {
		return fmt.Errorf("prediction: attribute %s: %d rows, there are %d examples", a.Name, len(a.Codes), t.Len())
	}
	seen := make(map[string]bool, len(a.Values))
	for _, v := range a.Values {
		if seen[v] {
			return fmt.Errorf("prediction: attribute %s: value %q is in its dictionary twice", a.Name, v)
		}
		seen[v] = true
	}
	for i, c := range a.Codes {
		if c < -1 || int(c) >= len(a.Values) {
			return fmt.Errorf("prediction: attribute %s: row %d: code %d is outside -1 to %d", a.Name, i, c, len(a.Values)-1)
		}
	}
	return nil
}

func (t *Table) member(m *Member) error {
	if err := t.chosen("predictions", m.Predicted); err != nil {
		return err
	}
	if m.Unmasked != nil {
		if t.Subset == nil {
			return errors.New("prediction: predictions among all classes beside those among a subset, and the table has none")
		}
		if err := t.classes("predictions among all classes", *m.Unmasked); err != nil {
			return err
		}
	}
	for _, s := range []struct {
		what   string
		values []float32
	}{{"confidence", m.Confidence}, {"true-class score", m.TrueScore}} {
		if s.values == nil {
			continue
		}
		if len(s.values) != t.Len() {
			return fmt.Errorf("prediction: %s: %d rows, there are %d examples", s.what, len(s.values), t.Len())
		}
		for i, v := range s.values {
			if !(v >= 0 && v <= 1) {
				return fmt.Errorf("prediction: %s: row %d: %v is outside [0, 1]", s.what, i, v)
			}
		}
	}
	if len(m.TopK) > len(t.Classes) {
		return fmt.Errorf("prediction: top %d classes, there are %d", len(m.TopK), len(t.Classes))
	}
	for r, c := range m.TopK {
		if err := t.classes(fmt.Sprintf("rank %d", r+1), c); err != nil {
			return err
		}
		if r == 0 && !c.Equal(m.Predicted) {
			return errors.New("prediction: the first of the top classes is not the predicted class")
		}
	}
	return nil
}
