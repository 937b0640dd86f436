// Package permutation holds tests whose null distribution is made by moving the
// data: two samples pooled, baseline and variant swapped within lineages, whole
// members exchanged between populations, signs flipped.
//
// # Statistic
//
// Any statistic T of the caller's, larger meaning further from the null. Of B random
// rearrangements with values T*,
//
//	P = (1 + #{T* ≥ T}) / (B + 1)
//
// so that P is valid and never 0. Where all rearrangements can be listed they are, the
// observed one among them, and P is the share of all with T* ≥ T.
//
// [Swaps] lists sign vectors: −1 swaps baseline and variant in that lineage. [Pools]
// lists assignments of members to two pools. [SignFlip] tests that values are
// symmetric about 0; its statistic is |Σxᵢ|, which orders the flips exactly as the
// studentized mean does, because a flip does not change Σxᵢ².
//
// # Assumes
//
// Under the null hypothesis the rearranged data are as likely as the observed: lineages
// independent of each other and the two sides of each exchangeable (Swaps), members
// exchangeable (Pools, TwoSample), values independent and symmetric (SignFlip).
//
// # Units
//
// Those of the statistic; P is in (0, 1]. Values of T* within a relative 1e-12 of T count
// as equal, so that rounding in a sum taken in another order does not decide.
// The same seed gives the same draws on every machine.
//
// # Not measurable
//
// An empty sample is [ErrEmpty], a NaN is [ErrNotFinite], and sign flips without a
// single non-zero value are [ErrNoSpread]. With L lineages P cannot fall below 2/2ᴸ for a
// statistic that treats both sides alike: see [Rearrangements.MinP].
//
// # References
//
// Phipson, B., Smyth, G. K. (2010). Permutation P-values should never be zero.
// Statistical Applications in Genetics and Molecular Biology 9(1), 39.
// Pitman, E. J. G. (1937). Significance tests which may be applied to samples from
// any populations. Supplement to the JRSS 4(1), 119–130.
package permutation
