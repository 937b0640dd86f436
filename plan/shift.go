package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/internal/strictyaml"
)

// ShiftSpec says what shifted data predictions are of.
type ShiftSpec struct {
	Name       string `json:"name"` // "fog:3", or that of a natural shift
	Benchmark  string `json:"benchmark,omitempty"`
	Corruption string `json:"corruption,omitempty"` // "" for a natural shift
	Severity   int    `json:"severity,omitempty"`   // from 1; 0 for a natural shift
	Seed       uint64 `json:"seed,omitempty"`       // of the corruption
	Paired     bool   `json:"paired,omitempty"`     // the images are the test data's, changed
}

// Shift is one shifted data set of an experiment.
type Shift struct {
	Spec ShiftSpec
	// Source is where the images are, KIND:PATH?options.
	Source string
	// Identity is what identifies the images whatever folder they lie in.
	Identity string
}

// ShiftSource is where the images of a prediction for shifted data are. It is
// no part of a digest.
type ShiftSource struct {
	Job  string `json:"job"` // the job's ID
	Data string `json:"data"`
	// At is the place of the shift in the experiment's file, for errors.
	At string `json:"-"`
}

// Severities is the number of severities of a corruption: they count from 1.
const Severities = 5

// shiftEntry is one entry of an experiment's list: a source, or corruptions at
// severities.
type shiftEntry struct {
	source      located[string]
	name        string // of the source's shift; "" where it says itself
	corruptions []located[string]
	severities  []located[int]
	options     string // of the corruptions, joined by &
}

// located is a value and where it stands in the file.
type located[T any] struct {
	value T
	at    string
}

// shifts are the shifted data sets that the experiment lists, in its order.
func (m *maker) shifts() ([]Shift, []string, error) {
	var out []Shift
	var at []string
	for i, v := range m.e.Shift {
		entry, err := m.e.shiftEntry(fmt.Sprintf("$.shift[%d]", i), v)
		if err != nil {
			return nil, nil, err
		}
		list, where, err := m.expand(entry)
		if err != nil {
			return nil, nil, err
		}
		out, at = append(out, list...), append(at, where...)
	}
	seen := map[string]string{clean: clean}
	for i, s := range out {
		dir := shiftDir(s.Spec.Name)
		if !nameForm.MatchString(dir) {
			return nil, nil, m.e.Fault(at[i], "shift %q, want a name of letters, digits, '.', '_' and '-': {data: SRC, name: NAME}", s.Spec.Name)
		}
		if before, ok := seen[dir]; ok {
			if before == s.Spec.Name {
				return nil, nil, m.e.Fault(at[i], "shift %s is listed twice", s.Spec.Name)
			}
			return nil, nil, m.e.Fault(at[i], "shift %s would lie where %s does; give it another name: {data: SRC, name: NAME}", s.Spec.Name, before)
		}
		seen[dir] = s.Spec.Name
	}
	return out, at, nil
}

// shiftDir is a shift's name as part of a path.
func shiftDir(name string) string { return strings.ReplaceAll(name, ":", "-") }

