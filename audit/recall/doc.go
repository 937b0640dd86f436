// Package recall measures how the recall of groups of examples changed between
// the baseline and a variant, and tests two questions that are never mixed:
//
//   - harm: did the group lose recall?  d_g = mean_k b[t,k,g] − mean_k b[0,k,g]
//   - disproportion: did it lose more than the model?  v_g = d_g − d
//
// A group is a class or a subgroup; a [Grouping] assigns every example to at
// most one. [Measure] counts everything about all groups in one pass, in
// integers. [Measured.Harm], [Measured.Disproportion] and
// [Measured.NonInferiority] make the findings of one family.
//
// The test follows the design of the populations (audit.Pairing): exact
// McNemar and a studentized contrast for one pair of models, a paired t-test
// over lineages where they are shared, Welch's t-test otherwise. Intervals are
// closed forms over members and examples (package stat/components).
//
// It is shared by the checks classimpact, slice, flip and others and is no
// check itself.
package recall
