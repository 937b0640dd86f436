package components

import "fmt"

// PairedNormalized returns the components of the normalized difference of a
// class, its mean minus the mean over all examples, from the table of the
// class and the table of all other examples (the same members in the same
// order).
func PairedNormalized(class, rest Sums) (Components, error) {
	if err := checkStrata([]Sums{class, rest}); err != nil {
		return Components{}, err
	}
	w := restShare(class, rest)
	return assemble(w*(class.mean()-rest.mean()),
		[]part{normalizedMembers(class, rest)},
		[]part{class.examplePart(w), rest.examplePart(w)},
		[]part{class.interactionPart(w), rest.interactionPart(w)}), nil
}

// UnpairedNormalized is PairedNormalized for two unrelated populations.
func UnpairedNormalized(class, rest Pair) (Components, error) {
	if err := checkPairs([]Pair{class, rest}); err != nil {
		return Components{}, err
	}
	w := restShare(class.Base, rest.Base)
	return assemble(
		w*((class.Variant.mean()-class.Base.mean())-(rest.Variant.mean()-rest.Base.mean())),
		[]part{normalizedMembers(class.Base, rest.Base), normalizedMembers(class.Variant, rest.Variant)},
		[]part{class.examplePart(w), rest.examplePart(w)},
		[]part{
			class.Base.interactionPart(w), rest.Base.interactionPart(w),
			class.Variant.interactionPart(w), rest.Variant.interactionPart(w),
		}), nil
}

// PairedStratified returns the components of the mean over all examples when
// the strata (classes) have fixed shares, so that differences between strata
// do not count as example variance.
func PairedStratified(strata []Sums) (Components, error) {
	if err := checkStrata(strata); err != nil {
		return Components{}, err
	}
	rows, n := pool(strata)
	all := Sums{N: n, Rows: rows}
	var examples, interaction []part
	for _, s := range strata {
		w := float64(s.N) / float64(n)
		examples = append(examples, s.examplePart(w))
		interaction = append(interaction, s.interactionPart(w))
	}
	return assemble(all.mean(), all.memberParts(), examples, interaction), nil
}

// UnpairedStratified is PairedStratified for two unrelated populations.
func UnpairedStratified(strata []Pair) (Components, error) {
	if err := checkPairs(strata); err != nil {
		return Components{}, err
	}
	base, variant := split(strata)
	rows0, n := pool(base)
	rowst, _ := pool(variant)
	all0, allt := Sums{N: n, Rows: rows0}, Sums{N: n, Rows: rowst}
	var examples, interaction []part
	for _, p := range strata {
		w := float64(p.Base.N) / float64(n)
		examples = append(examples, p.examplePart(w))
		interaction = append(interaction, p.Base.interactionPart(w), p.Variant.interactionPart(w))
	}
	return assemble(allt.mean()-all0.mean(),
		append(all0.memberParts(), allt.memberParts()...), examples, interaction), nil
}

// restShare returns 1 − w for the class's share w of the examples.
func restShare(class, rest Sums) float64 {
	return float64(rest.N) / (float64(class.N) + float64(rest.N))
}

// normalizedMembers returns A of S_k = X_k,class − X_k,all, from the integers
// R_k,class·N − n_class·R_k,all.
func normalizedMembers(class, rest Sums) part {
	n := int64(class.N) + int64(rest.N)
	rows := make([]int64, len(class.Rows))
	for k, r := range class.Rows {
		rows[k] = r*n - int64(class.N)*(r+rest.Rows[k])
	}
	return memberPart(rows, float64(class.N)*float64(n))
}

// pool adds the strata's row sums and sizes.
func pool(strata []Sums) (rows []int64, n int) {
	rows = make([]int64, len(strata[0].Rows))
	for _, s := range strata {
		n += s.N
		for k, r := range s.Rows {
			rows[k] += r
		}
	}
	return rows, n
}

func split(pairs []Pair) (base, variant []Sums) {
	for _, p := range pairs {
		base, variant = append(base, p.Base), append(variant, p.Variant)
	}
	return base, variant
}

func checkStrata(strata []Sums) error {
	if len(strata) == 0 {
		return fmt.Errorf("%w: no strata", ErrSums)
	}
	for g, s := range strata {
		if err := s.check(); err != nil {
			return fmt.Errorf("stratum %d: %w", g, err)
		}
		if s.Members() != strata[0].Members() {
			return fmt.Errorf("%w: stratum %d has %d members, the first %d", ErrSums, g, s.Members(), strata[0].Members())
		}
	}
	return nil
}

func checkPairs(strata []Pair) error {
	for g, p := range strata {
		if err := p.check(); err != nil {
			return fmt.Errorf("stratum %d: %w", g, err)
		}
	}
	base, variant := split(strata)
	if err := checkStrata(base); err != nil {
		return err
	}
	return checkStrata(variant)
}
