package finding

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// Validate says what is wrong with a message: not exactly one field set, a
// number that is not finite, or a part that readers rely on and that is
// missing or has the wrong shape.
func (m *Message) Validate() error {
	set := 0
	for _, on := range []bool{m.Config != nil, m.Finding != nil, m.Table != nil, m.Done != nil} {
		if on {
			set++
		}
	}
	if set != 1 {
		return fmt.Errorf("a message holds exactly one of config, finding, table and done, this one holds %d", set)
	}
	var err error
	switch {
	case m.Config != nil:
		err = m.Config.validate()
	case m.Finding != nil:
		err = m.Finding.validate()
	case m.Table != nil:
		err = m.Table.validate()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.what(), err)
	}
	if at := notFinite(reflect.ValueOf(m).Elem()); at != "" {
		return fmt.Errorf("%s: %s is not a finite number", m.what(), at)
	}
	return nil
}

// what names a message in errors.
func (m *Message) what() string {
	switch {
	case m.Config != nil:
		return "config"
	case m.Finding != nil:
		return fmt.Sprintf("finding %q", m.Finding.ID)
	case m.Table != nil:
		return fmt.Sprintf("table %q of %q", m.Table.Name, m.Table.Variant)
	default:
		return "done"
	}
}

func (c *Config) validate() error {
	switch {
	case c.Protocol < 1:
		return fmt.Errorf("protocol is %d, want 1 to %d", c.Protocol, ProtocolVersion)
	case c.Protocol > ProtocolVersion:
		return fmt.Errorf("protocol is %d, this program knows up to %d", c.Protocol, ProtocolVersion)
	case len(c.ClassSizes) != 0 && len(c.ClassSizes) != len(c.Classes):
		return fmt.Errorf("%d class sizes for %d classes", len(c.ClassSizes), len(c.Classes))
	case len(c.Populations) == 0:
		return errors.New("there are no populations")
	}
	return nil
}

func (f *Finding) validate() error {
	switch {
	case f.ID == "":
		return errors.New("id is empty")
	case f.Check == "":
		return errors.New("check is empty")
	case f.Question == "":
		return errors.New("question is empty")
	}
	switch f.Outcome {
	case Worse, Better, NotDetected, Described:
	case NotMeasurable, Failed:
		if f.Reason == "" {
			return fmt.Errorf("outcome %s without a reason", f.Outcome)
		}
	default:
		return fmt.Errorf("outcome %q is unknown", f.Outcome)
	}
	switch f.Scope.Kind {
	case Overall, Class, Subgroup, Examples, Layer, Corruption, Severity, Benchmark:
		return nil
	default:
		return fmt.Errorf("scope %q is unknown", f.Scope.Kind)
	}
}

func (t *Table) validate() error {
	if t.Name == "" {
		return errors.New("name is empty")
	}
	if len(t.Columns) == 0 {
		return errors.New("there are no columns")
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("row %d has %d cells for %d columns", i, len(row), len(t.Columns))
		}
		for j, cell := range row {
			switch cell.(type) {
			case nil, string, float64, int, int32, int64:
			default:
				return fmt.Errorf("row %d, column %q holds %T, want a number, a string or null", i, t.Columns[j].Name, cell)
			}
		}
	}
	return nil
}

// notFinite is the path of the first number in v that is NaN or infinite, in
// terms of JSON names, or "".
func notFinite(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Float64, reflect.Float32:
		if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
			return "number"
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return notFinite(v.Elem())
		}
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.String, reflect.Int, reflect.Int64:
			return ""
		}
		for i := range v.Len() {
			if at := notFinite(v.Index(i)); at != "" {
				return join(fmt.Sprintf("[%d]", i), at)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if at := notFinite(v.Field(i)); at != "" {
				name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
				return join(name, at)
			}
		}
	}
	return ""
}

func join(name, rest string) string {
	switch {
	case rest == "number":
		return name
	case strings.HasPrefix(rest, "["):
		return name + rest
	default:
		return name + "." + rest
	}
}
