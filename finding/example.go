package finding

// ExampleVersion is the version of the table of examples (examples.parquet of
// an audit directory).
//
//	1  first version
const ExampleVersion = 1

// Flip is what happened to an example's modal label between the baseline and a
// variant. With one model on each side it is what happened to the prediction.
type Flip string

// The kinds of flips.
const (
	FlipNone         Flip = "none"           // same label
	FlipRightToWrong Flip = "right_to_wrong" // negative flip
	FlipWrongToRight Flip = "wrong_to_right" // positive flip
	FlipWrongToWrong Flip = "wrong_to_other" // both wrong, different labels
)

// ExampleRow is what happened to one example under one variant. Every example
// has a row for every variant, variants in order, examples in order.
type ExampleRow struct {
	ID           string   `parquet:"id,delta"`
	Row          int64    `parquet:"row"` // row in predictions/examples.parquet
	Variant      string   `parquet:"variant,dict"`
	Label        int32    `parquet:"label"`
	BaseModal    int32    `parquet:"base_modal"`    // modal label of the baseline
	VariantModal int32    `parquet:"variant_modal"` // modal label of the variant
	Tie          bool     `parquet:"tie"`           // a vote tied in either population
	PIE          bool     `parquet:"pie"`           // the modal labels differ
	Flip         Flip     `parquet:"flip,dict"`
	BaseVotes    int32    `parquet:"base_votes"`    // baseline members that predict the true class
	VariantVotes int32    `parquet:"variant_votes"` // variant members that predict the true class
	BaseTop      int32    `parquet:"base_top"`      // baseline members that predict base_modal
	VariantTop   int32    `parquet:"variant_top"`   // variant members that predict variant_modal
	BaseK        int32    `parquet:"base_k"`        // baseline members
	VariantK     int32    `parquet:"variant_k"`     // variant members
	Votes        string   `parquet:"votes"`         // all votes: "3:29 5:1|5:26 3:4", class:members, baseline|variant, most votes first
	Margin       float64  `parquet:"margin"`        // baseline vote share of its first label minus its second, in [0, 1]
	Taxicab      float64  `parquet:"taxicab"`       // distance of the two vote distributions, in [0, 2]
	P            *float64 `parquet:"p,optional"`    // vote changed: exact p; null where not testable
	Q            *float64 `parquet:"q,optional"`    // Benjamini-Hochberg over the testable examples of the variant
	Changed      bool     `parquet:"changed"`       // vote changed, q at or below the level
	CertifiedP   *float64 `parquet:"certified_p,optional"`
	CertifiedQ   *float64 `parquet:"certified_q,optional"`
	Certified    bool     `parquet:"certified"` // the majority label changed, q at or below the level
}
