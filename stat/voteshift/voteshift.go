package voteshift

import "errors"

// Reasons a vote shift cannot be computed. All but ErrLineages are answers,
// to be reported as "not measurable".
var (
	ErrTooFew   = errors.New("voteshift: fewer than 2 votes in a population")
	ErrNoVotes  = errors.New("voteshift: a population without votes")
	ErrNoPairs  = errors.New("voteshift: no pair of members of different lineages")
	ErrLineages = errors.New("voteshift: impossible count of same-lineage pairs")
)

// Measurable returns nil if Unpaired has a value for populations of k0 and kt
// members, and ErrTooFew otherwise.
func Measurable(k0, kt int) error {
	if k0 < 2 || kt < 2 {
		return ErrTooFew
	}
	return nil
}

// Unpaired returns the vote shift Q of one example between two unrelated
// populations whose votes are x and y, by label. It panics with ErrTooFew
// where Measurable returns it; a caller checks once for all examples.
func Unpaired(x, y []int) float64 {
	k0, kt, within, cross := products(x, y)
	if err := Measurable(k0, kt); err != nil {
		panic(err)
	}
	return within - 2*float64(cross)/(float64(k0)*float64(kt))
}

// SharedLineage returns the vote shift Q of one example between populations
// whose members share lineages. pairs is the number of (baseline, variant)
// pairs of members with the same lineage (the number of lineages when each has
// one member in either population), agree the number of those pairs that vote
// for the same label on this example. Members of one population must be of
// different lineages.
func SharedLineage(x, y []int, agree, pairs int) (float64, error) {
	k0, kt, within, cross := products(x, y)
	if err := Measurable(k0, kt); err != nil {
		return 0, err
	}
	different := int64(k0)*int64(kt) - int64(pairs)
	switch {
	case agree < 0 || agree > pairs || pairs < 0 || different < 0:
		return 0, ErrLineages
	case different == 0:
		return 0, ErrNoPairs
	}
	apart := cross - int64(agree)
	if apart < 0 || apart > different {
		return 0, ErrLineages
	}
	return within - 2*float64(apart)/float64(different), nil
}

// products returns the sizes of the populations, the share of agreeing pairs
// of members within each (summed), and the number of agreeing pairs across.
func products(x, y []int) (k0, kt int, within float64, cross int64) {
	if len(x) != len(y) {
		panic("voteshift: vote vectors over different labels")
	}
	var same0, samet int64
	for c, a := range x {
		b := y[c]
		if a < 0 || b < 0 {
			panic("voteshift: negative votes")
		}
		k0 += a
		kt += b
		same0 += int64(a) * int64(a-1)
		samet += int64(b) * int64(b-1)
		cross += int64(a) * int64(b)
	}
	if k0 > 1 && kt > 1 {
		within = float64(same0)/(float64(k0)*float64(k0-1)) + float64(samet)/(float64(kt)*float64(kt-1))
	}
	return k0, kt, within, cross
}

// Taxicab returns Σ_c |x_c/K₀ − y_c/K_t|, between 0 (equal vote shares) and 2
// (no label in common). It panics with ErrNoVotes if a population is empty.
// It is positive under no effect: report it beside its mean under permuted
// members.
func Taxicab(x, y []int) float64 {
	k0, kt, _, _ := products(x, y)
	if k0 == 0 || kt == 0 {
		panic(ErrNoVotes)
	}
	var d int64
	for c, a := range x {
		d += abs(int64(a)*int64(kt) - int64(y[c])*int64(k0))
	}
	return float64(d) / (float64(k0) * float64(kt))
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}