// expand makes data sets of an entry.
func (m *maker) expand(s *shiftEntry) (out []Shift, at []string, err error) {
	add := func(source, name, where string) error {
		x, err := m.r.Shift(m.plan.TestData, source, name)
		if err != nil {
			return m.e.Fault(where, "%v", err)
		}
		out, at = append(out, x), append(at, where)
		return nil
	}
	if s.source.value != "" {
		if name, level, _ := strings.Cut(s.source.value, ":"); corruptionForm.MatchString(name) {
			if _, err := m.r.Corruptions(name); err == nil {
				return nil, nil, m.e.Fault(s.source.at, "severity %q of %s, want 1 (least) to %d", level, name, Severities)
			}
		}
		return out, at, add(s.source.value, s.name, s.source.at)
	}
	for _, c := range s.corruptions {
		names, err := m.r.Corruptions(c.value)
		if err != nil {
			return nil, nil, m.e.Fault(c.at, "%v", err)
		}
		for _, name := range names {
			for _, l := range s.severities {
				if l.value < 1 || l.value > Severities {
					return nil, nil, m.e.Fault(l.at, "severity %d of %s, want 1 (least) to %d", l.value, name, Severities)
				}
				options := fmt.Sprintf("corruption=%s&severity=%d", name, l.value)
				if s.options != "" {
					options += "&" + s.options
				}
				if err := add(joinOptions(m.plan.TestData, options), "", c.at); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	return out, at, nil
}

// corruptionForm is a corruption, or a group of them, and perhaps a severity.
var corruptionForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]*)(?::([-+]?[0-9]+))?$`)

// shiftEntry reads an entry: a text, or a mapping.
func (e *Experiment) shiftEntry(at string, v any) (*shiftEntry, error) {
	switch v := v.(type) {
	case string:
		m := corruptionForm.FindStringSubmatch(v)
		if m == nil {
			return &shiftEntry{source: located[string]{v, at}}, nil
		}
		s := &shiftEntry{corruptions: []located[string]{{m[1], at}}, severities: allSeverities(at)}
		if m[2] != "" {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, e.Fault(at, "severity %s of %s, want 1 (least) to %d", m[2], m[1], Severities)
			}
			s.severities = []located[int]{{n, at}}
		}
		return s, nil
	case map[string]any:
		return e.shiftMapping(at, v)
	}
	return nil, e.Fault(at, "a shift is a corruption and its severity (fog:3), a source of images (KIND:PATH?options) or a mapping")
}

func allSeverities(at string) []located[int] {
	var out []located[int]
	for n := 1; n <= Severities; n++ {
		out = append(out, located[int]{n, at})
	}
	return out
}

// shiftMapping reads {corruption: ..., severities: ...} or {data: ..., name: ...}.
func (e *Experiment) shiftMapping(at string, v map[string]any) (*shiftEntry, error) {
	known := []string{"corruption", "severity", "severities", "preset", "seed", "data", "name"}
	s := &shiftEntry{severities: allSeverities(at)}
	kinds := [2]string{} // a key of corruptions, one of a source
	var options []string
	for _, key := range sortedKeys(v) {
		var err error
		path, value := at+"."+key, v[key]
		switch key {
		case "corruption":
			s.corruptions, err = listOf[string](e, path, value, "the name of a corruption, or a list of them")
		case "severity", "severities":
			s.severities, err = listOf[int](e, path, value, "whole numbers from 1 (least) to 5")
		case "preset", "seed":
			options = append(options, fmt.Sprintf("corruption-%s=%v", key, value))
		case "data":
			err = text(e, path, value, &s.source.value)
			s.source.at = path
		case "name":
			err = text(e, path, value, &s.name)
		default:
			err = e.Fault(path, "%s", strictyaml.Unknown("key", key, known))
		}
		if err != nil {
			return nil, err
		}
		kind := 0
		if key == "data" || key == "name" {
			kind = 1
		}
		kinds[kind] = key
	}
	s.options = strings.Join(options, "&")
	switch {
	case kinds[0] != "" && kinds[1] != "":
		return nil, e.Fault(at+"."+kinds[1], "%s is of a source of images, %s of corruptions of the test data: want one or the other", kinds[1], kinds[0])
	case s.source.value == "" && len(s.corruptions) == 0:
		return nil, e.Fault(at, "want corruption: (and severities:), or data: a source of images")
	}
	return s, nil
}

func text(e *Experiment, at string, v any, to *string) error {
	s, ok := v.(string)
	if !ok || s == "" {
		return e.Fault(at, "%v, want a text", v)
	}
	*to = s
	return nil
}

// listOf reads a value or a list of values.
func listOf[T string | int](e *Experiment, at string, v any, want string) ([]located[T], error) {
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	var out []located[T]
	for i, x := range list {
		where := at
		if many {
			where = fmt.Sprintf("%s[%d]", at, i)
		}
		var zero T
		var ok bool
		switch to := any(&zero).(type) {
		case *string:
			*to, ok = x.(string)
		case *int:
			var n int
			n, err := strconv.Atoi(fmt.Sprint(x))
			*to, ok = n, err == nil
		}
		if !ok {
			return nil, e.Fault(where, "%v, want %s", x, want)
		}
		out = append(out, located[T]{zero, where})
	}
	if len(out) == 0 {
		return nil, e.Fault(at, "an empty list, want %s", want)
	}
	return out, nil
}
