package csvlist

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// bands cut a column of numbers into groups.
type bands struct {
	cuts  []float64 // rising; band i holds cuts[i-1] <= x < cuts[i]
	names []string  // one more than cuts
}

// parseBands reads the option bands=COLUMN:CUT,CUT;COLUMN:CUT.
func parseBands(option string, head []string) (map[string]*bands, error) {
	out := map[string]*bands{}
	if option == "" {
		return out, nil
	}
	for _, part := range strings.Split(option, ";") {
		name, list, ok := strings.Cut(part, ":")
		if !ok {
			return nil, fmt.Errorf("bands=%s: want COLUMN:CUT,CUT such as age:18,40,60", option)
		}
		if _, err := pickColumn(head, "bands", name, nil); err != nil {
			return nil, err
		}
		b, texts := &bands{}, strings.Split(list, ",")
		for _, text := range texts {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("bands=%s: %q is no number to cut at", option, text)
			}
			if n := len(b.cuts); n > 0 && v <= b.cuts[n-1] {
				return nil, fmt.Errorf("bands=%s: the cuts do not rise at %s", option, text)
			}
			b.cuts = append(b.cuts, v)
		}
		b.name(texts)
		out[name] = b
	}
	return out, nil
}

// band gives columns of attributes the bands that the option says.
func (t *table) band(option string, head []string) error {
	cut, err := parseBands(option, head)
	if err != nil {
		return err
	}
	for _, g := range t.groups {
		g.bands = cut[g.name]
		delete(cut, g.name)
	}
	for name := range cut {
		return fmt.Errorf("bands=%s: column %s is no attribute", option, name)
	}
	return nil
}

// name names the bands: "<18", "18-39", "60+" between whole numbers, else
// "1.5 to <2".
func (b *bands) name(texts []string) {
	b.names = []string{"<" + texts[0]}
	for i := 1; i < len(texts); i++ {
		lo, hi := b.cuts[i-1], b.cuts[i]
		if lo == math.Trunc(lo) && hi == math.Trunc(hi) {
			last := strconv.FormatFloat(hi-1, 'f', -1, 64)
			if last == texts[i-1] {
				b.names = append(b.names, last)
			} else {
				b.names = append(b.names, texts[i-1]+"-"+last)
			}
			continue
		}
		b.names = append(b.names, texts[i-1]+" to <"+texts[i])
	}
	b.names = append(b.names, texts[len(texts)-1]+"+")
}

// of is the band of a cell; an empty one stays empty.
func (b *bands) of(cell string) (string, error) {
	if cell == "" {
		return "", nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsNaN(v) {
		return "", fmt.Errorf("%q is no number", cell)
	}
	i, found := slices.BinarySearch(b.cuts, v)
	if found {
		i++
	}
	return b.names[i], nil
}

// parseShare reads the option test-share; 0 without it.
func parseShare(option string, split int) (float64, error) {
	if option == "" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(option, 64)
	switch {
	case err != nil || !(v > 0 && v < 1):
		return 0, fmt.Errorf("test-share=%s: want a share between 0 and 1", option)
	case split >= 0:
		return 0, fmt.Errorf("test-share=%s: the table has a column of splits", option)
	}
	return v, nil
}

// drawSplit puts each row into the test or the train split. What a row is in
// depends on its id alone: the SHA-256 of the id, read as a share.
func (t *table) drawSplit(share float64) error {
	if share == 0 {
		return nil
	}
	t.split = &splitColumn{*newColumn([]string{"split"}, 0)}
	for i, id := range t.paths {
		if t.ids != nil {
			id = t.ids[i]
		}
		h := sha256.Sum256([]byte(id))
		split := dataset.SplitTrain
		if float64(binary.BigEndian.Uint64(h[:8])) < share*(1<<64) {
			split = dataset.SplitTest
		}
		if err := t.split.add(string(split), i+2); err != nil {
			return err
		}
	}
	return nil
}
