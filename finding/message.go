package finding

// ProtocolVersion is the version of the stream.
//
//	1  first version
const ProtocolVersion = 1

// Message is one line of a stream; exactly one field is set.
type Message struct {
	Config  *Config  `json:"config,omitempty"`
	Finding *Finding `json:"finding,omitempty"`
	Table   *Table   `json:"table,omitempty"`
	Done    *Done    `json:"done,omitempty"`
}

// Config opens a stream: what was audited, and how.
type Config struct {
	Protocol    int           `json:"protocol"`
	Tool        string        `json:"tool"` // "lethe v1.2.3"
	Title       string        `json:"title,omitempty"`
	Mode        string        `json:"mode"` // "default" or "paper"
	Settings    Settings      `json:"settings"`
	Checks      []string      `json:"checks"` // that ran, in order
	Classes     []string      `json:"classes"`
	ClassSizes  []int         `json:"class_sizes"` // examples per class
	Attributes  []string      `json:"attributes,omitempty"`
	Examples    int           `json:"examples"`
	Populations []Population  `json:"populations"` // the baseline first
	Shifts      []ShiftInfo   `json:"shifts,omitempty"`
	Join        Join          `json:"join"`
	Inputs      []InputDigest `json:"inputs"`
	Warnings    []Warning     `json:"warnings,omitempty"` // about the whole audit; the loud ones first
}

// Settings are the numbers the audit was made with.
type Settings struct {
	Alpha     float64 `json:"alpha"`      // level of tests
	FDR       string  `json:"fdr"`        // correction that decides: "bh", "by", "holm", "none"
	Margin    float64 `json:"margin"`     // absolute loss that matters, as a share (0.02 is 2 percentage points)
	Level     float64 `json:"level"`      // of intervals
	Shift     string  `json:"shift"`      // "member" or "population"
	Ties      string  `json:"ties"`       // "lowest" or "highest"
	Seed      uint64  `json:"seed"`       // of everything random
	MinN      int     `json:"min_n"`      // examples a group needs
	Depth     int     `json:"depth"`      // attributes crossed in a subgroup
	Positive  string  `json:"positive"`   // positive class, "" for none
	Resample  bool    `json:"resample"`   // noise floor, jackknife and cross-fitting were computed
	Replicate int     `json:"replicates"` // of permutations and swaps
}

// ShiftInfo is one shifted data set that the same models were run on.
type ShiftInfo struct {
	Name       string `json:"name"`
	Benchmark  string `json:"benchmark,omitempty"`
	Corruption string `json:"corruption,omitempty"` // "" for a natural shift
	Severity   int    `json:"severity,omitempty"`   // 1 to 5; 0 for a natural shift
	Paired     bool   `json:"paired,omitempty"`     // the images of the clean data
	Examples   int    `json:"examples"`
}

// Population is one variant as it was audited.
type Population struct {
	Name    string       `json:"name"`
	Kind    string       `json:"kind"`
	Level   *float64     `json:"level,omitempty"`
	Pairing string       `json:"pairing,omitempty"` // "single pair", "paired by lineage", "one checkpoint", "independent"; "" for the baseline
	Members []MemberInfo `json:"members"`
}

// MemberInfo names one member.
type MemberInfo struct {
	Name     string  `json:"name"`
	Seed     *int64  `json:"seed,omitempty"`
	Lineage  string  `json:"lineage,omitempty"`
	Accuracy float64 `json:"accuracy"`         // share right of all examples
	Digest   string  `json:"digest,omitempty"` // of the predictions: sha256 over the class numbers
}

// Join says how rows were brought together.
type Join struct {
	ByPosition bool     `json:"by_position"`
	Missing    int      `json:"missing,omitempty"`
	Unknown    int      `json:"unknown,omitempty"`
	Duplicated int      `json:"duplicated,omitempty"`
	Notes      []string `json:"notes,omitempty"`
}

// InputDigest is one file that was read.
type InputDigest struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Role   string `json:"role,omitempty"`
}

// Table is numbers behind a picture, or a list that is no finding: confusion
// differences, curves, histograms.
type Table struct {
	Name    string   `json:"name"`  // stable: "confusion", "curve", "vote-scatter", "reliability", ...
	Check   string   `json:"check"` // who made it
	Variant string   `json:"variant,omitempty"`
	Title   string   `json:"title"`
	Columns []Column `json:"columns"`
	Rows    [][]any  `json:"rows"`            // numbers, strings or null
	Total   int      `json:"total,omitempty"` // rows there would be, where Rows is cut
	Note    string   `json:"note,omitempty"`
}

// Column describes one column of a [Table].
type Column struct {
	Name string `json:"name"`
	Unit Unit   `json:"unit,omitempty"` // "" for text
	Doc  string `json:"doc,omitempty"`
}

// Done closes a stream.
type Done struct {
	Findings int             `json:"findings"`
	Tables   int             `json:"tables"`
	Outcomes map[Outcome]int `json:"outcomes"`
	Examples int             `json:"example_rows"` // rows of examples.parquet
}
