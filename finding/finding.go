package finding

// Outcome is what a finding says. There are few, so that a reader can act on
// them; Word and Reason say it more exactly.
type Outcome string

// The outcomes. NotDetected is no claim of equality: the minimum detectable
// effect beside it says what could have been missed.
const (
	Worse         Outcome = "worse"          // the variant is worse, beyond chance
	Better        Outcome = "better"         // the variant is better, beyond chance
	NotDetected   Outcome = "not_detected"   // no difference detected
	NotMeasurable Outcome = "not_measurable" // the data cannot answer the question; Reason says why
	Failed        Outcome = "failed"         // the audit itself is void here; Reason says why
	Described     Outcome = "described"      // a measured value that is no test by itself
)

// Reason is why an outcome is NotMeasurable or Failed.
type Reason string

// The reasons.
const (
	NoMemberVariance  Reason = "no_member_variance"  // all members agree exactly: no spread to test against
	Ceiling           Reason = "ceiling"             // recall is 0 or 1 in every member of both populations
	TooFewMembers     Reason = "too_few_members"     // K is too small for the question
	TooFewExamples    Reason = "too_few_examples"    // n is under the minimum
	TooFewDiscordant  Reason = "too_few_discordant"  // too few changed answers to reach the level
	KTooSmall         Reason = "k_too_small"         // no example could reach the level with so few votes
	NoScores          Reason = "no_scores"           // scores were not recorded
	NoTrainCounts     Reason = "no_training_counts"  // training frequencies are not known
	NoAttributes      Reason = "no_attributes"       // examples have no groups
	NoPositiveClass   Reason = "no_positive_class"   // a binary rate needs a positive class
	OneVariant        Reason = "one_variant"         // a curve needs two variants or more
	NoOrder           Reason = "no_order"            // variants have no levels to order them by
	BaselineAtChance  Reason = "baseline_at_chance"  // the baseline is no better than guessing
	Identical         Reason = "identical"           // the candidate's predictions equal the baseline's
	SharedLineageOnly Reason = "shared_lineage"      // the question needs independently trained members
	NothingToMeasure  Reason = "nothing_to_measure"  // an empty set: no such examples
	ComplementOfOther Reason = "complement_of_other" // the same test as its complement, reported there
	NotIndependent    Reason = "not_independent"     // the sample is not one of independent units
	Undecided         Reason = "undecided"           // not enough evidence at the margin; Needed says what would do
	NotComputed       Reason = "not_computed"        // left out by an option
	NoModelFiles      Reason = "no_model_files"      // the model files were not at hand
	SameWeights       Reason = "same_weights"        // the candidate holds the baseline's weights
	NoneWithin        Reason = "none_within_margin"  // no variant is shown to be within the margin
	NoImages          Reason = "no_images"           // the images were not at hand
	NoHumanLabels     Reason = "no_human_labels"     // no labels by people were given
	ClaimNotFound     Reason = "claim_not_found"     // the weights do not show the compression that the file claims
	OneJudge          Reason = "one_judge"           // no image was judged by two people
	OneAnswer         Reason = "one_answer"          // everybody gave the same answer about every image
)

// Word is the plain-language verdict of a finding, as reports print it.
type Word string

// The words for classes and groups (method: harm and disproportion are two
// questions and never mixed).
const (
	Harmed           Word = "harmed"                     // lost recall, beyond chance
	HarmedMore       Word = "disproportionately harmed"  // harmed, and lost more than the model did
	Gained           Word = "gained"                     // gained recall, beyond chance
	LostMore         Word = "lost more than the model"   // v < 0, and a loss that is not beyond chance
	GainedLess       Word = "gained less than the model" // v < 0 without harm
	LostLess         Word = "lost less than the model"   // v > 0 without a gain
	GainedMore       Word = "gained more than the model" // v > 0 with a gain
	NoDifference     Word = "no difference detected"
	WithinMargin     Word = "not worse by more than the margin" // non-inferiority shown at the margin
	CannotSay        Word = "cannot say"
	SignificantRaw   Word = "significant (raw p, as in the paper)" // paper mode only
	MoreThanNoise    Word = "more changes than noise"
	NotMoreThanNoise Word = "no more changes than noise"
	FewerThanNoise   Word = "fewer changes than noise"
	CompressionFound Word = "compression found in the weights"
	NotCompressed    Word = "no compression found in the weights"
	Rescues          Word = "rescues answers"               // the layer in float gives more of the baseline's answers than it takes
	Disturbs         Word = "takes more than it gives back" // the reverse
	MoreBrittle      Word = "more brittle"                  // loses more under the shift than on clean data, in points and in log-odds
	LessBrittle      Word = "less brittle"                  // the reverse
	LosesMorePoints  Word = "loses more points; depends on the scale"
	LosesFewerPoints Word = "loses fewer points; depends on the scale"
	MoreAmongPIEs    Word = "more often among PIEs" // people see the property more often in them than in like examples
	LessAmongPIEs    Word = "less often among PIEs" // the reverse
)

