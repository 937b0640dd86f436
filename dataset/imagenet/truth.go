package imagenet

import (
	"fmt"
	"strconv"

	"github.com/lethe-audit/lethe/dataset"
)

// labels turns what the ground truth says into class numbers. Without a list
// of classes they are those that occur.
func (t *truth) labels(k *classes) ([]dataset.Label, *classes, error) {
	if isWNID(t.tokens[0]) {
		return t.byWNID(k)
	}
	if t.devkit {
		return t.byDevkit(k)
	}
	return t.byNumber(k)
}

func (t *truth) fail(i int, format string, args ...any) error {
	return fmt.Errorf("%s: image %s: %s", t.path, t.names[i], fmt.Sprintf(format, args...))
}

func (t *truth) byWNID(k *classes) ([]dataset.Label, *classes, error) {
	for i, s := range t.tokens {
		if !isWNID(s) {
			return nil, nil, t.fail(i, "class %q, want a WordNet id such as n01440764", s)
		}
	}
	if k == nil {
		k = newClasses(t.tokens, nil)
	}
	out := make([]dataset.Label, len(t.tokens))
	for i, s := range t.tokens {
		c, ok := k.number[s]
		if !ok {
			return nil, nil, t.fail(i, "class %s is none of the %d classes listed in %s", s, len(k.wnids), k.from)
		}
		out[i] = dataset.Label(c)
	}
	return out, k, nil
}

// byDevkit maps the development kit's own numbers, which are in no order of
// the WordNet ids.
func (t *truth) byDevkit(k *classes) ([]dataset.Label, *classes, error) {
	if k == nil || k.devkit == nil {
		return nil, nil, fmt.Errorf("%s: these are the development kit's own class numbers; meta.mat of the kit is needed to read them (beside it, or by synsets=FILE)", t.path)
	}
	out := make([]dataset.Label, len(t.tokens))
	for i, s := range t.tokens {
		id, err := strconv.Atoi(s)
		if err != nil {
			return nil, nil, t.fail(i, "class %q, want a number", s)
		}
		c, ok := k.devkit[id]
		if !ok {
			return nil, nil, t.fail(i, "class %d is none of the %d classes listed in %s", id, len(k.wnids), k.from)
		}
		out[i] = dataset.Label(c)
	}
	return out, k, nil
}

// maxNumbered is the most classes that numbers alone may stand for.
const maxNumbered = 1 << 16

func (t *truth) byNumber(k *classes) ([]dataset.Label, *classes, error) {
	out := make([]dataset.Label, len(t.tokens))
	most := 0
	for i, s := range t.tokens {
		c, err := strconv.Atoi(s)
		switch {
		case err != nil || c < 0 || c >= maxNumbered:
			return nil, nil, t.fail(i, "class %q, want a WordNet id or a number from 0", s)
		case k != nil && c >= len(k.wnids):
			return nil, nil, t.fail(i, "class %d, %s lists %d", c, k.from, len(k.wnids))
		}
		most, out[i] = max(most, c), dataset.Label(c)
	}
	if k == nil {
		k = &classes{number: map[string]int{}}
		for c := range max(most+1, 1000) {
			k.names = append(k.names, strconv.Itoa(c))
		}
	}
	return out, k, nil
}
