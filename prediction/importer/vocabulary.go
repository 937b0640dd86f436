package importer

import (
	"strconv"
	"strings"
)

// vocabulary is every class text that labels and predictions use, and where
// each was first met, for errors about it.
type vocabulary struct {
	*dictionary
	first []*Error // place of each word
}

func newVocabulary() *vocabulary { return &vocabulary{dictionary: newDictionary()} }

// intern adds the words of a column of classes and gives their codes by the
// column's own codes.
func (v *vocabulary) intern(f *frame, c *column) []int32 {
	recode := make([]int32, len(c.dict))
	before := int32(len(v.words))
	missing := 0
	for i, w := range c.dict {
		recode[i] = v.code(className(w))
		if recode[i] >= before {
			missing++
		}
	}
	v.first = append(v.first, make([]*Error, len(v.words)-int(before))...)
	for row := 0; missing > 0 && row < len(c.codes); row++ {
		code := c.codes[row]
		if code < 0 || recode[code] < before || v.first[recode[code]] != nil {
			continue
		}
		v.first[recode[code]] = f.at(row, c.name)
		missing--
	}
	return recode
}

// className is a class text as it is compared: whole numbers without the
// fraction that spreadsheets and data frames add ("3.0").
func className(s string) string {
	if whole, ok := strings.CutSuffix(s, ".0"); ok {
		if _, err := strconv.ParseInt(whole, 10, 64); err == nil {
			return whole
		}
	}
	return s
}

// classNumber reads a class number.
func classNumber(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return int(n), err == nil
}
