package dataset

import (
	"slices"
	"strings"
)

// Suggestion ends an error about a name that is not one of known: with the
// nearest one where there is one near, and with all of them.
func Suggestion(name string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	list := strings.Join(known, ", ")
	if near, ok := nearest(name, known); ok {
		return "; did you mean " + near + "? (there are: " + list + ")"
	}
	return "; want one of " + list
}

// nearest is the known name that the fewest edits away from name, if those are
// at most a third of its letters (and at least one is allowed). The first of
// equals wins.
func nearest(name string, known []string) (string, bool) {
	best, at := "", len(name)+1
	for _, k := range known {
		if d := edits(strings.ToLower(name), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best, best != "" && at <= max(1, len(best)/3)
}

// edits is the number of letters to insert, delete, change or swap with the
// next one to make b of a (optimal string alignment).
func edits(a, b string) int {
	var before, last, row []int
	for j := range len(b) + 1 {
		last = append(last, j)
	}
	before, row = slices.Clone(last), slices.Clone(last)
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
