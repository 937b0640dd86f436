package fetch

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lethe-audit/lethe/dataset"
)

// ByHand says how to place the files of a data set in dir without a network,
// or where the publisher wants to know who takes them.
func ByHand(set *dataset.KnownSet, dir string) string {
	var b strings.Builder
	if len(set.Downloads) == 0 {
		fmt.Fprintf(&b, "%s (%s)\nTerms: %s\n\n%s\n", set.Title, set.Page, set.Terms, strings.ReplaceAll(set.Manual, "DIR", dir))
	} else {
		b.WriteString("On a machine with a network, download\n")
		for _, d := range set.Downloads {
			fmt.Fprintf(&b, "  %s\n    %d bytes, %s\n", d.URL, d.Bytes, d.Digest)
		}
		fmt.Fprintf(&b, "into one folder, bring that here as FOLDER, and run\n  lethe data fetch %s -o %s --from FOLDER\n", set.Name, quote(dir))
	}
	fmt.Fprintf(&b, "Then check it:\n  lethe data check %s\n", quote(strings.ReplaceAll(set.Source, "DIR", filepath.ToSlash(dir))))
	return b.String()
}

// quote puts quotes around what a shell would take apart.
func quote(s string) string {
	if strings.ContainsAny(s, " \t\n\"'$&();<>|*?[]\\`") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
