package index

import (
	"fmt"
	"strings"
)

// unknown is the error about a name that is not there; it says the nearest one
// that is.
func unknown(what, name string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("gallery: %s %q is unknown: there is none", what, name)
	}
	best, least := "", -1
	for _, k := range known {
		if d := distance(strings.ToLower(k), strings.ToLower(name)); least < 0 || d < least {
			best, least = k, d
		}
	}
	return fmt.Errorf("gallery: %s %q is unknown; the nearest known is %q", what, shortened(name), best)
}

// shortened cuts a name that someone else typed to what a message can hold.
func shortened(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

// distance is the number of bytes to insert, delete or replace (Levenshtein),
// of the first 80 bytes.
func distance(a, b string) int {
	a, b = shortened(a), shortened(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