// ScopeKind is the kind of thing a finding is about.
type ScopeKind string

// The kinds of scope.
const (
	Overall  ScopeKind = "overall"
	Class    ScopeKind = "class"
	Subgroup ScopeKind = "subgroup" // one or more attribute values
	Examples ScopeKind = "examples" // a set of examples that the check selected, such as PIEs
	Layer    ScopeKind = "layer"    // a layer of the model, or several that cannot be told apart

	Corruption ScopeKind = "corruption" // a corruption over its severities, or a natural shift
	Severity   ScopeKind = "severity"   // a corruption at one severity
	Benchmark  ScopeKind = "benchmark"  // several corruptions that belong together
)

// Scope is what a finding is about.
type Scope struct {
	Kind   ScopeKind `json:"kind"`
	Class  *int      `json:"class,omitempty"`  // class number, for Class
	Name   string    `json:"name,omitempty"`   // class name, "Male=yes & Young=no", or the set's name
	Groups []Group   `json:"groups,omitempty"` // for Subgroup, in attribute order
	Shift  string    `json:"shift,omitempty"`  // the corruption or natural shift of the data; "" for the clean data, and where Name says it
}

// Group is one attribute value.
type Group struct {
	Attribute string `json:"attribute"`
	Value     string `json:"value"`
}

// Unit is the unit of an estimate.
type Unit string

// The units. Shares are in [0, 1] or, for differences, [-1, 1].
const (
	Share      Unit = "share"
	Difference Unit = "difference" // of shares; times 100 is percentage points
	Ratio      Unit = "ratio"      // relative to 1
	Nats       Unit = "nats"
	Bits       Unit = "bits"
	Count      Unit = "count"
	Plain      Unit = "number"
)

// Covers says which source of chance an interval covers.
type Covers string

// What an interval covers. Both: other members and other examples.
const (
	Members       Covers = "members"
	ExamplesOnly  Covers = "examples"
	Both          Covers = "members and examples"
	CalibrationOf Covers = "calibration noise" // resampled quantizations of one checkpoint
	ImagesOnly    Covers = "images"            // other images of the kind, judged by the same people
	GroupsOnly    Covers = "classes or groups" // other classes or groups of the same kind, with these members and examples
)

// Interval is an interval estimate.
type Interval struct {
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Level  float64 `json:"level"` // such as 0.95
	Covers Covers  `json:"covers"`
	Method string  `json:"method"`
}

// Test is a statistical test as it was made.
type Test struct {
	Name      string   `json:"name"`                // "paired t", "Welch t", "exact McNemar", ...
	Why       string   `json:"why"`                 // why this test and not another
	Statistic *float64 `json:"statistic,omitempty"` // t, T; nil for exact tests without one, and for infinite t (Degenerate)
	DoF       *float64 `json:"dof,omitempty"`
	P         *float64 `json:"p,omitempty"`     // two-sided unless Name says otherwise
	MidP      *float64 `json:"mid_p,omitempty"` // shown, never decides
	Q         *float64 `json:"q,omitempty"`     // Benjamini-Hochberg within Family
	Holm      *float64 `json:"holm,omitempty"`
	BY        *float64 `json:"by,omitempty"`     // Benjamini-Yekutieli
	Family    *Family  `json:"family,omitempty"` // the tests corrected together
}

// Family names the tests that were corrected for multiplicity together.
type Family struct {
	Name string `json:"name"` // "harm by class, int8", ...
	Size int    `json:"size"`
}

// Warning is a doubt about one finding or about the whole audit; reports print
// it as a footnote.
type Warning struct {
	Code string `json:"code"` // stable, kebab-case: "few-members", "degenerate", "residue", ...
	Text string `json:"text"` // one plain sentence
}

