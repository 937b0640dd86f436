package importer

import (
	"fmt"
	"strings"

	"github.com/lethe-audit/lethe/prediction"
)

// Request says what to import. Two forms, which may be mixed:
//
//   - Sources: tables that say themselves which model each row or column
//     belongs to. Baseline and Candidates, where given, then name columns of a
//     wide table or models of a long one instead of files.
//   - Labels, Baseline and Candidates: one file (or file#column) per model.
//
// A file name may end in "#name" to choose a column of a table or an array of
// an npz file, as in "preds.csv#resnet8_int8_pred".
type Request struct {
	Sources     []string // files or directories of tables, or one directory that prediction.Write made
	Labels      string   // true classes; its rows set the order of examples for sources without ids
	IDs         string   // ids for sources without their own, one a row in the order of Labels; optional
	Baseline    Spec     // the variant that others are compared with
	Candidates  []Spec   // the other variants, in order of compression
	Attributes  []string // tables of attributes, joined by id or by position
	ClassNames  string   // class names in order: a line each, a JSON list, or a JSON object from number to name
	TrainLabels string   // labels (and attributes) of the training set, of which only the counts are kept

	Columns  Columns // names of columns that are not the usual ones
	Positive string  // for tables with one score of a binary classifier: the class it speaks for; "" is class 1
	Paired   bool    // the k-th member of each candidate was made from the k-th member of the baseline
}

// Spec names a variant and its members.
type Spec struct {
	Name    string
	Unnamed bool            // Name is a stand-in: a better one is taken from the files or the sources where they have one
	Files   []string        // one a member: a file, file#column, or (with Request.Sources) a column or model name; a directory stands for its files
	Kind    prediction.Kind // "" infers it from Name
	Level   *float64        // nil infers it from Name
}

// ParseSpec reads "name=file,file,...", the form that flags have. Without
// "name=" the variant is called fallback.
func ParseSpec(s, fallback string) (Spec, error) {
	name, list, named := strings.Cut(s, "=")
	if !named {
		name, list = fallback, s
	}
	name = strings.TrimSpace(name)
	if name == "" {
		return Spec{}, fmt.Errorf("importer: %q: want NAME=FILE,FILE,..., got no name", s)
	}
	spec := Spec{Name: name, Unnamed: !named}
	for f := range strings.SplitSeq(list, ",") {
		if f = strings.TrimSpace(f); f != "" {
			spec.Files = append(spec.Files, f)
		}
	}
	if len(spec.Files) == 0 {
		return Spec{}, fmt.Errorf("importer: %q: want NAME=FILE,FILE,..., got no file", s)
	}
	return spec, nil
}

// Columns names the columns of tables whose names are not understood. Each is
// optional; "" leaves it to the usual names, which doc/predictions.md lists.
type Columns struct {
	ID         string
	Label      string
	Predicted  string
	Model      string
	Variant    string
	Kind       string
	Level      string
	Lineage    string
	Seed       string
	Split      string
	Confidence string
	TrueScore  string
	Scores     []string // score columns, in order of class number
	Attributes []string // columns that are attributes
	Ignore     []string // columns to leave out
}
