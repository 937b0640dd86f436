package audit

import "fmt"

// Shift says what a member's recall is compared with in the disproportion
// question.
type Shift string

// The shifts. MemberShift subtracts each member's own accuracy, PopulationShift
// the population's mean accuracy, as the paper's code does.
const (
	MemberShift     Shift = "member"
	PopulationShift Shift = "population"
)

// Ties says which label wins a tied vote.
type Ties string

// The tie rules: the lowest or the highest class number.
const (
	LowestTie  Ties = "lowest"
	HighestTie Ties = "highest"
)

// FDR names the correction that decides over a family of tests.
type FDR string

// The corrections.
const (
	BH    FDR = "bh"   // Benjamini-Hochberg
	BY    FDR = "by"   // Benjamini-Yekutieli
	Holm  FDR = "holm" // Holm
	NoFDR FDR = "none" // raw p
)

// Options are the settings of an audit.
type Options struct {
	Paper        bool    // reproduce the paper's audit: population shift, raw p, highest label wins ties, Welch
	Alpha        float64 // level of tests and of false discovery, in (0, 1)
	FDR          FDR     // correction that decides
	Margin       float64 // absolute loss of recall that matters, a share in (0, 1)
	Level        float64 // level of intervals, in (0, 1)
	Shift        Shift   // disproportion: compared with the member's or the population's accuracy
	Ties         Ties    // which label wins a tied vote
	Seed         uint64  // of every permutation, swap and partition
	MinN         int     // examples a class or group needs to be tested, at least 1
	Depth        int     // attributes crossed in a subgroup, at least 1
	Positive     int     // positive class number for rates of a binary question, -1 for none
	Resample     bool    // compute noise floor, jackknife, swap reference and cross-fitting
	Replicates   int     // permutations and swaps, at least 999
	Partitions   int     // seeded partitions for accuracy on PIEs, at least 1
	MDEPower     float64 // power of the minimum detectable effect, in (0, 1)
	MaxTableRows int     // rows a table of the stream may have
	Threads      int     // 0: as many as the machine has
}

// DefaultOptions are the corrected audit's settings.
func DefaultOptions() Options {
	return Options{
		Alpha: 0.05, FDR: BH, Margin: 0.02, Level: 0.95,
		Shift: MemberShift, Ties: LowestTie, Seed: 1,
		MinN: 10, Depth: 2, Positive: -1,
		Resample: true, Replicates: 9999, Partitions: 50,
		MDEPower: 0.8, MaxTableRows: 2000,
	}
}

// PaperOptions are the settings of the paper's audit (method: section 2).
func PaperOptions() Options {
	o := DefaultOptions()
	o.Paper, o.FDR, o.Shift, o.Ties, o.MinN = true, NoFDR, PopulationShift, HighestTie, 1
	return o
}

// Validate says which setting is out of range.
func (o Options) Validate() error {
	share := func(name string, v float64) error {
		if !(v > 0 && v < 1) {
			return fmt.Errorf("audit: %s is %v, want a share between 0 and 1 (0.05, not 5)", name, v)
		}
		return nil
	}
	for _, e := range []error{share("alpha", o.Alpha), share("margin", o.Margin), share("level", o.Level), share("power", o.MDEPower)} {
		if e != nil {
			return e
		}
	}
	switch {
	case o.FDR != BH && o.FDR != BY && o.FDR != Holm && o.FDR != NoFDR:
		return fmt.Errorf("audit: correction %q, want bh, by, holm or none", o.FDR)
	case o.Shift != MemberShift && o.Shift != PopulationShift:
		return fmt.Errorf("audit: shift %q, want member or population", o.Shift)
	case o.Ties != LowestTie && o.Ties != HighestTie:
		return fmt.Errorf("audit: ties %q, want lowest or highest", o.Ties)
	case o.MinN < 1:
		return fmt.Errorf("audit: minimum of examples is %d, want at least 1", o.MinN)
	case o.Depth < 1 || o.Depth > 4:
		return fmt.Errorf("audit: depth of subgroups is %d, want 1 to 4", o.Depth)
	case o.Replicates < 999:
		return fmt.Errorf("audit: %d replicates, want at least 999", o.Replicates)
	case o.Partitions < 1:
		return fmt.Errorf("audit: %d partitions, want at least 1", o.Partitions)
	}
	return nil
}