// Evidence is what is needed to decide a finding again, at any margin, level
// and correction, without the predictions. Fields that do not apply are nil.
type Evidence struct {
	Examples      int          `json:"examples,omitempty"`       // n in scope
	TotalExamples int          `json:"total_examples,omitempty"` // N of the data set
	BaseCorrect   []int64      `json:"base_correct,omitempty"`   // right answers in scope, one per baseline member
	Correct       []int64      `json:"correct,omitempty"`        // the same for the variant's members
	BaseTotal     []int64      `json:"base_total,omitempty"`     // right answers over all examples, per baseline member
	Total         []int64      `json:"total,omitempty"`          // the same for the variant's members
	Lineages      [][2][]int   `json:"lineages,omitempty"`       // per lineage: indexes of its baseline members and of its variant members
	Pairs         *PairedCells `json:"pairs,omitempty"`          // for one model against one model
	StdErr        *float64     `json:"std_err,omitempty"`        // of the estimate, for the interval's coverage
	DoF           *float64     `json:"dof,omitempty"`
	VarMembers    *float64     `json:"var_members,omitempty"`  // A, variance of the estimate over members
	VarExamples   *float64     `json:"var_examples,omitempty"` // B, over examples
	VarResidual   *float64     `json:"var_residual,omitempty"` // E, subtracted once in the variance over both

	Skew *Skew `json:"skew,omitempty"` // nil where it is not known: then tests take the estimate's chance as symmetric
}

// Skew is how lopsided the chance of an estimate is: what a t-test at a margin leaves
// out. Cubes of the unit of the estimate, and of its sign.
type Skew struct {
	Examples   float64 `json:"examples"`   // third cumulant of the estimate over examples, members fixed
	Both       float64 `json:"both"`       // over members and examples, the members themselves taken as symmetric
	Covariance float64 `json:"covariance"` // of the estimate and its variance over both
}

// PairedCells are the four cells of two models' right and wrong answers.
type PairedCells struct {
	Both        int64 `json:"both"`         // both right
	OnlyBase    int64 `json:"only_base"`    // right to wrong
	OnlyVariant int64 `json:"only_variant"` // wrong to right
	Neither     int64 `json:"neither"`
}

// N is the number of examples in the cells.
func (c PairedCells) N() int64 { return c.Both + c.OnlyBase + c.OnlyVariant + c.Neither }

// Finding is the answer to one question about one scope of one variant.
type Finding struct {
	ID        string    `json:"id"`       // stable: check/question/variant/scope
	Check     string    `json:"check"`    // the check's name, as `lethe explain` knows it
	Question  string    `json:"question"` // "harm", "disproportion", "floor-excess", ... see the check's page
	Baseline  string    `json:"baseline"`
	Variant   string    `json:"variant"` // "" for findings about the baseline or the whole audit
	Scope     Scope     `json:"scope"`
	Metric    string    `json:"metric"` // what the estimate is: "recall difference", ...
	Unit      Unit      `json:"unit"`
	Estimate  *float64  `json:"estimate,omitempty"`
	BaseValue *float64  `json:"base_value,omitempty"` // the metric of the baseline, where the estimate is a comparison
	Value     *float64  `json:"value,omitempty"`      // the metric of the variant
	Reference *float64  `json:"reference,omitempty"`  // what no effect would give, for measures that cannot be negative
	Interval  *Interval `json:"interval,omitempty"`
	Test      *Test     `json:"test,omitempty"`
	Outcome   Outcome   `json:"outcome"`
	Reason    Reason    `json:"reason,omitempty"`
	Word      Word      `json:"word,omitempty"`
	N         int       `json:"n"`                // examples in scope
	KBase     int       `json:"k_base"`           // members used of the baseline
	K         int       `json:"k"`                // members used of the variant
	MDE       *float64  `json:"mde,omitempty"`    // minimum detectable effect at 80 % power, where nothing was detected
	Bound     *float64  `json:"bound,omitempty"`  // a change that could have been missed (ceiling)
	Needed    string    `json:"needed,omitempty"` // what would decide it, in plain words
	Evidence  *Evidence `json:"evidence,omitempty"`
	Warnings  []Warning `json:"warnings,omitempty"`
}

// Float returns a pointer to v, for the optional numbers of a message.
func Float(v float64) *float64 { return &v }

// Int returns a pointer to v, for the optional numbers of a message.
func Int(v int) *int { return &v }
