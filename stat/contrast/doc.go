// Package contrast tests whether one class changed more or less than the other
// examples between one baseline model and one candidate model.
//
// # Statistic
//
// D_i = r_t,i − r_0,i is −1, 0 or 1 for an example lost, unchanged or won. For
// a class c with a share w of the examples, against the rest:
//
//	effect = (1 − w)(D̄_c − D̄_rest), the normalized recall difference
//	T      = (D̄_c − D̄_rest) / √(s_c²/n_c + s_rest²/n_rest)
//	s_g²   = (n₀₁ + n₁₀)/n_g − D̄_g²
//
// P is two-sided. The reference is class membership permuted over examples
// with T computed anew, of which only the class's counts of −1 and +1 matter;
// they are hypergeometric. Their distribution is summed exactly where it has
// few enough cells, otherwise drawn, with P = (1 + #{|T*| ≥ |T|})/(B + 1).
// When both sides have enough discordant examples (D ≠ 0), P is the normal tail
// of T instead. A permutation that leaves no spread on either side counts
// with |T*| = ∞, or 0 when the means are equal.
//
// # Assumes
//
// Examples are independent draws. The two models are fixed: nothing is said
// about other trainings or about the method of compression. Studentizing keeps
// the size near its level when the spread differs between class and rest; the
// exact reference is exact when D is exchangeable.
//
// # Units
//
// Effect is a difference of recalls in [−1, 1], negative when the class lost
// more than the model did. T has no unit. P is in (0, 1].
//
// # Not measurable
//
// A class or rest without examples is [ErrNoExamples], no discordant example
// [ErrNoDiscordant], the same change in every example [ErrNoSpread].
//
// # References
//
// Janssen, A. (1997). Studentized permutation tests for non-i.i.d. hypotheses
// and the generalized Behrens–Fisher problem. Statistics & Probability
// Letters 36(1), 9–21.
// Phipson, B., Smyth, G. K. (2010). Permutation p-values should never be zero.
// Statistical Applications in Genetics and Molecular Biology 9(1), 39.
package contrast
