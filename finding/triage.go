package finding

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// TriageVersion is the version of the table of triage (triage.parquet of an
// audit directory).
//
//	1  first version
const TriageVersion = 1

// triageVersionKey is the key of [TriageVersion] in the file's metadata.
const triageVersionKey = "lethe.triage.version"

// Guess is why an example may be forgotten.
type Guess string

// The guesses, the most telling first. A row's guess is the first that holds.
const (
	GuessMislabelled  Guess = "mislabelled"   // the given label is likely wrong
	GuessAmbiguous    Guess = "ambiguous"     // people do not agree on it
	GuessLowContrast  Guess = "low_contrast"  // among the pictures of least contrast of its class
	GuessBlurred      Guess = "blurred"       // among the least sharp pictures of its class
	GuessNearBoundary Guess = "near_boundary" // the baseline is not decided
	GuessUnexplained  Guess = "unexplained"   // none of the above, or not measurable
)

// Guesses are all guesses, in order.
func Guesses() []Guess {
	return []Guess{GuessMislabelled, GuessAmbiguous, GuessLowContrast, GuessBlurred, GuessNearBoundary, GuessUnexplained}
}

// The sources of a suggested label.
const (
	ByModels = "models" // confident learning over the baseline population
	ByPeople = "people" // people who were asked about this example
)

// TriageRow is what may be wrong with one example that a variant forgets (its
// modal label changes) or whose label is in doubt. Pointers are nil where there
// was nothing to measure.
type TriageRow struct {
	ID        string `parquet:"id,delta"`
	Row       int64  `parquet:"row"`   // row in predictions/examples.parquet
	Label     int32  `parquet:"label"` // given class
	Guess     Guess  `parquet:"guess,dict"`
	Reasons   string `parquet:"reasons,dict"` // every guess that holds, in order, separated by spaces; "" for none
	Forgotten int32  `parquet:"forgotten"`    // variants that forget it

	Margin     *float64 `parquet:"margin,optional"`      // baseline: share of its first label minus that of its second
	MarginP    *float64 `parquet:"margin_p,optional"`    // sign test of these votes; nil where probabilities were used
	MarginRank *float64 `parquet:"margin_rank,optional"` // share of examples with a smaller margin; nil where votes were used

	Suggested  *int32   `parquet:"suggested,optional"`    // the label in place of the given one
	By         *string  `parquet:"suggested_by,optional"` // [ByModels] or [ByPeople]
	LabelScore *float64 `parquet:"label_score,optional"`  // in [0, 1]; the higher the likelier wrong; above 1/2 another label is preferred
	ModelLabel *int32   `parquet:"model_label,optional"`  // what the models suggest, whoever else was asked
	ModelScore *float64 `parquet:"model_score,optional"`  // their score
	Given      *float64 `parquet:"given_p,optional"`      // probability, or share of votes, that the baseline gives the given label
	Other      *float64 `parquet:"model_p,optional"`      // the same of the label that the models suggest
	Threshold  *float64 `parquet:"threshold,optional"`    // mean self-confidence of the label that the models suggest
	Likely     bool     `parquet:"likely"`                // off the diagonal of the confident joint

	Contrast      *float64 `parquet:"contrast,optional"`
	ContrastClass *float64 `parquet:"contrast_rank,optional"` // share of its class with less contrast
	ContrastAll   *float64 `parquet:"contrast_rank_all,optional"`
	Sharpness     *float64 `parquet:"sharpness,optional"`
	SharpClass    *float64 `parquet:"sharpness_rank,optional"` // share of its class that is less sharp
	SharpAll      *float64 `parquet:"sharpness_rank_all,optional"`

	People      *string  `parquet:"people,optional"`       // labels by people, "class:people", most first
	PeopleShare *float64 `parquet:"people_share,optional"` // share of people who gave the label that most gave
}

// Queued reports whether the row belongs into the relabel queue: another label
// is preferred to the given one.
func (r *TriageRow) Queued() bool { return r.LabelScore != nil && *r.LabelScore > 0.5 }

