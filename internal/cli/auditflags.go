package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lethe-audit/lethe/audit"
	"github.com/lethe-audit/lethe/prediction"
	"github.com/spf13/cobra"
)

// auditFlags are the settings of an audit on the command line.
type auditFlags struct {
	paper      bool
	margin     string
	alpha      float64
	fdr        string
	shift      string
	ties       string
	seed       uint64
	minN       int
	depth      int
	replicates int
	noResample bool
	checks     []string
}

func (f *auditFlags) add(c *cobra.Command) {
	d := audit.DefaultOptions()
	s := c.Flags()
	s.BoolVar(&f.paper, "paper", false, "reproduce the paper's audit: population shift, raw p <= .05, ties to the highest class, Welch's test")
	s.StringVar(&f.margin, "margin", "2pp", "absolute loss of recall that matters, with its unit: `2pp` (percentage points)")
	s.Float64Var(&f.alpha, "alpha", d.Alpha, "level of tests and of false discovery")
	s.StringVar(&f.fdr, "fdr", string(d.FDR), "correction for many classes or groups that decides: bh, by, holm or none")
	s.StringVar(&f.shift, "shift", string(d.Shift), "disproportion relative to each member's accuracy or to the population's: member or population")
	s.StringVar(&f.ties, "ties", string(d.Ties), "class that wins a tied vote: lowest or highest")
	s.Uint64Var(&f.seed, "seed", d.Seed, "seed of permutations, swaps and partitions")
	s.IntVar(&f.minN, "min-n", d.MinN, "examples a class or group needs to be tested")
	s.IntVar(&f.depth, "depth", d.Depth, "attributes crossed in a subgroup")
	s.IntVar(&f.replicates, "replicates", d.Replicates, "permutations and swaps")
	s.BoolVar(&f.noResample, "no-resample", false, "leave out noise floor, swaps and cross-fitting: faster, and more questions stay open")
	s.StringSliceVar(&f.checks, "checks", nil, "only these `CHECKS`, separated by commas (lethe explain lists them)")
	_ = c.RegisterFlagCompletionFunc("checks", cobra.FixedCompletions(checkNames(), cobra.ShellCompDirectiveNoFileComp))
}

// options are the settings; flags that the user gave override the mode's.
func (f *auditFlags) options(c *cobra.Command) (audit.Options, error) {
	o := audit.DefaultOptions()
	if f.paper {
		o = audit.PaperOptions()
	}
	margin, err := parseMargin(f.margin)
	if err != nil {
		return o, err
	}
	o.Margin, o.Alpha, o.Seed, o.Depth, o.Replicates = margin, f.alpha, f.seed, f.depth, f.replicates
	o.Resample = !f.noResample
	set := c.Flags().Changed
	if set("fdr") {
		o.FDR = audit.FDR(f.fdr)
	}
	if set("shift") {
		o.Shift = audit.Shift(f.shift)
	}
	if set("ties") {
		o.Ties = audit.Ties(f.ties)
	}
	if set("min-n") {
		o.MinN = f.minN
	}
	if err := o.Validate(); err != nil {
		return o, errUsage{err, c.CommandPath()}
	}
	return o, nil
}

// parseMargin reads an absolute loss. "2 %" could mean points, a share of the
// baseline or a fraction, so a unit is required.
func parseMargin(s string) (float64, error) {
	number, ok := strings.CutSuffix(strings.TrimSpace(s), "pp")
	if ok {
		if v, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil && v > 0 && v < 100 {
			return v / 100, nil
		}
	}
	return 0, errUsage{fmt.Errorf("--margin %q: want percentage points with their unit, such as 2pp", s), "lethe audit"}
}

// classNumber finds a class by its name or its number; "" is none.
func classNumber(t *prediction.Table, s string) (int, error) {
	if s == "" {
		return -1, nil
	}
	for i, name := range t.Classes {
		if name == s {
			return i, nil
		}
	}
	if i, err := strconv.Atoi(s); err == nil && i >= 0 && i < len(t.Classes) {
		return i, nil
	}
	return 0, fmt.Errorf("--positive %q is neither the name of a class nor a number from 0 to %d", s, len(t.Classes)-1)
}
