package prediction

import (
	"encoding/json"
	"io"
	"path/filepath"

	"github.com/lethe-audit/lethe/internal/atomicfile"
)

// ReferenceName is the file that stands in for predictions that were not
// copied.
const ReferenceName = "reference.json"

// reference names what was audited without holding it.
type reference struct {
	Schema   string             `json:"schema"`
	Version  int                `json:"version"`
	Examples int                `json:"examples"`
	Inputs   []Input            `json:"inputs"`
	Members  []referencedMember `json:"members"`
	Shifts   []referencedShift  `json:"shifts,omitempty"`
}

// referencedShift is one shifted data set.
type referencedShift struct {
	Shift
	Examples int                `json:"examples"`
	Members  []referencedMember `json:"members"`
}

type referencedMember struct {
	Variant string `json:"variant"`
	Member  string `json:"member"`
	Digest  string `json:"digest"` // of the class numbers, see [Column.Digest]
}

// WriteReference writes a directory that holds only [ReferenceName]: the names
// and digests of the files that the table was read from and of every member's
// predictions.
func WriteReference(dir string, t *Table) error {
	r := reference{Schema: schemaName + "-reference", Version: SchemaVersion, Examples: t.Len(), Inputs: t.Inputs}
	r.Members = referencedMembers(t)
	for _, s := range t.Shifts {
		r.Shifts = append(r.Shifts, referencedShift{s.Shift, s.Table.Len(), referencedMembers(s.Table)})
	}
	return atomicfile.Dir(dir, false, func(tmp string) error {
		return atomicfile.Write(filepath.Join(tmp, ReferenceName), func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(r)
		})
	})
}

func referencedMembers(t *Table) []referencedMember {
	var out []referencedMember
	for _, v := range t.Variants {
		for _, m := range v.Members {
			out = append(out, referencedMember{v.Name, m.Name, m.Predicted.Digest()})
		}
	}
	return out
}