// RelabelOrder sorts rows by how likely their label is wrong: by score, the
// highest first, then by row.
func RelabelOrder(rows []TriageRow) {
	score := func(r *TriageRow) float64 {
		if r.LabelScore == nil {
			return -1
		}
		return *r.LabelScore
	}
	slices.SortStableFunc(rows, func(a, b TriageRow) int {
		switch x, y := score(&a), score(&b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return int(max(-1, min(1, a.Row-b.Row)))
	})
}

// TriageWriter writes the table of triage as Parquet. Equal rows give equal
// bytes.
type TriageWriter struct {
	out  *parquet.GenericWriter[TriageRow]
	rows int64
}

// NewTriageWriter returns a writer of the table to w. [TriageWriter.Close]
// completes the file and leaves w open.
func NewTriageWriter(w io.Writer) *TriageWriter {
	return &TriageWriter{out: parquet.NewGenericWriter[TriageRow](w,
		parquet.Compression(&parquet.Snappy),
		parquet.MaxRowsPerRowGroup(rowGroupRows),
		parquet.CreatedBy("lethe", strconv.Itoa(TriageVersion), ""),
		parquet.KeyValueMetadata(triageVersionKey, strconv.Itoa(TriageVersion)))}
}

// Write adds one row.
func (w *TriageWriter) Write(row *TriageRow) error {
	if err := row.validate(); err != nil {
		return err
	}
	w.rows++
	if _, err := w.out.Write([]TriageRow{*row}); err != nil {
		return fmt.Errorf("finding: write triage: %w", err)
	}
	return nil
}

// Rows is the number of rows written so far.
func (w *TriageWriter) Rows() int64 { return w.rows }

// Close writes what is left and the file's footer.
func (w *TriageWriter) Close() error {
	if err := w.out.Close(); err != nil {
		return fmt.Errorf("finding: write triage: %w", err)
	}
	return nil
}

// numbers are the row's numbers that may be missing, in the order of the
// columns.
func (r *TriageRow) numbers() []*float64 {
	return []*float64{r.Margin, r.MarginP, r.MarginRank, r.LabelScore, r.ModelScore, r.Given, r.Other, r.Threshold,
		r.Contrast, r.ContrastClass, r.ContrastAll, r.Sharpness, r.SharpClass, r.SharpAll, r.PeopleShare}
}

func (r *TriageRow) validate() error {
	if !slices.Contains(Guesses(), r.Guess) {
		return fmt.Errorf("finding: triage of %q: guess %q is unknown", r.ID, r.Guess)
	}
	for g := range strings.FieldsSeq(r.Reasons) {
		if !slices.Contains(Guesses(), Guess(g)) {
			return fmt.Errorf("finding: triage of %q: reason %q is unknown", r.ID, g)
		}
	}
	for _, v := range r.numbers() {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			return fmt.Errorf("finding: triage of %q holds a number that is not finite", r.ID)
		}
	}
	return nil
}

// ReadTriage reads a table of triage of size bytes; rows come in the order of
// the examples. It fails on a file that is none and on one of a newer version.
func ReadTriage(r io.ReaderAt, size int64) (rows []TriageRow, err error) {
	defer func() { // the Parquet library panics on some damaged files
		if p := recover(); p != nil {
			rows, err = nil, fmt.Errorf("finding: triage: damaged Parquet file: %v", p)
		}
	}()
	f, err := parquet.OpenFile(r, size)
	if err != nil {
		return nil, fmt.Errorf("finding: triage: %w", err)
	}
	if err := checkTriage(f); err != nil {
		return nil, err
	}
	in := parquet.NewGenericReader[TriageRow](f)
	defer in.Close() // reads from memory or an open file: nothing to lose
	buf := make([]TriageRow, 256)
	for {
		clear(buf)
		n, err := in.Read(buf)
		rows = append(rows, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("finding: triage: after row %d: %w", len(rows), err)
		}
	}
}

func checkTriage(f *parquet.File) error {
	text, ok := f.Lookup(triageVersionKey)
	if !ok {
		return fmt.Errorf("finding: triage: no %s in the file's metadata: not a table of triage", triageVersionKey)
	}
	version, err := strconv.Atoi(text)
	if err != nil || version < 1 {
		return fmt.Errorf("finding: triage: version %q, want a number from 1", text)
	}
	if version > TriageVersion {
		return fmt.Errorf("finding: triage: version %d, this program reads up to %d: use a newer lethe", version, TriageVersion)
	}
	want := parquet.SchemaOf(TriageRow{})
	for _, path := range want.Columns() {
		a, _ := want.Lookup(path...)
		b, ok := f.Schema().Lookup(path...)
		if !ok || b.Node.Type().Kind() != a.Node.Type().Kind() {
			return fmt.Errorf("finding: triage: column %q is missing or has another type", path[0])
		}
	}
	return nil
}

// RelabelColumns are the columns of the relabel queue, in order.
func RelabelColumns() []string {
	return []string{"rank", "id", "row", "given", "given_name", "suggested", "suggested_name", "score", "suggested_by",
		"given_p", "model_label", "model_p", "threshold", "likely", "people", "guess", "reasons", "forgotten"}
}

// WriteRelabelCSV writes the queue of labels to look at again as CSV, in the
// order of rows, with the classes by name too; numbers that are not there are
// empty cells.
func WriteRelabelCSV(w io.Writer, rows []TriageRow, classes []string) error {
	out := csv.NewWriter(w)
	if err := out.Write(RelabelColumns()); err != nil {
		return fmt.Errorf("finding: write relabel queue: %w", err)
	}
	name := func(c int32) string {
		if c < 0 || int(c) >= len(classes) {
			return ""
		}
		return classes[c]
	}
	for i := range rows {
		r := &rows[i]
		suggested, named, model, by, people := "", "", "", "", ""
		if r.Suggested != nil {
			suggested, named = strconv.Itoa(int(*r.Suggested)), name(*r.Suggested)
		}
		if r.ModelLabel != nil {
			model = strconv.Itoa(int(*r.ModelLabel))
		}
		if r.By != nil {
			by = *r.By
		}
		if r.People != nil {
			people = *r.People
		}
		err := out.Write([]string{strconv.Itoa(i + 1), r.ID, strconv.FormatInt(r.Row, 10), strconv.Itoa(int(r.Label)), name(r.Label),
			suggested, named, optional(r.LabelScore), by, optional(r.Given), model, optional(r.Other), optional(r.Threshold),
			strconv.FormatBool(r.Likely), people, string(r.Guess), r.Reasons, strconv.Itoa(int(r.Forgotten))})
		if err != nil {
			return fmt.Errorf("finding: write relabel queue: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("finding: write relabel queue: %w", err)
	}
	return nil
}

// optional is a number as text, "" where it is not there.
func optional(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}
